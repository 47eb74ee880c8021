//! A model whose calls are paid for: room is taken in the budgets before each, and its use recorded after it.
//! For what no customer waits for: the memory, summaries, drafts of articles.

use crate::spend::{Payer, Room, reserve};
use crate::{Desk, Result};
use domain::assistant::Assistant;
use domain::usage::{Budget, TokenUsage};
use domain::{ConversationId, OrganizationId, UsageId};
use futures::future::BoxFuture;
use llm::{ChatModel, ChatRequest, Completion, Deltas};
use std::sync::Arc;
use storage::usage::NewUsage;

/// The desk's model for one tenant.
struct MeteredModel {
    desk: Desk,
    chat: Arc<dyn ChatModel>,
    organization_id: OrganizationId,
    budget: Budget,
    for_conversation: Option<(ConversationId, Assistant)>,
}

/// The model for something of an organization; `None` where the desk has none.
pub async fn model_for_organization(desk: &Desk, id: OrganizationId) -> Result<Option<Arc<dyn ChatModel>>> {
    open(desk, id, None).await
}

/// The model for something of a conversation: its assistant's own budget binds too.
pub(crate) async fn model_for_conversation(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
) -> Result<Option<Arc<dyn ChatModel>>> {
    open(desk, organization_id, Some(id)).await
}

async fn open(
    desk: &Desk,
    organization_id: OrganizationId,
    conversation_id: Option<ConversationId>,
) -> Result<Option<Arc<dyn ChatModel>>> {
    let Some(chat) = desk.model_of(organization_id).await? else { return Ok(None) };
    let tenant = desk.database.of(organization_id);
    let budget = tenant.load_organization().await?.settings.budget;
    let for_conversation = match conversation_id {
        Some(id) => Some((id, tenant.load_assistant(tenant.load_conversation(id).await?.assistant_id).await?)),
        None => None,
    };
    Ok(Some(Arc::new(MeteredModel { desk: desk.clone(), chat, organization_id, budget, for_conversation })))
}

impl MeteredModel {
    fn assistant(&self) -> Option<&Assistant> {
        self.for_conversation.as_ref().map(|(_, assistant)| assistant)
    }

    async fn pay_and_complete(&self, request: &ChatRequest, deltas: Option<Deltas>) -> Result<Completion, llm::Error> {
        let payer = Payer {
            organization_id: self.organization_id,
            budget: self.budget,
            assistant: self.assistant(),
            configured: self.id(),
        };
        let prompt_tokens = self.desk.tokens.count_messages(&request.messages);
        let room = reserve(&self.desk, payer, prompt_tokens, request.output_tokens_max).await;
        let (model, reservation) = match room {
            Ok(Room::Taken { model, reservation }) => (model, reservation),
            Ok(Room::Quote | Room::HandOff) => {
                let message = "the budget leaves no room for this call".to_owned();
                return Err(llm::Error::Forbidden { model: self.id().to_owned(), message });
            }
            Err(error) => {
                let message = format!("the budget cannot be read: {error}");
                return Err(llm::Error::Unavailable { model: self.id().to_owned(), retry_after: None, message });
            }
        };
        let asked = model.clone().unwrap_or_else(|| self.id().to_owned());
        let request = ChatRequest { model, ..request.clone() };
        let completed = self.chat.complete(&request, deltas).await;
        if let Err(error) = self.settle(reservation, &asked, completed.as_ref().ok()).await {
            tracing::error!(%error, organization.id = %self.organization_id, "what a model call cost was not recorded");
        }
        completed
    }

    async fn settle(&self, reservation: Option<UsageId>, asked: &str, completion: Option<&Completion>) -> Result<()> {
        let tokens = completion.map_or_else(TokenUsage::default, |completion| completion.usage);
        let model = completion.map(|completion| completion.model.clone()).unwrap_or_default();
        let cost = self.desk.prices.cost_of_call(asked, &model, tokens, &self.desk.database.clock().now().day());
        let usage = NewUsage {
            conversation_id: self.for_conversation.as_ref().map(|(id, _)| *id),
            message_id: None,
            assistant_id: self.assistant().map(|assistant| assistant.id),
            operation: "chat",
            model,
            tokens,
            cost_micro_usd: cost.micro_usd,
        };
        let mut transaction = self.desk.database.of(self.organization_id).begin().await?;
        transaction.settle(reservation, usage).await?;
        Ok(transaction.commit().await?)
    }
}

impl ChatModel for MeteredModel {
    fn id(&self) -> &str {
        self.chat.id()
    }

    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        deltas: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, llm::Error>> {
        Box::pin(self.pay_and_complete(request, deltas))
    }
}
