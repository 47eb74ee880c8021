-- Row-level security of the table of 0011, in the manner of 10001.
alter table widget_sessions enable row level security;
alter table widget_sessions force row level security;
create policy tenant on widget_sessions using (
    (select current_setting('app.organization_id', true)) = '*'
    or organization_id = (select nullif(nullif(current_setting('app.organization_id', true), ''), '*')::uuid));
