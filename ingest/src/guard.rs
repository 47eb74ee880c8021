//! The address guard: which hosts may be reached, decided where the connection is made.
//!
//! A name is resolved once, by us; only public addresses go on to the connector, so a name cannot
//! change its address between the check and the connection. Literal addresses never reach a
//! resolver and are checked before each request.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, redirect};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use url::{Host, Url};

/// Networks of IPv4 that are not the public internet, from the registry of special-purpose addresses (RFC 6890 and later).
const PRIVATE_V4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::UNSPECIFIED, 8),            // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's own services
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24),  // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24),  // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(192, 175, 48, 0), 24),  // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),      // multicast, reserved, broadcast
];

/// Networks inside the public part of IPv6 (`2000::/3`) that are not the public internet; all outside it is refused.
const PRIVATE_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, benchmarking, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Why a host must not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not reachable by HTTP.
    #[error("only http and https addresses can be reached")]
    Scheme,
    /// It has no host.
    #[error("the address names no host")]
    NoHost,
    /// It carries a name and password.
    #[error("the address carries a user name or password")]
    Credentials,
    /// It is, or resolves to, an address that is not public.
    #[error("the host `{0}` is on a private network, which must not be reached")]
    Private(String),
}

/// A host and port that may be reached although its address is private.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPort {
    host: String,
    port: u16,
}

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, InvalidHostPort> {
        let invalid = || InvalidHostPort(text.to_owned());
        // The address parser normalises the host exactly as it does for the addresses that are compared with it.
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| invalid())?;
        let (_, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let port = port.parse().map_err(|_| invalid())?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        match url.host_str() {
            Some(host) if is_bare => Ok(Self { host: host.to_owned(), port }),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for HostPort {
    type Error = InvalidHostPort;
    fn try_from(text: String) -> Result<Self, InvalidHostPort> {
        text.parse()
    }
}

impl From<HostPort> for String {
    fn from(host_port: HostPort) -> Self {
        host_port.to_string()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A text that is no `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form host:port")]
pub struct InvalidHostPort(String);

/// Decides which hosts may be reached: public ones, and the exceptions of the settings.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow_private_hosts: Arc<[HostPort]>,
    setting: Option<&'static str>,
}

/// A refusal at connect time, with the setting that could allow the host.
#[derive(Debug, thiserror::Error)]
#[error("`{setting}` does not list it")]
struct NotListed {
    setting: &'static str,
    #[source]
    refusal: Refusal,
}

/// Whether an address is reached because it is public or because the settings allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Its name is resolved by the guard, to public addresses only.
    Public,
    /// Exactly this host and port is allowed, wherever it is.
    Allowed,
}

impl Guard {
    /// A guard with exceptions: exact hosts and ports, from the settings only.
    pub fn new(allow_private_hosts: Vec<HostPort>) -> Self {
        Self { allow_private_hosts: allow_private_hosts.into(), setting: None }
    }

    /// The same, which names the setting of its exceptions where it refuses a connection.
    #[must_use]
    pub fn with_setting(self, setting: &'static str) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// Checks all of an address that can be known before its name is resolved.
    pub fn check(&self, url: &Url) -> Result<Route, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let host = url.host().ok_or(Refusal::NoHost)?;
        let (name, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
        if self.allow_private_hosts.iter().any(|allowed| allowed.host == name && Some(allowed.port) == port) {
            return Ok(Route::Allowed);
        }
        let is_private = match host {
            Host::Ipv4(address) => !is_public(address.into()),
            Host::Ipv6(address) => !is_public(address.into()),
            Host::Domain(name) => is_local_name(name),
        };
        if is_private { Err(Refusal::Private(name.to_owned())) } else { Ok(Route::Public) }
    }

    /// Builds the clients through which guarded requests go. `configure` sets what is the same for both
    /// (timeouts, user agent); redirects and proxies are off whatever it does, since neither would be guarded.
    pub fn client(&self, configure: impl Fn(ClientBuilder) -> ClientBuilder) -> reqwest::Result<GuardedClient> {
        // Whoever comes first installs the provider; coming second changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let locked = || configure(Client::builder()).redirect(redirect::Policy::none()).no_proxy();
        Ok(GuardedClient {
            public: locked().dns_resolver(Arc::new(PublicResolver(self.setting))).build()?,
            allowed: locked().build()?,
            guard: self.clone(),
        })
    }
}

/// HTTP clients behind a guard. There is no way to a client without a check.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    public: Client,
    allowed: Client,
    guard: Guard,
}

impl GuardedClient {
    /// The client for requests to this host and port, and to no other: ask again for the next hop.
    pub fn for_url(&self, url: &Url) -> Result<&Client, Refusal> {
        match self.guard.check(url)? {
            Route::Public => Ok(&self.public),
            Route::Allowed => Ok(&self.allowed),
        }
    }
}

/// The refusal inside an error of a guarded request, if the guard was the cause.
pub fn refusal_in(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref::<Refusal>().cloned())
}

/// Whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !PRIVATE_V4.iter().any(|(network, bits)| (u32::from(address) ^ u32::from(*network)) >> (32 - bits) == 0)
        }
        // Global unicast is 2000::/3; mapped, compatible, NAT64, unique local, link-local and multicast lie outside it.
        IpAddr::V6(address) => {
            u128::from(address) >> 125 == 1
                && !PRIVATE_V6
                    .iter()
                    .any(|(network, bits)| (u128::from(address) ^ u128::from(*network)) >> (128 - bits) == 0)
        }
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    // The address parser has made the name lower case.
    matches!(name.rsplit('.').next(), Some("localhost" | "local" | "internal"))
}

/// Resolves names through the system and lets only public addresses pass.
struct PublicResolver(Option<&'static str>);

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let setting = self.0;
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            public_only(name.as_str(), addresses).map_err(|refusal| match setting {
                Some(setting) => NotListed { setting, refusal }.into(),
                None => refusal.into(),
            })
        })
    }
}

fn public_only(name: &str, addresses: impl Iterator<Item = SocketAddr>) -> Result<Addrs, Refusal> {
    let public: Vec<SocketAddr> = addresses.filter(|address| is_public(address.ip())).collect();
    if public.is_empty() {
        return Err(Refusal::Private(name.to_owned()));
    }
    Ok(Box::new(public.into_iter()))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]
    use super::*;

    fn check(url: &str) -> Result<Route, Refusal> {
        Guard::default().check(&Url::parse(url).unwrap())
    }

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0x7f.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "0",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.88.99.1",
            "168.63.129.16",
            "①②⑦.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:2::1]",
            "[2001:db8::1]",
            "[3fff::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[4000::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
        ] {
            assert!(matches!(check(&format!("http://{host}/")), Err(Refusal::Private(_))), "{host} is let through");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for host in [
            "8.8.8.8",
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "[2606:4700:4700::1111]",
            "[2a00:1450::1]",
            "[2001:4860::8888]",
            "example.com",
        ] {
            assert_eq!(check(&format!("https://{host}/")), Ok(Route::Public), "{host} is refused");
        }
    }

    #[test]
    fn only_http_without_credentials_is_reached() {
        assert_eq!(check("ftp://example.com/"), Err(Refusal::Scheme));
        assert_eq!(check("file:///etc/passwd"), Err(Refusal::Scheme));
        assert_eq!(check("https://user@example.com/"), Err(Refusal::Credentials));
        assert_eq!(check("https://:secret@example.com/"), Err(Refusal::Credentials));
    }

    #[test]
    fn an_exception_holds_for_exactly_its_host_and_port() {
        let guard = Guard::new(vec!["127.0.0.1:8000".parse().unwrap(), "intranet:80".parse().unwrap()]);
        let check = |url: &str| guard.check(&Url::parse(url).unwrap());
        assert_eq!(check("http://127.0.0.1:8000/x"), Ok(Route::Allowed));
        assert_eq!(check("http://0x7f000001:8000/x"), Ok(Route::Allowed));
        assert_eq!(check("http://intranet/"), Ok(Route::Allowed));
        assert_eq!(check("http://127.0.0.1:8001/"), Err(Refusal::Private("127.0.0.1".into())));
        assert_eq!(check("http://localhost:8000/"), Err(Refusal::Private("localhost".into())));
        assert_eq!(
            check("https://intranet/"),
            Ok(Route::Public),
            "another port is another place: its name is resolved by the guard"
        );
    }

    #[test]
    fn exceptions_are_read_strictly() {
        for text in ["127.0.0.1", "http://a:80", "a:80/path", "u@a:80", "a:99999", ":80", "a:80?x", "*.a:x"] {
            assert!(text.parse::<HostPort>().is_err(), "{text} is accepted");
        }
        assert_eq!("[::1]:80".parse::<HostPort>().unwrap().to_string(), "[::1]:80");
    }

    #[test]
    fn a_name_with_private_addresses_only_is_refused_and_mixed_names_keep_the_public_ones() {
        let private: SocketAddr = "10.0.0.1:0".parse().unwrap();
        let public: SocketAddr = "8.8.8.8:0".parse().unwrap();
        assert_eq!(
            public_only("rebind.example", [private].into_iter()).err(),
            Some(Refusal::Private("rebind.example".into()))
        );
        assert_eq!(public_only("mixed.example", [private, public].into_iter()).unwrap().collect::<Vec<_>>(), [public]);
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_at_connect_time() {
        // A check by name would let it pass; the refusal comes out of the connector.
        let client = Guard::default().client(|builder| builder).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let error = client.public.get(&url).send().await.unwrap_err();
        assert_eq!(refusal_in(&error), Some(Refusal::Private("localhost".into())));
        let named = Guard::default().with_setting("x.hosts").client(|builder| builder).unwrap();
        let error = named.public.get(url).send().await.unwrap_err();
        assert_eq!(refusal_in(&error), Some(Refusal::Private("localhost".into())));
        assert!(format!("{error:?}").contains("x.hosts"), "the setting that could allow it is told");
    }
}
