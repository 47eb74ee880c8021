-- The people of a desk: whether they are there, what is offered to them, what they are told.
alter table agents add column role text not null default 'agent'; -- agent | lead
alter table agents add column availability text not null default 'online'; -- what they said last: online | busy | away
alter table agents add column present_until timestamptz; -- their last heartbeat holds until then
alter table agents add column is_present boolean not null default false; -- what was told last of their presence
alter table agents add column capacity bigint not null default 5; -- conversations offered to them at a time
alter table agents add column skills jsonb not null default '[]';
alter table agents add column last_assigned_at timestamptz;
create index agents_present on agents (present_until) where is_present;

alter table handoffs add column open_questions jsonb not null default '[]';
alter table handoffs add column skills jsonb not null default '[]'; -- what an agent needs to take it

alter table notes add column mentions jsonb not null default '[]'; -- ids of agents

-- A conversation in the queue that is offered to one agent; the conversation's assignee says to whom.
create table offers (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    agent_id         uuid not null references agents (id) on delete cascade,
    expires_at       timestamptz not null,
    outcome          text,                 -- accepted | expired | gone | withdrawn; null while it stands
    created_at       timestamptz not null
);
create unique index offers_standing on offers (conversation_id) where outcome is null;
create index offers_of_conversation on offers (conversation_id, agent_id, created_at);

create table notifications (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    agent_id         uuid not null references agents (id) on delete cascade,
    kind             text not null,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    actor_id         uuid references agents (id) on delete set null,
    read_at          timestamptz,
    created_at       timestamptz not null
);
create index notifications_of_agent on notifications (agent_id, created_at, id);
create index notifications_unread on notifications (agent_id, kind) where read_at is null;

-- What a customer is known by elsewhere. `any` is an id of no certain kind of channel.
create table customer_identities (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    customer_id      uuid not null references customers (id) on delete cascade,
    channel          text not null, -- a kind of channel, or any
    external_id      text not null,
    identity         text not null, -- unverified | verified
    created_at       timestamptz not null
);
create unique index customer_identities_external on customer_identities (organization_id, channel, external_id);
create index customer_identities_of_customer on customer_identities (customer_id, created_at);

create index conversations_with_people on conversations (organization_id, holder) where holder <> 'ai' and status = 'open';
create index conversations_of_agent on conversations (assignee_id) where assignee_id is not null and status = 'open';
