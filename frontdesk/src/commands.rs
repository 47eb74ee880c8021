//! Leads each command to its code and turns its outcome into an exit code.

mod ask;
mod budget;
mod doctor;
mod eval;
mod import;
mod jobs;
mod key;
mod llm;
mod models;
mod operate;
mod prompts;
mod read_pdf;
mod rerun;
mod review;
mod scan;
mod scan_changes;
mod search;
mod serve;
mod sources;
mod up;
mod worker;

use crate::bench;
use crate::cli::{Cli, Command, Completions, Config};
use crate::failure::Failure;
use crate::output::{Colour, Exit, Output};
use crate::settings::{Environment, Settings, Sources};
use crate::wiring::Wired;
use crate::{logging, wiring};
use clap::CommandFactory;
use tokio::runtime::{Builder, Runtime};

/// Threads for work that blocks, at most.
const BLOCKING_THREADS_MAX: usize = 16;

/// Runs the command and says on stderr why it failed, if it did.
pub fn run(cli: &Cli) -> Exit {
    let environment = Environment::read();
    let colour = match environment.get("NO_COLOR") {
        Some(_) => Colour::Never,
        None => Colour::WhereShown,
    };
    let output = Output::new(cli.format(), colour);
    match dispatch(cli, &environment, output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}

fn dispatch(cli: &Cli, environment: &Environment, output: Output) -> Result<Exit, Failure> {
    let sources = Sources { file: cli.global.config.clone(), environment, flags: cli.flags() };
    match &cli.command {
        Command::Config(Config::Show) => config_show(&sources, output),
        Command::Completions(options) => completions(options, output),
        Command::Bench(bench) => bench::run(bench, &sources, output),
        Command::ReadPdf => read_pdf::run(),
        Command::Worker(_) => opened(&sources, true, |wired| worker::run(wired, output)),
        Command::Scan(options) => opened(&sources, false, |wired| scan::run(wired, options, output)),
        Command::Import(options) => opened(&sources, false, |wired| import::run(wired, options, output)),
        Command::Search(options) => opened(&sources, false, |wired| search::run(wired, options, output)),
        Command::Ask(options) => opened(&sources, false, |wired| ask::run(wired, options, output)),
        Command::Rerun(options) => opened(&sources, false, |wired| rerun::run(wired, options, output)),
        Command::Migrate => opened(&sources, false, |wired| async move { operate::migrate(&wired, output) }),
        Command::Reindex => opened(&sources, false, |wired| operate::reindex(wired, output)),
        Command::Jobs(command) => opened(&sources, false, |wired| jobs::run(wired, command, output)),
        Command::Review(command) => opened(&sources, false, |wired| review::run(wired, command, output)),
        Command::Eval(command) => opened(&sources, false, |wired| eval::run(wired, command, output)),
        Command::Prompts(command) => opened(&sources, false, |wired| prompts::run(wired, command, output)),
        Command::Budget(command) => opened(&sources, false, |wired| budget::run(wired, command, output)),
        Command::Sources(command) => opened(&sources, false, |wired| sources::run(wired, command, output)),
        Command::Key(command) => opened(&sources, false, |wired| key::run(wired, command, output)),
        Command::Models(command) => {
            configured(&sources, |settings| models::run(settings, environment, command, output))
        }
        Command::Doctor => configured(&sources, |settings| doctor::run(settings, environment, output)),
        Command::Llm(command) => configured(&sources, |settings| llm::run(settings, command, output)),
        Command::Up(options) => opened(&sources, true, |wired| up::up(wired, options, output)),
        Command::Api(_) => opened(&sources, true, |wired| up::api_only(wired, output)),
    }
}

/// Loads the settings, opens everything and runs the command over it.
pub(crate) fn opened<F, Fut>(sources: &Sources<'_>, service: bool, run: F) -> Result<Exit, Failure>
where
    F: FnOnce(Wired) -> Fut,
    Fut: Future<Output = Result<Exit, Failure>>,
{
    let settings = Settings::load(sources)?;
    logging::start(&settings, service)?;
    runtime()?.block_on(async {
        let work = async { run(wiring::open(settings, sources.environment).await?).await };
        if service {
            // Services stop by themselves, after their running work has ended.
            return Box::pin(work).await;
        }
        tokio::select! {
            outcome = Box::pin(work) => outcome,
            stopped = tokio::signal::ctrl_c() => Ok(stopped.map(|()| Exit::Interrupted)?),
        }
    })
}

/// Loads the settings and runs the command with nothing opened.
fn configured<F, Fut>(sources: &Sources<'_>, run: F) -> Result<Exit, Failure>
where
    F: FnOnce(Settings) -> Fut,
    Fut: Future<Output = Result<Exit, Failure>>,
{
    let settings = Settings::load(sources)?;
    logging::start(&settings, false)?;
    in_runtime(run(settings))
}

fn config_show(sources: &Sources<'_>, output: Output) -> Result<Exit, Failure> {
    let shown = Settings::load_shown(sources)?;
    let text = shown.to_toml()?;
    output.result(&shown, |_| text)?;
    Ok(Exit::Ok)
}

fn completions(options: &Completions, output: Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "frontdesk", &mut script);
    output.line(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}

/// What blocks is computation, a few files and a few waits: more threads would only hold more memory.
fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().max_blocking_threads(BLOCKING_THREADS_MAX).enable_all().build()?)
}

/// Runs a future on a runtime of its own until it ends or Ctrl-C comes.
pub fn in_runtime<F>(future: F) -> Result<Exit, Failure>
where
    F: Future<Output = Result<Exit, Failure>>,
{
    runtime()?.block_on(async {
        tokio::select! {
            outcome = future => outcome,
            stopped = tokio::signal::ctrl_c() => Ok(stopped.map(|()| Exit::Interrupted)?),
        }
    })
}
