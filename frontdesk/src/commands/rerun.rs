//! `frontdesk rerun`: replays a stored answer from its trace, offline.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::{Kinded, MessageId};

pub(crate) async fn run(wired: Wired, options: &cli::Rerun, output: Output) -> Result<Exit, Failure> {
    let id: MessageId = options.message.parse().map_err(|error| {
        Failure::new(Exit::Usage, "no message id").because(error).fix("give the id of an AI reply, msg_…")
    })?;
    let rerun = answering::rerun::rerun(&wired.desk, wired.organization_id(), id).await.map_err(|error| {
        let fix = if error.kind() == domain::ErrorKind::NotFound {
            "give the id of an AI reply; traces older than the retention are gone"
        } else {
            "run `frontdesk doctor`"
        };
        Failure::new(Exit::Problem, format!("answer `{id}` cannot be replayed")).because(error).fix(fix)
    })?;
    let identical = rerun.differences.is_empty();
    let shown = serde_json::json!({
        "message_id": id, "identical": identical, "content": rerun.content, "differences": rerun.differences,
    });
    output.result(&shown, |_| {
        if identical {
            format!("{}\n✓ identical, byte for byte", rerun.content)
        } else {
            format!("✗ the replay differs\n{}", rerun.differences.join("\n"))
        }
    })?;
    Ok(if identical { Exit::Ok } else { Exit::Problem })
}
