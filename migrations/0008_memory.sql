-- Memory: how far each conversation is learned from and summarized, the vectors that recall compares,
-- and who must not be imported again.

alter table conversations add column learned_seq bigint not null default 0; -- messages up to here were looked at for facts
alter table conversations add column summary_seq bigint not null default 0; -- the summary covers messages up to here

-- Vectors of what a customer said and of their facts. They go with the customer.
create table memory_vectors (
    customer_id      uuid not null references customers (id) on delete cascade,
    organization_id  uuid not null,
    model            text not null,
    hash             bytea not null, -- SHA-256 of the text
    vector           bytea not null, -- little-endian f32
    primary key (customer_id, model, hash)
);

-- Erased customers: the same external id is refused until a person lets it in again.
create table tombstones (
    organization_id   uuid not null references organizations (id) on delete cascade,
    external_id_hash  bytea not null, -- SHA-256 of the organization's id and the external id
    created_at        timestamptz not null,
    primary key (organization_id, external_id_hash)
);
