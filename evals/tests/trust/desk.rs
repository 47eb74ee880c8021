//! A small desk with a model of the test's own.

use answering::{Desk, Question, turn};
use domain::assistant::{Assistant, AssistantSettings};
use domain::job::Queue;
use domain::usage::{Budget, TokenUsage};
use domain::{MessageId, OrganizationId};
use futures::future::BoxFuture;
use ingest::Library;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use llm::{ChatModel, ChatRequest, Completion, Deltas, FinishReason};
use std::sync::Arc;
use std::time::Duration;
use storage::jobs::Claim;
use storage::{Database, SqliteSettings};

/// A model that replies as a function of the prompt.
pub(crate) struct Scripted(pub(crate) Box<dyn Fn(&ChatRequest) -> String + Send + Sync>);

impl ChatModel for Scripted {
    fn id(&self) -> &'static str {
        "scripted"
    }

    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        _: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, llm::Error>> {
        Box::pin(async {
            Ok(Completion {
                model: request.model.clone().unwrap_or_else(|| "scripted".to_owned()),
                text: (self.0)(request),
                finish_reason: FinishReason::Stop,
                usage: TokenUsage { input_tokens: 1_000, output_tokens: 50, estimated: false },
                logprobs_mean: None,
            })
        })
    }
}

pub(crate) struct Bed {
    pub(crate) desk: Desk,
    pub(crate) library: Library,
    pub(crate) organization_id: OrganizationId,
    pub(crate) assistant: Assistant,
    pub(crate) home: storage::organizations::Desk,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn new(reply: impl Fn(&ChatRequest) -> String + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteSettings { flush_every_commit: false };
        let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), sqlite).await.unwrap();
        database.migrate().await.unwrap();
        let home = database.found_desk("Lumen Bikes").await.unwrap();
        let settings = retrieval::Settings::embedded(folder.path().join("indexes"));
        let retrieval = retrieval::Retrieval::open(settings).await.unwrap();
        let embedder = llm::EmbedderSlot::default();
        let guard = Guard::new(Vec::new());
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fetcher = Fetcher::new(&guard, FetchSettings::default()).unwrap();
        let price = llm::Price {
            model: "scripted".into(),
            valid_from: "2020-01-01".into(),
            valid_until: None,
            input_usd_per_million: 1.0,
            output_usd_per_million: 1.0,
        };
        let cheap = llm::Price {
            model: "cheap".into(),
            input_usd_per_million: 0.01,
            output_usd_per_million: 0.01,
            ..price.clone()
        };
        let desk = Desk {
            database: database.clone(),
            retrieval: retrieval.clone(),
            models: answering::Models::fixed(Some(Arc::new(Scripted(Box::new(reply))))),
            embedder: embedder.clone(),
            prices: Arc::new(llm::PriceTable::new(&[price, cheap]).unwrap()),
            tokens: llm::TokenCounter::for_model(None),
            settings: answering::Settings { debounce: Duration::ZERO, ..answering::Settings::default() },
        };
        Self {
            library: Library::new(database, retrieval, embedder, fetcher, guard),
            organization_id: home.organization.id,
            assistant: home.assistant.clone(),
            desk,
            home,
            _folder: folder,
        }
    }

    /// Publishes a text under an id, in place of an earlier one.
    pub(crate) async fn publish(&self, id: &str, title: &str, text: &str) {
        self.publish_to("corpus", id, title, text).await;
    }

    /// Publishes a text in a source of that name.
    pub(crate) async fn publish_to(&self, source: &str, id: &str, title: &str, text: &str) {
        let line = serde_json::json!({ "id": id, "title": title, "text": text }).to_string() + "\n";
        ingest::import::import(&self.library, self.organization_id, source, line.as_bytes(), |_| {}).await.unwrap();
        ingest::index::catch_up(&self.library, self.organization_id).await.unwrap();
    }

    pub(crate) async fn set(&mut self, change: impl FnOnce(&mut AssistantSettings)) {
        change(&mut self.assistant.settings);
        let mut transaction = self.desk.database.of(self.organization_id).begin().await.unwrap();
        transaction.update_assistant(self.assistant.id, &self.assistant.name, &self.assistant.settings).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(crate) fn question(&self, text: &str) -> Question {
        Question {
            organization_id: self.organization_id,
            assistant: self.assistant.clone(),
            text: text.to_owned(),
            history: Vec::new(),
            summary: String::new(),
            facts: Vec::new(),
            earlier: answering::recall::Earlier::default(),
            clarifications: 0,
            staffing: domain::staffing::Staffing::default(),
            allowed_link_hosts: Vec::new(),
            template: None,
            budget: Budget::default(),
            chat: self.desk.models.installation(),
        }
    }

    /// Says it in a conversation of its own and answers as the worker does; the reply's id.
    pub(crate) async fn customer_says(&self, text: &str) -> MessageId {
        let tenant = self.desk.database.of(self.organization_id);
        let mut transaction = tenant.begin().await.unwrap();
        let customer = storage::customers::NewCustomer {
            external_id: Some(text.to_owned()),
            name: None,
            email: None,
            locale: None,
            profile: serde_json::Map::new(),
            identity: domain::customer::Identity::Unverified,
        };
        let customer = transaction.upsert_customer(&customer).await.unwrap();
        let new = storage::conversations::NewConversation {
            customer_id: customer.id,
            channel_id: self.home.channels[0].id,
            assistant_id: self.assistant.id,
            title: None,
            metadata: serde_json::Map::new(),
        };
        let conversation = transaction.insert_conversation(new).await.unwrap().id;
        transaction.commit().await.unwrap();
        let incoming =
            answering::receive::Incoming { conversation_id: conversation, content: text.to_owned(), external_id: None };
        answering::receive::receive(&self.desk, self.organization_id, incoming).await.unwrap();
        let worker = self.desk.database.clock().id();
        let claim = Claim { queue: Queue::Answering, worker, lease: Duration::from_mins(1), limit: 1, suspects: false };
        let job = self.desk.database.claim_jobs(claim).await.unwrap().remove(0);
        let turn = turn::load(&self.desk, self.organization_id, conversation).await.unwrap().unwrap();
        let answer = answering::answer(&self.desk, &turn.question).await.unwrap();
        answering::conclude::conclude(&self.desk, &turn, answer, &job).await.unwrap();
        tenant.list_messages(conversation, 0, 10).await.unwrap().last().unwrap().id
    }
}
