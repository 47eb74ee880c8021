//! Why an address was not read, in words that a content person understands.

use crate::guard::Refusal;
use std::time::Duration;

/// Why an address was skipped or could not be read. `Display` is the sentence that is shown and stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    // The address
    /// It is not a web address.
    #[error("this is not a web address that can be read")]
    NotAnAddress,
    /// Its host must not be reached from here.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// It is longer than any page of a website.
    #[error("the address is longer than {0} characters")]
    AddressTooLong(usize),
    /// It lies on another host.
    #[error("the page is on another website")]
    OtherSite,
    /// It lies outside the start's folder.
    #[error("the page is outside the folder the scan started in")]
    OutsideStart,
    /// No include pattern matches.
    #[error("no include pattern matches the address")]
    NotIncluded,
    /// An exclude pattern matches.
    #[error("the address matches the exclude pattern `{0}`")]
    Excluded(String),
    /// It names a file that is no page.
    #[error("the address ends in `.{0}`, which is not a page")]
    NotAPage(String),
    /// Too many links in a row.
    #[error("the page is more than {0} links away from the start")]
    TooFar(usize),
    /// Too many query variants of one path.
    #[error("more than {0} variants of the same page differ only behind the question mark")]
    TooManyVariants(usize),
    /// Segments of its path repeat, as endless links make them.
    #[error("the folders in the address repeat themselves, as in an endless link")]
    RepeatingPath,
    /// It is one page of an endless calendar.
    #[error("the address looks like one day of an endless calendar")]
    Calendar,
    /// It carries a visitor's session.
    #[error("the address carries a visitor's session id")]
    SessionAddress,
    /// It redirects to another website.
    #[error("the page leads to another website (`{0}`), which would be a scan of its own")]
    LeadsElsewhere(String),
    /// It is the same page as another one.
    #[error("duplicate of {0}")]
    Duplicate(String),
    /// The scan holds as many pages as it may.
    #[error("the scan already has its {0} pages")]
    TooManyPages(usize),
    // robots
    /// robots.txt forbids it.
    #[error("the website's robots.txt forbids the page (rule `{0}`)")]
    RobotsForbid(String),
    /// robots.txt could not be read, which means stop.
    #[error("the website's robots.txt could not be read ({0}), so nothing may be scanned")]
    RobotsUnreadable(String),
    /// The page asks not to be indexed.
    #[error("the page asks not to be indexed (noindex)")]
    NoIndex,
    // The connection
    /// Its name has no address.
    #[error("the host `{0}` was not found")]
    HostNotFound(String),
    /// No connection within the limit.
    #[error("the website could not be reached")]
    Unreachable,
    /// Its certificate is not trusted.
    #[error("the website's certificate is not valid")]
    Certificate,
    /// No answer within the limit.
    #[error("the website did not answer within {} seconds", .0.as_secs())]
    SlowAnswer(Duration),
    /// The page took longer than the limit.
    #[error("the page took longer than {} seconds to arrive", .0.as_secs())]
    SlowPage(Duration),
    /// The connection broke before the page was whole.
    #[error("the page broke off before its end")]
    BrokenOff,
    /// The answer is not HTTP as it should be.
    #[error("the website sent an answer that cannot be understood")]
    BadAnswer,
    // The answer
    /// More redirects than the limit.
    #[error("the page redirects more than {0} times")]
    TooManyRedirects(usize),
    /// A redirect that leads to no address.
    #[error("the page redirects to an address that does not exist")]
    BadRedirect,
    /// 404 and 410.
    #[error("the page does not exist (status {0})")]
    Gone(u16),
    /// 401, 402, 403, 407, 451.
    #[error("the website does not let us read the page (status {0})")]
    NotAllowed(u16),
    /// 408, 425, 429, 503: later it may work.
    #[error("the website asks to come back later (status {0})")]
    Busy(u16),
    /// Any other status.
    #[error("the website answered with status {0}")]
    Status(u16),
    /// The page says that it does not exist, with status 200.
    #[error("the page says that it does not exist, without saying so in its status")]
    SoftGone,
    /// Headers larger than the limit.
    #[error("the headers of the page are larger than {} KiB", .0 / 1024)]
    HeadersTooLarge(usize),
    /// Larger than the limit.
    #[error("the page is larger than {} MiB", .0 / 1_048_576)]
    TooLarge(usize),
    /// Larger than the limit once unpacked.
    #[error("the page is larger than {} MiB once unpacked", .0 / 1_048_576)]
    TooLargeUnpacked(usize),
    /// A compression that was not asked for.
    #[error("the page is packed as `{0}`, which cannot be unpacked")]
    UnknownPacking(String),
    /// Not text that can be read.
    #[error("the page is of the type `{0}`, which cannot be read")]
    WrongType(String),
    /// Other large pages are being read.
    #[error("too many large pages are being read at once")]
    NoRoom,
    // The content
    /// Its bytes are no text, whatever its type says.
    #[error("the page is not text, although its type says so")]
    NotText,
    /// A consent banner, a log-in or a hint at scripts stands in place of the content.
    #[error("the page shows only a wall (cookies, a log-in, or scripts that must run) and no content")]
    Wall,
    /// The page takes too long to take apart.
    #[error("the page is built in a way that takes too long to read")]
    TooComplex,
    /// More text than a document may have.
    #[error("the page has more than {} MiB of text", .0 / 1_048_576)]
    TextTooLarge(usize),
    /// There is no text.
    #[error("the page has no text of its own")]
    Empty,
    /// The sitemap is not one.
    #[error("the sitemap cannot be read: {0}")]
    BadSitemap(String),
    /// The sitemap is too large to be read to its end.
    #[error("the sitemap is larger than {} MiB unpacked, so only its beginning was read", .0 / 1_048_576)]
    SitemapCut(usize),
    /// The sitemaps of the site take too long together.
    #[error("reading the sitemaps took longer than {} seconds, so not all of them were read", .0.as_secs())]
    SlowSitemaps(Duration),
    /// The sitemap names itself, or nests too deep.
    #[error("the sitemaps point at each other without end")]
    SitemapLoop,
}

