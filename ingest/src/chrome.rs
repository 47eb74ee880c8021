//! What an element says of itself: that it is navigation, decoration or hidden, and no content.

use scraper::node::Element;

/// Words in the class names of notes, which some generators write as `aside`.
const NOTE_WORDS: [&str; 12] = [
    "note",
    "footnote",
    "citation",
    "tip",
    "info",
    "warning",
    "caution",
    "danger",
    "admonition",
    "callout",
    "hint",
    "starlight-aside",
];
/// Class names that mark what is not content, as whole words.
const CHROME_WORDS: [&str; 44] = [
    "sidebar",
    "breadcrumb",
    "breadcrumbs",
    "toc",
    "tableofcontents",
    "pagination",
    "pager",
    "cookie",
    "cookies",
    "consent",
    "navbar",
    "navheader",
    "navfooter",
    "nav",
    "navigation",
    "footer",
    "headerlink",
    "headeranchor",
    "menu",
    "social",
    "share",
    "sharing",
    "linenos",
    "lineno",
    "skip",
    "skiplink",
    "skipnav",
    "advert",
    "advertisement",
    "banner",
    "newsletter",
    "subscribe",
    "votes",
    "feedback",
    "related",
    "recommended",
    "comments",
    "lastupdated",
    "editlink",
    "permalink",
    "hideme",
    "test-arrow",
    "toplang",
    "ttc",
];
/// Roles that mark what is not content.
const CHROME_ROLES: [&str; 7] =
    ["navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog"];

/// Whether it is there but not to be seen.
pub(crate) fn is_hidden(element: &Element) -> bool {
    let hides = |style: &str| {
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        style.contains("display:none") || style.contains("visibility:hidden") || style.contains("font-size:0")
    };
    element.attr("aria-hidden") == Some("true") || element.attr("style").is_some_and(hides)
}

/// Whether its role is not that of content.
pub(crate) fn has_chrome_role(element: &Element) -> bool {
    element.attr("role").is_some_and(|role| CHROME_ROLES.contains(&role))
}

/// Whether a class name says that it is no content. Ids are not asked: they name what a section is about, and a section may well be about cookies.
pub(crate) fn has_chrome_name(element: &Element) -> bool {
    element.attr("class").is_some_and(|names| {
        names.split_ascii_whitespace().any(|name| {
            let mut words = name.split(['-', '_']);
            // `has-sidebar`, `no-footer`, `with-toc` describe the page around them, not themselves.
            let describes = words.next().is_some_and(|word| matches!(word, "has" | "no" | "with" | "is" | "js"));
            !describes && name.split(['-', '_']).chain([name]).any(|word| CHROME_WORDS.contains(&word))
        })
    })
}

/// Whether it counts the lines of code that it stands in.
pub(crate) fn is_line_number(element: &Element) -> bool {
    element
        .attr("class")
        .is_some_and(|names| matches!(names, "lineno" | "linenos" | "normal linenos" | "linenos special"))
}

/// Whether it is a note, and so part of the content.
pub(crate) fn is_note(element: &Element) -> bool {
    element.attr("class").is_some_and(|names| {
        names.split([' ', '-', '_']).chain(names.split_ascii_whitespace()).any(|word| NOTE_WORDS.contains(&word))
    })
}
