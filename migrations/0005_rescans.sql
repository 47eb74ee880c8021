-- Re-scans: what changed since the last scan of a website, what waits for a person, when to look again.

alter table scans add column deadline_at timestamptz;  -- pages not read by then are skipped; null: scans of before
alter table scans add column paused_at timestamptz;    -- while it is held, its deadline waits
alter table scans add column decided_at timestamptz;   -- when its changes were judged
alter table scans add column held_because text;        -- why changes wait for a person, in a sentence
alter table scans add column known_pages bigint;       -- documents of the source when its changes were judged
create index scans_open on scans (state) where finished_at is null;

alter table pages add column decision text;            -- unconfirmed | waiting | approved | applied | rejected | superseded
alter table pages add column version_before bigint;    -- of its document, when the page was read
alter table pages add column version_after bigint;     -- of its document, once the change was applied
alter table pages add column body_hash text;           -- SHA-256 of the body as sent, in hex
alter table pages add column chunks_embedded bigint not null default 0;
alter table pages add column risks jsonb not null default '[]';
create index pages_decided on pages (scan_id, decision) where decision is not null;

-- Texts of changed pages that their documents do not have: they wait, or were refused.
create table staged_texts (
    page_id          uuid primary key references pages (id) on delete cascade,
    organization_id  uuid not null,
    title            text not null,
    text             text not null,
    language         text,
    content_hash     text not null  -- as in documents
);

alter table sources add column rescan_at timestamptz;  -- when the schedule in its settings starts the next scan
create index sources_due on sources (rescan_at) where rescan_at is not null;
