//! What the customer means: the question made whole, its language, a wish for a person; rules only.

use crate::choice::chosen;
use crate::rules::{declines, was_offered};
pub use crate::wish::Wish;
use crate::wish::wish;
use crate::words::{content_stems, function_words, word_list, words};
use domain::trace::PromptMessage;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// Below so many characters a language is told by its function words only.
const DETECT_CHARACTERS_MIN: usize = 24;
/// Below this the detector's word is not taken.
const DETECT_CONFIDENCE_MIN: f64 = 0.5;
/// A message with at most so many content words leans on what was said before.
const SHORT_WORDS_MAX: usize = 5;
/// The questions of a message stand for it where they hold so many content words.
const ASKED_WORDS_MIN: usize = 2;
/// Earlier questions that terms are taken over from. Two were better than one, three or all.
const EARLIER_QUESTIONS: usize = 2;
/// Terms taken over from earlier questions at most.
const TERMS_MAX: usize = 16;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It asks or tells something.
    Question,
    /// It only greets.
    Greeting,
    /// It only thanks.
    Thanks,
    /// It says no to the offer of a person.
    Declined,
    /// It holds no word.
    Empty,
}

/// What the customer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood {
    /// The question, made whole by the history.
    pub standalone: String,
    /// What to search for: as `standalone`, and what was asked now weighs double what was asked before.
    pub search: String,
    /// Its language, ISO 639-1, as far as it can be told.
    pub language: Option<String>,
    /// What they explicitly wish.
    pub wish: Wish,
    /// What kind of message it is.
    pub kind: Kind,
    /// Whether `standalone` differs from the question.
    pub rewritten: bool,
}

/// Understands the last message by rules; `history` is what was said before it, oldest first.
pub fn understand(question: &str, history: &[PromptMessage]) -> Understood {
    let question = question.trim();
    let earlier: Vec<&str> =
        history.iter().filter(|message| message.role == "user").map(|message| message.content.as_str()).collect();
    let said_no = was_offered(history) && declines(question);
    let kind = if said_no { Kind::Declined } else { kind(question) };
    let language = language(question).or_else(|| earlier.iter().rev().find_map(|text| language_of(text)));
    if kind == Kind::Question
        && let Some(whole) = chosen(question, history, language)
    {
        let language = language.map(str::to_owned);
        return Understood {
            search: whole.clone(),
            standalone: whole,
            language,
            wish: wish(question),
            kind,
            rewritten: true,
        };
    }
    let (asked, told) = parted(question, language);
    let rest = (kind == Kind::Question).then(|| carried_terms(&asked, &told, &earlier, language));
    let rest = rest.flatten();
    Understood {
        standalone: rest.as_ref().map_or_else(|| asked.clone(), |rest| format!("{asked} ({rest})")),
        search: rest.as_ref().map_or_else(|| question.to_owned(), |rest| format!("{question} {question} {rest}")),
        wish: wish(question),
        kind,
        rewritten: rest.is_some() || asked != question,
        language: language.map(str::to_owned),
    }
}

/// The language of a text, ISO 639-1, as far as it can be told.
pub fn language_of(text: &str) -> Option<&'static str> {
    language(text)
}

/// What a message asks, and what it tells around that: a greeting, what happened before. A message whose
/// questions say little, or that asks nothing, is asked as a whole.
fn parted(message: &str, language: Option<&str>) -> (String, String) {
    let (asked, told): (Vec<&str>, Vec<&str>) =
        message.unicode_sentences().partition(|sentence| sentence.trim_end().ends_with(['?', '？', '؟']));
    let asked = asked.concat();
    if content_stems(&asked, language).len() < ASKED_WORDS_MIN {
        return (message.to_owned(), String::new());
    }
    (asked.trim().to_owned(), told.concat())
}

