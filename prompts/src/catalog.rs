//! The prompts by name, and the check that a version of the answer prompt must pass before it is kept.

use crate::answer::{self, AnswerPrompt, PromptPassage};
use crate::render::{Error, Template, message};
use crate::{draft_article, learn_facts, standalone, summarize};

/// Stand-ins for what comes from outside; each must stay within its fence.
const OUTSIDE: [&str; 2] = ["outside-passage-text", "outside-fact-text"];

/// Lines around a difference that are shown.
const CONTEXT_LINES: usize = 2;

/// A prompt that the program brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// The version it is traced under.
    pub version: i64,
    /// The template.
    pub source: &'static str,
    /// Whether versions of it can be written.
    pub has_versions: bool,
}

impl BuiltIn {
    /// SHA-256 of the template, in hex.
    pub fn hash(&self) -> String {
        crate::render::hash(self.source)
    }
}

/// Every prompt that the program brings.
pub fn built_in() -> Vec<BuiltIn> {
    [answer::TEMPLATE, draft_article::TEMPLATE, learn_facts::TEMPLATE, standalone::TEMPLATE, summarize::TEMPLATE]
        .into_iter()
        .map(|template| BuiltIn {
            name: template.name,
            version: template.version,
            source: template.source,
            has_versions: template.name == answer::TEMPLATE.name,
        })
        .collect()
}

/// Checks a version of the answer prompt, in the branches that a sample does not reach too; gives its hash.
///
/// # Errors
/// The place of what does not parse, of a variable that there is not, and of a text from outside that is not
/// shown or stands outside its fence.
pub fn check_answer(source: &str) -> Result<String, Error> {
    let template = Template { source, ..answer::TEMPLATE };
    template.check_variables(&answer::VARIABLES)?;
    let window = [message("user", "earlier".to_owned())];
    let whole = AnswerPrompt {
        assistant_name: "Ada",
        instructions: "Be kind.",
        language: Some("en"),
        facts: vec![OUTSIDE[1]],
        passages: vec![PromptPassage { index: 1, title: "Title", heading_path: "Heading", text: OUTSIDE[0] }],
        window: &window,
        question: "Question?",
    };
    let rendered = answer::answer_with(source, answer::TEMPLATE.version, &whole)?;
    answer::answer_with(source, answer::TEMPLATE.version, &AnswerPrompt::default())?;
    let text = rendered.messages.first().map(|message| message.content.as_str()).unwrap_or_default();
    for outside in OUTSIDE {
        if let Some(line) = unfenced(text, outside) {
            return Err(template.at(outside_place(source, outside), &format!("what comes from outside must stand between <{{{{ fence }}}}> and </{{{{ fence }}}}>, each on a line of its own: “{line}” does not")));
        }
    }
    if !text.contains(OUTSIDE[0]) {
        return Err(template.at(
            0,
            "the text of the passages is not shown: write {% for passage in passages %} with {{ passage.text }}",
        ));
    }
    Ok(rendered.hash)
}

/// What differs between two templates, as unified lines; empty where nothing does.
pub fn difference(before: (&str, &str), after: (&str, &str)) -> String {
    let lines = similar::TextDiff::from_lines(before.1, after.1);
    lines.unified_diff().context_radius(CONTEXT_LINES).header(before.0, after.0).to_string()
}

/// The rendered line with the text that stands outside a fence, if one does.
fn unfenced<'t>(rendered: &'t str, outside: &str) -> Option<&'t str> {
    let mut open = false;
    for line in rendered.lines() {
        let bare = line.trim();
        if bare.starts_with("</data-") && bare.ends_with('>') {
            open = false;
        } else if bare.starts_with("<data-") && bare.ends_with('>') && !bare.contains(' ') {
            open = true;
        } else if line.contains(outside) && !open {
            return Some(line);
        }
    }
    None
}

/// Where the template writes that text: the first place that names it.
fn outside_place(source: &str, outside: &str) -> usize {
    let name = if outside == OUTSIDE[0] { "passage.text" } else { "facts" };
    source.find(name).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    const FENCED: &str =
        "{% for passage in passages %}\n<{{ fence }}>\n{{ passage.text }}\n</{{ fence }}>\n{% endfor %}";

    #[test]
    fn the_built_in_prompt_passes_and_hashes_alike() {
        let answers = built_in().into_iter().find(|prompt| prompt.has_versions).unwrap();
        let rendered = answer::answer(&AnswerPrompt::default()).unwrap();
        assert_eq!(check_answer(answers.source).unwrap(), rendered.hash);
        assert_eq!(built_in().len(), 5);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (source, says) in [
            (
                format!("Hi\n{{% if instructions %}}{{{{ custmer }}}}{{% endif %}}{FENCED}"),
                "line 2, column 25: there is no variable `custmer`",
            ),
            (format!("{FENCED}\n\n  {{% if %}}"), "line 7, column "),
            (format!("{FENCED}{{{{ passages[0].url.host }}}}"), "line 5, column "),
            ("Answer well.".to_owned(), "the text of the passages is not shown"),
            (
                "Hi\n{% for passage in passages %}{{ passage.text }}{% endfor %}".to_owned(),
                "line 2, column 33: what comes from outside",
            ),
            (
                format!("{FENCED}\nKnown: {{% for fact in facts %}}{{{{ fact }}}}{{% endfor %}}"),
                "line 6, column 23: what comes from outside",
            ),
        ] {
            let error = check_answer(&source).unwrap_err().to_string();
            assert!(error.contains(says), "{error}\n{source}");
        }
        assert!(check_answer(FENCED).is_ok());
    }
}
