//! Flows as TOML, events with times, and the actions that follow; problems as text.

mod problems;
mod trails;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::action::{Action, DialEnd, Event, QueueLeft};
use super::check::{Problem, check};
use super::name::{FlowName, HoursName, QueueName};
use super::node::{Node, QueueFigure};
use super::run::{Caller, IDLE_STEPS_MAX, Run, STEPS_MAX, World};
use super::trail::Visit;
use super::version::{PublishError, Versions};
use super::{Flow, VARIABLES_MAX};
use crate::hours::{Hours, Opening};
use crate::say::Language;
use problems::known;
use trails::{check_way, told};

/// Monday 2026-11-23, 10:00 in Shanghai.
pub(super) const MONDAY: i64 = 1_795_399_200_000;

#[derive(Default)]
pub(super) struct Centre(BTreeMap<FlowName, Arc<Flow>>);

impl World for Centre {
    fn current(&self, flow: &FlowName) -> Option<u32> {
        self.0.contains_key(flow).then_some(1)
    }

    fn flow(&self, flow: &FlowName, version: u32) -> Option<Arc<Flow>> {
        self.0.get(flow).filter(|_| version == 1).cloned()
    }

    fn opening(&self, hours: &HoursName, now_ms: i64) -> Option<Opening> {
        let office = Hours::office("Asia/Shanghai".parse().unwrap(), "09:00-18:00".parse().unwrap());
        (hours.as_str() == "office").then(|| office.at(now_ms))
    }

    fn queue(&self, queue: &QueueName, figure: QueueFigure) -> Option<u32> {
        (queue.as_str() == "sales").then_some(match figure {
            QueueFigure::Waiting => 3,
            QueueFigure::LongestWaitS => 40,
            QueueFigure::SignedIn => 2,
            QueueFigure::Idle => 0,
        })
    }
}

pub(super) fn read(text: &str) -> Result<Flow, Vec<Problem>> {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    Flow::read(serde_json::to_value(table).unwrap())
}

/// A flow of nodes; the first one begins.
fn of(nodes: &str) -> String {
    let start = nodes.split_once("[nodes.").and_then(|(_, rest)| rest.split_once(']')).map(|(name, _)| name).unwrap();
    format!("name = \"main\"\nstart = \"{start}\"\n{nodes}")
}

/// Flows parted by `---`; each is called after its `name`.
pub(super) fn centre(texts: &str) -> Centre {
    let flows = texts.split("---").map(|text| read(text).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}")));
    Centre(flows.map(|flow| (flow.name.clone(), Arc::new(flow))).collect())
}

pub(super) fn caller(number: &str) -> Caller {
    Caller {
        number: number.into(),
        name: "Li".into(),
        called: "+861012345678".into(),
        trunk: "lines".into(),
        language: Language::ZhCn,
    }
}

fn event(words: &str) -> Event {
    match words.split_once(' ').unwrap_or((words, "")) {
        ("played", "") => Event::Played,
        ("key", key) => Event::Digit(key.parse().unwrap()),
        ("timeout", "") => Event::TimedOut,
        ("answer", json) => Event::LookupDone(serde_json::from_str(json).ok()),
        ("queue", "answered") => Event::QueueLeft(QueueLeft::Answered),
        ("queue", "max_wait") => Event::QueueLeft(QueueLeft::MaxWait),
        ("queue", "full") => Event::QueueLeft(QueueLeft::Full),
        ("queue", "nobody") => Event::QueueLeft(QueueLeft::Nobody),
        ("dialled", "answered") => Event::DialEnded(DialEnd::Answered),
        ("dialled", "busy") => Event::DialEnded(DialEnd::Busy),
        ("dialled", "no_answer") => Event::DialEnded(DialEnd::NoAnswer),
        ("dialled", "failed") => Event::DialEnded(DialEnd::Failed),
        ("done", "") => Event::Done,
        ("gone", "") => Event::CallerGone,
        _ => panic!("no event: {words}"),
    }
}

