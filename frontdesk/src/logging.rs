//! Logs go to stderr, as text for people or JSON for machines.

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging: what the settings say for services, warnings only for other commands.
pub(crate) fn start(settings: &Settings, service: bool) -> Result<(), Failure> {
    let level = if service { settings.log.level.as_str() } else { "warn" };
    // Libraries' own chatter is not for the people of the desk.
    let directives =
        format!("{level},tantivy=warn,sqlx=warn,hyper=warn,h2=warn,apalis_core=warn,apalis=warn,async_openai=off");
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        Failure::configuration(format!("`log.level` cannot be used: `{}`", settings.log.level))
            .because(error)
            .fix("choose error, warn, info, debug or trace")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
    };
    // A test in this process may have started it already.
    let _ = started;
    Ok(())
}
