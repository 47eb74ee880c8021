//! Leads each command to its code and turns its outcome into an exit code.

use crate::bench::stub_model;
use crate::cli::{Bench, Cli, Command, Completions, Config};
use crate::failure::Failure;
use crate::output::{Colour, Exit, Output};
use crate::settings::{Environment, Settings, Sources};
use clap::CommandFactory;

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
        Command::Bench(Bench::StubModel(options)) => in_runtime(stub_model::serve(options, output)),
        // Each command gets its line here when its code arrives; until then it says so.
        Command::Up(_)
        | Command::Api(_)
        | Command::Worker(_)
        | Command::Scan(_)
        | Command::Import(_)
        | Command::Search(_)
        | Command::Ask(_)
        | Command::Rerun(_)
        | Command::Sources(_)
        | Command::Key(_)
        | Command::Models(_)
        | Command::Llm(_)
        | Command::Jobs(_)
        | Command::Migrate
        | Command::Reindex
        | Command::Doctor => {
            Settings::load(&sources)?;
            Err(Failure::new(Exit::Problem, "this command is not connected yet"))
        }
    }
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

/// Runs a future on a runtime of its own until it ends or Ctrl-C comes.
pub fn in_runtime<F>(future: F) -> Result<Exit, Failure>
where
    F: Future<Output = Result<Exit, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = future => outcome,
            stopped = tokio::signal::ctrl_c() => Ok(stopped.map(|()| Exit::Interrupted)?),
        }
    })
}
