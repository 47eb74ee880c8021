//! `frontdesk llm test`: one small request to the configured model endpoint.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::probe;
use crate::settings::Settings;
use crate::wiring;

pub(crate) async fn run(settings: Settings, command: &cli::Llm, output: Output) -> Result<Exit, Failure> {
    let cli::Llm::Test = command;
    wiring::install_tls();
    let Some(endpoint) = settings.llm.endpoint() else {
        return Err(Failure::configuration("no model endpoint is configured: answers quote the knowledge")
            .fix("set OPENAI_BASE_URL (and OPENAI_API_KEY), or `llm.base_url`; one that is connected in the console is tried there, under Settings › Model"));
    };
    let models = wiring::chat_models(&settings)?;
    for model in &models {
        let completed = probe::completion(endpoint, model.as_ref()).await?;
        output.result(&completed, |completed| {
            format!(
                "{}  {}\n  {:.0} ms · {} input tokens · {} output tokens{}\n  said: {}",
                completed.endpoint,
                completed.model,
                completed.duration_ms,
                completed.usage.input_tokens,
                completed.usage.output_tokens,
                if completed.usage.estimated { " (estimated)" } else { "" },
                completed.text
            )
        })?;
    }
    Ok(Exit::Ok)
}
