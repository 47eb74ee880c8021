-- The model that an organization has connected by itself; without a row the installation's writes.

create table model_endpoints (
    organization_id  uuid primary key references organizations (id) on delete cascade,
    base_url         text not null, -- without a slash at its end
    model            text not null,
    sealed_key       bytea, -- sealed for this organization and address; null: the endpoint asks for none
    key_hint         text, -- the key's last four characters; null where it is short
    updated_at       timestamptz not null,
    updated_by       text not null -- the id of a key or member
);
