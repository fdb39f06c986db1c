//! What is wrong with a flow, as it is told: each problem with its node and how to mend it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BRANCHES, MAIN, centre, of, read};
use crate::flow::Flow;
use crate::flow::check::{Known, Problem, check};
use crate::flow::name::FlowName;

fn problems(texts: &str) -> String {
    let (first, others) = texts.split_once("---").unwrap_or((texts, ""));
    let known = known(if others.is_empty() { BTreeMap::new() } else { centre(others).0 });
    match read(first) {
        Ok(flow) => told(&check(&flow, &known)),
        Err(wrong) => told(&wrong),
    }
}

pub(super) fn known(flows: BTreeMap<FlowName, Arc<Flow>>) -> Known {
    let names = [
        "welcome",
        "choose",
        "wrong_key",
        "no_key",
        "leave_message",
        "order_number",
        "too_short",
        "you_typed",
        "goodbye",
    ];
    Known {
        prompts: names.iter().map(|name| name.parse().unwrap()).collect(),
        queues: ["sales".parse().unwrap()].into(),
        extensions: ["1001".parse().unwrap()].into(),
        hours: ["office".parse().unwrap()].into(),
        surveys: ["after".parse().unwrap()].into(),
        rooms: ["help".parse().unwrap()].into(),
        flows,
    }
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn a_good_flow_has_no_problems() {
    assert_eq!(problems(MAIN), "");
    let vip = BRANCHES.split_once("---").unwrap().1;
    assert_eq!(problems(vip), "");
    assert_eq!(problems(BRANCHES), "");
}

const UNREADABLE: &str = r#"
name = "Main Menu"
strat = "a"
[nodes.a]
step = "menue"
[nodes.b]
step = "menu"
promt = []
[nodes.c]
step = "play"
prompts = ["Welcome!"]
next = "a"
[nodes.d]
step = "hang_up"
cause = "bussy"
[nodes.e]
step = "queue"
[nodes.f]
step = "menu"
prompt = []
keys = { 10 = "a" }
no_choice = "a"
[nodes.g]
step = "say"
parts = ["x", { numbr = "1" }]
next = "a"
[nodes.h]
step = "set"
values = { x = "{ y" }
next = "a"
[nodes.i]
next = "a"
"#;

#[test]
fn what_cannot_be_read_is_said_with_node_key_and_the_nearest_name() {
    insta::assert_snapshot!(problems(UNREADABLE), @r#"
    there is no key `strat`, did you mean `start`?
    `name`: `Main Menu` is no name: 1 to 64 characters of a-z, 0-9, _ and -
    `start` is missing, write it
    a: there is no step `menue`, did you mean `menu`?
    b: `promt`: there is no key `promt`, did you mean `prompt`?
    c: `prompts[0]`: `Welcome!`: a prompt's name is 1 to 64 characters of a-z, 0-9, _ and -
    d: `cause`: there is no `bussy`, did you mean `busy`?
    e: `queue` is missing, write it
    f: `keys.10`: `10` is no key of a telephone: 0 to 9, * or #
    g: `parts[1].numbr`: there is no `numbr`, did you mean `number`?
    h: `values.x`: `{ y` holds a brace that names no variable, write {name}
    i: `step` is missing, write one of play, say, menu, collect, set, condition, lookup, queue, extension, agent, outside, voicemail, survey, conference, subflow, return, hang_up
    "#);
}

#[test]
fn numbers_out_of_range_are_named() {
    let ranges = of(r#"
[nodes.a]
step = "menu"
prompt = []
keys = { 1 = "b" }
tries = 10
timeout_s = 0
no_choice = "b"
[nodes.b]
step = "collect"
prompt = []
into = "x"
min = 9
max = 8
next = "c"
failed = "c"
[nodes.c]
step = "lookup"
url = "file:///etc/passwd"
timeout_ms = 60000
fields = {}
next = "d"
[nodes.d]
step = "play"
prompts = []
next = "a"
"#);
    insta::assert_snapshot!(problems(&ranges), @r#"
    a: `tries` is 10, write 1 to 9
    a: `timeout_s` is 0, write 1 to 60
    b: `min` is 9, write 1 to 8
    c: `timeout_ms` is 60000, write 100 to 10000
    c: `fields` is 0, write 1 to 32
    c: `url` begins with https:// or http://
    d: `prompts` is 0, write 1 to 32
    "#);
}

#[test]
fn what_is_not_there_is_named_with_the_nearest() {
    let text = of(r#"
[nodes.a]
step = "play"
prompts = ["welcom"]
next = "bb"
[nodes.b]
step = "queue"
queue = "sale"
max_wait = "c"
[nodes.c]
step = "extension"
number = "1002"
failed = "d"
[nodes.d]
step = "voicemail"
mailbox = "extension:9999"
next = "e"
[nodes.e]
step = "survey"
survey = "x"
next = "f"
[nodes.f]
step = "conference"
room = "halp"
next = "g"
[nodes.g]
step = "condition"
cases = [{ when = [{ hours = { name = "ofice" } }, { queue = { name = "q", figure = "idle", is = "equal", value = 1 } }], go = "h" }]
otherwise = "h"
[nodes.h]
step = "subflow"
flow = "mian"
[nodes.i]
step = "outside"
number = "call me"
failed = "h"
[nodes.j]
step = "menu"
prompt = []
keys = {}
no_choice = "h"
"#);
    insta::assert_snapshot!(problems(&text), @r#"
    a: there is no node `bb`, where `next` leads; write it, or lead elsewhere
    a: there is no prompt `welcom`, did you mean `welcome`?; upload it, or name another
    b: there is no queue `sale`, did you mean `sales`?; make it, or name another
    c: there is no extension `1002`, did you mean `1001`?; make it, or name another
    d: there is no extension `9999`; make it, or name another
    e: there is no survey `x`; make it, or name another
    f: there is no room `halp`, did you mean `help`?; make it, or name another
    g: there is no queue `q`; make it, or name another
    g: there is no set of hours `ofice`, did you mean `office`?; make it, or name another
    h: there is no flow `mian`, did you mean `main`?; make it, or name another
    i: `call me` is no number that can be dialled
    j: a menu without keys leads nowhere; write `keys`, or make it a `say`
    "#);
}

#[test]
fn nodes_without_a_way_and_loops_without_the_caller_are_found() {
    let text = of(r#"
[nodes.a]
step = "set"
values = { x = "1" }
next = "b"
[nodes.b]
step = "play"
prompts = ["welcome"]
next = "a"
[nodes.lost]
step = "hang_up"
"#);
    insta::assert_snapshot!(problems(&text), @r#"
    a: it comes back here without waiting for the caller; put a menu, a collect or an end into the loop
    b: it comes back here without waiting for the caller; put a menu, a collect or an end into the loop
    lost: no way leads here; lead one here, or take the node out
    "#);
    // A loop through a menu waits for the caller; one through a subflow does if the subflow does.
    let through = |node: &str| {
        of(
            "[nodes.a]\nstep = \"subflow\"\nflow = \"sub\"\nnext = \"a\"\n---\nname = \"sub\"\nstart = \"x\"\n[nodes.x]\n",
        ) + node
            + "\n[nodes.y]\nstep = \"return\"\n"
    };
    assert_eq!(problems(&through("step = \"menu\"\nprompt = []\nkeys = { 1 = \"y\" }\nno_choice = \"y\"")), "");
    assert!(
        problems(&through("step = \"play\"\nprompts = [\"welcome\"]\nnext = \"y\"")).contains("a: it comes back here")
    );
}

#[test]
fn flows_that_come_back_to_themselves_are_found() {
    let other = |step: &str| format!("---\nname = \"other\"\nstart = \"x\"\n[nodes.x]\n{step}\n");
    let goes = "step = \"subflow\"\nflow = \"main\"";
    let waits = "step = \"menu\"\nprompt = []\nkeys = { 1 = \"y\" }\nno_choice = \"y\"\n[nodes.y]\nstep = \"subflow\"\nflow = \"main\"";
    let main = |next: &str| of(&format!("[nodes.a]\nstep = \"subflow\"\nflow = \"other\"\n{next}"));
    let called = "next = \"b\"\n[nodes.b]\nstep = \"hang_up\"\n";
    assert_eq!(
        problems(&(main(called) + &other(waits))),
        "a: the flow comes back to itself through `other` and goes deeper each time; leave `next` out where it need not come back\n"
    );
    assert_eq!(
        problems(&(main("") + &other(goes))),
        "a: the flow comes back to itself through `other` without waiting for the caller; put a menu or an end on the way\n"
    );
    assert_eq!(problems(&(main("") + &other(waits))), "");
    assert!(problems(&of("[nodes.a]\nstep = \"subflow\"\nflow = \"main\"\n")).contains("without waiting"));
}

#[test]
fn variables_must_be_set_on_every_way() {
    let text = r#"
name = "main"
start = "a"
inputs = ["ticket"]
[nodes.a]
step = "collect"
prompt = []
into = "order"
next = "b"
failed = "b"
[nodes.b]
step = "say"
parts = [{ digits = "{ordr}" }, { digits = "{order}" }, { digits = "{caller}{ticket}" }]
next = "c"
[nodes.c]
step = "subflow"
flow = "sub"
next = "d"
[nodes.d]
step = "outside"
number = "{made}"
failed = "e"
[nodes.e]
step = "outside"
number = "{maybe}"
failed = "f"
[nodes.f]
step = "hang_up"
---
name = "sub"
start = "x"
inputs = ["order"]
[nodes.x]
step = "set"
values = { made = "1" }
next = "y"
[nodes.y]
step = "collect"
prompt = []
into = "maybe"
next = "z"
failed = "z"
[nodes.z]
step = "return"
"#;
    insta::assert_snapshot!(problems(text), @r#"
    b: `order` is read here, but not every way here has set it; set it before
    b: `ordr` is read here, but not every way here has set it; set it before
    c: flow `sub` needs `order`, which not every way here has set; set it before
    e: `maybe` is read here, but not every way here has set it, did you mean `made`?; set it before
    "#);
}
