//! Finds the main content of a page: what is left when menus, banners, footers and tables of contents
//! go. Two witnesses: the page itself (tags, class names, how much of a text is links) and the site
//! (texts that stand on many of its pages).

#![expect(clippy::wildcard_enum_match_arm, reason = "of all elements, each match is about a few")]

use crate::boilerplate::{BlockHash, SiteProfile};
use crate::chrome::{has_chrome_name, has_chrome_role, is_hidden, is_line_number, is_note};
use crate::dom::{Item, Kind, Outline, Tag};

/// The part of its parent's good text that a container needs to become the main one, if it holds the page's heading.
const SHARE_WITH_HEADING: f64 = 0.5;
/// The same for a page without a heading.
const SHARE_WITHOUT_HEADING: f64 = 0.8;
/// The part of a page's good text that cannot be mere decoration, whatever its class names say.
const SHARE_OF_DECORATION: f64 = 0.4;
/// The same for what is hidden: some pages hide all of themselves until a script has run.
const SHARE_OF_HIDDEN: f64 = 0.9;
/// How often a table's text must be seen on a site before it is dropped.
const SHARE_OF_STRUCTURE: f64 = 0.8;
/// The part of a container's text that is links, from which it is a menu.
const LINK_SHARE_OF_MENU: f64 = 0.8;
/// Which part of a page is its content.
pub(crate) struct Content {
    /// The item that holds it.
    pub(crate) root: usize,
    /// Per item: whether it and all inside it are left out.
    pub(crate) left_out: Vec<bool>,
    /// The page's own heading, where it has one.
    pub(crate) heading: Option<usize>,
    /// The hashes of all block texts of the page, for the site's profile.
    pub(crate) block_hashes: Vec<u64>,
}

/// Finds the content of a page. `page_title` is what its head says.
pub(crate) fn find(outline: &Outline<'_>, page_title: &str, profile: Option<&SiteProfile>) -> Content {
    let blocks = Blocks::of(outline);
    let mut left_out = vec![false; outline.items.len()];
    let mut measure = Measure::of(outline, &blocks, profile, &left_out);
    let heading = page_heading(outline, page_title, &measure);
    mark_chrome(outline, &measure, heading, &mut left_out);
    measure = Measure::of(outline, &blocks, profile, &left_out);
    let root = descend(outline, &measure, heading);
    let is_known = profile.is_some_and(SiteProfile::is_ready) || is_marked_as_main(outline, root);
    mark_menus(outline, &measure, Place { root, heading, is_known }, &mut left_out);
    if let Some(profile) = profile {
        mark_repeated(outline, &blocks, profile, root, &mut left_out);
    }
    Content { root, left_out, heading, block_hashes: blocks.hashes }
}

/// The blocks of text: which one each item's text belongs to.
struct Blocks {
    of_item: Vec<usize>,
    hashes: Vec<u64>,
}

impl Blocks {
    fn of(outline: &Outline<'_>) -> Self {
        let mut of_item = Vec::with_capacity(outline.items.len());
        let mut hashes = Vec::new();
        let mut open: Option<BlockHash> = None;
        let mut ends: Vec<usize> = Vec::new();
        for (index, item) in outline.items.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= index) {
                ends.pop();
                hashes.extend(open.take().map(BlockHash::value));
            }
            match item.kind {
                Kind::Element(tag, _) if !tag.is_inline() => {
                    hashes.extend(open.take().map(BlockHash::value));
                    ends.push(item.end);
                }
                Kind::Text(text) if text.contains(|c: char| !c.is_ascii_whitespace()) => {
                    open.get_or_insert_default().add(text);
                }
                Kind::Element(..) | Kind::Text(_) => {}
            }
            of_item.push(hashes.len());
        }
        hashes.extend(open.map(BlockHash::value));
        Self { of_item, hashes }
    }

    fn share(&self, index: usize, profile: &SiteProfile) -> f64 {
        self.of_item.get(index).and_then(|block| self.hashes.get(*block)).map_or(0.0, |hash| profile.share(*hash))
    }
}

