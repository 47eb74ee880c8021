//! Takes a page apart: its title, main text as Markdown, language, links, and what it asks of robots.

use crate::boilerplate::SiteProfile;
use crate::fetch::media_type;
use crate::language::{detect_language, language_code};
use crate::questions::with_questions;
use crate::reason::Reason;
use crate::{charset, content, dom, markdown};
use ego_tree::NodeRef;
use scraper::{Html, Node};
use std::collections::HashSet;
use url::Url;

/// Links taken from one page.
pub const LINKS_MAX: usize = 10_000;
/// The longest title, in characters.
const TITLE_CHARS_MAX: usize = 300;
/// A page that says "not found" in its heading and is longer than this, in bytes, is about it instead.
const SOFT_GONE_BYTES_MAX: usize = 1_500;
/// What pages that do not exist say in their heading.
const SOFT_GONE_WORDS: [&str; 14] = [
    "404",
    "page not found",
    "not found",
    "page doesn't exist",
    "page doesn’t exist",
    "page does not exist",
    "page cannot be found",
    "page can't be found",
    "seite nicht gefunden",
    "nicht gefunden",
    "page introuvable",
    "página no encontrada",
    "pagina non trovata",
    "pagina niet gevonden",
];

/// A page that speaks of a wall and is longer than this, in bytes, has content beside it.
const WALL_BYTES_MAX: usize = 500;
/// What walls say.
const WALL_WORDS: [&str; 14] = [
    "enable javascript",
    "javascript is required",
    "javascript is disabled",
    "requires javascript",
    "without javascript",
    "activate javascript",
    "enable cookies",
    "accept all cookies to",
    "accept cookies to",
    "verify you are human",
    "verify that you are human",
    "checking your browser",
    "unusual traffic",
    "log in to continue",
];

/// A page as it was fetched.
#[derive(Clone, Copy, Debug)]
pub struct RawPage<'a> {
    /// Where it was found: its relative links start there.
    pub url: &'a Url,
    /// The header of that name.
    pub content_type: Option<&'a str>,
    /// The header `X-Robots-Tag`.
    pub robots_tag: Option<&'a str>,
    /// The body.
    pub bytes: &'a [u8],
}

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Its title, without the site's name where that can be told.
    pub title: String,
    /// Its main content as Markdown.
    pub text: String,
    /// ISO 639-1 code of the text, or of what the page states.
    pub language: Option<String>,
    /// The address it wants to be known by.
    pub canonical: Option<Url>,
    /// Where it links to, in reading order, each once; empty where it asks not to be followed.
    pub links: Vec<Url>,
    /// Whether it asks not to be indexed.
    pub noindex: bool,
    /// Whether it seems to say that there is no such page, though its status said otherwise.
    pub seems_gone: bool,
    /// Whether a wall stands in place of its content: a consent banner, a log-in, a hint at scripts.
    pub seems_walled: bool,
    /// Hashes of all its block texts, for `SiteProfile::learn`.
    pub block_hashes: Vec<u64>,
}

/// Takes a page apart. `profile` is what is known of its site; the first pages are taken apart without.
///
/// Runs for milliseconds without yielding: call it where blocking is allowed.
pub fn extract(page: &RawPage<'_>, profile: Option<&SiteProfile>) -> Result<Extraction, Reason> {
    let text = charset::decode(page.bytes, page.content_type);
    let media_type = page.content_type.map(media_type).unwrap_or_default();
    let extraction = match media_type.as_str() {
        "text/plain" | "text/markdown" | "text/x-markdown" => plain(page, &text),
        _ => html(page, &text, media_type == "application/xhtml+xml", profile),
    }?;
    if extraction.text.is_empty() && extraction.links.is_empty() { Err(Reason::Empty) } else { Ok(extraction) }
}

fn plain(page: &RawPage<'_>, text: &str) -> Result<Extraction, Reason> {
    // Null bytes are no text, and PostgreSQL takes none.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\0', "").trim().to_owned();
    if text.len() > markdown::TEXT_BYTES_MAX {
        return Err(Reason::TextTooLarge(markdown::TEXT_BYTES_MAX));
    }
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    let file = page.url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let title = short_title(heading.unwrap_or(file));
    let (noindex, _) = robots_directives(page.robots_tag.unwrap_or_default());
    Ok(Extraction { title, language: detect_language(&text, None), text, noindex, ..Extraction::default() })
}

