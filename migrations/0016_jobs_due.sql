-- Who is woken looks whether a job is due before it claims: thousands may wait that are due later.

create index jobs_due on jobs (queue, run_at) where state in ('available', 'retryable');