/// Running sums over the items: how much text, how much of it in links, how much of it good.
struct Measure {
    sums: Vec<Sums>,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    text: usize,
    link: usize,
    good: usize,
    links: usize,
    links_within: usize,
}

impl Measure {
    fn of(outline: &Outline<'_>, blocks: &Blocks, profile: Option<&SiteProfile>, left_out: &[bool]) -> Self {
        let mut sums = Vec::with_capacity(outline.items.len() + 1);
        let mut sum = Sums::default();
        let (mut link_end, mut left_out_end) = (0, 0);
        sums.push(sum);
        for (index, item) in outline.items.iter().enumerate() {
            if left_out.get(index).copied().unwrap_or(false) {
                left_out_end = left_out_end.max(item.end);
            }
            match item.kind {
                Kind::Element(Tag::Anchor, element) => {
                    if let Some(target) = element.attr("href") {
                        link_end = link_end.max(item.end);
                        sum.links += 1;
                        sum.links_within += usize::from(target.starts_with('#'));
                    }
                }
                Kind::Element(..) => {}
                Kind::Text(text) => {
                    let length = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
                    sum.text += length;
                    if index < link_end {
                        sum.link += length;
                    } else if index >= left_out_end
                        && length > 0
                        && profile.is_none_or(|profile| blocks.share(index, profile) <= 0.0)
                    {
                        sum.good += length;
                    }
                }
            }
            sums.push(sum);
        }
        Self { sums }
    }

    fn between(&self, start: usize, end: usize) -> Sums {
        let at = |index: usize| self.sums.get(index).copied().unwrap_or_default();
        let (start, end) = (at(start), at(end));
        Sums {
            text: end.text.saturating_sub(start.text),
            link: end.link.saturating_sub(start.link),
            good: end.good.saturating_sub(start.good),
            links: end.links.saturating_sub(start.links),
            links_within: end.links_within.saturating_sub(start.links_within),
        }
    }

