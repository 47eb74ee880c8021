//! How hard a website is asked: few requests at a time, with a pause in between, per host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use url::Url;

/// Hosts remembered at once; idle ones are forgotten beyond it.
const HOSTS_MAX: usize = 1_024;

/// How hard one host may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoliteSettings {
    /// Requests to one host at a time.
    pub requests_at_once: usize,
    /// The time between the starts of two requests to one host, at least.
    pub delay: Duration,
    /// The longest pause that a robots.txt or a `Retry-After` can ask for.
    pub pause_max: Duration,
}

impl Default for PoliteSettings {
    fn default() -> Self {
        Self { requests_at_once: 4, delay: Duration::from_millis(50), pause_max: Duration::from_secs(30) }
    }
}

/// Spaces out the requests of this process, per host and port.
#[derive(Debug)]
pub struct Politeness {
    settings: PoliteSettings,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    permits: Arc<Semaphore>,
    free_at: Instant,
}

/// The right to make one request; dropping it lets the next one start.
#[derive(Debug)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Politeness {
    /// No host is known yet.
    pub fn new(settings: PoliteSettings) -> Self {
        Self { settings, hosts: Mutex::default() }
    }

    /// Waits until the host may be asked. A crawl delay from robots.txt lengthens the pause, up to its cap,
    /// and makes the requests follow one another.
    pub async fn wait(&self, url: &Url, crawl_delay: Option<Duration>) -> Turn {
        let permit = self.permits(url).acquire_owned().await.ok();
        let delay = crawl_delay
            .map_or(self.settings.delay, |asked| asked.min(self.settings.pause_max).max(self.settings.delay));
        let start = self.reserve(url, delay);
        sleep_until(start).await;
        Turn { _permit: permit }
    }

    /// Keeps everyone from asking the host for a while, as `Retry-After` demands.
    pub fn hold_off(&self, url: &Url, pause: Duration) {
        let until = Instant::now() + pause.min(self.settings.pause_max);
        self.with_host(url, |host| host.free_at = host.free_at.max(until));
    }

    fn permits(&self, url: &Url) -> Arc<Semaphore> {
        self.with_host(url, |host| Arc::clone(&host.permits))
    }

    fn reserve(&self, url: &Url, delay: Duration) -> Instant {
        self.with_host(url, |host| {
            let start = host.free_at.max(Instant::now());
            host.free_at = start + delay;
            start
        })
    }

    fn with_host<T>(&self, url: &Url, act: impl FnOnce(&mut Host) -> T) -> T {
        let now = Instant::now();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, host| host.free_at > now || Arc::strong_count(&host.permits) > 1);
        }
        let key = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let host = hosts.entry(key).or_insert_with(|| Host {
            permits: Arc::new(Semaphore::new(self.settings.requests_at_once.max(1))),
            free_at: now,
        });
        act(host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const PAUSE_MAX: Duration = Duration::from_secs(30);

    fn politeness() -> Politeness {
        Politeness::new(PoliteSettings { requests_at_once: 2, delay: Duration::from_millis(100), pause_max: PAUSE_MAX })
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_start_apart_and_other_hosts_do_not_wait() {
        let (politeness, begin) = (politeness(), Instant::now());
        for _ in 0..3 {
            politeness.wait(&url("https://a.example/x"), None).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(200));
        politeness.wait(&url("https://b.example/"), None).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(200));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_requests_run_at_once() {
        let politeness = politeness();
        let address = url("https://a.example/");
        let held = [politeness.wait(&address, None).await, politeness.wait(&address, None).await];
        let third = tokio::time::timeout(Duration::from_mins(1), politeness.wait(&address, None)).await;
        assert!(third.is_err(), "a third request started while two were running");
        drop(held);
        assert!(tokio::time::timeout(Duration::from_mins(1), politeness.wait(&address, None)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crawl_delay_is_kept_up_to_its_cap_and_so_is_a_call_to_wait() {
        let (politeness, begin) = (politeness(), Instant::now());
        let address = url("https://a.example/");
        politeness.wait(&address, Some(Duration::from_hours(1))).await;
        politeness.wait(&address, None).await;
        assert_eq!(begin.elapsed(), PAUSE_MAX);
        politeness.hold_off(&address, Duration::from_secs(7));
        politeness.wait(&address, None).await;
        assert_eq!(begin.elapsed(), PAUSE_MAX + Duration::from_secs(7));
    }
}
