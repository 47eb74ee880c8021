-- Evaluation: datasets, runs over them, what came out of each case, and the calibrations fitted from it.

create table eval_datasets (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null,
    content_hash     text not null, -- SHA-256 of the cases: the same cases are the same dataset
    origin           text not null, -- file | api | conversations
    cases            bigint not null,
    created_at       timestamptz not null
);
create unique index eval_datasets_by_content on eval_datasets (organization_id, name, content_hash);
create index eval_datasets_newest on eval_datasets (organization_id, created_at, id);

create table eval_cases (
    dataset_id       uuid not null references eval_datasets (id) on delete cascade,
    organization_id  uuid not null,
    seq              bigint not null, -- place in the dataset, from 1
    body             jsonb not null,
    primary key (dataset_id, seq)
);

create table eval_runs (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    dataset_id       uuid not null references eval_datasets (id) on delete cascade,
    assistant_id     uuid not null references assistants (id) on delete cascade,
    state            text not null, -- running | completed | failed
    fingerprint      text not null, -- dataset and set-up: an interrupted run with the same one goes on
    setup            jsonb not null,
    summary          jsonb not null,
    error            text,
    cases_total      bigint not null,
    created_at       timestamptz not null,
    finished_at      timestamptz
);
create index eval_runs_newest on eval_runs (organization_id, created_at, id);

create table eval_results (
    run_id           uuid not null references eval_runs (id) on delete cascade,
    organization_id  uuid not null,
    seq              bigint not null,
    case_id          text not null,
    fingerprint      text not null, -- everything the outcome depended on: later runs take it over
    cached           boolean not null,
    verdict          text not null,
    outcome          jsonb not null,
    scores           jsonb not null,
    trace            bytea not null, -- zstd of the trace as JSON
    created_at       timestamptz not null,
    primary key (run_id, seq)
);
create index eval_results_by_fingerprint on eval_results (organization_id, fingerprint);

create table eval_reports (
    run_id           uuid primary key references eval_runs (id) on delete cascade,
    organization_id  uuid not null,
    json             bytea not null, -- zstd of report.json
    html             bytea not null, -- zstd of report.html
    created_at       timestamptz not null
);

create table calibrations (
    assistant_id     uuid not null references assistants (id) on delete cascade,
    version          bigint not null, -- counted per assistant, from 1
    organization_id  uuid not null,
    run_id           uuid references eval_runs (id) on delete set null, -- the run its labels came from
    body             jsonb not null,
    created_at       timestamptz not null,
    primary key (assistant_id, version)
);
