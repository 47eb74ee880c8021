-- Row-level security of the texts that wait; see 10001.
alter table staged_texts enable row level security;
alter table staged_texts force row level security;
create policy tenant on staged_texts using (
    (select current_setting('app.organization_id', true)) = '*'
    or organization_id = (select nullif(nullif(current_setting('app.organization_id', true), ''), '*')::uuid));
