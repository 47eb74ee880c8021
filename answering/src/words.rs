//! Words of a text as the steps compare them: lowercased, stemmed, function words marked.

use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// One word of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// Its stem, lowercase.
    pub(crate) stem: String,
    /// Whether it says what the text is about; function words do not.
    pub(crate) content: bool,
}

/// The words of a text in order; `language` is an ISO 639-1 code, English where it is unknown.
pub(crate) fn words(text: &str, language: Option<&str>) -> Vec<Word> {
    let stemmer = algorithm(language).map(Stemmer::create);
    let language_bit = bit(language.unwrap_or("en"));
    text.unicode_word_indices()
        .map(|(start, word)| {
            let lower = lower(word);
            let content = languages_of(&lower) & language_bit == 0;
            let stem = match &stemmer {
                Some(stemmer) => stemmer.stem(&lower).into_owned(),
                None => lower,
            };
            Word { range: start..start + word.len(), stem, content }
        })
        .collect()
}

fn lower(word: &str) -> String {
    let lower = word.to_lowercase();
    if lower.contains('’') { lower.replace('’', "'") } else { lower }
}

/// The stems of a text's content words, in order, each once. A word that was read before is not stemmed again:
/// stemming is most of the work.
pub fn content_stems(text: &str, language: Option<&str>) -> Vec<String> {
    let stemmer = algorithm(language).map(Stemmer::create);
    let language_bit = bit(language.unwrap_or("en"));
    let (mut read, mut seen, mut stems) = (FxHashSet::default(), FxHashSet::default(), Vec::new());
    for word in text.unicode_words() {
        let lower = lower(word);
        if languages_of(&lower) & language_bit != 0 || read.contains(&lower) {
            continue;
        }
        let stem = stemmer.as_ref().map_or_else(|| lower.clone(), |stemmer| stemmer.stem(&lower).into_owned());
        if seen.insert(stem.clone()) {
            stems.push(stem);
        }
        read.insert(lower);
    }
    stems
}

/// How many words of the text are function words of each language, in the table's order.
pub(crate) fn function_words(text: &str) -> Vec<(&'static str, usize)> {
    let lower = text.to_lowercase().replace('’', "'");
    let found: Vec<u16> = lower.unicode_words().map(languages_of).collect();
    let count = |bit: u16| found.iter().filter(|languages| **languages & bit != 0).count();
    STOP_WORDS.iter().zip(0..).map(|((code, _), place)| (*code, count(1 << place))).collect()
}

/// How large a part of a whole is, 0 to 1; 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    number(part) / number(whole.max(1))
}

