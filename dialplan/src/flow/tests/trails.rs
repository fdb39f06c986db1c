//! The way of a call through flows, told piece by piece.

use super::super::run::Run;
use super::super::trail::{AGAIN, BACK, INTO, KEYS_MAX, VISITS_MAX, Visit};
use super::super::world::World;
use super::{Centre, MAIN, MONDAY, caller, centre, event, of};

/// Adds a piece to a way: the node where it stood may stand at the head again, with more said of it.
pub(super) fn told(way: &mut Vec<Visit>, piece: Vec<Visit>) {
    for visit in piece {
        let is_again = |last: &Visit| {
            last.exit.is_none() && (&last.flow, &last.node, last.at_ms) == (&visit.flow, &visit.node, visit.at_ms)
        };
        if way.last().is_some_and(is_again) {
            way.pop();
        }
        way.push(visit);
    }
}

/// Each node is left by an exit of its own to the one that follows; only where the call stood last there is none.
pub(super) fn check_way(centre: &Centre, way: &[Visit]) -> Result<(), String> {
    if way.len() > VISITS_MAX as usize {
        return Err(format!("{} nodes", way.len()));
    }
    for pair in way.windows(2) {
        let [from, to] = pair else { return Err("no pair".to_owned()) };
        let flow = centre.flow(&from.flow, from.version).ok_or("an unknown flow")?;
        let node = flow.nodes.get(&from.node).ok_or("an unknown node")?;
        let leads = match from.exit.as_deref() {
            Some(INTO) => {
                node.kind() == "subflow" && centre.flow(&to.flow, to.version).is_some_and(|it| it.start == to.node)
            }
            Some(BACK) => node.kind() == "return",
            Some(AGAIN) => to.node == from.node,
            Some(label) => node.exits().iter().any(|exit| exit.label == label && *exit.to == to.node),
            None => false,
        };
        if !leads || from.fault.is_some() || node.kind() != from.step || from.keys.len() > KEYS_MAX {
            return Err(format!("{from:?} does not lead to {to:?}"));
        }
    }
    Ok(())
}

/// Events a second apart, the way told after each of them, and a line for each node.
fn way(flows: &str, events: &str) -> String {
    let centre = centre(flows);
    let (mut run, _) = Run::start(&"main".parse().unwrap(), &caller("138"), &centre, MONDAY);
    let mut way = Vec::new();
    told(&mut way, run.trail().tell());
    for (second, words) in (1..).zip(events.split(',').map(str::trim)) {
        run.handle(&centre, MONDAY + second * 1_000, &event(words));
        told(&mut way, run.trail().tell());
    }
    assert_eq!(check_way(&centre, &way), Ok(()));
    let line = |visit: &Visit| {
        let keys = if visit.keys.is_empty() { String::new() } else { format!(" keys {}", visit.keys) };
        let typed = if visit.typed == 0 { String::new() } else { format!(" typed {}", visit.typed) };
        let exit = visit.exit.as_deref().map(|exit| format!(" > {exit}")).unwrap_or_default();
        let fault = visit.fault.map(|fault| format!(" ! {}", fault.word())).unwrap_or_default();
        let seconds = (visit.at_ms - MONDAY) / 1_000;
        format!("{seconds}s {} {} {}{keys}{typed}{exit}{fault}", visit.flow, visit.node, visit.step)
    };
    way.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_node_says_what_was_pressed_there_and_how_it_was_left() {
    assert_eq!(
        way(MAIN, "played, key 7, key 1, queue max_wait, done"),
        "0s main hello play > next\n1s main menu menu keys 71 > 1\n3s main sales queue > max_wait\n4s main message voicemail"
    );
}

#[test]
fn digits_that_are_collected_are_counted_and_not_kept() {
    let told = way(MAIN, "key 2, key 4, key 7, key 1, key #");
    assert_eq!(
        told,
        "0s main hello play > next\n1s main menu menu keys 2 > 2\n1s main order collect typed 4 > next\n5s main repeat say"
    );
}

#[test]
fn who_hangs_up_has_not_left_where_he_stood() {
    assert_eq!(way(MAIN, "played, key 7, gone"), "0s main hello play > next\n1s main menu menu keys 7");
}

#[test]
fn flows_lead_into_one_another_and_back() {
    let into = "[nodes.a]\nstep = \"subflow\"\nflow = \"other\"\nnext = \"b\"\n[nodes.b]\nstep = \"hang_up\"";
    let other = "name = \"other\"\nstart = \"x\"\n[nodes.x]\nstep = \"play\"\nprompts = [\"welcome\"]\nnext = \"y\"\n\
                 [nodes.y]\nstep = \"return\"";
    assert_eq!(
        way(&format!("{}\n---\n{other}", of(into)), "played"),
        "0s main a subflow > flow\n0s other x play > next\n1s other y return > return\n1s main b hang_up"
    );
}

#[test]
fn a_fault_stands_where_the_flow_ended_by_it() {
    let missing = "[nodes.a]\nstep = \"subflow\"\nflow = \"other\"";
    assert_eq!(way(&of(missing), "played"), "0s main a subflow ! missing");
    let round = "[nodes.a]\nstep = \"set\"\nvalues = { x = \"1\" }\nnext = \"a\"";
    let told = way(&of(round), "played");
    assert_eq!((told.lines().count(), told.lines().last()), (201, Some("0s main a set ! endless")));
}

#[test]
fn a_caller_who_goes_round_for_ever_is_told_of_up_to_a_limit() {
    let round = "[nodes.a]\nstep = \"menu\"\nprompt = []\nkeys = { 1 = \"a\" }\nno_choice = \"a\"";
    let told = way(&of(round), &["key 1"; 300].join(","));
    assert_eq!(told.lines().count(), VISITS_MAX as usize);
}
