-- Work that outlives a process.

create table jobs (
    id               uuid primary key,
    organization_id  uuid,
    queue            text not null,      -- answering | knowledge | chores: each has slots of its own
    kind             text not null,
    payload          jsonb not null,     -- ids, never texts
    lane             text,               -- jobs of one lane run one at a time, in the order of their ids
    dedupe           text,               -- unique among waiting jobs
    priority         bigint not null,
    state            text not null,      -- available | running | retryable | completed | discarded | cancelled
    run_at           timestamptz not null,
    fair_at          timestamptz not null, -- place in the queue: an organization's jobs are spaced out, so that none starves another
    attempt          bigint not null default 0, -- claims so far; with `worker` the fencing token
    attempts_max     bigint not null,
    crashes          bigint not null default 0, -- times the process vanished while it ran
    worker           uuid,
    lease_until      timestamptz,
    error            text,
    created_at       timestamptz not null,
    finished_at      timestamptz
);
create index jobs_waiting on jobs (queue, priority desc, fair_at, id) where state in ('available', 'retryable');
create index jobs_fair on jobs (organization_id, queue, fair_at) where state in ('available', 'retryable');
create index jobs_lane_waiting on jobs (lane, id) where state in ('available', 'retryable') and lane is not null;
create unique index jobs_lane_running on jobs (lane) where state = 'running' and lane is not null;
create unique index jobs_dedupe on jobs (dedupe) where state in ('available', 'retryable') and dedupe is not null;
create index jobs_leased on jobs (lease_until) where state = 'running';
create index jobs_finished on jobs (finished_at) where finished_at is not null;

-- Chores that run once per interval, however many workers there are.
create table schedules (
    name         text primary key,
    last_run_at  timestamptz not null
);
