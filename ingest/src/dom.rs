//! Parses a page once and lays its tree out flat, in reading order, so that every later step is a
//! loop over a slice: nothing here or after recurses, however deep a page nests.

use crate::reason::Reason;
use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag as TagToken, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use scraper::node::Element;
use scraper::{Html, HtmlTreeSink, Node};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Elements inside one another; deeper ones are flattened into their parents.
pub(crate) const DEPTH_MAX: usize = 512;
/// Nodes of one page. Chapters of manuals have up to 35,000 (only the index of a whole manual has more), and each
/// takes up some 200 bytes, twice that with what is computed of it.
pub(crate) const NODES_MAX: usize = 60_000;
/// Time to parse one page; real ones take milliseconds.
pub(crate) const PARSE_TIME_MAX: Duration = Duration::from_secs(3);
/// Bytes parsed between two looks at the limits.
const PIECE_BYTES: usize = 2 * 1024;

/// Parses a page within limits. In XHTML, `<x/>` closes itself whatever `x` is.
pub(crate) fn parse(text: &str, is_xhtml: bool) -> Result<Html, Reason> {
    let begin = Instant::now();
    let builder = TreeBuilder::new(HtmlTreeSink::new(Html::new_document()), TreeBuilderOpts::default());
    let gate = Gate { builder, is_xhtml, is_too_deep: Cell::new(false), is_full: Cell::new(false) };
    let tokenizer = Tokenizer::new(gate, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES.min(rest.len())));
        rest = after;
        queue.push_back(StrTendril::from(piece));
        // It pauses at scripts and stated charsets, which change nothing here.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        let html = tokenizer.sink.builder.sink.0.borrow();
        if tokenizer.sink.is_full.get() || begin.elapsed() > PARSE_TIME_MAX {
            return Err(Reason::TooComplex);
        }
        let depth = html.tree.nodes().next_back().map_or(0, |node| node.ancestors().count());
        tokenizer.sink.is_too_deep.set(depth > DEPTH_MAX);
    }
    tokenizer.end();
    Ok(tokenizer.sink.builder.sink.0.into_inner())
}

/// Stands between tokenizer and tree builder: closes what XHTML closes, flattens what nests too deep, and
/// stops when the tree is full, since a single tag can make hundreds of nodes.
struct Gate {
    builder: TreeBuilder<ego_tree::NodeId, HtmlTreeSink>,
    is_xhtml: bool,
    is_too_deep: Cell<bool>,
    is_full: Cell<bool>,
}

impl TokenSink for Gate {
    type Handle = ego_tree::NodeId;

