-- Row-level security of the table of 0017, in the manner of 10001.
alter table model_endpoints enable row level security;
alter table model_endpoints force row level security;
create policy tenant on model_endpoints using (
    (select current_setting('app.organization_id', true)) = '*'
    or organization_id = (select nullif(nullif(current_setting('app.organization_id', true), ''), '*')::uuid));
