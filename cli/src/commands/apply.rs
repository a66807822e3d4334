//! `alfred apply`.

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};

use serde_json::{Value, json};

use crate::Done;
use crate::apply::file::File;
use crate::apply::plan::{Change, Options, Plan, Sign, plan};
use crate::apply::run;
use crate::apply::state::State;
use crate::arguments::Globals;
use crate::failure::Failure;
use crate::session::Session;

/// Make an organization what a file says.
///
/// Names are the identity. What the file does not mention stays; with --prune, limits (of teams and members that the
/// file has), providers, prices, grants and policies that it does not have are removed. First it shows what it would
/// do: `+` makes, `~` changes, `-` removes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred apply -f alfred.toml --dry-run
  alfred apply -f alfred.toml --yes
  alfred export | alfred apply -f - --dry-run --exit-code")]
pub(crate) struct Arguments {
    /// The file; `-` for standard input
    #[arg(long, short, value_name = "FILE")]
    file: String,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Remove what the file does not have
    #[arg(long)]
    prune: bool,
    /// Send providers' keys that are there already, too
    #[arg(long)]
    send_keys: bool,
    /// With --dry-run: exit code 3 where something would be done
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, globals: &Globals) -> Result<Done, Failure> {
    let here = |error: &dyn std::fmt::Display| Failure::Here(format!("{}: {error}", arguments.file));
    let text = read(&arguments.file).map_err(|error| here(&error))?;
    let file = File::parse(&text).map_err(|error| here(&error))?;
    if arguments.prune && file == File::default() {
        return Err(Failure::Usage("the file says nothing, and --prune would remove everything".to_owned()));
    }
    let session = Session::open(globals)?;
    let options = Options { prune: arguments.prune, send_keys: arguments.send_keys };
    let state = State::read(&session.api, Some(&file).filter(|_| !arguments.prune))?;
    let plan = plan(&file, &state, options).map_err(|error| here(&error))?;
    if plan.steps.is_empty() || arguments.dry_run {
        let code = if arguments.exit_code && !plan.steps.is_empty() { 3 } else { 0 };
        return Ok(Done { text: shown(&session, &plan, false), code });
    }
    if !arguments.yes {
        confirm(arguments, &plan)?;
    }
    run::run(&session.api, &plan)?;
    Ok(Done { text: shown(&session, &plan, true), code: 0 })
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    match path {
        "-" => std::io::stdin().read_to_string(&mut text).map(|_| text),
        path => fs::read_to_string(path),
    }
}

/// Asks whoever sits at the terminal.
fn confirm(arguments: &Arguments, plan: &Plan) -> Result<(), Failure> {
    let here = |error: std::io::Error| Failure::Here(error.to_string());
    if arguments.file == "-" || !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("nobody is there to be asked: look at --dry-run first, then give --yes".to_owned()));
    }
    let mut err = std::io::stderr();
    let question = format!("{}Do that? [y/N] ", lines(plan));
    err.write_all(question.as_bytes()).and_then(|()| err.flush()).map_err(here)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(here)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Here("nothing was changed".to_owned())),
    }
}

fn lines(plan: &Plan) -> String {
    plan.changes().map(|change| format!("{change}\n")).collect()
}

fn shown(session: &Session, plan: &Plan, applied: bool) -> String {
    if session.json {
        let changes: Vec<Value> = plan.changes().map(document).collect();
        return session.document(&json!({ "changes": changes, "applied": applied }));
    }
    let count = |sign| plan.changes().filter(|change| change.sign == sign).count();
    let (make, change, remove) = (count(Sign::Make), count(Sign::Change), count(Sign::Remove));
    match (plan.steps.is_empty(), applied) {
        (true, _) => "nothing to change\n".to_owned(),
        (false, true) => format!("{}{make} made, {change} changed, {remove} removed\n", lines(plan)),
        (false, false) => format!("{}{make} to make, {change} to change, {remove} to remove\n", lines(plan)),
    }
}

fn document(change: &Change) -> Value {
    let (field, from, to) =
        change.field.clone().map_or((None, None, None), |(field, from, to)| (Some(field), Some(from), Some(to)));
    let action = match change.sign {
        Sign::Make => "make",
        Sign::Change => "change",
        Sign::Remove => "remove",
    };
    json!({ "action": action, "what": change.what, "field": field, "from": from, "to": to })
}
