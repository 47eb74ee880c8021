-- What the desk knows: source, document, version, chunk, and the log that the indexes follow.

create table sources (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    kind             text not null, -- a word of the source registry
    name             text not null,
    url              text,
    settings         jsonb not null,
    profile          jsonb not null, -- what repeats on the pages of a site: known boilerplate
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index sources_of_organization on sources (organization_id, created_at, id);
create unique index sources_by_url on sources (organization_id, url) where url is not null;
create unique index sources_by_name on sources (organization_id, kind, name) where url is null;

create table documents (
    id               uuid primary key,
    organization_id  uuid not null,
    source_id        uuid not null references sources (id) on delete cascade,
    external_id      text,
    url              text,
    title            text not null,
    language         text,
    state            text not null, -- published | archived
    version          bigint not null,
    content_hash     text not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create unique index documents_external on documents (source_id, external_id);
create index documents_of_organization on documents (organization_id, updated_at, id);

create table document_versions (
    document_id      uuid not null references documents (id) on delete cascade,
    organization_id  uuid not null,
    version          bigint not null,
    title            text not null,
    text             text not null,
    content_hash     text not null,
    created_at       timestamptz not null,
    primary key (document_id, version)
);

-- The passages of the present version only; older versions keep their text, not their passages.
create table chunks (
    organization_id  uuid not null,
    id               uuid not null,
    document_id      uuid not null references documents (id) on delete cascade,
    version          bigint not null,
    position         bigint not null,
    start_byte       bigint not null,
    end_byte         bigint not null,
    heading_path     text not null,
    text             text not null,
    embedding_hash   bytea not null, -- SHA-256 of what is embedded
    primary key (organization_id, id) -- an organization's chunks are walked in the order of their ids
);
create index chunks_of_document on chunks (document_id, organization_id);

-- Vectors by what was embedded, so that equal text is embedded once and a new model builds beside.
create table embeddings (
    organization_id  uuid not null references organizations (id) on delete cascade,
    model            text not null,
    hash             bytea not null,
    vector           bytea not null, -- little-endian f32, unit length
    primary key (organization_id, model, hash)
);

create table changes (
    organization_id  uuid not null references organizations (id) on delete cascade,
    seq              bigint not null,
    document_id      uuid not null,
    kind             text not null, -- upsert | delete
    created_at       timestamptz not null,
    primary key (organization_id, seq)
);

create table articles (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    document_id      uuid references documents (id) on delete set null,
    title            text not null,
    body             text not null,
    state            text not null, -- draft | in_review | published | archived
    version          bigint not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index articles_newest on articles (organization_id, updated_at, id);
create index articles_of_document on articles (document_id) where document_id is not null;

create table article_versions (
    article_id       uuid not null references articles (id) on delete cascade,
    organization_id  uuid not null,
    version          bigint not null,
    title            text not null,
    body             text not null,
    created_at       timestamptz not null,
    primary key (article_id, version)
);

create table scans (
    id               uuid primary key,
    organization_id  uuid not null references organizations (id) on delete cascade,
    source_id        uuid not null references sources (id) on delete cascade,
    url              text not null,
    settings         jsonb not null,
    state            text not null, -- discovering | running | paused | completed | cancelled | failed
    error            text,
    created_at       timestamptz not null,
    finished_at      timestamptz
);
create index scans_newest on scans (organization_id, created_at, id);
create index scans_of_source on scans (source_id, created_at);

create table pages (
    id               uuid primary key,
    organization_id  uuid not null,
    scan_id          uuid not null references scans (id) on delete cascade,
    url              text not null,
    depth            bigint not null,
    state            text not null, -- pending | new | same | changed | removed | skipped | failed
    reason           text,
    document_id      uuid,
    etag             text,
    last_modified    text,
    created_at       timestamptz not null,
    finished_at      timestamptz
);
create unique index pages_once on pages (scan_id, url);
create index pages_in_order on pages (scan_id, id);
create index pages_pending on pages (scan_id) where state = 'pending';
