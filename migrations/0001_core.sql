-- One text for both engines. SQLite takes any type name, so the names are PostgreSQL's:
-- there UUID is a 16-byte blob, TIMESTAMPTZ an integer of microseconds, JSONB a text.
-- JSON columns hold objects or arrays, never bare numbers or strings.

create table organizations (
    id          uuid primary key,
    name        text not null,
    settings    jsonb not null,
    change_seq  bigint not null default 0, -- newest entry of `changes`: the knowledge version
    event_seq   bigint not null default 0, -- newest entry of `events`
    created_at  timestamptz not null
);

create table assistants (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null,
    settings         jsonb not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index assistants_of_organization on assistants (organization_id);

create table channels (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    kind             text not null, -- a word of the channel registry
    name             text not null,
    assistant_id     uuid references assistants (id) on delete set null,
    settings         jsonb not null,
    created_at       timestamptz not null
);
create index channels_of_organization on channels (organization_id);

create table agents (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null,
    email            text,
    created_at       timestamptz not null
);
create index agents_of_organization on agents (organization_id);

create table customers (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    external_id      text,
    name             text,
    email            text,
    locale           text,
    profile          jsonb not null,
    identity         text not null, -- unverified | verified
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create unique index customers_external on customers (organization_id, external_id) where external_id is not null;
create index customers_newest on customers (organization_id, updated_at, id);

create table conversations (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    customer_id      uuid not null references customers (id) on delete cascade,
    channel_id       uuid not null references channels (id),
    assistant_id     uuid not null references assistants (id),
    status           text not null, -- open | snoozed | resolved
    holder           text not null, -- ai | queue | agent: who must act next
    assignee_id      uuid references agents (id) on delete set null,
    title            text,
    tags             jsonb not null,
    metadata         jsonb not null,
    last_seq         bigint not null default 0, -- seq of the newest message
    answered_seq     bigint not null default 0, -- customer messages up to here are concluded
    clarifications   bigint not null default 0, -- questions asked back in a row
    summary          text not null default '',  -- what was cut from the window, in short
    waiting_since    timestamptz,
    snoozed_until    timestamptz,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index conversations_newest on conversations (organization_id, updated_at, id);
create index conversations_of_customer on conversations (customer_id, updated_at);

create table messages (
    id               uuid primary key,
    organization_id  uuid not null,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    channel_id       uuid not null,
    seq              bigint not null,
    sender           text not null, -- customer | ai | agent | system
    sender_id        uuid,
    content          text not null,
    external_id      text,          -- the channel's own id: what makes receiving idempotent
    turn_id          uuid,          -- the turn that a reply concludes
    in_reply_to      jsonb not null,
    decision         text,
    handoff_reason   text,
    confidence       double precision,
    model            text,
    input_tokens     bigint not null default 0,
    output_tokens    bigint not null default 0,
    usage_estimated  boolean not null default false,
    cost_micro_usd   bigint not null default 0,
    citations        jsonb not null,
    delivery         text,
    created_at       timestamptz not null
);
create unique index messages_in_order on messages (conversation_id, seq);
create unique index messages_external on messages (channel_id, external_id) where external_id is not null;
create unique index messages_one_reply_per_turn on messages (turn_id) where turn_id is not null;

create table deliveries (
    id               uuid primary key,
    organization_id  uuid not null,
    message_id       uuid not null references messages (id) on delete cascade,
    state            text not null,
    attempts         bigint not null default 0,
    error            text,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create unique index deliveries_of_message on deliveries (message_id);

create table handoffs (
    id               uuid primary key,
    organization_id  uuid not null,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    message_id       uuid,
    reason           text not null,
    summary          text not null,
    tried            jsonb not null,
    sources          jsonb not null,
    suggested_reply  text,
    state            text not null, -- waiting | accepted | returned | closed
    accepted_by      uuid references agents (id) on delete set null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index handoffs_of_conversation on handoffs (conversation_id, created_at);

create table traces (
    message_id       uuid primary key references messages (id) on delete cascade,
    organization_id  uuid not null,
    body             bytea not null, -- zstd of the trace as JSON
    created_at       timestamptz not null
);
create index traces_by_age on traces (created_at);

create table usage (
    id               uuid primary key,
    organization_id  uuid not null,
    conversation_id  uuid,
    message_id       uuid,
    assistant_id     uuid,
    operation        text not null, -- chat | embeddings
    model            text not null,
    input_tokens     bigint not null,
    output_tokens    bigint not null,
    estimated        boolean not null,
    cost_micro_usd   bigint not null,
    day              text not null, -- UTC, 2026-11-21
    created_at       timestamptz not null
);
create index usage_by_day on usage (organization_id, day);

create table feedback (
    message_id       uuid primary key references messages (id) on delete cascade,
    organization_id  uuid not null,
    rating           text not null, -- good | acceptable | poor
    comment          text,
    created_at       timestamptz not null
);

create table facts (
    id                 uuid primary key,
    organization_id    uuid not null,
    customer_id        uuid not null references customers (id) on delete cascade,
    kind               text not null,
    text               text not null,
    importance         double precision not null,
    confidence         double precision not null,
    source_message_id  uuid,
    valid_from         timestamptz not null,
    valid_until        timestamptz,
    expires_at         timestamptz,
    last_used_at       timestamptz,
    created_at         timestamptz not null
);
create index facts_of_customer on facts (customer_id, created_at);

create table keys (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null,
    prefix           text not null,
    secret_hash      bytea not null, -- SHA-256 of the plain key, which has 256 random bits
    scopes           jsonb not null,
    created_at       timestamptz not null,
    expires_at       timestamptz,
    revoked_at       timestamptz,
    last_used_at     timestamptz
);
create unique index keys_by_secret on keys (secret_hash);

create table idempotency (
    organization_id  uuid not null references organizations (id) on delete cascade,
    key              text not null,
    request_hash     bytea not null,
    status           bigint,  -- null while the first request is still running
    response         text,
    created_at       timestamptz not null,
    primary key (organization_id, key)
);
create index idempotency_by_age on idempotency (created_at);

create table audit (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    actor            text not null,  -- the id of a key or agent, or `system`
    action           text not null,  -- `key.created`
    subject          text not null,  -- the id of what it was done to
    created_at       timestamptz not null
);
create index audit_newest on audit (organization_id, created_at, id);

create table events (
    organization_id  uuid not null references organizations (id) on delete cascade,
    seq              bigint not null,
    conversation_id  uuid,
    kind             text not null,
    payload          jsonb not null,
    created_at       timestamptz not null,
    primary key (organization_id, seq)
);
create index events_by_age on events (created_at);