/// The content words that a question lacks and leans on: of what its own message tells and of earlier
/// questions.
fn carried_terms(question: &str, told: &str, earlier: &[&str], language: Option<&str>) -> Option<String> {
    let mut known: FxHashSet<String> = content_stems(question, language).into_iter().collect();
    let leans = leans_back(question);
    if known.len() > SHORT_WORDS_MAX && !leans {
        return None;
    }
    let earlier = earlier.iter().rev().filter(|text| kind(text) == Kind::Question).take(EARLIER_QUESTIONS);
    let recent = leans.then_some(told).into_iter().chain(earlier.copied());
    let terms: Vec<&str> = recent
        .flat_map(|text| words(text, language).into_iter().map(move |word| (text, word)))
        .filter(|(_, word)| word.content && known.insert(word.stem.clone()))
        .filter_map(|(text, word)| text.get(word.range))
        .take(TERMS_MAX)
        .collect();
    (!terms.is_empty()).then(|| terms.join(" "))
}

/// Whether the question points back: by a pronoun, or by how it begins.
fn leans_back(question: &str) -> bool {
    static POINTING: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
        word_list(
            "it its they them their he she him her his this that these those one ones there same another other others both either es sie ihn ihm ihnen dies diese dieser dieses dafür davon damit dazu dort il elle ils elles ça cela celui celle y en lo la los las eso esto ese esa ello allí quello questo esso essa ele ela isso isto nele dela het die dat deze daar ono tego to ten ta on ona bu şu bunu onu orada هو هي هذا هذه ذلك он она оно они это этот эта их его её там",
        )
    });
    const BEGINNINGS: &[&str] = &[
        "and ",
        "but ",
        "or ",
        "so ",
        "also ",
        "then ",
        "what about",
        "how about",
        "why",
        "und ",
        "aber ",
        "oder ",
        "et ",
        "mais ",
        "ou ",
        "y ",
        "pero ",
        "e ",
        "ma ",
        "mas ",
        "en ",
        "maar ",
        "a ",
        "ve ",
        "peki ",
        "و",
        "а ",
        "и ",
        "но ",
        "那",
        "それ",
        "では",
    ];
    let lower = question.to_lowercase();
    let points = lower.split(|c: char| !c.is_alphanumeric()).any(|word| !word.is_empty() && POINTING.contains(word));
    points || BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
}

/// Words that only greet or thank; a message of nothing else is one.
static GREETINGS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list(
        "hi hello hey hiya howdy greetings good morning afternoon evening day there all team everyone guten tag morgen abend hallo moin servus bonjour salut bonsoir hola buenos buenas dias días tardes noches ciao buongiorno buonasera salve olá ola oi bom boa dia tarde noite goedemorgen goedemiddag goedenavond dag hoi cześć czesc dzień dobry witam witaj merhaba selam iyi günler مرحبا السلام عليكم أهلا اهلا привет здравствуйте добрый день вечер утро",
    )
});
static THANKS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list(
        "thanks thank you thankyou thx ty cheers so very much a lot great perfect ok okay awesome that helped super nice danke dankeschön vielen schön dir ihnen merci beaucoup bien gracias muchas muchísimas grazie mille tante obrigado obrigada muito dank je wel u bedankt dziękuję dzięki bardzo teşekkürler teşekkür ederim ederiz çok شكرا جزيلا спасибо большое благодарю for your the help helping",
    )
});
/// A message that thanks holds one of these.
static THANKING: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    word_list(
        "thanks thank thankyou thx ty cheers danke dankeschön merci gracias grazie obrigado obrigada dank bedankt dziękuję dzięki teşekkürler teşekkür شكرا спасибо благодарю",
    )
});
const GREETINGS_UNSPACED: &[&str] =
    &["你好", "您好", "早上好", "晚上好", "こんにちは", "おはよう", "おはようございます", "こんばんは", "안녕하세요"];
const THANKS_UNSPACED: &[&str] = &[
    "谢谢",
    "谢谢你",
    "谢谢您",
    "多谢",
    "非常感谢",
    "謝謝",
    "ありがとう",
    "ありがとうございます",
    "ありがとうございました",
    "감사합니다",
];

