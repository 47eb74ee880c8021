//! Writes the drafts of a document: with a model where there is one, else by rules. What a model writes is
//! kept sentence by sentence, as far as the document proves it.

use crate::compose::{Linked, linked};
use crate::draft::{self, Drafted, Material};
use crate::{Error, Result};
use domain::sentences::{UnitKind, sentences};
use domain::suggestion::ArticleKind;
use llm::{CallBudget, ChatModel, ChatRequest, FinishReason};
use prompts::{DRAFT_ARTICLES_MAX, DraftArticlePrompt, draft_article, draft_article_schema};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use storage::suggestions::UndraftedDocument;

/// Bytes of a document that a model reads; a longer one is drafted by rules.
const MODEL_BYTES_MAX: usize = 48_000;
/// Tokens of what a model writes about one document.
const OUTPUT_TOKENS_MAX: usize = 4_000;
/// Calls that one document may cost, failed ones included.
const CALLS_MAX: u32 = 3;
/// Time that one document may take.
const DEADLINE: Duration = Duration::from_mins(3);
/// Share of a draft's sentences that must be proved; below it the draft is thrown away.
const PROVED_MIN_PERCENT: usize = 50;
/// Letters from which a word of a title says something.
const TELLING_CHARS_MIN: usize = 4;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 300;

/// Finds the bytes of a text that prove a sentence, and how far; the third argument is the language.
pub type Prove = fn(&str, &str, Option<&str>) -> Option<(Range<usize>, f64)>;

/// Who writes drafts.
#[derive(Clone)]
pub struct Drafter {
    /// The model; without one drafts are made by rules.
    pub chat: Option<Arc<dyn ChatModel>>,
    /// Checks what the model wrote.
    pub prove: Prove,
}

/// The drafts of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// The drafts.
    pub drafts: Vec<Drafted>,
    /// What wrote them: the rules, or a prompt with its version and the model.
    pub generator: String,
}

#[derive(Deserialize)]
struct Reply {
    articles: Vec<ReplyArticle>,
}

#[derive(Deserialize)]
struct ReplyArticle {
    kind: String,
    title: String,
    body: String,
}

impl Drafter {
    /// Drafts by rules only.
    pub fn by_rules() -> Self {
        Self { chat: None, prove: |_, _, _| None }
    }

    /// Drafts what a document has to say.
    ///
    /// # Errors
    /// What a model that may work later fails with. One that fails for good, or writes what cannot be read
    /// or proved, is replaced by the rules.
    pub async fn write(&self, document: &UndraftedDocument) -> Result<Written> {
        let key = document.external_id.clone().unwrap_or_else(|| document.id.to_string());
        if let Some(chat) = &self.chat
            && document.text.len() <= MODEL_BYTES_MAX
            && let Some(written) = self.ask(chat, document, &key).await?
        {
            return Ok(written);
        }
        let material = Material { key: &key, title: &document.title, text: &document.text };
        Ok(Written { drafts: draft::draft(&material), generator: draft::GENERATOR.to_owned() })
    }

    async fn ask(&self, chat: &Arc<dyn ChatModel>, document: &UndraftedDocument, key: &str) -> Result<Option<Written>> {
        let language = document.language.as_deref();
        let prompt = DraftArticlePrompt { title: &document.title, text: &document.text, language };
        let rendered = draft_article(&prompt)?;
        let request = ChatRequest {
            messages: rendered.messages,
            output_tokens_max: OUTPUT_TOKENS_MAX,
            json_schema: Some(draft_article_schema()),
            budget: CallBudget::new(CALLS_MAX).until(tokio::time::Instant::now() + DEADLINE),
            ..ChatRequest::default()
        };
        let completion = match chat.complete(&request, None).await {
            Ok(completion) => completion,
            Err(error) if is_temporary(&error) => return Err(Error::Model(error)),
            Err(error) => {
                tracing::warn!(document.id = %document.id, %error, "drafted by rules instead");
                return Ok(None);
            }
        };
        let complete = matches!(completion.finish_reason, FinishReason::Stop | FinishReason::Other(_));
        let Some(reply) = Some(&completion.text).filter(|_| complete).and_then(|text| read(text)) else {
            tracing::warn!(document.id = %document.id, "the model's drafts cannot be read; drafted by rules instead");
            return Ok(None);
        };
        let mut drafts = Vec::new();
        for article in reply.articles.into_iter().take(DRAFT_ARTICLES_MAX) {
            drafts.extend(self.checked(document, key, drafts.len(), &article));
        }
        let generator = format!("{} {} · {}", rendered.name, rendered.version, completion.model);
        Ok((!drafts.is_empty()).then_some(Written { drafts, generator }))
    }