/// Seconds at which something happens, and what; the actions that follow stand below, indented. Timeouts come by themselves
/// and must stand in the script. `resume` goes on from what was written down.
fn walk(texts: &str, script: &str) {
    let centre = centre(texts);
    let name =
        texts.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap().parse().unwrap();
    let mut run: Option<Run> = None;
    let mut seen = String::new();
    let tell = |seen: &mut String, at: i64, what: &str, actions: &[Action]| {
        let _ = writeln!(seen, "{}s {what}", at as f64 / 1_000.0);
        for action in actions {
            let _ = writeln!(seen, "  {action}");
        }
    };
    let script: String = script
        .lines()
        .map(|line| line.trim_start_matches("    ").trim_end())
        .filter(|l| !l.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect();
    for line in script.lines().filter(|line| !line.starts_with(' ')) {
        let (at, what) = line.split_once("s ").unwrap();
        let at = (at.parse::<f64>().unwrap() * 1_000.0).round() as i64;
        while let Some(due) = run.as_ref().and_then(Run::poll_timeout).filter(|due| due - MONDAY <= at) {
            let actions = run.as_mut().unwrap().handle(&centre, due, &Event::TimedOut);
            tell(&mut seen, due - MONDAY, "timeout", &actions);
        }
        let now = MONDAY + at;
        let actions = match what.split_once(' ').unwrap_or((what, "")) {
            ("start", number) => {
                let (begun, actions) = Run::start(&name, &caller(number), &centre, now);
                run = Some(begun);
                actions
            }
            ("resume", "") => {
                let written = serde_json::to_string(run.as_ref().unwrap()).unwrap();
                let mut read: Run = serde_json::from_str(&written).unwrap();
                assert_eq!(Some(&read), run.as_ref());
                let actions = read.resume(&centre, now);
                run = Some(read);
                actions
            }
            ("timeout", "") => continue,
            _ => run.as_mut().unwrap().handle(&centre, now, &event(what)),
        };
        tell(&mut seen, at, what, &actions);
    }
    assert_eq!(seen, script, "\n--- seen:\n{seen}\n--- written:\n{script}");
}

pub(super) const MAIN: &str = r#"
name = "main"
start = "hello"
[nodes.hello]
step = "play"
prompts = ["welcome"]
next = "menu"
[nodes.menu]
step = "menu"
prompt = ["choose", { number = "{called}" }]
wrong = ["wrong_key"]
silent = ["no_key"]
keys = { 1 = "sales", 2 = "order", "*" = "menu" }
tries = 2
no_choice = "bye"
[nodes.sales]
step = "queue"
queue = "sales"
max_wait = "message"
keys = { 9 = "message" }
[nodes.message]
step = "voicemail"
mailbox = "queue:sales"
greeting = ["leave_message"]
[nodes.order]
step = "collect"
prompt = ["order_number"]
wrong = ["too_short"]
into = "order"
min = 3
max = 5
tries = 2
next = "repeat"
failed = "bye"
[nodes.repeat]
step = "say"
parts = ["you_typed", { digits = "{order}" }]
next = "bye"
[nodes.bye]
step = "hang_up"
parts = ["goodbye"]
"#;

#[test]
fn a_key_ends_the_prompt_and_chooses() {
    walk(
        MAIN,
        "
    0s start 13800000000
      play zh-CN [welcome]
    2s played
      play zh-CN [choose digits:+861012345678]
      wait for * 1 2
    3s key 1
      stop playing
      queue sales priority 0 leaves [max_wait] keys [9]
    30s key 5
    33s queue max_wait
      voicemail queue:sales [leave_message]
    50s done
      hang up normal
    51s key 1
    ",
    );
}

/// IVR-03: 3 tries (here 2) of 5 s each.
#[test]
fn who_presses_nothing_or_a_wrong_key_is_asked_again_and_then_led_on() {
    walk(
        MAIN,
        "
    0s start
      play zh-CN [welcome]
    1s key *
      stop playing
      play zh-CN [choose digits:+861012345678]
      wait for * 1 2
    4s played
    9s timeout
      play zh-CN [no_key choose digits:+861012345678]
      wait for * 1 2
    10s key 7
      stop playing
      play zh-CN [goodbye]
    12s played
      hang up normal
    ",
    );
    walk(
        MAIN,
        "
    0s start
      play zh-CN [welcome]
    1s played
      play zh-CN [choose digits:+861012345678]
      wait for * 1 2
    2s played
    2s key 8
      play zh-CN [wrong_key choose digits:+861012345678]
      wait for * 1 2
    3s played
    8s timeout
      play zh-CN [goodbye]
    8.5s gone
    9s played
    ",
    );
}

#[test]
fn keys_typed_ahead_skip_what_the_caller_knows() {
    walk(
        MAIN,
        "
    0s start
      play zh-CN [welcome]
    1s key 2
      stop playing
      play zh-CN [order_number]
      wait for 0 1 2 3 4 5 6 7 8 9 * #
    1.2s key 4
      stop playing
    1.4s key *
    1.5s key 1
    1.6s key 2
    1.7s key #
      play zh-CN [too_short order_number]
      wait for 0 1 2 3 4 5 6 7 8 9 * #
    2s played
    3s key 1
    7.9s key 2
    8s key 3
    13s timeout
      set order = \"123\"
      play zh-CN [you_typed digits:123]
    14s played
      play zh-CN [goodbye]
    15s played
      hang up normal
    ",
    );
}

#[test]
fn a_run_goes_on_in_another_process_where_it_stood() {
    walk(
        MAIN,
        "
    0s start
      play zh-CN [welcome]
    1s key 1
      stop playing
      queue sales priority 0 leaves [max_wait] keys [9]
    20s resume
      queue sales priority 0 leaves [max_wait] keys [9]
    21s key 9
      leave the queue
      voicemail queue:sales [leave_message]
    ",
    );
}

pub(super) const BRANCHES: &str = r#"
name = "gate"
start = "gate"
[nodes.gate]
step = "condition"
cases = [
  { when = [{ caller = { prefix = "+86" } }, { hours = { name = "office" } }], go = "ask" },
  { when = [{ queue = { name = "sales", figure = "waiting", is = "at_least", value = 3 } }, { time = { zone = "UTC", days = ["mon"], between = "02:00-03:00" } }], go = "vip" },
]
otherwise = "closed"
[nodes.ask]
step = "lookup"
url = "https://crm.example/customer?phone={caller}"
timeout_ms = 500
fields = { owner = { pointer = "/owner/no", default = "none" }, tier = { pointer = "/tier" } }
next = "known"
failed = "vip"
[nodes.known]
step = "condition"
cases = [{ when = [{ variable = { name = "tier", is = "at_least", value = "10" } }], go = "owner" }]
otherwise = "vip"
[nodes.owner]
step = "agent"
number = "{owner}"
failed = "vip"
no_answer = "outside"
[nodes.outside]
step = "outside"
number = "13900000000"
answered = "closed"
failed = "vip"
[nodes.vip]
step = "set"
values = { language = "en", level = "{caller}!" }
next = "sub"
[nodes.sub]
step = "subflow"
flow = "vip"
next = "closed"
[nodes.closed]
step = "hang_up"
cause = "busy"
---
name = "vip"
start = "ring"
[nodes.ring]
step = "extension"
number = "1001"
ring_s = 10
answered = "rate"
failed = "room"
[nodes.rate]
step = "survey"
survey = "after"
next = "back"
[nodes.room]
step = "conference"
room = "help"
next = "say"
[nodes.say]
step = "say"
parts = [{ tone = "beep" }, { silence_ms = 250 }, { number = "21" }]
barge_in = false
next = "back"
[nodes.back]
step = "return"
"#;

#[test]
fn conditions_lookups_rings_and_subflows_lead_where_they_say() {
    walk(
        BRANCHES,
        "
    0s start +8613800000000
      look up https://crm.example/customer?phone=%2B8613800000000 within 500 ms for owner tier
    0.2s answer {\"owner\":{\"no\":8001},\"tier\":\"10\"}
      set owner = \"8001\"
      set tier = \"10\"
      ring agent 8001 for 20 s
    20s dialled no_answer
      ring outside 13900000000 for 60 s
    40s dialled busy
      set language = \"en\"
      set level = \"+8613800000000!\"
      ring extension 1001 for 10 s
    50s dialled busy
      conference help
    60s done
      play en [tone:beep silence:250ms number:21]
    61s key 1
    62s played
      hang up busy
    ",
    );
}

#[test]
fn a_server_that_says_nothing_holds_nobody_up() {
    // The shell says nothing either.
    walk(
        BRANCHES,
        "
    0s start +8613800000000
      look up https://crm.example/customer?phone=%2B8613800000000 within 500 ms for owner tier
    1.5s timeout
      set owner = \"none\"
      set tier = \"\"
      set language = \"en\"
      set level = \"+8613800000000!\"
      ring extension 1001 for 10 s
    9s dialled answered
      survey after
    12s done
      hang up busy
    ",
    );
    walk(
        BRANCHES,
        "
    0s start +8613800000000
      look up https://crm.example/customer?phone=%2B8613800000000 within 500 ms for owner tier
    0.2s answer {\"owner\":{\"no\":\"8001\"},\"tier\":9}
      set owner = \"8001\"
      set tier = \"9\"
      set language = \"en\"
      set level = \"+8613800000000!\"
      ring extension 1001 for 10 s
    1s gone
    2s dialled failed
    ",
    );
    walk(
        BRANCHES,
        "
    3599s start
      set language = \"en\"
      set level = \"!\"
      ring extension 1001 for 10 s
    ",
    );
    walk(
        BRANCHES,
        "
    3600s start
      hang up busy
    ",
    );
}

#[test]
fn a_published_version_never_changes() {
    let known = known(BTreeMap::new());
    let mut versions = Versions::default();
    assert_eq!(versions.publish(&known, 0), Err(PublishError::NoDraft));
    assert_eq!(versions.save(read(MAIN).unwrap(), &known), []);
    assert_eq!(versions.publish(&known, 1), Ok(1));
    let first = versions.current().unwrap().clone();
    assert_eq!(versions.draft(), None);
    versions.save(read(MAIN).unwrap(), &known);
    assert_eq!(versions.publish(&known, 2), Err(PublishError::Unchanged(1)));
    assert_eq!(versions.save(read(&MAIN.replace("\"goodbye\"", "\"godbye\"")).unwrap(), &known).len(), 1);
    assert!(matches!(versions.publish(&known, 3), Err(PublishError::Problems(wrong)) if wrong.len() == 1));
    versions.save(read(&MAIN.replace("tries = 2", "tries = 4")).unwrap(), &known);
    assert_eq!(versions.publish(&known, 4), Ok(2));
    assert_eq!(versions.version(1), Some(&first));
    assert_eq!((versions.current().unwrap().number, versions.version(3)), (2, None));
}

#[test]
fn a_run_without_end_is_stopped() {
    let loops = centre(&of("[nodes.a]\nstep = \"set\"\nvalues = { x = \"{x}1\" }\nnext = \"a\"\n"));
    let (run, actions) = Run::start(&"main".parse().unwrap(), &caller(""), &loops, 0);
    let tail: Vec<String> = actions.iter().rev().take(2).rev().map(Action::to_string).collect();
    assert_eq!(tail, ["fault at a: too many steps without waiting for the caller", "hang up failure"]);
    assert_eq!(actions.len(), IDLE_STEPS_MAX as usize + 2);
    assert!(run.is_over() && run.poll_timeout().is_none());

    // Prompts that cannot be played end at once: they are no wait.
    let plays = centre(&of("[nodes.a]\nstep = \"play\"\nprompts = [\"welcome\"]\nnext = \"a\"\n"));
    let (mut run, _) = Run::start(&"main".parse().unwrap(), &caller(""), &plays, 0);
    let played =
        (0..).find(|_| run.handle(&plays, 0, &Event::Played).contains(&Action::HangUp(super::node::Cause::Failure)));
    assert_eq!(played, Some(IDLE_STEPS_MAX as i32 - 1));

    // Nor is ringing that fails, perhaps at once.
    let rings = centre(&of("[nodes.a]\nstep = \"extension\"\nnumber = \"4444\"\nfailed = \"a\"\n"));
    for how in [DialEnd::Failed, DialEnd::Busy] {
        let (mut run, _) = Run::start(&"main".parse().unwrap(), &caller(""), &rings, 0);
        let failed = (0..).find(|_| {
            run.handle(&rings, 0, &Event::DialEnded(how)).contains(&Action::HangUp(super::node::Cause::Failure))
        });
        assert_eq!(failed, Some(IDLE_STEPS_MAX as i32 - 1), "{how:?}");
    }

    // A caller who presses keys is nobody to stop, but once.
    let keys = centre(&of("[nodes.a]\nstep = \"menu\"\nprompt = []\nkeys = { 1 = \"a\" }\nno_choice = \"a\"\n"));
    let (mut run, _) = Run::start(&"main".parse().unwrap(), &caller(""), &keys, 0);
    let pressed = (0..).find(|_| !run.handle(&keys, 0, &event("key 1")).is_empty() && run.is_over());
    assert_eq!(pressed, Some(STEPS_MAX as i32 - 1));
}

#[test]
fn flows_within_flows_and_variables_are_bounded() {
    let deep = centre(&of("[nodes.a]\nstep = \"subflow\"\nflow = \"main\"\nnext = \"a\"\n"));
    let (_, actions) = Run::start(&"main".parse().unwrap(), &caller(""), &deep, 0);
    assert_eq!(actions[0].to_string(), "fault at a: too many flows within one another");
    let mut flow = String::new();
    for at in 0..3 {
        let values: Vec<String> = (0..30).map(|n| format!("v{at}_{n} = \"1\"")).collect();
        let _ = write!(
            flow,
            "---\nname = \"f{at}\"\nstart = \"a\"\n[nodes.a]\nstep = \"set\"\nvalues = {{ {} }}\nnext = \"b\"\n[nodes.b]\nstep = \"subflow\"\nflow = \"f{}\"\n",
            values.join(", "),
            at + 1
        );
    }
    flow += "---\nname = \"f3\"\nstart = \"a\"\n[nodes.a]\nstep = \"hang_up\"\n";
    let (run, actions) = Run::start(&"f0".parse().unwrap(), &caller(""), &centre(&flow[3..]), 0);
    assert_eq!(run.variables().len(), VARIABLES_MAX);
    assert!(actions.iter().any(|action| action.to_string() == "fault at a: too many variables"));
    assert_eq!(actions.last().unwrap().to_string(), "hang up normal");
    let missing = Run::start(&"none".parse().unwrap(), &caller(""), &deep, 0);
    assert!(missing.0.is_over());
}

/// Every kind of node (in each of its states) by every event.
#[test]
fn every_node_takes_every_event() {
    let end = "[nodes.z]\nstep = \"hang_up\"\n[nodes.y]\nstep = \"hang_up\"\ncause = \"busy\"\n";
    let ways = "answered = \"y\"\nbusy = \"y\"\nfailed = \"z\"";
    let steps = [
        ("play", "prompts = [\"welcome\"]\nnext = \"z\"".to_owned()),
        ("say", "parts = [\"welcome\"]\nbarge_in = false\nnext = \"z\"".to_owned()),
        ("menu", "prompt = [\"choose\"]\nkeys = { 1 = \"y\" }\nno_choice = \"z\"\ntries = 1".to_owned()),
        ("collect", "prompt = [\"choose\"]\ninto = \"x\"\nmax = 1\nnext = \"y\"\nfailed = \"z\"\ntries = 1".to_owned()),
        ("set", "values = { x = \"1\" }\nnext = \"z\"".to_owned()),
        (
            "condition",
            "cases = [{ when = [{ caller = { prefix = \"1\" } }], go = \"y\" }]\notherwise = \"z\"".to_owned(),
        ),
        (
            "lookup",
            "url = \"https://a/\"\nfields = { x = { pointer = \"/x\" } }\nnext = \"y\"\nfailed = \"z\"".to_owned(),
        ),
        ("queue", "queue = \"sales\"\nanswered = \"y\"\nmax_wait = \"z\"\nkeys = { 1 = \"y\" }".to_owned()),
        ("extension", format!("number = \"1001\"\n{ways}")),
        ("agent", format!("number = \"8001\"\n{ways}")),
        ("outside", format!("number = \"139\"\n{ways}")),
        ("voicemail", "mailbox = \"queue:sales\"\nnext = \"z\"".to_owned()),
        ("survey", "survey = \"after\"".to_owned()),
        ("conference", "room = \"help\"\nnext = \"y\"".to_owned()),
        ("subflow", "flow = \"sub\"\nnext = \"z\"".to_owned()),
        ("return", String::new()),
        ("hang_up", "parts = [\"goodbye\"]\ncause = \"rejected\"".to_owned()),
    ];
    assert_eq!(steps.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), Node::KINDS);
    let mut table = String::new();
    for (kind, keys) in &steps {
        let text = of(&format!("[nodes.a]\nstep = \"{kind}\"\n{keys}\n{end}"));
        let centre = centre(&(text + "---\nname = \"sub\"\nstart = \"a\"\n[nodes.a]\nstep = \"return\"\n"));
        let (begun, actions) = Run::start(&"main".parse().unwrap(), &caller("13"), &centre, 0);
        let shown = |actions: &[Action]| actions.iter().map(Action::to_string).collect::<Vec<_>>().join("; ");
        let _ = writeln!(table, "{kind}: {}", shown(&actions));
        let mut waiting = begun.clone();
        waiting.handle(&centre, 0, &Event::Played);
        let mut states = vec![("", begun)];
        if waiting.poll_timeout().is_some() && states[0].1.poll_timeout().is_none() {
            states.push((" waiting", waiting));
        }
        for (state, begun) in states {
            for words in EVENTS {
                let mut run = begun.clone();
                let actions = run.handle(&centre, 60_000, &event(words));
                if run != begun || !actions.is_empty() {
                    let _ = writeln!(table, "  {kind}{state} + {words} = {}", shown(&actions));
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

const EVENTS: [&str; 16] = [
    "played",
    "key 1",
    "key 2",
    "key #",
    "timeout",
    "answer {\"x\":1}",
    "answer",
    "queue answered",
    "queue max_wait",
    "queue full",
    "dialled answered",
    "dialled busy",
    "dialled no_answer",
    "dialled failed",
    "done",
    "gone",
];

/// Any nodes, leading anywhere.
fn any_flow() -> impl Strategy<Value = Flow> {
    let to = || (0..6_usize).prop_map(|at| format!("n{at}"));
    let node = (0..17_usize, to(), to(), to(), 1..3_u8).prop_map(|(kind, a, b, c, tries)| match Node::KINDS[kind] {
        "play" => serde_json::json!({ "step": "play", "prompts": ["welcome"], "barge_in": tries == 1, "next": a }),
        "say" => serde_json::json!({ "step": "say", "parts": [{ "number": "{x}" }], "next": a }),
        "menu" if tries == 1 => serde_json::json!({ "step": "menu", "prompt": [], "keys": { "1": a, "2": b }, "no_choice": c }),
        "menu" => serde_json::json!({ "step": "menu", "prompt": ["choose"], "keys": { "1": a }, "tries": 1, "no_choice": c }),
        "collect" => serde_json::json!({ "step": "collect", "prompt": [], "into": "x", "max": tries, "next": a, "failed": b }),
        "set" => serde_json::json!({ "step": "set", "values": { "x": "{x}{x}1" }, "next": a }),
        "condition" => serde_json::json!({ "step": "condition", "cases": [
            { "when": [{ "variable": { "name": "x", "is": "at_least", "value": "1" } }], "go": a },
            { "when": [{ "hours": { "name": "office" } }], "go": b }], "otherwise": c }),
        "lookup" => serde_json::json!({ "step": "lookup", "url": "https://a/{x}", "fields": { "x": { "pointer": "/x" } }, "next": a, "failed": b }),
        "queue" => serde_json::json!({ "step": "queue", "queue": "sales", "max_wait": a, "keys": { "1": b }, "answered": c }),
        kind @ ("extension" | "agent" | "outside") => serde_json::json!({ "step": kind, "number": "{x}", "busy": a, "failed": b, "answered": c }),
        "voicemail" => serde_json::json!({ "step": "voicemail", "mailbox": "queue:sales", "next": a }),
        "survey" => serde_json::json!({ "step": "survey", "survey": "after", "next": a }),
        "conference" => serde_json::json!({ "step": "conference", "room": "help", "next": a }),
        "subflow" if tries == 1 => serde_json::json!({ "step": "subflow", "flow": "main", "next": a }),
        "subflow" => serde_json::json!({ "step": "subflow", "flow": "main" }),
        "return" => serde_json::json!({ "step": "return" }),
        _ => serde_json::json!({ "step": "hang_up" }),
    });
    prop::collection::vec(node, 6).prop_map(|nodes| {
        let nodes: serde_json::Map<_, _> =
            nodes.into_iter().enumerate().map(|(at, node)| (format!("n{at}"), node)).collect();
        Flow::read(serde_json::json!({ "name": "main", "start": "n0", "nodes": nodes })).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever the flow and the events: no panic, each answer bounded, nothing after the end, the way that it tells is one through the flow, what is written down is read again,
    /// and a flow that passes the check never ends with a fault for going on without the caller or too deep.
    #[test]
    fn no_flow_and_no_events_break_a_run(flow in any_flow(), events in prop::collection::vec(0..EVENTS.len(), 0..60)) {
        let known = known(BTreeMap::new());
        let wrong = check(&flow, &known);
        prop_assert_eq!(&Flow::read(serde_json::to_value(&flow).unwrap()), &Ok(flow.clone()));
        let centre = Centre(BTreeMap::from([(flow.name.clone(), Arc::new(flow))]));
        let (mut run, actions) = Run::start(&"main".parse().unwrap(), &caller("138"), &centre, MONDAY);
        let mut faults = actions;
        let mut now = MONDAY;
        let mut way: Vec<Visit> = Vec::new();
        for at in events {
            now = run.poll_timeout().unwrap_or(now + 1).max(now);
            let over = run.is_over();
            let actions = run.handle(&centre, now, &event(EVENTS[at]));
            prop_assert!(actions.len() <= IDLE_STEPS_MAX as usize + 4);
            prop_assert!(!over || actions.is_empty());
            prop_assert_eq!(run.is_over(), over || EVENTS[at] == "gone" || actions.iter().any(|action| matches!(action, Action::HangUp(_))));
            prop_assert!(run.variables().values().all(|value| value.chars().count() <= super::template::VALUE_MAX));
            run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
            faults.extend(actions);
            if at % 3 == 0 {
                told(&mut way, run.trail().tell());
            }
        }
        told(&mut way, run.trail().tell());
        prop_assert_eq!(check_way(&centre, &way), Ok(()));
        let fault = |wanted| faults.iter().any(|action| matches!(action, Action::Fault { fault, .. } if *fault == wanted));
        if wrong.is_empty() {
            prop_assert!(!fault(super::action::Fault::Endless) && !fault(super::action::Fault::Deep) && !fault(super::action::Fault::Missing));
        }
    }
}
