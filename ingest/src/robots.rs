//! What a website lets robots read: robots.txt by RFC 9309, over `robotxt`.

use crate::fetch::{Fetched, Refused};
use crate::reason::Reason;
use robotxt::Robots;
use std::time::Duration;
use url::Url;

/// Sitemaps taken from one robots.txt.
const SITEMAPS_MAX: usize = 100;

/// What one host lets us read.
#[derive(Clone, Debug)]
pub struct Rules {
    robots: Robots,
    /// Why nothing may be read, where robots.txt could not be.
    unreadable: Option<Reason>,
}

impl Rules {
    /// Reads a robots.txt for the robot of that name.
    pub fn parse(text: &[u8], robot: &str) -> Self {
        Self { robots: Robots::parse(text, robot), unreadable: None }
    }

    /// What follows from trying to fetch a robots.txt: a missing or forbidden one allows everything, one
    /// that cannot be reached forbids everything (RFC 9309, 2.3.1).
    pub fn of(answer: Result<Fetched, Refused>, robot: &str) -> Self {
        match answer.map_err(|refused| refused.reason) {
            Ok(Fetched::Body(body)) => Self::parse(&body.bytes, robot),
            // Of the client errors only those that ask to come back later (429) forbid.
            Err(Reason::Gone(_) | Reason::NotAllowed(_) | Reason::TooManyRedirects(_) | Reason::Status(400..=499)) => {
                Self { robots: Robots::allow_all(), unreadable: None }
            }
            Ok(Fetched::NotModified) => Self::forbidding(&Reason::BadAnswer),
            // The guard's own words say more than that robots.txt was not read.
            Err(reason @ Reason::Refused(_)) => Self { robots: Robots::disallow_all(), unreadable: Some(reason) },
            Err(reason) => Self::forbidding(&reason),
        }
    }

    fn forbidding(reason: &Reason) -> Self {
        Self { robots: Robots::disallow_all(), unreadable: Some(Reason::RobotsUnreadable(reason.to_string())) }
    }

    /// Whether an address of this host may be read.
    pub fn check(&self, url: &Url) -> Result<(), Reason> {
        if let Some(reason) = &self.unreadable {
            return Err(reason.clone());
        }
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        if self.robots.is_allowed(path) {
            return Ok(());
        }
        let rule = self.robots.matching_rule(path).map_or("/", |rule| rule.pattern());
        Err(Reason::RobotsForbid(format!("Disallow: {rule}")))
    }

    /// The pause it asks for between requests.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.robots.crawl_delay()
    }

    /// The sitemaps it names.
    pub fn sitemaps(&self) -> Vec<Url> {
        self.robots.sitemaps().iter().take(SITEMAPS_MAX).cloned().collect()
    }
}