    /// The article without the sentences that the document does not prove; none where too few are.
    fn checked(
        &self,
        document: &UndraftedDocument,
        key: &str,
        place: usize,
        article: &ReplyArticle,
    ) -> Option<Drafted> {
        let language = document.language.as_deref();
        let kind = if article.kind == "faq" { ArticleKind::Faq } else { ArticleKind::Article };
        let title = one_line(&article.title).chars().take(TITLE_CHARS_MAX).collect::<String>();
        let prove = |sentence: &str| (self.prove)(sentence, &document.text, language);
        let linked = proved(&article.body, &document.text, prove);
        let all = linked.sentences.len() + linked.dropped;
        if title.is_empty() || linked.sentences.is_empty() || linked.sentences.len() * 100 < all * PROVED_MIN_PERCENT {
            tracing::info!(document.id = %document.id, dropped = linked.dropped, "a draft was thrown away: too little of it is proved");
            return None;
        }
        // A model's titles change from draft to draft: the first keeps the document's own key.
        let key = if place == 0 { key.to_owned() } else { format!("{key}#{}", place + 1) };
        let title_support = share_known(&title, &format!("{} {}", document.title, document.text));
        Some(Drafted { key, kind, title, title_support, linked })
    }
}

/// The body without its unproved sentences, and without headings that nothing is left below.
fn proved(body: &str, text: &str, prove: impl Fn(&str) -> Option<(Range<usize>, f64)>) -> Linked {
    let mut kept = String::new();
    let mut block = None;
    let mut dropped = 0;
    let mut proofs = Vec::new();
    let mut heading: Option<&str> = None;
    for unit in sentences(body) {
        let words = unit.text(body);
        if unit.kind == UnitKind::Heading {
            heading = Some(words);
            continue;
        }
        let proof = if words.contains(char::is_alphanumeric) {
            verbatim(words, text, unit.kind).or_else(|| prove(words))
        } else {
            Some((0..0, 1.0))
        };
        let Some(proof) = proof else {
            dropped += 1;
            continue;
        };
        if let Some(heading) = heading.take() {
            separate(&mut kept, "\n\n");
            kept.push_str("##");
            // Whatever depth the model chose: one level, and nothing else of its markup.
            let _ = write!(kept, " {}", heading.trim_start_matches('#').trim());
            block = None;
        }
        let same = block == Some(unit.block);
        let joint = match unit.kind {
            UnitKind::ListItem | UnitKind::TableRow if same => "\n",
            UnitKind::Sentence if same => " ",
            UnitKind::ListItem | UnitKind::TableRow | UnitKind::Sentence | UnitKind::Code | UnitKind::Heading => "\n\n",
        };
        separate(&mut kept, joint);
        kept.push_str(words);
        block = Some(unit.block);
        if words.contains(char::is_alphanumeric) {
            proofs.push(proof);
        }
    }
    let mut proofs = proofs.into_iter();
    let mut linked = linked(kept, |_, _| proofs.next());
    linked.dropped = dropped;
    linked
}

/// Where the text has exactly these words. Code is proved by nothing less.
fn verbatim(words: &str, text: &str, kind: UnitKind) -> Option<(Range<usize>, f64)> {
    if kind != UnitKind::Code {
        return None;
    }
    let inside = words.lines().filter(|line| !line.trim_start().starts_with("```")).collect::<Vec<_>>().join("\n");
    let start = Some(inside.trim()).filter(|inside| !inside.is_empty()).and_then(|inside| text.find(inside))?;
    Some((start..start + inside.trim().len(), 1.0))
}

/// How many of the words that say something are among the known ones, 0 to 1.
fn share_known(words: &str, known: &str) -> f64 {
    let lower = known.to_lowercase();
    let known: HashSet<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let words = words.to_lowercase();
    let telling: Vec<&str> =
        words.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= TELLING_CHARS_MIN).collect();
    let found = telling.iter().filter(|word| known.contains(*word)).count();
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if telling.is_empty() { 1.0 } else { number(found) / number(telling.len()) }
}

fn separate(text: &mut String, by: &str) {
    if !text.is_empty() {
        text.push_str(by);
    }
}

fn read(text: &str) -> Option<Reply> {
    // Some models put their JSON between code fences, whatever they are told.
    let begin = text.find('{')?;
    let end = text.rfind('}')?;
    serde_json::from_str(text.get(begin..=end)?).ok()
}

fn is_temporary(error: &llm::Error) -> bool {
    use domain::{ErrorKind, Kinded};
    matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