    fn process_token(&self, token: Token, line_number: u64) -> TokenSinkResult<Self::Handle> {
        if self.is_full.get() || self.builder.sink.0.borrow().tree.nodes().len() > NODES_MAX {
            self.is_full.set(true);
            return TokenSinkResult::Continue;
        }
        let Token::TagToken(tag) = token else {
            return self.builder.process_token(token, line_number);
        };
        if tag.kind == TagKind::EndTag {
            return self.builder.process_token(Token::TagToken(tag), line_number);
        }
        let is_raw = matches!(
            &*tag.name,
            "script"
                | "style"
                | "textarea"
                | "title"
                | "iframe"
                | "noscript"
                | "xmp"
                | "noembed"
                | "noframes"
                | "plaintext"
        );
        if self.is_too_deep.get() && !is_raw {
            return TokenSinkResult::Continue;
        }
        let closes_itself = self.is_xhtml && tag.self_closing && !is_void(&tag.name);
        if !closes_itself {
            return self.builder.process_token(Token::TagToken(tag), line_number);
        }
        if is_raw {
            return TokenSinkResult::Continue;
        }
        let end = TagToken {
            kind: TagKind::EndTag,
            name: tag.name.clone(),
            self_closing: false,
            attrs: Vec::new(),
            had_duplicate_attributes: false,
        };
        let _ = self.builder.process_token(Token::TagToken(TagToken { self_closing: false, ..tag }), line_number);
        self.builder.process_token(Token::TagToken(end), line_number)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// What an element is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// `h1` to `h6`.
    Heading(u8),
    /// `p` and what is written like one.
    Paragraph,
    /// `ul`, `menu`.
    List,
    /// `ol`.
    OrderedList,
    /// `li`.
    Item,
    /// `dt`.
    Term,
    /// `dd`.
    Description,
    /// `table`.
    Table,
    /// `tr`.
    Row,
    /// `td`.
    Cell,
    /// `th`.
    HeaderCell,
    /// `pre`.
    Preformatted,
    /// `blockquote`.
    Quote,
    /// `br`.
    Break,
    /// `hr`.
    Rule,
    /// `a`.
    Anchor,
    /// `code`, `kbd`, `samp`, `tt`.
    Code,
    /// `button`.
    Button,
    /// `nav`, `footer`, `aside`.
    Chrome,
    /// `header`.
    Header,
    /// `main`, `article`.
    Main,
    /// Another element that begins a new line.
    Block,
    /// Another element inside a line.
    Inline,
    /// Nothing in it is read.
    Skipped,
}

impl Tag {
    fn of(name: &str) -> Self {
        match name {
            "h1" => Self::Heading(1),
            "h2" => Self::Heading(2),
            "h3" => Self::Heading(3),
            "h4" => Self::Heading(4),
            "h5" => Self::Heading(5),
            "h6" => Self::Heading(6),
            "p" | "summary" | "figcaption" | "caption" | "address" | "legend" | "label" => Self::Paragraph,
            "ul" | "menu" => Self::List,
            "ol" => Self::OrderedList,
            "li" => Self::Item,
            "dt" => Self::Term,
            "dd" => Self::Description,
            "table" => Self::Table,
            "tr" => Self::Row,
            "td" => Self::Cell,
            "th" => Self::HeaderCell,
            "pre" | "listing" => Self::Preformatted,
            "blockquote" => Self::Quote,
            "br" => Self::Break,
            "hr" => Self::Rule,
            "a" => Self::Anchor,
            "code" | "kbd" | "samp" | "tt" => Self::Code,
            "button" => Self::Button,
            "nav" | "footer" | "aside" => Self::Chrome,
            "header" => Self::Header,
            "main" | "article" => Self::Main,
            "html" | "body" | "div" | "section" | "form" | "fieldset" | "figure" | "details" | "dl" | "center"
            | "hgroup" | "dialog" | "search" | "tbody" | "thead" | "tfoot" | "colgroup" | "col" => Self::Block,
            "head" | "script" | "style" | "noscript" | "template" | "svg" | "iframe" | "object" | "embed"
            | "canvas" | "audio" | "video" | "select" | "input" | "textarea" | "datalist" | "map" | "img"
            | "picture" | "frameset" | "noframes" | "title" | "meta" | "link" | "base" => Self::Skipped,
            _ => Self::Inline,
        }
    }

    /// Whether it stands inside a line of text.
    pub(crate) fn is_inline(self) -> bool {
        matches!(self, Self::Anchor | Self::Code | Self::Inline | Self::Break | Self::Button)
    }

    /// Whether it only groups other blocks.
    pub(crate) fn is_container(self) -> bool {
        matches!(self, Self::Block | Self::Main | Self::Header | Self::Chrome)
    }
}

/// A page's tree in reading order. The descendants of item `i` are the items `i + 1 .. end`.
pub(crate) struct Outline<'a> {
    /// The items of `body`, itself first.
    pub(crate) items: Vec<Item<'a>>,
}

/// An element or a text.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Which of both.
    pub(crate) kind: Kind<'a>,
    /// The first item that is not inside it.
    pub(crate) end: usize,
}

