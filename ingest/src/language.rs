//! Which language a page is written in.

/// How much text decides its language, in bytes; less than the minimum decides nothing.
const LANGUAGE_SAMPLE_BYTES: usize = 600;
const LANGUAGE_SAMPLE_BYTES_MIN: usize = 100;
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
    let detected = whatlang::detect(sample)
        .filter(whatlang::Info::is_reliable)
        .and_then(|info| language_code(iso_639_1(info.lang())?));
    detected.or(stated)
}

/// The two letters of a language tag such as `en-GB`.
pub(crate) fn language_code(tag: &str) -> Option<String> {
    let code = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(code)
}

fn iso_639_1(language: whatlang::Lang) -> Option<&'static str> {
    CODES.iter().find(|(long, _)| *long == language.code()).map(|(_, short)| *short)
}
