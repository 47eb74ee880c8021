-- Generated knowledge: where an article comes from, who wrote each version of it, and the suggestions
-- that wait for a person's judgement.

alter table articles add column kind text not null default 'article';   -- article | faq
alter table articles add column origin text not null default 'written'; -- written | generated
alter table articles add column source_id uuid references sources (id) on delete set null; -- generated ones: from where
alter table articles add column origin_key text;     -- which part of the source it is drafted from; stays over all drafts
alter table articles add column base_version bigint; -- the version that holds what the generator said last
create unique index articles_by_origin on articles (source_id, origin_key) where origin_key is not null;

alter table article_versions add column origin text not null default 'written'; -- written | generated | merged | restored
alter table article_versions add column author text not null default 'system';  -- the id of a key or agent, or `system`
alter table article_versions add column links jsonb not null default '[]';      -- sentences with their quotes
alter table article_versions add column reviewer text; -- who approved it: the id of a key or agent, or `system`
alter table article_versions add column reviewed_at timestamptz;

-- The documents that a generated article is drafted from; several where near-duplicates were merged.
create table article_documents (
    article_id       uuid not null references articles (id) on delete cascade,
    organization_id  uuid not null,
    document_id      uuid not null references documents (id) on delete cascade,
    version          bigint not null, -- of the document, as it was drafted from last
    position         bigint not null, -- 0 is the one its sentences are linked to
    primary key (article_id, document_id)
);
create index article_documents_by_document on article_documents (document_id, article_id);

create table suggestions (
    id               uuid primary key,
    organization_id  uuid not null,
    article_id       uuid not null references articles (id) on delete cascade,
    source_id        uuid references sources (id) on delete set null,
    kind             text not null, -- article | faq
    state            text not null, -- waiting | approved | rejected | withdrawn
    title            text not null,
    body             text not null,
    generated_body   text,             -- the generator's own text, where `body` is a merge of it with a person's
    links            jsonb not null,
    support          double precision not null, -- of its weakest sentence, 0 to 1
    sentences        bigint not null,  -- that state something
    linked           bigint not null,  -- of these, with a quote
    dropped          bigint not null,  -- sentences of the draft that no quote proved
    article_version  bigint not null,  -- of the article, that it was made over
    generator        text not null,    -- `rules 1`, or a prompt, its version and the model
    content_hash     text not null,    -- of title and body, with case and white space aside
    reason           text,             -- why it waits or was rejected, for people
    reviewer         text,             -- the id of a key or agent, or `system`
    reviewed_at      timestamptz,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create unique index suggestions_waiting on suggestions (article_id) where state = 'waiting';
create index suggestions_newest on suggestions (organization_id, state, created_at, id);
create index suggestions_of_article on suggestions (article_id, created_at);
create index suggestions_alike on suggestions (organization_id, content_hash);

-- Which version of a document was drafted from, so that an interrupted or repeated run does nothing twice.
create table drafted_documents (
    document_id      uuid primary key references documents (id) on delete cascade,
    organization_id  uuid not null,
    version          bigint not null,
    generator        text not null,
    drafted_at       timestamptz not null
);
