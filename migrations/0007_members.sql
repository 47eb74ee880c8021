-- People who sign in to the console. A member is an agent too: what they say in a conversation is
-- said as that agent, whose row stays when the member goes.
create table members (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    agent_id         uuid not null references agents (id) on delete cascade,
    name             text not null,
    email            text not null, -- in lowercase; one address signs in to one desk
    password_hash    text not null, -- Argon2id, as a PHC string
    scopes           jsonb not null,
    created_at       timestamptz not null
);
create unique index members_by_email on members (email);
create index members_of_organization on members (organization_id, created_at, id);

create table sessions (
    token_hash       bytea primary key, -- SHA-256 of the cookie, which has 256 random bits
    organization_id  uuid not null references organizations (id) on delete cascade,
    member_id        uuid not null references members (id) on delete cascade,
    created_at       timestamptz not null,
    expires_at       timestamptz not null
);
create index sessions_of_member on sessions (member_id);
create index sessions_by_end on sessions (organization_id, expires_at);

-- One-time links that make a member.
create table invitations (
    token_hash       bytea primary key, -- SHA-256 of what the link carries
    organization_id  uuid not null references organizations (id) on delete cascade,
    scopes           jsonb not null,
    is_first         boolean not null,  -- only valid as long as the desk has no member
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    used_at          timestamptz
);
create index invitations_by_end on invitations (organization_id, expires_at);

-- What agents write down for each other; customers and the AI never see it.
create table notes (
    id               uuid primary key,
    organization_id  uuid not null,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    agent_id         uuid references agents (id) on delete set null,
    content          text not null,
    created_at       timestamptz not null
);
create index notes_of_conversation on notes (conversation_id, created_at, id);