impl Reason {
    /// Whether the same request may succeed later, unchanged.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::SlowAnswer(_)
                | Self::SlowPage(_)
                | Self::BrokenOff
                | Self::NoRoom
                | Self::Busy(_)
                | Self::RobotsUnreadable(_)
                | Self::Status(500..)
        )
    }

    /// Whether the page is readable but not wanted: it is skipped, not failed.
    pub fn is_unwanted(&self) -> bool {
        matches!(
            self,
            Self::RobotsForbid(_)
                | Self::NoIndex
                | Self::WrongType(_)
                | Self::NotText
                | Self::Empty
                | Self::Wall
                | Self::SoftGone
                | Self::LeadsElsewhere(_)
                | Self::Duplicate(_)
        )
    }

    /// The reason in one or two words, for counts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OtherSite | Self::LeadsElsewhere(_) => "off site",
            Self::OutsideStart => "outside the start",
            Self::NotIncluded => "not included",
            Self::Excluded(_) => "excluded",
            Self::RobotsForbid(_) | Self::RobotsUnreadable(_) => "robots.txt",
            Self::NoIndex => "noindex",
            Self::Duplicate(_) => "duplicate",
            Self::NotAPage(_) | Self::WrongType(_) | Self::NotText => "not HTML",
            Self::TooLarge(_) | Self::TooLargeUnpacked(_) | Self::TextTooLarge(_) | Self::TooComplex => "too large",
            Self::Gone(_) | Self::SoftGone => "not found",
            Self::Empty | Self::Wall => "no content",
            Self::NotAllowed(_) => "not allowed",
            Self::TooManyPages(_) => "over the limit",
            Self::BadSitemap(_) | Self::SitemapCut(_) | Self::SlowSitemaps(_) | Self::SitemapLoop => "sitemap",
            Self::AddressTooLong(_)
            | Self::TooFar(_)
            | Self::TooManyVariants(_)
            | Self::RepeatingPath
            | Self::Calendar
            | Self::SessionAddress => "endless links",
            Self::NotAnAddress
            | Self::Refused(_)
            | Self::HostNotFound(_)
            | Self::Unreachable
            | Self::Certificate
            | Self::SlowAnswer(_)
            | Self::SlowPage(_)
            | Self::BrokenOff
            | Self::BadAnswer
            | Self::TooManyRedirects(_)
            | Self::BadRedirect
            | Self::Busy(_)
            | Self::Status(_)
            | Self::HeadersTooLarge(_)
            | Self::UnknownPacking(_)
            | Self::NoRoom => "not readable",
        }
    }

    /// Whether the address is no part of what was asked for.
    pub fn is_outside(&self) -> bool {
        matches!(self, Self::OtherSite | Self::OutsideStart | Self::NotIncluded | Self::NotAnAddress)
    }

    /// Whether the address is one of many that a website makes without end.
    pub fn is_trap(&self) -> bool {
        matches!(
            self,
            Self::TooManyVariants(_) | Self::RepeatingPath | Self::Calendar | Self::SessionAddress | Self::TooFar(_)
        )
    }

    /// Whether the page is known not to exist (any more).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::SoftGone)
    }
}
