-- Questions asked together in the playground, with what people think of the answers.

create table playground_batches (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    assistant_id     uuid not null references assistants (id) on delete cascade,
    customer_id      uuid references customers (id) on delete cascade, -- whose facts took part: erased with them
    setup            jsonb not null, -- what differs from the assistant as it is
    created_at       timestamptz not null
);
create index playground_batches_newest on playground_batches (organization_id, created_at, id);

create table playground_answers (
    batch_id         uuid not null references playground_batches (id) on delete cascade,
    organization_id  uuid not null,
    seq              bigint not null, -- place in the batch, from 1
    question         text not null,
    content          text not null,
    decision         text not null,
    handoff_reason   text,
    confidence       double precision,
    rating           text, -- good | acceptable | poor
    trace            bytea not null, -- zstd of the trace as JSON
    created_at       timestamptz not null,
    primary key (batch_id, seq)
);

-- The AI's messages of a time, for what is counted of them.
create index messages_of_the_ai on messages (organization_id, created_at) where sender = 'ai';