/// A count as a number to reckon with.
pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn algorithm(language: Option<&str>) -> Option<Algorithm> {
    Some(match language.unwrap_or("en") {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" | "no" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

/// The words of a list that is written with spaces in between.
pub(crate) fn word_list(text: &'static str) -> FxHashSet<&'static str> {
    text.split(' ').collect()
}

/// The languages in which the word is a function word, as a set of bits in the table's order.
fn languages_of(word: &str) -> u16 {
    static LANGUAGES: LazyLock<FxHashMap<&'static str, u16>> = LazyLock::new(|| {
        let mut languages = FxHashMap::default();
        for ((_, list), place) in STOP_WORDS.iter().zip(0..) {
            for word in list.split(' ') {
                *languages.entry(word).or_default() |= 1 << place;
            }
        }
        languages
    });
    LANGUAGES.get(word).copied().unwrap_or(0)
}

/// The bit of a language, none where its function words are not known.
fn bit(code: &str) -> u16 {
    STOP_WORDS.iter().zip(0..).find(|((known, _), _)| *known == code).map_or(0, |(_, place)| 1 << place)
}

/// Function words by language, question words and polite phrases included.
const STOP_WORDS: &[(&str, &str)] = &[
    (
        "en",
        "a able about after all also am an and any are aren't as at be because been before being but by can can't cannot could did didn't do does doesn't doing don't done each either else even ever every for from get gets getting got had happen happens has have having he hello her here hers hi him his how how's however i i'd i'll i'm i've if in into is isn't it it's its just know let like long many may me might mine more most much must my need no not now of off often on once one only or other our ours out over own please pls possible same she should so some such tell than thank thanks that that's the their theirs them then there there's these they they're this those to too under until up upon us use using very want was way we we're were what what's when where which while who whom whose why will with won't would you you'd you're your yours",
    ),
    (
        "de",
        "aber alle als also am an auch auf aus bei bin bis bitte da damit dann das dass dem den denn der des die dies diese diesem dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas euch euer für gibt habe haben hallo hat hatte hier ich ihm ihn ihnen ihr ihre im in ist ja kann kein keine können man mein meine meinem meinen meiner mich mir mit muss nach nein nicht noch nur ob oder ohne schon sein seine sich sie sind so über um und uns unser unter vom von vor wann war warum was wenn wer werden wie wieso will wir wird wo wurde zu zum zur",
    ),
    (
        "fr",
        "a ai alors après au aussi autre aux avant avec avoir bonjour c'est ce ces cette comme comment d'un d'une dans de depuis des dois du elle elles en est est-ce et être eu faire fait il ils j'ai je l'on la le les leur lui ma mais me merci mes moi mon ne nos notre nous on ont ou où par pas peut peux plus pour pourquoi qu'est quand que quel quelle quelles quels qui sa sans se ses si sont sur ta te tes toi ton tous tout très tu un une vos votre vous y",
    ),
    (
        "es",
        "a al algo antes aquí como cómo con cual cuál cuando cuándo cuánto de del desde después donde dónde el él ella en entre era eres es esa ese eso esta está están estas este esto estoy favor fue ha hacer hasta hay he hola la las le les lo los más me mi mis muy necesito no nos nosotros nuestro o para pero por porque puede puedo que qué quien quién quiero se sea ser si sí sin sobre son soy su sus también te tengo ti tiene tu tus un una uno unos y ya yo",
    ),
    (
        "it",
        "a ad agli ai al alla alle anche avere buongiorno c'è che chi ci ciao come con cosa cui da dal dalla dei del della delle di dopo dov'è dove e è ed fare gli ha hai hanno ho i il in io la le lei li lo loro lui ma me mi mia mie miei mio nel nella noi non nostro o per perché più poi posso può qual quale quali quando quanto quello questa questo se sei senza si sia sono su sua suo sul sulla ti tra tu tuo un una uno vi voglio voi vorrei vostro",
    ),
    (
        "pt",
        "a ainda ao aos aquela aquele as até boa bom com como da das de depois do dos e é ela ele eles em entre era essa esse esta está este eu favor faz fazer foi há isso isto já lhe mais mas me mesmo meu meus minha minhas muito na não nas nem no nos nós nossa nosso num o olá onde os ou para pela pelo por porque posso preciso qual quando quanto que quê quem quero são se sem ser seu seus só sua suas também te tem tenho ter um uma você vocês",
    ),
    (
        "nl",
        "aan al als alleen altijd ben bij daar dan dat de deze die dit doe door dus een en er geen had hallo heb hebben heeft het hier hij hoe hun ik in is ja je jij jullie kan kunnen maar me meer met mij mijn moet naar na niet nog nu of om omdat onder ons onze ook op over te toen tot u uit uw van veel voor waar waarom wanneer was wat we welke werd wie wij wil worden wordt ze zich zij zijn zo zou",
    ),
    (
        "pl",
        "a albo ale bardzo bez być był była było chcę ci co czy dla do dlaczego dzień gdy gdzie go i ich ile im ja jak jaka jaki jakie je jego jej jest jestem już każdy kiedy kto która które który ma mam mi mnie mogę moja moje mój można może my na nad nie nas niż o od on ona oni po pod proszę przed przez przy są się tak także tam te tego tej ten to tu ty w was we wszystko z za ze że żeby",
    ),
    (
        "tr",
        "acaba ama bana ben beni benim bir biz bu bunu bunun çok çünkü da daha de değil diye en gibi hangi hep her için ile ise istiyorum kadar ki kim lütfen mı mi mu mü nasıl ne neden nedir nerede niçin o olan olarak olur onu onun sana sen siz şey şu tüm ve veya ya yok var zaman",
    ),
    (
        "ar",
        "إلى أن أنا أنت أو أي أين الذي التي إن بعد بين حتى حيث ذلك عن على عند في قد كان كل كم كيف لا لكن لم لماذا له لها ليس ما متى مع من منذ نحن نعم هذا هذه هل هم هناك هو هي و يا",
    ),
    (
        "ru",
        "а без бы был была были было быть в вам вас весь во вот все всё вы где да для до его ее её если есть еще ещё же за здравствуйте и из или им их к как какая какие какой ко когда кто ли мне можно мой мы на над нас не него нет но ну о об он она они от по под пожалуйста почему при с со так также там то тоже только ты у уже хочу чем что чтобы эта эти это этот я",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stemmed_in_their_language_and_function_words_marked() {
        assert_eq!(content_stems("How do I cancel my subscriptions?", None), ["cancel", "subscript"]);
        assert_eq!(content_stems("Cancelling a subscription", Some("en")), ["cancel", "subscript"]);
        assert_eq!(content_stems("Wie kann ich meine Rechnungen sehen?", Some("de")), ["rechnung", "seh"]);
        assert_eq!(content_stems("退款", Some("zh")), ["退", "款"]);
        assert_eq!(content_stems("", Some("xx")), Vec::<String>::new());
    }

    #[test]
    fn ranges_point_at_the_words() {
        let text = "Über 30 Sites’ data";
        let found = words(text, Some("en"));
        let shown: Vec<&str> = found.iter().filter_map(|word| text.get(word.range.clone())).collect();
        assert_eq!(shown, ["Über", "30", "Sites", "data"]);
    }
}
