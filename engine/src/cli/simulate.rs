//! `switchboard simulate FLOW`: walks a flow without a phone, and draws it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use dialplan::flow::Flow;
use dialplan::flow::check::{Known, check};
use dialplan::flow::draw::draw;
use dialplan::say::defaults;

use super::CliError;
use crate::config::Problem;
use crate::config::flow_file::WrittenFlow;
use crate::rehearsal::Rehearsal;
use crate::store::unix_ms;

/// How a flow is tried.
#[derive(Clone, Debug, Args)]
pub struct Simulation {
    /// The file of the flow (.toml or .json); the other flows of its folder are there as subflows.
    #[arg(value_name = "FILE")]
    flow: PathBuf,
    /// Keys pressed, a group each time the flow waits for keys: 1,2# is 1 at the first, 2 and # at the second.
    #[arg(long, value_name = "KEYS", default_value = "")]
    keys: String,
    /// The caller's number.
    #[arg(long, value_name = "NUMBER", default_value = "13800138000")]
    caller: String,
    /// The number called.
    #[arg(long, value_name = "NUMBER", default_value = "+861012345678")]
    called: String,
    /// The language that it begins with: zh-CN or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "zh-CN")]
    language: String,
    /// How queues are left: answered, max_wait, full, nobody.
    #[arg(long, value_name = "HOW", default_value = "answered")]
    queue: String,
    /// How ringing somebody ends: answered, busy, no_answer, failed.
    #[arg(long, value_name = "HOW", default_value = "answered")]
    dial: String,
    /// What servers answer (JSON), one after the other.
    #[arg(long, value_name = "JSON")]
    answer: Vec<String>,
    /// Opening hours that are not open: NAME=closed or NAME=holiday.
    #[arg(long, value_name = "NAME=STATE")]
    hours: Vec<String>,
    /// A figure of a queue: sales.waiting=12, .longest_wait_s, .signed_in, .idle; else nobody waits and one agent is idle.
    #[arg(long, value_name = "QUEUE.FIGURE=N")]
    figure: Vec<String>,
    /// When the call comes, in seconds since 1970; now where it is not said.
    #[arg(long, value_name = "SECONDS")]
    at: Option<u32>,
    /// Draws the flow into this file (SVG).
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Checks, draws and walks the flow.
pub(super) fn run(simulation: &Simulation) -> Result<String, CliError> {
    let written = read(&simulation.flow)?;
    let flow = Arc::clone(&written.flow);
    let flows = beside(&simulation.flow, Arc::clone(&flow));
    let mut text = checked(&written, &flows)?;
    if let Some(file) = &simulation.svg {
        std::fs::write(file, draw(&flow))
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", file.display())))?;
    }
    let flows = flows.into_iter().map(|flow| (flow.name.clone(), flow)).collect();
    let at_ms = simulation.at.map_or_else(unix_ms, |seconds| u64::from(seconds) * 1_000);
    let now_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let lines = rehearsal(simulation)?.walk(&flow.name, &flows, &BTreeMap::new(), now_ms);
    let lines = lines.map_err(|wrong| CliError::Usage(format!("--{}: {}", wrong.field, wrong.what)))?;
    text.extend(lines.iter().map(|line| format!("{line}\n")));
    Ok(text.trim_end().to_owned())
}

fn rehearsal(simulation: &Simulation) -> Result<Rehearsal, CliError> {
    let answers: Result<_, _> = simulation.answer.iter().map(|text| serde_json::from_str(text)).collect();
    Ok(Rehearsal {
        keys: simulation.keys.clone(),
        caller: simulation.caller.clone(),
        called: simulation.called.clone(),
        language: simulation.language.clone(),
        queue: simulation.queue.clone(),
        dial: simulation.dial.clone(),
        answers: answers.map_err(|error| CliError::Usage(format!("--answer is no JSON: {error}")))?,
        hours: simulation.hours.clone(),
        figures: simulation.figure.clone(),
    })
}

/// Reads one flow.
fn read(file: &Path) -> Result<WrittenFlow, CliError> {
    WrittenFlow::read(file).map_err(|problems| CliError::Usage(listed(&problems)))
}

/// The flow and the readable others of its folder.
fn beside(file: &Path, flow: Arc<Flow>) -> Vec<Arc<Flow>> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let others = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = others
        .filter(|other| other.extension().is_some_and(|extension| extension == "toml" || extension == "json"))
        .take(FLOWS_MAX)
        .collect();
    files.sort();
    let others: Vec<Arc<Flow>> = files.iter().filter_map(|file| Some(read(file).ok()?.flow)).collect();
    let others = others.into_iter().filter(|other| other.name != flow.name);
    [Arc::clone(&flow)].into_iter().chain(others).collect()
}

/// What is wrong with the flow itself ends it; what it needs of the call centre is said.
fn checked(written: &WrittenFlow, flows: &[Arc<Flow>]) -> Result<String, CliError> {
    let (flow, known) = (&written.flow, Known::assumed(flows));
    let problems: Vec<Problem> = check(flow, &known).iter().map(|problem| written.told(problem)).collect();
    if !problems.is_empty() {
        return Err(CliError::Usage(listed(&problems)));
    }
    let own: Vec<String> =
        known.prompts.iter().filter(|name| !defaults::ALL.contains(name)).map(ToString::to_string).collect();
    let upload = if own.is_empty() { String::new() } else { format!("; prompts to upload: {}", own.join(", ")) };
    Ok(format!("{}: {} nodes, no problem{upload}\n", flow.name, flow.nodes.len()))
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Files of a folder that are looked at.
const FLOWS_MAX: usize = 1_000;