fn html(page: &RawPage<'_>, text: &str, is_xhtml: bool, profile: Option<&SiteProfile>) -> Result<Extraction, Reason> {
    let is_xhtml = is_xhtml || text.trim_start().starts_with("<?xml");
    let html = dom::parse(text, is_xhtml)?;
    let head = Head::of(&html, page.url);
    let outline = dom::Outline::of(&html);
    let content = content::find(&outline, &head.title, profile);
    if outline.text_bytes(content.root) > markdown::TEXT_BYTES_MAX {
        return Err(Reason::TextTooLarge(markdown::TEXT_BYTES_MAX));
    }
    let text = with_questions(&html, markdown::write(&outline, &content)?);
    let heading = content
        .heading
        .filter(|heading| content.root <= *heading && !content.left_out.get(*heading).copied().unwrap_or(false));
    let heading = heading
        .map(|heading| outline.text(heading))
        .map(|heading| heading.trim_end_matches(['¶', '#', '\u{200b}', ' ']).to_owned());
    let heading = heading.filter(|heading| !heading.is_empty() && !is_one_of_many(&outline, &content, heading, &head));
    let title = short_title(&heading.unwrap_or_else(|| without_site_name(&head.title)));
    let (noindex_tag, nofollow_tag) = robots_directives(page.robots_tag.unwrap_or_default());
    let nofollow = head.nofollow || nofollow_tag;
    Ok(Extraction {
        links: if nofollow { Vec::new() } else { links(&outline, &head) },
        language: detect_language(&text, head.language),
        seems_gone: seems_gone(&title, &head.title, &text),
        seems_walled: seems_walled(&text),
        noindex: head.noindex || noindex_tag,
        canonical: head.canonical,
        block_hashes: content.block_hashes,
        title,
        text,
    })
}

/// Whether a heading is that of a mere part: there are others of its level, and the page's head calls it otherwise.
fn is_one_of_many(outline: &dom::Outline<'_>, content: &content::Content, heading: &str, head: &Head) -> bool {
    let is_left_out = |index: usize| content.left_out.get(index).copied().unwrap_or(false);
    let count = outline
        .inside(content.root)
        .filter(|(index, item)| {
            matches!(item.kind, dom::Kind::Element(dom::Tag::Heading(1), _)) && !is_left_out(*index)
        })
        .count();
    count > 1 && !head.title.is_empty() && !head.title.to_lowercase().contains(&heading.to_lowercase())
}

/// What the head of a page says.
struct Head {
    title: String,
    open_graph_title: String,
    language: Option<String>,
    canonical: Option<Url>,
    refresh: Option<Url>,
    base: Url,
    noindex: bool,
    nofollow: bool,
}

impl Head {
    fn of(html: &Html, url: &Url) -> Self {
        let mut head = Self {
            title: String::new(),
            open_graph_title: String::new(),
            language: None,
            canonical: None,
            refresh: None,
            base: url.clone(),
            noindex: false,
            nofollow: false,
        };
        for node in html.tree.root().children() {
            let Some(element) = node.value().as_element() else { continue };
            let stated = element.attr("lang").or_else(|| element.attr("xml:lang"));
            head.language = stated.and_then(language_code);
            let inside = node
                .children()
                .filter(|child| child.value().as_element().is_some_and(|element| element.name() == "head"));
            for child in inside.flat_map(|head| head.children()) {
                head.read(child, url);
            }
        }
        if head.title.is_empty() {
            head.title = std::mem::take(&mut head.open_graph_title);
        }
        head
    }