/// An element or a text.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// An element, by what it is to a reader.
    Element(Tag, &'a Element),
    /// A run of characters.
    Text(&'a str),
}

impl<'a> Outline<'a> {
    /// Lays out the body of a page. What is never read (scripts, pictures, …) is left out.
    pub(crate) fn of(html: &'a Html) -> Self {
        let mut items: Vec<Item<'a>> = Vec::with_capacity(html.tree.nodes().len());
        let mut open: Vec<usize> = Vec::with_capacity(64);
        let mut skipped = None;
        let Some(body) =
            html.tree.root().children().flat_map(|node| node.children()).find(|node| is_named(node.value(), "body"))
        else {
            return Self { items };
        };
        for edge in body.traverse() {
            match edge {
                ego_tree::iter::Edge::Open(node) if skipped.is_none() => match node.value() {
                    Node::Text(text) => {
                        let end = items.len() + 1;
                        items.push(Item { kind: Kind::Text(text), end });
                    }
                    Node::Element(element) => {
                        let tag = Tag::of(&element.name.local);
                        if tag == Tag::Skipped {
                            skipped = Some(node.id());
                        } else {
                            open.push(items.len());
                            items.push(Item { kind: Kind::Element(tag, element), end: 0 });
                        }
                    }
                    Node::Document
                    | Node::Fragment
                    | Node::Doctype(_)
                    | Node::Comment(_)
                    | Node::ProcessingInstruction(_) => {}
                },
                ego_tree::iter::Edge::Close(node) => match skipped {
                    Some(id) if id == node.id() => skipped = None,
                    None if node.value().is_element() => {
                        let end = items.len();
                        if let Some(item) = open.pop().and_then(|index| items.get_mut(index)) {
                            item.end = end;
                        }
                    }
                    Some(_) | None => {}
                },
                ego_tree::iter::Edge::Open(_) => {}
            }
        }
        Self { items }
    }

    /// The item at an index, if there is one.
    pub(crate) fn get(&self, index: usize) -> Option<Item<'a>> {
        self.items.get(index).copied()
    }

    /// The items inside an item, with their indexes, itself not included.
    pub(crate) fn inside(&self, index: usize) -> impl Iterator<Item = (usize, Item<'a>)> + '_ {
        let end = self.get(index).map_or(index, |item| item.end);
        (index + 1..end).filter_map(|inner| self.get(inner).map(|item| (inner, item)))
    }

    /// The items directly inside an item, with their indexes.
    pub(crate) fn children(&self, index: usize) -> impl Iterator<Item = (usize, Item<'a>)> + '_ {
        let end = self.get(index).map_or(index, |item| item.end);
        let first = (index + 1 < end).then_some(index + 1);
        std::iter::successors(first, move |at| self.get(*at).map(|item| item.end).filter(|next| *next < end))
            .filter_map(|inner| self.get(inner).map(|item| (inner, item)))
    }

    /// How much text there is inside an item, white space included, in bytes.
    pub(crate) fn text_bytes(&self, index: usize) -> usize {
        let texts = self.inside(index).map(|(_, item)| match item.kind {
            Kind::Text(text) => text.len(),
            Kind::Element(..) => 0,
        });
        texts.sum()
    }

    /// The text inside an item, white space collapsed.
    pub(crate) fn text(&self, index: usize) -> String {
        let mut text = String::new();
        for (_, item) in self.inside(index) {
            match item.kind {
                Kind::Text(piece) => {
                    if piece.starts_with(char::is_whitespace) && !text.ends_with(' ') && !text.is_empty() {
                        text.push(' ');
                    }
                    for word in piece.split_whitespace() {
                        text.push_str(word);
                        text.push(' ');
                    }
                    if !piece.ends_with(char::is_whitespace) && text.ends_with(' ') {
                        text.pop();
                    }
                }
                Kind::Element(tag, _) if !tag.is_inline() || tag == Tag::Break => text.push(' '),
                Kind::Element(..) => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn is_named(node: &Node, name: &str) -> bool {
    node.as_element().is_some_and(|element| &*element.name.local == name)
}
