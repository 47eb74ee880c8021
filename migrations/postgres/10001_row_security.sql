-- PostgreSQL only: row-level security, the second wall between tenants. SQLite has no such thing;
-- there the first wall (every statement names its organization) stands alone.
-- A transaction sees the organization it names, or with '*' (the desk's own chores) all of them;
-- one that names nothing sees nothing. `force` binds the owner of the tables too.
do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array[
        'assistants', 'channels', 'agents', 'customers', 'conversations', 'messages', 'deliveries',
        'handoffs', 'traces', 'usage', 'feedback', 'facts', 'keys', 'idempotency', 'audit', 'events',
        'sources', 'documents', 'document_versions', 'chunks', 'embeddings', 'changes', 'articles',
        'article_versions', 'scans', 'pages']
    loop
        execute format('alter table %I enable row level security', tenant_table);
        execute format('alter table %I force row level security', tenant_table);
        execute format(
            'create policy tenant on %I using (
                (select current_setting(''app.organization_id'', true)) = ''*''
                or organization_id = (select nullif(nullif(current_setting(''app.organization_id'', true), ''''), ''*'')::uuid))',
            tenant_table);
    end loop;
end $$;