    fn read(&mut self, node: NodeRef<'_, Node>, url: &Url) {
        let Some(element) = node.value().as_element() else { return };
        let target = || element.attr("href").and_then(|target| url.join(target).ok());
        let content = element.attr("content").unwrap_or_default();
        let is_named = |name| has_word(element.attr("name"), name);
        match element.name() {
            "title" => {
                let words = node.children().filter_map(|text| text.value().as_text());
                let words: Vec<&str> = words.flat_map(|text| text.split_whitespace()).collect();
                self.title = words.join(" ");
            }
            "base" => self.base = target().unwrap_or_else(|| self.base.clone()),
            "link" if has_word(element.attr("rel"), "canonical") => {
                self.canonical = target().filter(Url::has_host);
            }
            "meta" if is_named("robots") || is_named("frontdesk") => {
                let (noindex, nofollow) = robots_directives(content);
                self.noindex |= noindex;
                self.nofollow |= nofollow;
            }
            "meta" if has_word(element.attr("http-equiv"), "refresh") => {
                self.refresh = refresh_target(content).and_then(|target| url.join(target).ok());
            }
            "meta" if element.attr("property") == Some("og:title") => {
                content.clone_into(&mut self.open_graph_title);
            }
            _ => {}
        }
    }
}

fn has_word(value: Option<&str>, word: &str) -> bool {
    value.is_some_and(|value| value.split_ascii_whitespace().any(|part| part.eq_ignore_ascii_case(word)))
}

/// What a robots tag asks: (noindex, nofollow). Parts that name another robot are not for us.
fn robots_directives(value: &str) -> (bool, bool) {
    let (mut noindex, mut nofollow, mut is_for_us) = (false, false, true);
    for part in value.split(',') {
        let directive = match part.split_once(':') {
            Some((robot, directive)) if !robot.trim().starts_with("max-") && robot.trim() != "unavailable_after" => {
                is_for_us = robot.trim().eq_ignore_ascii_case("frontdesk") || robot.trim() == "*";
                directive
            }
            _ => part,
        };
        let directive = directive.trim().to_ascii_lowercase();
        noindex |= is_for_us && matches!(directive.as_str(), "noindex" | "none");
        nofollow |= is_for_us && matches!(directive.as_str(), "nofollow" | "none");
    }
    (noindex, nofollow)
}

/// Where a page sends its readers on: `0; url=/there`.
fn refresh_target(content: &str) -> Option<&str> {
    let (_, target) = content.split_once([';', ','])?;
    let target = target.trim_start();
    let is_named = target.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("url"));
    let target = if is_named { target.get(3..)?.trim_start().strip_prefix('=')? } else { target };
    Some(target.trim().trim_matches(['"', '\''])).filter(|target| !target.is_empty())
}

fn links(outline: &dom::Outline<'_>, head: &Head) -> Vec<Url> {
    let mut seen = HashSet::new();
    let targets = outline.items.iter().filter_map(|item| match item.kind {
        dom::Kind::Element(dom::Tag::Anchor, element) if !has_word(element.attr("rel"), "nofollow") => {
            element.attr("href")
        }
        dom::Kind::Element(..) | dom::Kind::Text(_) => None,
    });
    // Most links of a page repeat; the text is compared before the costly parsing.
    let targets = targets
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.trim().is_empty() && seen.insert(*target));
    targets
        .take(LINKS_MAX)
        .filter_map(|target| head.base.join(target).ok())
        .chain(head.refresh.clone())
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .collect()
}

/// A page's title without the name of its site: the part before the last separator, if that is not tiny.
fn without_site_name(title: &str) -> String {
    let separators = [" | ", " – ", " — ", " · ", " • ", " :: ", " » ", " - "];
    let cut = separators.iter().filter_map(|separator| title.rfind(separator)).max();
    cut.and_then(|cut| title.get(..cut)).filter(|page| page.len() >= 3).unwrap_or(title).trim().to_owned()
}

fn short_title(title: &str) -> String {
    title.trim().chars().take(TITLE_CHARS_MAX).collect()
}

fn seems_gone(title: &str, head_title: &str, text: &str) -> bool {
    let says_so = |title: &str| {
        let title = title.to_lowercase();
        SOFT_GONE_WORDS.iter().any(|words| title.contains(words))
    };
    text.len() <= SOFT_GONE_BYTES_MAX && (says_so(title) || says_so(head_title))
}

fn seems_walled(text: &str) -> bool {
    text.len() <= WALL_BYTES_MAX && {
        let text = text.to_lowercase();
        WALL_WORDS.iter().any(|words| text.contains(words))
    }
}
