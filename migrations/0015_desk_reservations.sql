-- Room for calls that no assistant makes, such as drafts of articles. Reservations live for minutes: none is moved.

drop table reservations;
create table reservations (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    assistant_id     uuid references assistants (id) on delete cascade, -- null: the desk itself
    tokens           bigint not null,
    cost_micro_usd   bigint not null,
    created_at       timestamptz not null
);
create index reservations_by_organization on reservations (organization_id, created_at);
