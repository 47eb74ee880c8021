//! Where a page leads: what of it becomes rows of the scan.

use crate::extract::Extraction;
use crate::frontier::Scope;
use crate::library::{ScanMemory, locked};
use crate::reason::Reason;
use crate::scan::{SKIPPED_KEPT_MAX, add_pages, skip_page};
use crate::{Library, Result};
use domain::page::{Page, Scan};
use storage::Transaction;
use storage::pages::NewPage;
use url::Url;

/// Links of one page that are kept with a reason when the scan has no room for them.
const OVER_PER_PAGE_MAX: usize = 50;

/// Links of the page that are no rows yet, and where it leads on to.
pub(super) fn unknown_links(
    library: &Library,
    scan: &Scan,
    page: &Page,
    scope: &Scope,
    (found_at, extraction): (&Url, &Extraction),
) -> (Vec<NewPage>, Vec<(Url, Reason)>) {
    let depth = usize::try_from(page.depth).unwrap_or(0) + 1;
    let memory = library.scan_memory(scan.id);
    let mut memory = locked(&memory);
    let memory: &mut ScanMemory = &mut memory;
    let (mut links, mut traps) = (Vec::new(), Vec::new());
    for link in extraction.links.iter().chain(&extraction.canonical).chain([found_at]) {
        if memory.known.len() >= scan.settings.pages_max + SKIPPED_KEPT_MAX {
            break;
        }
        let admitted = scope.admit(link, depth).and_then(|url| {
            let is_known = memory.known.contains(url.as_str());
            if is_known { Ok(None) } else { memory.variants.admit(&url).map(|()| Some(url)) }
        });
        let url = match admitted {
            Ok(Some(url)) => url,
            // The first addresses of a trap tell people what was not followed.
            Err(reason) if reason.is_trap() && memory.is_trap_to_keep(link) => {
                traps.push((link.clone(), reason));
                continue;
            }
            // What lies outside is no row: most of the web does.
            Ok(None) | Err(_) => continue,
        };
        memory.known.insert(url.to_string());
        links.push(NewPage { url: url.to_string(), depth: i64::try_from(depth).unwrap_or(i64::MAX) });
    }
    (links, traps)
}

/// Adds the links of a page as far as the scan has room for pages; of the others a few are kept with the reason.
pub(super) async fn add_links(transaction: &mut Transaction, scan: &Scan, mut links: Vec<NewPage>) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let read = usize::try_from(transaction.count_read_pages(scan.id).await?).unwrap_or(usize::MAX);
    let room = scan.settings.pages_max.saturating_sub(read);
    let over = links.split_off(room.min(links.len()));
    add_pages(transaction, scan.id, &links).await?;
    let reason = Reason::TooManyPages(scan.settings.pages_max);
    for page in over.iter().take(OVER_PER_PAGE_MAX) {
        if let Ok(url) = Url::parse(&page.url) {
            skip_page(transaction, scan.id, &url, &reason).await?;
        }
    }
    Ok(())
}
