-- Versions of prompts, and what model calls in flight may still cost.

create table prompt_versions (
    assistant_id     uuid not null references assistants (id) on delete cascade,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null, -- which prompt: answer
    version          bigint not null, -- from 2: version 1 is the template that the program brings
    source           text not null, -- never changed
    hash             text not null, -- SHA-256 of the source, in hex
    note             text,
    state            text not null, -- draft | checking | published | replaced | rolled_back
    share            bigint not null, -- percent of the conversations while it is published
    run_id           uuid references eval_runs (id) on delete set null, -- the run that publishing waits or waited for
    refusal          text, -- what that run did not hold
    created_at       timestamptz not null,
    published_at     timestamptz,
    primary key (assistant_id, name, version)
);
create index prompt_versions_by_run on prompt_versions (run_id);

-- What is taken from a budget before a model call; the use that is recorded after it takes its place.
create table reservations (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    assistant_id     uuid not null references assistants (id) on delete cascade,
    tokens           bigint not null,
    cost_micro_usd   bigint not null,
    created_at       timestamptz not null
);
create index reservations_by_organization on reservations (organization_id, created_at);
