//! The reply to a question back: which of the two things that it named is meant.

use crate::texts::alternatives;
use crate::words::{content_stems, word_list};
use domain::trace::PromptMessage;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// Content words of a reply that neither thing nor the question holds, from which on it is a question of its own.
const STRANGE_WORDS_MAX: usize = 1;

/// The question that was asked back about, with what the reply chose: `How do I import? (Import from CSV)`. `None` where
/// nothing was asked back, or the reply chooses nothing.
pub(crate) fn chosen(reply: &str, history: &[PromptMessage], language: Option<&str>) -> Option<String> {
    let at = history.iter().rposition(|message| message.role == "assistant")?;
    let (last, before) = (history.get(at)?, history.get(..at)?);
    let (first, second) = alternatives(&last.content)?;
    let asked = before.iter().rfind(|message| message.role == "user")?.content.trim();
    let stems = |text: &str| content_stems(text, language).into_iter().collect::<FxHashSet<String>>();
    let (of_first, of_second, of_asked, said) = (stems(first), stems(second), stems(asked), stems(reply));
    let strange = |stem: &&String| {
        let is_known = [&of_first, &of_second, &of_asked].iter().any(|known| known.contains(*stem));
        !is_known && !is_pointing(stem)
    };
    if said.iter().filter(strange).count() > STRANGE_WORDS_MAX {
        return None;
    }
    let only = |of: &FxHashSet<String>, other: &FxHashSet<String>| {
        said.iter().filter(|stem| of.contains(*stem) && !other.contains(*stem)).count()
    };
    let (for_first, for_second) = (only(&of_first, &of_second), only(&of_second, &of_first));
    let choice = match for_first.cmp(&for_second) {
        std::cmp::Ordering::Greater => first.to_owned(),
        std::cmp::Ordering::Less => second.to_owned(),
        std::cmp::Ordering::Equal if picks(reply, &BOTH) => format!("{first}, {second}"),
        std::cmp::Ordering::Equal => match (picks(reply, &FIRST), picks(reply, &SECOND)) {
            (true, false) => first.to_owned(),
            (false, true) => second.to_owned(),
            _ => return None,
        },
    };
    Some(format!("{asked} ({choice})"))
}

fn picks(reply: &str, list: &FxHashSet<&str>) -> bool {
    reply.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| list.contains(word))
}

/// Whether a word chooses by place and says nothing of a subject.
fn is_pointing(stem: &str) -> bool {
    let lists = [&*FIRST, &*SECOND, &*BOTH];
    stem.chars().count() > 1 && lists.iter().any(|list| list.iter().any(|word| word.starts_with(stem)))
}

static FIRST: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list(
        "first 1 1st former erste ersten erstes ersteres premier première primero primera primo prima primeiro primeira eerste pierwszy pierwsza pierwsze birinci ilk الأول الاول первый первая первое первое 第一个 第一個 一つ目 最初",
    )
});
static SECOND: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list(
        "second 2 2nd latter zweite zweiten zweites letzteres deuxième second seconde segundo segunda secondo seconda tweede drugi druga drugie ikinci الثاني второй вторая второе 第二个 第二個 二つ目",
    )
});
static BOTH: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list("both beide beides deux ambos ambas entrambi entrambe beiden oba obie ikisi كلاهما оба обе 两个 兩個 両方")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::texts;

    const PAID: &str = "Managing Invoices Paid for Wix Services";
    const APP: &str = "Wix Invoices: Managing Your Invoices in the Wix App";

    fn after(language: &str, reply: &str) -> Option<String> {
        let message = |role: &str, content: &str| PromptMessage { role: role.into(), content: content.into() };
        let back = texts(Some(language)).clarify(PAID, APP);
        let history = [message("user", "Hi"), message("assistant", "Hello!"), message("user", "View my invoices?")];
        chosen(reply, &[&history[..], &[message("assistant", &back)]].concat(), Some(language))
    }

    #[test]
    fn the_reply_chooses_by_place_or_by_words() {
        for (language, reply, choice) in [
            ("en", "the first one", PAID),
            ("en", "The second, please", APP),
            ("en", "the ones I paid", PAID),
            ("en", "in the app", APP),
            ("en", APP, APP),
            ("de", "Das erste", PAID),
            ("fr", "la deuxième", APP),
            ("es", "el segundo", APP),
        ] {
            assert_eq!(after(language, reply), Some(format!("View my invoices? ({choice})")), "{reply}");
        }
        assert_eq!(after("en", "both of them"), Some(format!("View my invoices? ({PAID}, {APP})")));
    }

    #[test]
    fn what_chooses_nothing_is_a_message_of_its_own() {
        for reply in
            ["I don't know", "no", "How do I delete a domain in the app?", "What do refunds of paid plans cost?"]
        {
            assert_eq!(after("en", reply), None, "{reply}");
        }
        let message = |role: &str, content: &str| PromptMessage { role: role.into(), content: content.into() };
        let plain = [message("user", "View my invoices?"), message("assistant", "They are below Billing.")];
        assert_eq!(chosen("the first one", &plain, Some("en")), None, "nothing was asked back");
        assert_eq!(chosen("the first one", &[], Some("en")), None);
    }
}
