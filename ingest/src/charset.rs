//! Turns the bytes of a page into text: byte order mark, then header, then what the page says of
//! itself, then what its bytes look like.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How far into a page its own statement is looked for, in bytes (HTML says 1,024; real pages exceed it).
const PRESCAN_BYTES: usize = 4 * 1024;
/// How much of a page is looked at to guess its charset, in bytes.
const GUESS_BYTES: usize = 64 * 1024;

/// How much of a body is looked at to tell text from other things, in bytes.
const BINARY_BYTES: usize = 4 * 1024;
/// How the files begin that are most often sent as pages by mistake.
const BINARY_STARTS: [&[u8]; 9] =
    [b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x7fELF", b"RIFF", b"\0asm"];

/// Decodes a page. Malformed bytes become U+FFFD; nothing fails.
pub(crate) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    let stated = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = stated.unwrap_or_else(|| {
        let label = content_type.and_then(|value| labelled(value.as_bytes())).or_else(|| stated_inside(bytes));
        label.map_or_else(|| guess(bytes), |label| believable(label, bytes))
    });
    encoding.decode(bytes).0
}

/// The stated encoding, unless the bytes say clearly that it is another one.
fn believable(stated: &'static Encoding, bytes: &[u8]) -> &'static Encoding {
    if stated == UTF_8 {
        return if is_mostly_utf8(bytes) { UTF_8 } else { guess(bytes) };
    }
    // Text of other charsets is hardly ever well-formed UTF-8 by chance, and never UTF-16 without null bytes.
    let is_single_byte_default = stated == WINDOWS_1252 && !bytes.is_ascii();
    let is_wide = stated.name().starts_with("UTF-16") && !bytes.contains(&0);
    if (is_single_byte_default || is_wide) && std::str::from_utf8(bytes).is_ok() { UTF_8 } else { stated }
}

/// Whether more of the characters beyond ASCII are well-formed UTF-8 than not.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    let start = bytes.get(..GUESS_BYTES.min(bytes.len())).unwrap_or(bytes);
    let (mut formed, mut malformed) = (0_usize, 0_usize);
    for piece in start.utf8_chunks() {
        formed += piece.valid().chars().filter(|c| !c.is_ascii()).count();
        malformed += usize::from(!piece.invalid().is_empty());
    }
    formed >= malformed
}

/// Whether a body that is sent as a page is no text at all.
pub(crate) fn is_binary(bytes: &[u8], content_type: Option<&str>) -> bool {
    let is_wide = Encoding::for_bom(bytes).is_some()
        || content_type
            .is_some_and(|value| labelled(value.as_bytes()).is_some_and(|label| label.name().starts_with("UTF-16")));
    let start = bytes.get(..BINARY_BYTES.min(bytes.len())).unwrap_or(bytes);
    let controls = start.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)).count();
    // One sign in twenty; texts with a few null bytes in them are still texts.
    !is_wide
        && (BINARY_STARTS.iter().any(|magic| bytes.starts_with(magic)) || controls > 16 && controls * 20 > start.len())
}

fn stated_inside(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..PRESCAN_BYTES.min(bytes.len()))?;
    let head = head.to_ascii_lowercase();
    let declaration = head
        .starts_with(b"<?xml")
        .then(|| head.split(|byte| *byte == b'>').next().and_then(|declaration| after(declaration, b"encoding")))
        .flatten();
    let meta = || head.split(|byte| *byte == b'<').filter(|tag| tag.starts_with(b"meta")).find_map(labelled);
    // A page that could be read so far as to find this is not in UTF-16, whatever it says (HTML standard).
    declaration.or_else(meta).map(|encoding| if encoding.name().starts_with("UTF-16") { UTF_8 } else { encoding })
}

fn labelled(text: &[u8]) -> Option<&'static Encoding> {
    after(&text.to_ascii_lowercase(), b"charset")
}

