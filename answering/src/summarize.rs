//! Keeps a short summary of what left the window; after the turn, never in its way.

use crate::sentences::sentences;
use crate::spend::usage_of;
use crate::window::{spoken, window, without_quoted_mail};
use crate::worth::holds_secret;
use crate::{Desk, Result};
use domain::OrganizationId;
use domain::job::{Job, SummarizeConversation};
use domain::message::{Message, Sender};
use domain::trace::PromptMessage;
use llm::{CallBudget, ChatRequest, Completion, FinishReason};
use prompts::SummarizePrompt;
use std::time::Duration;

/// Messages that are folded in at once; what is beyond them comes the next time.
const MESSAGES_READ: i64 = 400;
/// Words of a model's summary at most.
const WORDS_MAX: usize = 160;
/// Characters of a summary at most.
const SUMMARY_CHARS_MAX: usize = 1_600;
/// Characters of one message in a summary without a model.
const SENTENCE_CHARS_MAX: usize = 160;
/// Tokens of the model's summary.
const OUTPUT_TOKENS_MAX: usize = 400;
/// How long the model is waited for.
const MODEL_TIMEOUT: Duration = Duration::from_mins(1);

/// Folds what left the window into the summary; completes the job.
///
/// It folds in more than has left: all but the newest messages that fill half the window, so that the next
/// turns find nothing to do.
pub async fn summarize(
    desk: &Desk,
    organization_id: OrganizationId,
    work: &SummarizeConversation,
    job: &Job,
) -> Result<()> {
    let tenant = desk.database.of(organization_id);
    let conversation = tenant.load_conversation(work.conversation_id).await?;
    let marks = tenant.load_memory_marks(work.conversation_id).await?;
    let settings = tenant.load_assistant(conversation.assistant_id).await?.settings;
    let messages = tenant.list_messages(work.conversation_id, marks.summary_seq, MESSAGES_READ).await?;
    let is_all = messages.len() < usize::try_from(MESSAGES_READ).unwrap_or(usize::MAX);
    let said: Vec<Message> = messages.into_iter().filter(|message| message.sender != Sender::System).collect();
    let kept = if is_all {
        window(&spoken(&said), "", settings.window_tokens_max / 2, &|text| desk.tokens.count(text)).messages.len()
    } else {
        0
    };
    let (leaving, _) = said.split_at(said.len().saturating_sub(kept));
    let completion = match leaving {
        [] => None,
        leaving => ask_model(desk, &conversation.summary, leaving, settings.language.as_deref()).await,
    };
    let summary = match leaving {
        [] => None,
        leaving => {
            Some(completion.as_ref().and_then(written).unwrap_or_else(|| extract(&conversation.summary, leaving)))
        }
    };
    let mut transaction = tenant.begin().await?;
    transaction.complete_job(job).await?;
    if let Some(completion) = completion {
        transaction.insert_usage(usage_of(desk, work.conversation_id, completion)).await?;
    }
    if let (Some(summary), Some(last)) = (summary, leaving.last()) {
        transaction.update_conversation_summary(work.conversation_id, summary, last.seq).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn ask_model(desk: &Desk, summary: &str, leaving: &[Message], language: Option<&str>) -> Option<Completion> {
    let chat = desk.chat.as_ref()?;
    let messages: Vec<PromptMessage> = spoken(leaving);
    let prompt = SummarizePrompt { summary, messages: &messages, language, words_max: WORDS_MAX };
    let request = ChatRequest {
        messages: prompts::summarize(&prompt).ok()?.messages,
        output_tokens_max: OUTPUT_TOKENS_MAX,
        budget: CallBudget::new(1).until(tokio::time::Instant::now() + MODEL_TIMEOUT),
        ..ChatRequest::default()
    };
    let completed = chat.complete(&request, None).await;
    completed
        .inspect_err(|error| tracing::warn!(%error, "no model to summarize with, so sentences are taken as they are"))
        .ok()
}

/// The summary, if it is whole.
fn written(completion: &Completion) -> Option<String> {
    let text = completion.text.trim();
    let is_whole = completion.finish_reason != FinishReason::Length && !text.is_empty();
    is_whole.then(|| text.chars().take(SUMMARY_CHARS_MAX).collect())
}

/// What the customer asked and was answered, a line each, after what was known; the oldest lines but the
/// first give way.
pub fn extract(summary: &str, leaving: &[Message]) -> String {
    let mut lines: Vec<String> = summary.lines().map(str::to_owned).collect();
    for message in leaving {
        let line = match message.sender {
            Sender::Customer => first_sentence(&message.content).map(|said| format!("The customer: {said}")),
            Sender::Ai | Sender::Agent => first_sentence(&message.content).map(|said| format!("The desk: {said}")),
            Sender::System => None,
        };
        lines.extend(line.filter(|line| !lines.contains(line)));
    }
    let length = |lines: &[String]| lines.iter().map(|line| line.chars().count() + 1).sum::<usize>();
    while length(&lines) > SUMMARY_CHARS_MAX && lines.len() > 2 {
        lines.remove(1);
    }
    lines.join("\n").chars().take(SUMMARY_CHARS_MAX).collect()
}

/// The first sentence that says more than hello, shortened; secrets are left out.
fn first_sentence(content: &str) -> Option<String> {
    /// Words of a greeting.
    const GREETING_WORDS: usize = 2;
    let text = without_quoted_mail(content);
    let units = sentences(&text);
    let mut said = units.iter().filter_map(|unit| text.get(unit.range.clone())).map(str::trim);
    let telling = |sentence: &&str| sentence.split_whitespace().count() > GREETING_WORDS && !holds_secret(sentence);
    let sentence = said.clone().find(telling).or_else(|| said.next().filter(|sentence| !holds_secret(sentence)))?;
    let one_line = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(one_line.chars().take(SENTENCE_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn message(sender: Sender, content: &str) -> Message {
        serde_json::from_value(serde_json::json!({
            "id": "msg_00000000000000000000000000", "organization_id": "org_00000000000000000000000000",
            "conversation_id": "conv_00000000000000000000000000", "seq": 1, "sender": sender, "content": content,
            "in_reply_to": [], "input_tokens": 0, "output_tokens": 0, "usage_estimated": false, "cost_micro_usd": 0,
            "citations": [], "created_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn the_summary_says_what_was_asked_and_answered() {
        let leaving = [
            message(Sender::Customer, "Hi there! My wheel is bent after the delivery. Can you help?"),
            message(Sender::Ai, "Send us a photograph within 14 days. Then we replace it."),
            message(Sender::System, "A person takes over."),
            message(Sender::Customer, "My card number is 4111 1111 1111 1111."),
        ];
        assert_eq!(
            extract("The customer: Where is my parcel?", &leaving),
            "The customer: Where is my parcel?\nThe customer: My wheel is bent after the delivery.\n\
             The desk: Send us a photograph within 14 days."
        );
    }

    #[test]
    fn it_stays_short_and_keeps_how_it_began() {
        let many: Vec<Message> = (0..60)
            .map(|number| message(Sender::Customer, &format!("The wheel number {number} of my bicycle is bent again.")))
            .collect();
        let summary = extract("", &many);
        assert!(summary.chars().count() <= SUMMARY_CHARS_MAX);
        assert!(summary.starts_with("The customer: The wheel number 0 ") && summary.contains("number 59"));
    }
}
