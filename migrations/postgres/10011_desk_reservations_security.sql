-- Row-level security of the table of 0015, in the manner of 10001: where 10008 came first, it went with the old table.
alter table reservations enable row level security;
alter table reservations force row level security;
drop policy if exists tenant on reservations;
create policy tenant on reservations using (
    (select current_setting('app.organization_id', true)) = '*'
    or organization_id = (select nullif(nullif(current_setting('app.organization_id', true), ''), '*')::uuid));
