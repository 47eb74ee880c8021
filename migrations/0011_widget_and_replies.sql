-- Visitors of a website who talk by its widget: a session opens one conversation and nothing else.
create table widget_sessions (
    token_hash       bytea primary key, -- SHA-256 of the visitor's token, which has 256 random bits
    organization_id  uuid not null references organizations (id) on delete cascade,
    channel_id       uuid not null references channels (id) on delete cascade,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    created_at       timestamptz not null,
    expires_at       timestamptz not null
);
create index widget_sessions_of_conversation on widget_sessions (conversation_id);
create index widget_sessions_by_end on widget_sessions (organization_id, expires_at);

-- Texts that agents send again and again.
create table canned_replies (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    name             text not null,
    content          text not null,
    created_at       timestamptz not null
);
create unique index canned_replies_by_name on canned_replies (organization_id, name);
