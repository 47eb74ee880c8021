//! A website changes, loses pages and comes back; processes are killed and scans are held; what the desk
//! knows is what was approved, and nothing else.

use crate::site::{LONGEST, Site, text};
use crate::{FRONTDESK, postgres};
use domain::page::{PageDecision, PageState, ScanSettings, ScanState};
use frontdesk::bench::bed::until;
use frontdesk::bench::stub_site::{Content, edition_word, page_word};
use ingest::conclude::{Review, texts};
use ingest::{scan, schedule};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use storage::pages::PageFilter;

/// Kills within re-scans; the command checks what is known afterwards.
async fn kills_within_rescans(more: &[&str]) {
    let run = tokio::process::Command::new(FRONTDESK)
        .args(["--json", "bench", "rescan", "--pages", "40", "--vanish", "10", "--kills", "4"])
        .args(more)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let shown: serde_json::Value = serde_json::from_str(&said).unwrap();
    let figure = |name: &str| shown[name].as_u64().unwrap();
    assert_eq!((figure("first_scan_pages"), figure("kills")), (41, 4), "{shown}");
    assert_eq!((figure("second_scan_same"), figure("second_scan_chunks_embedded")), (41, 0), "{shown}");
    assert!(
        figure("rows") > 30 && figure("rows") == figure("keywords") && figure("rows") == figure("vectors"),
        "{shown}"
    );
    assert_eq!((figure("unequal"), figure("doubled")), (0, 0), "{shown}");
    assert_eq!((figure("ghosts"), figure("stale"), figure("suggested_twice")), (0, 0, 0), "{shown}");
    assert_eq!((figure("articles"), figure("articles_changed")), (20, 0), "{shown}");
}

#[tokio::test]
async fn kills_within_rescans_leave_what_the_site_says_on_sqlite() {
    kills_within_rescans(&[]).await;
}

#[tokio::test]
async fn kills_within_rescans_leave_what_the_site_says_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    let database = server.create_database().await;
    kills_within_rescans(&["--database-url", &database.url]).await;
}

#[tokio::test]
async fn few_harmless_changes_apply_and_many_wait_for_a_person_while_the_old_texts_answer() {
    let site = Site::open(20).await;
    let (first, progress) = site.scan().await;
    assert_eq!((first.state, progress.pages["new"]), (ScanState::Completed, 21));
    for page in 0..3 {
        site.site.put(page, Content::Edition(1));
    }
    let (second, progress) = site.scan().await;
    assert_eq!((progress.pages["changed"], progress.changes["applied"]), (3, 3), "{second:?}");
    assert!(site.finds(0, &edition_word(0, 1)).await && !site.finds(0, &edition_word(0, 0)).await);

    for page in 0..8 {
        site.site.put(page, Content::Edition(2));
    }
    let (third, progress) = site.scan().await;
    assert_eq!((progress.changes.get("waiting"), progress.changes.get("applied")), (Some(&8), None));
    assert!(third.held_because.as_deref().unwrap().starts_with("8 of 21 pages changed (38 %)"), "{third:?}");
    assert!(site.finds(0, &edition_word(0, 1)).await && !site.finds(0, &edition_word(0, 2)).await);
    let page = site.page(&third, 0).await;
    let (before, after) = texts(site.tenant(), &page).await.unwrap();
    assert!(before.unwrap().contains(&edition_word(0, 1)) && after.unwrap().contains(&edition_word(0, 2)));

    site.decide(&third, Some(&[page.id]), Review::Apply).await;
    assert!(site.finds(0, &edition_word(0, 2)).await && !site.finds(1, &edition_word(1, 2)).await);
    site.decide(&third, None, Review::Reject).await;
    assert_eq!(site.tenant().load_scan(third.id).await.unwrap().held_because, None);
    assert!(site.finds(1, &edition_word(1, 1)).await);
    let (fourth, progress) = site.scan().await;
    assert_eq!(
        (progress.pages.get("changed"), fourth.held_because),
        (None, None),
        "what was refused is not proposed again"
    );
    let fifth = site.scan().await.1;
    assert_eq!((fifth.pages.get("changed"), fifth.chunks_embedded), (None, 0));
    site.close().await;
}

