//! Where a request comes from, as far as limits need to know.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};

/// What reverse proxies note: the addresses a request came through, the nearest last.
const FORWARDED: &str = "x-forwarded-for";

/// The address at the other end of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Whoever asks, as one word; a network of IPv6 addresses that one household has is one.
pub(crate) struct Asker(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        Ok(Self(peer.map(|peer| word(asker(peer, &parts.headers))).unwrap_or_default()))
    }
}

/// What a proxy noted counts only where the proxy is our neighbour: anybody else could write what they like.
fn asker(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let noted = headers.get(FORWARDED).and_then(|value| value.to_str().ok());
    let nearest = noted.and_then(|noted| noted.rsplit(',').next()?.trim().parse().ok());
    nearest.filter(|_| is_neighbour(peer)).unwrap_or(peer)
}

fn is_neighbour(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private(),
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local(),
    }
}

fn word(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn what_a_neighbouring_proxy_noted_counts_and_what_strangers_say_does_not() {
        let ask = |peer: &str, noted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED, noted.parse().unwrap());
            word(asker(peer.parse().unwrap(), &headers))
        };
        assert_eq!(
            ask("127.0.0.1", "6.6.6.6, 203.0.113.9"),
            "203.0.113.9",
            "the nearest, never what the visitor wrote"
        );
        assert_eq!(ask("203.0.113.7", "6.6.6.6"), "203.0.113.7");
        assert_eq!(ask("10.0.0.2", "nonsense"), "10.0.0.2");
        assert_eq!(ask("::ffff:10.0.0.2", "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(word("2001:db8:1:2:ffff::1".parse().unwrap()), "2001:db8:1:2::");
    }
}
