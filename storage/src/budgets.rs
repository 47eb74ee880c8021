//! Budgets: room is taken before a model call and given back when its use is recorded, so that calls that run
//! at the same time never overshoot together.

use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::usage::{Budget, Spent};
use domain::{AssistantId, OrganizationId, Time, UsageId};
use std::time::Duration;

/// How long room stays taken by a call that never reported back.
const RESERVED_FOR: Duration = Duration::from_mins(10);
/// Characters of `2026-11`, the month of a day.
const MONTH_CHARS: usize = 7;

/// Room to take.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    /// Who is to answer; `None`: nobody, the desk itself asks.
    pub assistant_id: Option<AssistantId>,
    /// What the whole organization may spend.
    pub organization_budget: Budget,
    /// What the assistant may spend.
    pub assistant_budget: Budget,
    /// Tokens that the call may use.
    pub tokens: i64,
    /// What it may cost, in millionths of a US dollar.
    pub cost_micro_usd: i64,
}

impl Transaction {
    /// Takes room for a model call; `None` where a budget has too little.
    pub async fn reserve(&mut self, wanted: Reservation) -> Result<Option<UsageId>> {
        let (organization_id, now, id) = (self.organization_id()?, self.now(), self.id::<_>());
        // Its row is the lock: who counts next sees what was taken here.
        (&mut *self).run("update organizations set event_seq = event_seq where id = $1", (organization_id,)).await?;
        let expired = (organization_id, now - RESERVED_FOR);
        (&mut *self).run("delete from reservations where organization_id = $1 and created_at < $2", expired).await?;
        for (budget, of) in [(wanted.organization_budget, None), (wanted.assistant_budget, wanted.assistant_id)] {
            if !budget.is_unlimited() {
                let spent = spent(&mut *self, organization_id, of, now).await?;
                if !budget.has_room(&spent, wanted.cost_micro_usd, wanted.tokens) {
                    return Ok(None);
                }
            }
        }
        let arguments = (id, organization_id, wanted.assistant_id, wanted.tokens, wanted.cost_micro_usd, now);
        (&mut *self)
            .run(
                "insert into reservations (id, organization_id, assistant_id, tokens, cost_micro_usd, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
                arguments,
            )
            .await?;
        Ok(Some(id))
    }

    /// Gives room back: the call's use is recorded in this transaction, or there was none.
    pub async fn release_reservation(&mut self, id: UsageId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        (&mut *self).run("delete from reservations where organization_id = $1 and id = $2", arguments).await?;
        Ok(())
    }
}

impl Tenant<'_> {
    /// What was spent in this day and month, calls in flight included: by one assistant, or by all.
    pub async fn spent(self, assistant: Option<AssistantId>) -> Result<Spent> {
        spent(self, self.organization_id(), assistant, self.now()).await
    }
}

async fn spent(
    run: impl Run,
    organization_id: OrganizationId,
    assistant: Option<AssistantId>,
    now: Time,
) -> Result<Spent> {
    let day = now.day();
    let first = format!("{}-01", day.get(..MONTH_CHARS).unwrap_or_default());
    run.one(
        "select cast(coalesce(sum(cost) filter (where day = $3), 0) as bigint) as day_micro_usd,
                cast(coalesce(sum(cost), 0) as bigint) as month_micro_usd,
                cast(coalesce(sum(tokens) filter (where day = $3), 0) as bigint) as day_tokens,
                cast(coalesce(sum(tokens), 0) as bigint) as month_tokens
         from (select cost_micro_usd as cost, input_tokens + output_tokens as tokens, day from usage
                where organization_id = $1 and ($2 is null or assistant_id = $2) and day >= $4
               union all
               select cost_micro_usd, tokens, cast($3 as text) from reservations
                where organization_id = $1 and ($2 is null or assistant_id = $2)) as spending",
        (organization_id, assistant, day, first),
    )
    .await
}
