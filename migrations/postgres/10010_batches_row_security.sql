-- Row-level security of the tables of 0014, in the manner of 10001.
do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array['playground_batches', 'playground_answers']
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