#[tokio::test]
async fn a_page_that_its_tag_calls_unchanged_is_not_sent_again_and_goes_on_answering() {
    let site = Site::open(6).await;
    site.site.send_validators();
    site.scan().await;
    assert_eq!(site.site.spared(), 0);
    site.site.put(0, Content::Edition(1));
    let (_, progress) = site.scan().await;
    assert_eq!((site.site.spared(), progress.pages["same"], progress.pages["changed"]), (5, 6, 1));
    assert!(site.finds(0, &edition_word(0, 1)).await && site.finds(1, &edition_word(1, 0)).await);
    let (_, progress) = site.scan().await;
    assert_eq!((site.site.spared(), progress.pages["same"], progress.chunks_embedded), (11, 7, 0));
    site.close().await;
}

#[tokio::test]
async fn a_changed_price_waits_and_the_harmless_change_beside_it_does_not() {
    let site = Site::open(20).await;
    site.site.put(0, text("The yearly plan costs € 90 and can be ended at any time."));
    site.site.put(1, text("The menu is on the left."));
    site.scan().await;
    site.site.put(0, text("The yearly plan costs € 120 and can be ended at any time."));
    site.site.put(1, text("The menu is on the right."));
    let (scan, progress) = site.scan().await;
    assert_eq!((progress.changes["waiting"], progress.changes["applied"]), (1, 1), "{scan:?}");
    let page = site.page(&scan, 0).await;
    assert_eq!((&page.risks[0].before, &page.risks[0].after), (&vec!["€ 90".to_owned()], &vec!["€ 120".to_owned()]));
    assert!(site.finds(0, "€ 90").await && site.finds(1, "right").await);

    site.site.put(0, text("The yearly plan costs € 130 and can be ended at any time."));
    let (newer, _) = site.scan().await;
    assert_eq!(site.decided(&scan, 0).await.1, Some(PageDecision::Superseded));
    site.decide(&newer, None, Review::Apply).await;
    assert!(site.finds(0, "€ 130").await && !site.finds(0, "€ 90").await);
    site.close().await;
}

#[tokio::test]
async fn a_page_leaves_when_it_says_so_or_is_gone_twice_and_comes_back_when_it_is_there() {
    let site = Site::open(20).await;
    site.scan().await;
    site.site.put(0, Content::Gone(404));
    site.site.put(1, Content::Gone(410));
    site.site.put(2, Content::Gone(500));
    let (first, progress) = site.scan().await;
    assert_eq!(
        site.decided(&first, 0).await.1,
        Some(PageDecision::Unconfirmed),
        "nothing links to it: it was asked for"
    );
    assert_eq!(site.decided(&first, 1).await.1, Some(PageDecision::Applied));
    assert_eq!(progress.pages["failed"], 1, "an error of the site is no news of the page");
    assert!(site.finds(0, &page_word(0)).await && site.finds(2, &page_word(2)).await);
    assert!(!site.finds(1, &page_word(1)).await);
    let (second, _) = site.scan().await;
    let (state, decision, reason) = site.decided(&second, 0).await;
    assert_eq!((state, decision), (PageState::Removed, Some(PageDecision::Applied)), "{reason:?}");
    assert!(!site.finds(0, &page_word(0)).await && site.finds(2, &page_word(2)).await);
    for page in 0..3 {
        site.site.put(page, Content::Edition(0));
    }
    let (third, _) = site.scan().await;
    assert_eq!(site.decided(&third, 0).await.0, PageState::New);
    assert!(site.finds(0, &page_word(0)).await && site.finds(1, &page_word(1)).await);
    site.close().await;
}

#[tokio::test]
async fn a_site_that_loses_many_pages_keeps_them_until_a_person_agrees() {
    let site = Site::open(20).await;
    site.scan().await;
    for page in 0..6 {
        site.site.put(page, Content::Gone(410));
    }
    let (scan, _) = site.scan().await;
    assert!(scan.held_because.as_deref().unwrap().starts_with("6 of 21 pages are gone (28 %)"), "{scan:?}");
    assert!(site.finds(0, &page_word(0)).await);
    let kept = site.page(&scan, 0).await.id;
    site.decide(&scan, Some(&[kept]), Review::Reject).await;
    site.decide(&scan, None, Review::Apply).await;
    assert!(site.finds(0, &page_word(0)).await && !site.finds(1, &page_word(1)).await);
    let (next, _) = site.scan().await;
    assert_eq!(site.decided(&next, 0).await.0, PageState::Same, "a person decided to keep it");
    site.close().await;
}