/// Where the robots.txt that rules an address stands.
pub fn robots_url(url: &Url) -> Option<Url> {
    robotxt::robots_url(url).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn allows(text: &str, path: &str) -> bool {
        Rules::parse(text.as_bytes(), "frontdesk")
            .check(&Url::parse(&format!("https://site.example{path}")).unwrap())
            .is_ok()
    }

    /// (what the RFC says, robots.txt, allowed paths, forbidden paths)
    type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

    const CASES: &[Case] = &[
        (
            "2.2.1 our group wins over *",
            "User-agent: *\nDisallow: /\n\nUser-agent: frontdesk\nDisallow: /private",
            &["/", "/public"],
            &["/private", "/private/x"],
        ),
        ("2.2.1 the name is matched without regard to case", "User-agent: FrontDesk\nDisallow: /x\n", &["/y"], &["/x"]),
        (
            "2.2.1 groups of one robot are merged",
            "User-agent: frontdesk\nDisallow: /a\n\nUser-agent: other\nDisallow: /\n\nUser-agent: frontdesk\nDisallow: /b\n",
            &["/c"],
            &["/a", "/b"],
        ),
        (
            "2.2.1 several names share one group",
            "User-agent: other\nUser-agent: frontdesk\nDisallow: /a\n",
            &["/b"],
            &["/a"],
        ),
        ("2.2.1 no group for us and no * allows all", "User-agent: other\nDisallow: /\n", &["/", "/x"], &[]),
        (
            "2.2.1 another robot's name that begins like ours is not ours",
            "User-agent: frontdeskbot\nDisallow: /\n",
            &["/x"],
            &[],
        ),
        (
            "2.2.2 the longest match wins",
            "User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n",
            &["/example/page/", "/example/page/x.gif"],
            &["/example/page/disallowed.gif"],
        ),
        (
            "2.2.2 the longest match wins whatever the order",
            "User-agent: *\nDisallow: /\nAllow: /docs/\n",
            &["/docs/", "/docs/x"],
            &["/", "/doc"],
        ),
        ("2.2.2 of equal rules Allow wins", "User-agent: *\nDisallow: /page\nAllow: /page\n", &["/page"], &[]),
        (
            "2.2.2 paths are matched with regard to case",
            "User-agent: *\nDisallow: /Private\n",
            &["/private"],
            &["/Private"],
        ),
        ("2.2.2 an empty Disallow forbids nothing", "User-agent: *\nDisallow:\n", &["/", "/x"], &[]),
        (
            "2.2.2 percent-encoded and plain octets are the same",
            "User-agent: *\nDisallow: /foo/bar/ツ\nDisallow: /b%61r\n",
            &["/foo/bar/"],
            &["/foo/bar/%E3%83%84", "/bar"],
        ),
        ("2.2.2 %2F is no folder", "User-agent: *\nDisallow: /a%2Fb\n", &["/a/b"], &["/a%2fb", "/a%2Fb"]),
        (
            "2.2.3 * matches anything",
            "User-agent: *\nDisallow: /*.php\nDisallow: /a*z\n",
            &["/x.html", "/a"],
            &["/x.php", "/x.php?y", "/folder/x.php5", "/az", "/a/b/z"],
        ),
        (
            "2.2.3 $ is the end",
            "User-agent: *\nDisallow: /*.php$\nDisallow: /exact$\n",
            &["/x.php?y", "/x.php5", "/exact/", "/exact?x"],
            &["/x.php", "/exact"],
        ),
        ("2.2.3 # begins a comment", "User-agent: * # all\nDisallow: /x # not here\n", &["/y"], &["/x", "/x/y"]),
        (
            "2.2.4 other lines do not end a group",
            "User-agent: *\nCrawl-delay: 1\nSitemap: https://site.example/s.xml\nDisallow: /x\n",
            &["/y"],
            &["/x"],
        ),
        ("a query belongs to the path", "User-agent: *\nDisallow: /*?session=\n", &["/x?page=1"], &["/x?session=1"]),
        ("a byte order mark is not part of the first line", "\u{feff}User-agent: *\nDisallow: /x\n", &["/y"], &["/x"]),
        ("lines end in CR, LF or both", "User-agent: *\r\nDisallow: /a\rDisallow: /b\n", &["/c"], &["/a", "/b"]),
        ("keys are read without regard to case and spaces", "USER-AGENT : *\n  disallow :/x\n", &["/y"], &["/x"]),
        ("rules ahead of any group are nobody's", "Disallow: /\nUser-agent: *\nDisallow: /x\n", &["/y"], &["/x"]),
        ("robots.txt itself may always be read", "User-agent: *\nDisallow: /\n", &["/robots.txt"], &["/x"]),
        (
            "a page of HTML in its place allows all",
            "<!doctype html><html><body>Not found</body></html>",
            &["/", "/x"],
            &[],
        ),
    ];

    #[test]
    fn it_reads_as_the_rfc_says() {
        for (rule, text, allowed, forbidden) in CASES {
            for path in *allowed {
                assert!(allows(text, path), "{rule}: {path} is forbidden");
            }
            for path in *forbidden {
                assert!(!allows(text, path), "{rule}: {path} is allowed");
            }
        }
    }

    #[test]
    fn rules_behind_500_kib_are_not_read_and_the_last_line_is_not_cut() {
        let filler = format!("#{}\n", "x".repeat(99)).repeat(5_120);
        let text = format!("User-agent: *\nDisallow: /early\n{filler}Disallow: /late\n");
        assert!(!allows(&text, "/early") && allows(&text, "/late"));
    }

    #[test]
    fn what_cannot_be_read_forbids_and_what_is_not_there_allows() {
        let url = Url::parse("https://site.example/x").unwrap();
        let check = |reason: Reason| Rules::of(Err(reason.into()), "frontdesk").check(&url);
        for reason in [
            Reason::Gone(404),
            Reason::Gone(410),
            Reason::NotAllowed(403),
            Reason::NotAllowed(401),
            Reason::Status(418),
            Reason::TooManyRedirects(5),
        ] {
            assert_eq!(check(reason.clone()), Ok(()), "{reason}");
        }
        for reason in [
            Reason::Status(500),
            Reason::Busy(503),
            Reason::Busy(429),
            Reason::Unreachable,
            Reason::HostNotFound("x".into()),
            Reason::SlowAnswer(Duration::from_secs(10)),
            Reason::BrokenOff,
        ] {
            assert!(matches!(check(reason.clone()), Err(Reason::RobotsUnreadable(_))), "{reason}");
        }
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let rules = Rules::parse(b"User-agent: *\nDisallow: /private/\n", "frontdesk");
        let refused = rules.check(&Url::parse("https://site.example/private/x").unwrap()).unwrap_err();
        assert_eq!(refused.to_string(), "the website's robots.txt forbids the page (rule `Disallow: /private/`)");
    }

    #[test]
    fn delay_and_sitemaps_are_found_wherever_they_stand() {
        let rules = Rules::parse(b"Sitemap: https://site.example/a.xml\nUser-agent: *\nCrawl-delay: 2.5\nDisallow:\nSitemap: https://cdn.example/b.xml\nSitemap: relative.xml\n", "frontdesk");
        assert_eq!(rules.crawl_delay(), Some(Duration::from_millis(2_500)));
        assert_eq!(
            rules.sitemaps().iter().map(Url::as_str).collect::<Vec<_>>(),
            ["https://site.example/a.xml", "https://cdn.example/b.xml"]
        );
    }
}
