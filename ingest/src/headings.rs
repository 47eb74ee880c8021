//! What a heading says about the text below it: that it asks, that questions follow, that it only leads elsewhere.

/// Words from which a question is understood without the page around it.
const QUESTION_WORDS_MIN: usize = 7;
/// Characters of a heading that a key holds.
const SLUG_CHARS_MAX: usize = 80;
/// Headings of sections that only lead elsewhere.
const NAVIGATION: [&str; 40] = [
    "what's next",
    "next",
    "next step",
    "next steps",
    "see also",
    "related",
    "related articles",
    "related pages",
    "related links",
    "related topics",
    "related content",
    "related guides",
    "further reading",
    "read more",
    "learn more",
    "more resources",
    "additional resources",
    "on this page",
    "in this article",
    "table of contents",
    "contents",
    "was this helpful",
    "was this page helpful",
    "was this article helpful",
    "still need help",
    "need more help",
    "share this article",
    "siehe auch",
    "nächste schritte",
    "weiterführende links",
    "verwandte artikel",
    "auf dieser seite",
    "voir aussi",
    "prochaines étapes",
    "articles associés",
    "véase también",
    "próximos pasos",
    "zie ook",
    "vedi anche",
    "veja também",
];

/// Whether what stands below a heading only leads elsewhere.
pub(crate) fn is_navigation(heading: &str) -> bool {
    NAVIGATION.contains(&plain(heading).as_str())
}

/// Whether a heading asks something.
pub(crate) fn is_question(heading: &str) -> bool {
    heading.trim_end().ends_with(['?', '？', '؟'])
}

/// The question without its number.
pub(crate) fn question(heading: &str) -> String {
    let bare = heading.trim_start_matches(|c: char| c.is_ascii_digit());
    let bare = if bare.len() < heading.len() { bare.trim_start_matches(['.', ')', ':']).trim_start() } else { heading };
    let bare = bare.strip_prefix("Q:").unwrap_or(bare).trim();
    if bare.is_empty() { heading.to_owned() } else { bare.to_owned() }
}

/// Whether a title says that questions follow.
pub(crate) fn says_faq(title: &str) -> bool {
    let title = title.to_lowercase();
    title.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "faq" | "faqs"))
        || [
            "frequently asked",
            "common questions",
            "häufige fragen",
            "häufig gestellte fragen",
            "questions fréquentes",
            "foire aux questions",
            "preguntas frecuentes",
            "domande frequenti",
            "perguntas frequentes",
            "veelgestelde vragen",
        ]
        .iter()
        .any(|words| title.contains(words))
}

/// Whether a question asks the reader to check something: it is a step of its page.
pub(crate) fn is_check(heading: &str) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "has the",
        "has your",
        "have you",
        "did you",
        "are you",
        "do you",
        "is your",
        "is the",
        "does the",
        "does your",
        "want to",
        "need ",
        "ready ",
        "still ",
    ];
    let heading = heading.to_lowercase();
    BEGINNINGS.iter().any(|beginning| heading.starts_with(beginning))
}

/// Whether a question of a page that is about something is understood by itself.
pub(crate) fn stands_alone(heading: &str, title: &str) -> bool {
    if is_check(heading) {
        return false;
    }
    let heading = heading.to_lowercase();
    let words: Vec<&str> = heading.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let title = title.to_lowercase();
    let about = |word: &&&str| {
        word.chars().count() >= 4
            && title
                .split(|c: char| !c.is_alphanumeric())
                .any(|known| known.chars().count() >= 4 && (known.starts_with(**word) || word.starts_with(known)))
    };
    words.len() >= QUESTION_WORDS_MIN || words.len() >= 3 && words.iter().any(|word| about(&word))
}

/// A heading as it is compared: in lower case, without the signs around it.
pub(crate) fn plain(heading: &str) -> String {
    let words = heading.to_lowercase().replace('’', "'");
    words.trim_matches(|c: char| !c.is_alphanumeric()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A heading as a key holds it.
pub(crate) fn slug(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(SLUG_CHARS_MAX).collect()
}