/// The encoding named behind `key =`, quoted or not.
fn after(text: &[u8], key: &[u8]) -> Option<&'static Encoding> {
    let start = text.windows(key.len()).position(|window| window == key)? + key.len();
    let value = text.get(start..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let label = value
        .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b';' | b'>' | b'?' | b'/'))
        .next()?;
    Encoding::for_label(label)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let start = bytes.get(..GUESS_BYTES.min(bytes.len())).unwrap_or(bytes);
    if start.is_ascii() && bytes.is_ascii() {
        return WINDOWS_1252;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(start, true);
    detector.guess(None, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_is_believed_in_its_order() {
        let cyrillic = b"\xcf\xf0\xe8\xe2\xe5\xf2"; // "Привет" in windows-1251
        let page = |head: &str| [head.as_bytes(), cyrillic].concat();
        for (bytes, content_type) in [
            (page(""), Some("text/html; charset=windows-1251")),
            (page(""), Some("text/html; Charset=\"Windows-1251\"")),
            (page("<meta charset=windows-1251>"), None),
            (page("<META http-equiv='Content-Type' content='text/html; charset=windows-1251'>"), None),
            (page("<?xml version='1.0' encoding='windows-1251'?>"), None),
            (page("<meta charset=utf-8>"), Some("text/html; charset=cp1251")),
        ] {
            assert!(decode(&bytes, content_type).ends_with("Привет"), "{}", String::from_utf8_lossy(&bytes));
        }
        assert_eq!(decode("\u{feff}Grüße".as_bytes(), Some("text/html; charset=iso-8859-1")), "Grüße");
        assert_eq!(decode(b"\xff\xfeH\0i\0", None), "Hi");
    }

    #[test]
    fn what_says_nothing_is_guessed() {
        assert_eq!(decode("Grüße aus Köln".as_bytes(), None), "Grüße aus Köln");
        assert_eq!(decode(b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne Stadt", None), "Grüße aus Köln, schöne Stadt");
        assert!(
            decode("お問い合わせはこちらからどうぞ。返品と交換について".as_bytes(), None).starts_with("お問い合わせ")
        );
        let (shift_jis, _, _) =
            encoding_rs::SHIFT_JIS.encode("お問い合わせはこちらからどうぞ。返品と交換について説明します。");
        assert!(decode(&shift_jis, None).starts_with("お問い合わせ"));
    }

    #[test]
    fn text_is_told_from_other_things() {
        for text in
            [b"<p>Hi".as_slice(), b"", b"a text with \0 in it", "日本語のページ".as_bytes(), b"\x1b[1mbold\x1b[0m"]
        {
            assert!(!is_binary(text, None), "{text:?}");
        }
        assert!(!is_binary(b"\xff\xfeH\0i\0", None));
        assert!(!is_binary(&b"H\0i\0".repeat(50), Some("text/html; charset=utf-16le")));
        assert!(is_binary(b"%PDF-1.7\n", Some("text/html")));
        assert!(is_binary(&(0..=255).collect::<Vec<u8>>(), None));
    }

    #[test]
    fn a_label_that_the_bytes_contradict_is_not_believed() {
        let utf8 = "Größe und Länge".as_bytes();
        assert_eq!(decode(utf8, Some("text/html; charset=iso-8859-1")), "Größe und Länge");
        assert_eq!(decode(utf8, Some("text/html; charset=utf-16")), "Größe und Länge");
        assert_eq!(
            decode(b"Gr\xf6\xdfe aus K\xf6ln, sch\xf6ne Stadt", Some("text/html; charset=utf-8")),
            "Größe aus Köln, schöne Stadt"
        );
        let mixed = ["Größe, größer, gr".as_bytes(), b"\xfc", "n".as_bytes()].concat();
        assert_eq!(decode(&mixed, Some("text/html; charset=utf-8")), "Größe, größer, gr\u{fffd}n");
    }

    #[test]
    fn a_wrong_label_does_not_lose_the_page() {
        assert_eq!(decode(b"<meta charset=utf-16>plain", None), "<meta charset=utf-16>plain");
        assert_eq!(decode(b"plain", Some("text/html; charset=klingon")), "plain");
    }
}