fn kind(question: &str) -> Kind {
    let plain: String = question.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let said: Vec<&str> = plain.split_whitespace().collect();
    let every = |list: &FxHashSet<&str>| said.iter().all(|word| list.contains(word));
    let some = |list: &FxHashSet<&str>| said.iter().any(|word| list.contains(word));
    match said.as_slice() {
        [] => Kind::Empty,
        [one] if GREETINGS_UNSPACED.contains(one) => Kind::Greeting,
        [one] if THANKS_UNSPACED.contains(one) => Kind::Thanks,
        _ if some(&THANKING) && every(&THANKS) => Kind::Thanks,
        _ if every(&GREETINGS) => Kind::Greeting,
        _ => Kind::Question,
    }
}

fn language(text: &str) -> Option<&'static str> {
    let detected = whatlang::detect(text)?;
    let latin = detected.script() == whatlang::Script::Latin;
    let long = text.chars().count() >= DETECT_CHARACTERS_MIN;
    if long && detected.is_reliable() {
        return iso_code(detected.lang());
    }
    let mut counts = function_words(text);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match counts.as_slice() {
        // One function word is enough where the detector guesses the same.
        [(code, most), (_, next), ..] if most > next && (*most >= 2 || iso_code(detected.lang()) == Some(code)) => {
            Some(code)
        }
        // Few languages share another script, so there even an unsure guess is better than none.
        _ if !latin || (long && detected.confidence() >= DETECT_CONFIDENCE_MIN) => iso_code(detected.lang()),
        _ => None,
    }
}

