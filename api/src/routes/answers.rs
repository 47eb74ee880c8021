//! Stateless answers: a question in, an answer with its trace out; no conversation is touched.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use crate::objects::{CitationObject, UsageObject};
use crate::routes::assistants::default_assistant;
use answering::receive::CONTENT_CHARS_MAX;
use answering::{Answer, Question, spend, template};
use axum::extract::State;
use domain::assistant::Assistant;
use domain::handoff::HandoffReason;
use domain::memory::Fact;
use domain::message::Decision;
use domain::trace::{PromptMessage, Trace};
use domain::{AssistantId, OrganizationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Messages of a history at most.
const HISTORY_MAX: usize = 40;

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAnswer {
    question: String,
    /// Who answers; the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
    /// What was said before, oldest first.
    #[serde(default)]
    history: Vec<Said>,
}

/// Something said before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// `user` or `assistant`.
    role: Role,
    content: String,
}

/// Who said it.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// The customer.
    User,
    /// The desk.
    Assistant,
}

/// An answer, a question back, or what would have been a handoff.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnswerObject {
    /// Always `answer`.
    object: &'static str,
    pub(crate) content: String,
    citations: Vec<CitationObject>,
    /// `answer`, `clarify` or `hand_off`.
    #[schema(value_type = String, example = "answer")]
    pub(crate) decision: Decision,
    #[schema(value_type = Option<String>)]
    pub(crate) handoff_reason: Option<HandoffReason>,
    /// How sure it is, 0 to 1.
    pub(crate) confidence: Option<f64>,
    model: Option<String>,
    usage: UsageObject,
    /// What it cost, in millionths of a US dollar.
    cost_micro_usd: i64,
    /// Everything that led to it.
    #[schema(value_type = Object)]
    pub(crate) trace: Trace,
}

impl From<Answer> for AnswerObject {
    fn from(answer: Answer) -> Self {
        Self {
            object: "answer",
            content: answer.content,
            citations: answer.citations.into_iter().map(CitationObject::from).collect(),
            decision: answer.decision,
            handoff_reason: answer.handoff_reason,
            confidence: answer.confidence,
            model: answer.model,
            usage: answer.usage.into(),
            cost_micro_usd: answer.cost_micro_usd,
            trace: answer.trace,
        }
    }
}

/// Answers a question.
#[utoipa::path(post, path = "/v1/answers", tag = "playground", request_body = CreateAnswer,
    responses((status = 200, description = "The answer", body = AnswerObject)))]
pub(crate) async fn create_answer(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateAnswer>,
) -> Result<axum::Json<AnswerObject>> {
    let tenant = app.of(caller.organization_id());
    let assistant = match body.assistant {
        Some(id) => tenant.load_assistant(id).await?,
        None => default_assistant(tenant).await?,
    };
    let asked = Asked { text: body.question, history: body.history, facts: Vec::new(), template: Template::InUse };
    Ok(axum::Json(answer(&app, caller.organization_id(), assistant, asked).await?))
}

/// What is asked, with what the one who answers knows.
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) history: Vec<Said>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) template: Template,
}

/// Which prompt the answer is written from.
pub(crate) enum Template {
    /// The published one.
    InUse,
    /// That version, published or not.
    Version(i64),
    /// A text that is tried.
    Draft(String),
}

/// Runs the pipeline without a conversation; what a model call cost is recorded.
pub(crate) async fn answer(
    app: &App,
    organization_id: OrganizationId,
    assistant: Assistant,
    asked: Asked,
) -> Result<AnswerObject> {
    check(&asked)?;
    let Ok(_permit) = app.answers.try_acquire() else {
        return Err(Problem::busy("too many questions are being answered at once"));
    };
    let organization = app.of(organization_id).load_organization().await?;
    let chat = app.desk.model_of(organization_id).await?;
    let assistant_id = assistant.id;
    let question = Question {
        organization_id,
        assistant,
        text: asked.text,
        history: asked.history.into_iter().map(Said::into_prompt).collect(),
        summary: String::new(),
        facts: asked.facts,
        earlier: answering::recall::Earlier::default(),
        clarifications: 0,
        staffing: domain::staffing::Staffing::default(),
        allowed_link_hosts: organization.settings.allowed_link_hosts,
        template: match asked.template {
            Template::InUse if chat.is_none() => None,
            Template::InUse => template::in_use(&app.desk, organization_id, assistant_id, None).await?,
            Template::Version(version) => template::version(&app.desk, organization_id, assistant_id, version).await?,
            Template::Draft(text) => Some(template::draft(&text)?),
        },
        budget: organization.settings.budget,
        chat,
    };
    let answer = answering::answer(&app.desk, &question).await?;
    spend::record(&app.desk, &question, &answer).await?;
    Ok(answer.into())
}

impl Said {
    fn into_prompt(self) -> PromptMessage {
        let role = match self.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        PromptMessage { role: role.to_owned(), content: self.content }
    }
}

fn check(asked: &Asked) -> Result<()> {
    let too_long = |text: &str| text.chars().count() > CONTENT_CHARS_MAX;
    if asked.text.trim().is_empty() || too_long(&asked.text) {
        let detail = format!("`question` has from 1 to {CONTENT_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/question"));
    }
    if asked.history.len() > HISTORY_MAX || asked.history.iter().any(|said| too_long(&said.content)) {
        let detail = format!("`history` has at most {HISTORY_MAX} messages of at most {CONTENT_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/history"));
    }
    Ok(())
}
