//! Answers a turn: load, think, conclude.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use answering::conclude::{Concluded, conclude, hand_off_turn};
use answering::{Desk, answer, turn};
use domain::job::{AnswerTurn, HandOffTurn, Job};
use std::sync::Arc;

/// Answers the turn, unless it was answered or taken over meanwhile.
pub async fn run(desk: Desk, work: AnswerTurn, job: Arc<Job>) -> Result<Running> {
    let Some(turn) = turn::load(&desk, organization(&job)?, work.conversation_id).await? else {
        return Ok(Running::Done);
    };
    let answer = answer(&desk, &turn.question).await?;
    Ok(ended(&conclude(&desk, &turn, answer, &job).await?))
}

/// Hands over a turn whose own job was discarded.
pub(crate) async fn hand_off(desk: Desk, work: HandOffTurn, job: Arc<Job>) -> Result<Running> {
    Ok(ended(&hand_off_turn(&desk, organization(&job)?, work.conversation_id, &job).await?))
}

fn ended(concluded: &Concluded) -> Running {
    match concluded {
        Concluded::Replied(_) => Running::Completed,
        Concluded::Overtaken => Running::Done,
    }
}