/// ISO 639-1 of what the detector tells apart, where there is one.
fn iso_code(lang: whatlang::Lang) -> Option<&'static str> {
    const CODES: &str = "epo=eo eng=en rus=ru cmn=zh spa=es por=pt ita=it ben=bn fra=fr deu=de ukr=uk kat=ka ara=ar hin=hi jpn=ja heb=he yid=yi pol=pl amh=am jav=jv kor=ko nob=nb dan=da swe=sv fin=fi tur=tr nld=nl hun=hu ces=cs ell=el bul=bg bel=be mar=mr kan=kn ron=ro slv=sl hrv=hr srp=sr mkd=mk lit=lt lav=lv est=et tam=ta vie=vi urd=ur tha=th guj=gu uzb=uz pan=pa aze=az ind=id tel=te pes=fa mal=ml ori=or mya=my nep=ne sin=si khm=km tuk=tk aka=ak zul=zu sna=sn afr=af lat=la slk=sk cat=ca tgl=tl hye=hy cym=cy";
    CODES
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .find(|(long, _)| *long == lang.code())
        .map(|(_, short)| short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Vec<PromptMessage> {
        let roles = ["user", "assistant"];
        let role = |position: usize| roles.get(position % 2).map(|role| (*role).to_owned()).unwrap_or_default();
        texts.iter().enumerate().map(|(i, text)| PromptMessage { role: role(i), content: (*text).to_owned() }).collect()
    }

    #[test]
    fn a_short_question_takes_over_what_the_last_two_questions_were_about() {
        let history =
            said(&["hi", "Hello!", "How do I export my stats?", "Use the CSV.", "Is there a limit for goals?", "Yes."]);
        let understood = understand("and for funnels?", &history);
        assert_eq!(understood.standalone, "and for funnels? (limit goals export stats)");
        assert_eq!(understood.search, "and for funnels? and for funnels? limit goals export stats");
        assert!(understood.rewritten);
    }

    #[test]
    fn a_whole_question_stands_alone() {
        let history = said(&["How do I export my stats?", "Use the CSV."]);
        let question = "How can our accountant download invoices for the yearly business subscription?";
        let understood = understand(question, &history);
        assert_eq!(
            (understood.standalone.as_str(), understood.search.as_str(), understood.rewritten),
            (question, question, false)
        );
        assert_eq!(understand("Export?", &[]).standalone, "Export?");
    }

    #[test]
    fn a_long_question_with_a_pronoun_leans_back() {
        let understood = understand(
            "How can our accountant download invoices for it every single year automatically?",
            &said(&["Business plan"]),
        );
        assert!(understood.rewritten);
        assert!(understood.standalone.ends_with("(Business plan)"));
    }

    #[test]
    fn what_a_message_tells_around_its_question_is_searched_but_not_asked() {
        let message = "Hi there! I sent my bike back on Monday. How long do refunds take?";
        let understood = understand(message, &[]);
        assert_eq!(
            (understood.standalone.as_str(), understood.search.as_str()),
            ("How long do refunds take?", message)
        );
        let leaning = understand("My refund has not come. When will it be paid out to my card?", &[]);
        assert_eq!(leaning.standalone, "When will it be paid out to my card? (refund come)");
        let telling = "My bike is broken. Really?";
        assert_eq!(understand(telling, &[]).standalone, telling);
    }

    #[test]
    fn a_no_is_an_answer_only_where_a_person_was_offered() {
        let offer = crate::texts::texts(Some("de")).offer;
        for no in ["No thanks", "nein danke!", "Non merci.", "no, gracias", "нет, спасибо", "不用了", "いいえ"]
        {
            assert_eq!(understand(no, &said(&["Verkaufen Sie U-Boote?", offer])).kind, Kind::Declined, "{no}");
            assert_ne!(understand(no, &said(&["Verkaufen Sie U-Boote?", "Ja."])).kind, Kind::Declined, "{no}");
        }
        for other in ["no, how do I return it?", "no it still fails", "yes please", "north"] {
            assert_ne!(understand(other, &said(&["Do you sell it?", offer])).kind, Kind::Declined, "{other}");
        }
    }

    #[test]
    fn languages_are_told() {
        for (text, code) in [
            ("How do I cancel my subscription?", Some("en")),
            ("Wie kann ich mein Abo kündigen?", Some("de")),
            ("Comment puis-je annuler mon abonnement ?", Some("fr")),
            ("¿Cómo puedo cancelar mi suscripción?", Some("es")),
            ("Come posso annullare il mio abbonamento?", Some("it")),
            ("Como posso cancelar a minha assinatura?", Some("pt")),
            ("Hoe kan ik mijn abonnement opzeggen?", Some("nl")),
            ("Jak mogę anulować moją subskrypcję?", Some("pl")),
            ("Aboneliğimi nasıl iptal edebilirim?", Some("tr")),
            ("كيف يمكنني إلغاء اشتراكي؟", Some("ar")),
            ("Как я могу отменить подписку?", Some("ru")),
            ("Я хочу поговорить с оператором, пожалуйста.", Some("ru")),
            ("如何取消订阅？", Some("zh")),
            ("解約したいのですが。", Some("ja")),
            ("구독을 취소하고 싶어요", Some("ko")),
            ("where is it", Some("en")),
            ("wo ist das", Some("de")),
            ("SSO", None),
            ("42", None),
        ] {
            assert_eq!(language_of(text), code, "{text}");
        }
    }

    #[test]
    fn an_unclear_language_is_that_of_the_earlier_messages() {
        let understood = understand("SSO?", &said(&["Wie kann ich mein Abo kündigen?"]));
        assert_eq!(understood.language.as_deref(), Some("de"));
    }

    #[test]
    fn small_talk_is_told_from_questions() {
        for (text, expected) in [
            ("Hi!", Kind::Greeting),
            ("good morning", Kind::Greeting),
            ("Guten Tag", Kind::Greeting),
            ("¡Buenos días!", Kind::Greeting),
            ("你好", Kind::Greeting),
            ("こんにちは", Kind::Greeting),
            ("Thanks a lot!!", Kind::Thanks),
            ("ok, thank you", Kind::Thanks),
            ("merci beaucoup", Kind::Thanks),
            ("ありがとうございます", Kind::Thanks),
            ("спасибо", Kind::Thanks),
            ("ok", Kind::Question),
            ("great", Kind::Question),
            ("hi, where is my order", Kind::Question),
            ("thanks but it still fails", Kind::Question),
            ("no", Kind::Question),
            ("", Kind::Empty),
            ("???", Kind::Empty),
            (" \n👍", Kind::Empty),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