#[tokio::test]
async fn a_held_scan_waits_over_a_crash_without_using_up_attempts() {
    let mut site = Site::without_worker(60, 40).await;
    let started = site.start(ScanSettings::default()).await;
    let mut worker = site.bed.worker(Path::new(FRONTDESK)).unwrap();
    until("some pages", LONGEST, async || Ok((site.site.requests() > 5).then_some(()))).await.unwrap();
    let wired = site.bed.wired.clone();
    scan::pause(&wired.library, wired.organization_id(), started.id).await.unwrap();
    site.bed.drained(LONGEST).await.unwrap();
    worker.kill().await.unwrap();
    let asked = site.site.requests();
    let counts = site.tenant().count_pages(started.id).await.unwrap();
    let pending = counts[&PageState::Pending];
    assert!(pending > 0, "{counts:?}");
    site.work();
    site.bed.drained(LONGEST).await.unwrap();
    assert_eq!(site.site.requests(), asked, "a held scan asks for nothing");
    assert_eq!(site.tenant().count_pages(started.id).await.unwrap()[&PageState::Pending], pending);

    scan::resume(&wired.library, wired.organization_id(), started.id).await.unwrap();
    let (ended, progress) = site.ended(&started).await;
    assert_eq!((ended.state, progress.pages["new"], progress.pages.len()), (ScanState::Completed, 61, 1));
    site.close().await;
}

#[tokio::test]
async fn a_scan_without_room_or_time_says_so_for_every_page_it_leaves_out() {
    let mut site = Site::without_worker(30, 0).await;
    let started = site.start(ScanSettings { pages_max: 10, ..ScanSettings::default() }).await;
    site.work();
    let (ended, progress) = site.ended(&started).await;
    assert_eq!((ended.state, progress.pages["new"], progress.pages["skipped"]), (ScanState::Completed, 10, 21));
    let skipped = PageFilter { state: Some(PageState::Skipped), ..PageFilter::default() };
    let pages = site.tenant().list_pages(started.id, skipped, None, 100).await.unwrap();
    assert!(pages.iter().all(|page| page.reason.as_deref() == Some("the scan already has its 10 pages")), "{pages:?}");
    site.close().await;

    let site = Site::without_worker(3, 0).await;
    let started = site.start(ScanSettings { deadline_minutes: 1, ..ScanSettings::default() }).await;
    let mut transaction = site.tenant().begin().await.unwrap();
    let pages = [0, 1].map(|page| storage::pages::NewPage { url: site.site.page_url(page), depth: 0 });
    transaction.insert_pages(started.id, &pages).await.unwrap();
    transaction.set_scan_pause(started.id, None, Some(started.created_at)).await.unwrap();
    transaction.commit().await.unwrap();
    schedule::tick(&site.bed.wired.library).await.unwrap();
    let (state, _, reason) = site.decided(&started, 1).await;
    assert_eq!(state, PageState::Skipped);
    assert_eq!(reason.as_deref(), Some("the scan's time of 1 minutes was over before this page"));
    assert_eq!(site.tenant().load_scan(started.id).await.unwrap().state, ScanState::Concluding);
}

#[tokio::test]
async fn a_due_rescan_starts_once_however_many_processes_look() {
    let site = Site::open(5).await;
    let (first, _) = site.scan().await;
    site.set(first.source_id, json!({ "rescan_every_hours": 24 })).await;
    site.scan().await;
    let tenant = site.tenant();
    let mut transaction = tenant.begin().await.unwrap();
    let long_ago = first.created_at - Duration::from_hours(1);
    assert!(!transaction.take_rescan(first.source_id).await.unwrap(), "the next one is due tomorrow");
    transaction.schedule_rescan(first.source_id, Some(long_ago)).await.unwrap();
    transaction.commit().await.unwrap();
    let library = &site.bed.wired.library;
    let (one, two, three) = tokio::join!(schedule::tick(library), schedule::tick(library), schedule::tick(library));
    one.unwrap();
    two.unwrap();
    three.unwrap();
    let scans = tenant.list_scans(storage::Keyset::start(), 10).await.unwrap();
    assert_eq!(scans.len(), 3, "two by hand, one by the clock");
    let (ended, progress) = site.ended(&scans[0]).await;
    assert_eq!((ended.state, progress.pages["same"]), (ScanState::Completed, 6));
    site.close().await;
}

#[tokio::test]
async fn a_site_that_cannot_be_read_changes_nothing() {
    let site = Site::open(5).await;
    site.scan().await;
    for page in 0..5 {
        site.site.put(page, Content::Gone(403));
    }
    let (ended, progress) = site.scan().await;
    assert_eq!((ended.state, progress.pages["failed"]), (ScanState::Completed, 5));
    for page in 0..5 {
        assert!(site.finds(page, &page_word(page)).await);
    }
    site.close().await;
}
