//! `frontdesk rerun`: replays a stored answer from its trace, offline.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::rerun::{Stage, rerun_from};
use domain::replay::Trial;
use domain::{Kinded, MessageId};

pub(crate) async fn run(wired: Wired, options: &cli::Rerun, output: Output) -> Result<Exit, Failure> {
    let id: MessageId = options.message.parse().map_err(|error| {
        Failure::new(Exit::Usage, "no message id").because(error).fix("give the id of an AI reply, msg_…")
    })?;
    if options.from.is_none() && options.changes() {
        return Err(Failure::new(Exit::Usage, "a change needs the step that it is made at")
            .because("without --from the answer is replayed as it was")
            .fix("add --from retrieve, --from prompt or --from verify"));
    }
    let rerun = match options.from.as_deref().map(str::parse::<Stage>) {
        Some(Ok(stage)) => {
            if stage == Stage::Retrieve {
                wired.catch_up().await?;
            }
            rerun_from(&wired.desk, wired.organization_id(), id, stage, &trial(options)).await
        }
        _ => answering::rerun::rerun(&wired.desk, wired.organization_id(), id).await,
    };
    let rerun = rerun.map_err(|error| {
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
        } else if options.from.is_some() {
            format!("{}\n\n{}", rerun.content, rerun.differences.join("\n"))
        } else {
            format!("✗ the replay differs\n{}", rerun.differences.join("\n"))
        }
    })?;
    // What was changed on purpose is no problem.
    Ok(if identical || options.from.is_some() { Exit::Ok } else { Exit::Problem })
}

fn trial(options: &cli::Rerun) -> Trial {
    Trial {
        prompt_version: options.prompt,
        model: options.model.clone(),
        passages_max: options.k,
        dense_weight: options.dense_weight,
        confidence_min: options.confidence_min,
        ..Trial::default()
    }
}
