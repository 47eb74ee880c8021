//! Which language a page is written in.

/// How much text decides its language, in bytes; less than the minimum decides nothing.
const LANGUAGE_SAMPLE_BYTES: usize = 600;
const LANGUAGE_SAMPLE_BYTES_MIN: usize = 100;
/// Words that English texts are full of, beside `the`.
const ENGLISH: [&str; 8] = ["of", "and", "to", "is", "for", "with", "that", "you"];
/// One word in so many must be one of them.
const ENGLISH_SHARE_MIN: usize = 10;
/// The languages that can be told apart, in three letters and in two.
#[rustfmt::skip]
const CODES: [(&str, &str); 70] = [
    ("epo", "eo"), ("eng", "en"), ("rus", "ru"), ("cmn", "zh"), ("spa", "es"), ("por", "pt"),
    ("ita", "it"), ("ben", "bn"), ("fra", "fr"), ("deu", "de"), ("ukr", "uk"), ("kat", "ka"),
    ("ara", "ar"), ("hin", "hi"), ("jpn", "ja"), ("heb", "he"), ("yid", "yi"), ("pol", "pl"),
    ("amh", "am"), ("jav", "jv"), ("kor", "ko"), ("nob", "nb"), ("dan", "da"), ("swe", "sv"),
    ("fin", "fi"), ("tur", "tr"), ("nld", "nl"), ("hun", "hu"), ("ces", "cs"), ("ell", "el"),
    ("bul", "bg"), ("bel", "be"), ("mar", "mr"), ("kan", "kn"), ("ron", "ro"), ("slv", "sl"),
    ("hrv", "hr"), ("srp", "sr"), ("mkd", "mk"), ("lit", "lt"), ("lav", "lv"), ("est", "et"),
    ("tam", "ta"), ("vie", "vi"), ("urd", "ur"), ("tha", "th"), ("guj", "gu"), ("uzb", "uz"),
    ("pan", "pa"), ("aze", "az"), ("ind", "id"), ("tel", "te"), ("pes", "fa"), ("mal", "ml"),
    ("ori", "or"), ("mya", "my"), ("nep", "ne"), ("sin", "si"), ("khm", "km"), ("tuk", "tk"),
    ("aka", "ak"), ("zul", "zu"), ("sna", "sn"), ("afr", "af"), ("lat", "la"), ("slk", "sk"),
    ("cat", "ca"), ("tgl", "tl"), ("hye", "hy"), ("cym", "cy"),
];

/// The language a text is written in, if it can be told; else what was stated.
pub(crate) fn detect_language(text: &str, stated: Option<String>) -> Option<String> {
    let sample = text.get(..text.floor_char_boundary(LANGUAGE_SAMPLE_BYTES)).unwrap_or_default();
    // Latin text that is stated to be English mostly is; what most often lies is a template's `lang="en"` over another script or language.
    if sample.len() < LANGUAGE_SAMPLE_BYTES_MIN {
        return stated;
    }
    if is_plainly_english(sample) {
        return Some("en".to_owned());
    }
    let detected = whatlang::detect(sample)
        .filter(whatlang::Info::is_reliable)
        .and_then(|info| language_code(iso_639_1(info.lang())?));
    detected.or(stated)
}

/// Whether a text is English beyond doubt: these words are frequent in no other language together.
/// It costs a hundredth of detecting, which for a large import is most of the work.
fn is_plainly_english(sample: &str) -> bool {
    let (mut words, mut english, mut articles) = (0, 0, 0);
    for word in sample.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        articles += usize::from(word.eq_ignore_ascii_case("the"));
        english += usize::from(ENGLISH.contains(&word));
    }
    articles > 0 && (english + articles) * ENGLISH_SHARE_MIN >= words
}

/// The two letters of a language tag such as `en-GB`.
pub(crate) fn language_code(tag: &str) -> Option<String> {
    let code = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(code)
}

fn iso_639_1(language: whatlang::Lang) -> Option<&'static str> {
    CODES.iter().find(|(long, _)| *long == language.code()).map(|(_, short)| *short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart_the_short_way_and_the_long_way() {
        let english = "The warranty of your bike begins with the day of the delivery, and it is valid for two years. You do not need to register it.";
        let dutch = "De garantie van uw fiets begint op de dag van de levering en is twee jaar geldig. U hoeft de fiets niet te registreren of te betalen.";
        let danish = "Garantien for din cykel begynder den dag, cyklen leveres, og den gælder i to år. Du behøver ikke at registrere den for at bruge den.";
        assert!(is_plainly_english(english));
        assert!(!is_plainly_english(dutch) && !is_plainly_english(danish));
        assert_eq!(detect_language(english, None).as_deref(), Some("en"));
        assert_eq!(detect_language(dutch, Some("en".to_owned())).as_deref(), Some("nl"));
        assert_eq!(detect_language("Short.", Some("fr".to_owned())).as_deref(), Some("fr"));
    }
}
