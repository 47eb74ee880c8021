-- Handoffs are counted by reason over a time.
create index handoffs_by_time on handoffs (organization_id, created_at);
