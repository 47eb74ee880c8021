//! The prompts: Markdown templates, compiled in, and one typed function each.
//!
//! Text from outside stands between fences that it cannot contain and is stated to be data. This
//! crate asks no model and counts no tokens. Read `templates/answer.md` and `answer.rs` first.

mod answer;
mod catalog;
mod draft_article;
mod learn_facts;
mod render;
mod standalone;
mod summarize;

pub use answer::{AnswerPrompt, NO_ANSWER, PromptPassage, answer, answer_with};
pub use catalog::{BuiltIn, built_in, check_answer, difference};
pub use draft_article::{DRAFT_ARTICLES_MAX, DraftArticlePrompt, draft_article, draft_article_schema};
pub use learn_facts::{LearnFactsPrompt, learn_facts};
pub use render::{Error, Rendered};
pub use standalone::{Standalone, StandalonePrompt, standalone};
pub use summarize::{SummarizePrompt, summarize};
