//! Help texts in any number: one subject each, so that a question has one right document.

/// What is said of each subject, and what is asked about it.
const PATTERNS: [(&str, &str, &str); 4] = [
    (
        "Refunds",
        "Refunds for the {} are paid back within five working days.",
        "How many working days do refunds for the {} take?",
    ),
    ("Delivery", "Delivery of the {} takes three days.", "How many days does delivery of the {} take?"),
    ("Warranty", "The warranty on the {} lasts ten years.", "How long does the warranty on the {} last?"),
    ("Care", "The {} is cleaned with warm water once a month.", "How is the {} cleaned?"),
];
const FILLER: &str = "Every order can be followed on the page of your account. Write to us with the number of the \
    order when something is missing, and add a photograph when something is broken. Parts that wear, such as tyres, \
    brake pads and chains, are sold in all of our stores and can be fitted there without an appointment. Who prefers \
    to work at home finds drawings and torque figures in the manual that came with it. Please keep the box for two weeks.";
const SYLLABLES: [&str; 16] =
    ["ka", "lo", "mi", "ru", "ve", "sa", "ton", "bel", "dor", "fin", "gar", "hul", "jas", "nep", "pol", "wim"];

/// A document with the question that it answers.
pub(super) struct Document {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) question: String,
}

/// The nth document.
pub(super) fn document(nth: usize) -> Document {
    let syllable = |place: u32| SYLLABLES.get((nth >> (4 * place)) & 15).copied().unwrap_or_default();
    let subject = format!("{}{}{}", syllable(0), syllable(1), syllable(2));
    let (title, fact, question) = PATTERNS.get(nth % PATTERNS.len()).copied().unwrap_or_default();
    Document {
        title: format!("{title}: {subject}"),
        text: format!("{} {FILLER}", fact.replace("{}", &subject)),
        question: question.replace("{}", &subject),
    }
}

/// Documents as lines of an import file.
pub(super) fn lines(count: usize) -> String {
    let line = |nth| {
        let Document { title, text, .. } = document(nth);
        format!("{}\n", serde_json::json!({ "id": nth.to_string(), "title": title, "text": text, "language": "en" }))
    };
    (0..count).map(line).collect()
}