    fn of_item(&self, index: usize, item: Item<'_>) -> Sums {
        self.between(index, item.end)
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of texts are far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The heading that names the page: the one its title repeats, else the first that has good text.
fn page_heading(outline: &Outline<'_>, page_title: &str, measure: &Measure) -> Option<usize> {
    let headings = |level| {
        outline
            .items
            .iter()
            .enumerate()
            .filter(move |(_, item)| matches!(item.kind, Kind::Element(Tag::Heading(of), _) if of <= level))
    };
    let title = page_title.to_lowercase();
    let named = headings(2).find(|(index, _)| {
        let text = outline.text(*index).to_lowercase();
        let text = text.trim_end_matches(['¶', '#', ' ']);
        text.len() > 3 && title.starts_with(text)
    });
    named.or_else(|| headings(1).find(|(index, item)| measure.of_item(*index, **item).good > 0)).map(|(index, _)| index)
}

/// Leaves out what says of itself that it is no content, unless it holds too much to be that.
fn mark_chrome(outline: &Outline<'_>, measure: &Measure, heading: Option<usize>, left_out: &mut [bool]) {
    let all = measure.between(0, outline.items.len()).good;
    for (index, item) in outline.items.iter().enumerate() {
        let Kind::Element(tag, element) = item.kind else { continue };
        let share = ratio(measure.of_item(index, *item).good, all);
        let holds_heading = heading.is_some_and(|heading| index <= heading && heading < item.end);
        let says_so = match tag {
            Tag::Chrome => !is_note(element),
            Tag::Header => heading.is_none_or(|heading| index < heading),
            Tag::Heading(_) => false,
            Tag::Inline => has_chrome_role(element) || is_line_number(element),
            _ => has_chrome_role(element) || (!tag.is_inline() || tag == Tag::Anchor) && has_chrome_name(element),
        };
        let mark =
            says_so && !holds_heading && share <= SHARE_OF_DECORATION || is_hidden(element) && share <= SHARE_OF_HIDDEN;
        if let (true, Some(flag)) = (mark, left_out.get_mut(index)) {
            *flag = true;
        }
    }
}

/// Walks down from the body into the container that holds the page's heading and most of its good text.
fn descend(outline: &Outline<'_>, measure: &Measure, heading: Option<usize>) -> usize {
    let mut at = 0;
    loop {
        let Some(item) = outline.get(at) else { return at };
        let good = measure.of_item(at, item).good;
        let best = outline
            .children(at)
            .filter(|(_, child)| matches!(child.kind, Kind::Element(..)))
            .max_by_key(|(index, child)| measure.of_item(*index, *child).good);
        let Some((index, child)) = best else { return at };
        let is_container = matches!(child.kind, Kind::Element(tag, _) if tag.is_container() || matches!(tag, Tag::Table | Tag::Row | Tag::Cell));
        let share = ratio(measure.of_item(index, child).good, good);
        let share_min = match heading {
            Some(heading) if index <= heading && heading < child.end => SHARE_WITH_HEADING,
            Some(heading) if at <= heading => 2.0,
            _ => SHARE_WITHOUT_HEADING,
        };
        if !is_container || share < share_min {
            return at;
        }
        at = index;
    }
}

fn is_marked_as_main(outline: &Outline<'_>, root: usize) -> bool {
    outline.items.iter().take(root + 1).any(|item| item.end > root && matches!(item.kind, Kind::Element(Tag::Main, _)))
}

/// Where the content was found, and whether anything but guessing led there.
#[derive(Clone, Copy)]
struct Place {
    root: usize,
    heading: Option<usize>,
    is_known: bool,
}

/// Leaves out lists of links: to places on this page, or ahead of the heading, or (where it is only
/// guessed what the content is) many of them beside much text.
fn mark_menus(outline: &Outline<'_>, measure: &Measure, place: Place, left_out: &mut [bool]) {
    let Place { root, heading, is_known } = place;
    let Some(root_item) = outline.get(root) else { return };
    let good = measure.of_item(root, root_item).good;
    for (index, item) in outline.inside(root) {
        let Kind::Element(tag, _) = item.kind else { continue };
        let ahead = heading.is_some_and(|heading| item.end <= heading);
        if !(tag.is_container() || matches!(tag, Tag::List | Tag::OrderedList) || tag == Tag::Anchor && ahead) {
            continue;
        }
        let sums = measure.of_item(index, item);
        let is_menu = (sums.links >= 2 || ahead) && ratio(sums.link, sums.text) >= LINK_SHARE_OF_MENU;
        let within = sums.links_within * 10 >= sums.links * 8;
        let beside = !is_known && sums.links >= 15 && good >= 400 && sums.good * 10 < good;
        if let (true, Some(flag)) = (is_menu && (within || ahead || beside), left_out.get_mut(index)) {
            *flag = true;
        }
    }
}

/// Leaves out blocks that many pages of the site show. Tables and code need more proof, since the pages
/// of a manual share them by right.
fn mark_repeated(outline: &Outline<'_>, blocks: &Blocks, profile: &SiteProfile, root: usize, left_out: &mut [bool]) {
    let (mut structure_end, mut kept_end) = (0, 0);
    for (index, item) in outline.inside(root) {
        match item.kind {
            Kind::Element(Tag::Table | Tag::Preformatted, _) => {
                structure_end = structure_end.max(item.end);
            }
            // Headings and links to further reading say the same words as the menu that is on every page.
            Kind::Element(Tag::Heading(_) | Tag::Anchor, _) => kept_end = kept_end.max(item.end),
            Kind::Element(..) => {}
            Kind::Text(_) if index < kept_end => {}
            Kind::Text(text) => {
                let share_min = if index < structure_end { SHARE_OF_STRUCTURE } else { f64::MIN_POSITIVE };
                if let (true, Some(flag)) = (
                    !text.trim_ascii().is_empty() && blocks.share(index, profile) >= share_min,
                    left_out.get_mut(index),
                ) {
                    *flag = true;
                }
            }
        }
    }
}
