//! The control bar in Chromium: who sees what of a call, and with what one dials, answers and is told.

use std::time::Instant;

use anyhow::{Result, ensure};
use calls::browser::Browser;
use calls::party::Party;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{AGENT_HZ, CALLER_HZ, Caller, Centre, PATIENCE, click, see};
use crate::console_lists::{AGENT_KEYS, permit, sign_in};
use crate::console_phone::at_the_desk;
use crate::console_together::{hears, one_agent, signed_in, taken};

/// With no right but to dial and to use an extension: what an agent needs at least.
#[test]
fn who_may_only_dial_and_use_an_extension_is_online_and_takes_calls() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    permit(&api, "10001", &["call.dial", "extensions.use"])?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let caller = Caller::call(&centre)?;
    agent.tell("see", json!({"role": "alertdialog", "text": "support"}))?;
    let left = seconds_left(&mut agent)?;
    ensure!((1..=20).contains(&left), "{left} s");
    click(&mut agent, "button", "接听")?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)
}

/// What the countdown of the incoming window says.
fn seconds_left(console: &mut Browser) -> Result<u32> {
    console.tell("see", json!({"id": "countdown"}))?;
    let said = console.tell("text", json!({"id": "countdown"}))?;
    let digits: String = said.as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// The countdown of the incoming window goes on where it was when the page is loaded again: it is by the clock of the server.
#[test]
fn the_countdown_of_a_call_outlives_a_reload() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    // What rings at a page ends with it: the phone on the desk rings on.
    let mut desk = Party::new(&centre.server, "1001", Instant::now())?;
    let mut agent = at_the_desk(&centre)?;
    let _caller = Caller::call(&centre)?;
    desk.phone.expect("INVITE")?;
    wait::until("half of the time", PATIENCE, || Ok((seconds_left(&mut agent)? <= 15).then_some(())))?;
    agent.tell("go", json!({"path": "/"}))?;
    let left = seconds_left(&mut agent)?;
    ensure!(left <= 15, "it began anew: {left} s");
    Ok(())
}

/// Proves PHONE-04 for who may use no web phone: the login stands, and why there is no phone is said.
#[test]
fn who_may_not_use_the_web_phone_is_told_so() -> Result<()> {
    let centre = Centre::open()?;
    permit(&centre.server.api()?, "10001", &["call.dial"])?;
    let mut agent = sign_in(&centre, "10001")?;
    agent.tell("see", json!({"role": "alert", "text": "当前角色没有使用网页电话的权限"})).map(drop)
}

fn told(console: &mut Browser, id: &str, text: &str) -> Result<()> {
    wait::until(&format!("{text} read out"), PATIENCE, || {
        Ok((console.tell("text", json!({"id": id}))? == text).then_some(()))
    })
}

/// State, phase and who calls are read out; how the call sounds is seen.
#[test]
fn what_changes_is_read_out_and_the_quality_is_seen() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    told(&mut agent, "told", "电话在线")?;
    for (id, live) in [("told", "polite"), ("told-at-once", "assertive")] {
        ensure!(agent.tell("attribute", json!({"id": id, "attribute": "aria-live"}))? == live, "{id}");
    }
    let mut caller = Caller::call(&centre)?;
    told(&mut agent, "told-at-once", "来电 13800138000 support")?;
    click(&mut agent, "button", "接听")?;
    told(&mut agent, "told-at-once", "")?;
    told(&mut agent, "told", "电话在线 通话中")?;
    agent.tell("see", json!({"id": "quality"}))?;
    wait::until("a good call", PATIENCE, || {
        Ok((agent.tell("attribute", json!({"id": "quality", "attribute": "aria-label"}))? == "通话质量良好")
            .then_some(()))
    })?;
    agent.tell("hover", json!({"id": "quality"}))?;
    agent.tell("see", json!({"role": "tooltip", "text": "丢包"}))?;
    caller.phone.hang_up(&mut caller.call)?;
    agent.tell("gone", json!({"id": "quality"}))?;
    told(&mut agent, "told", "电话后处理")
}

/// Nothing moves for who has asked his system for that.
#[test]
fn nothing_moves_for_who_wants_it_still() -> Result<()> {
    let centre = Centre::open()?;
    let mut agent = sign_in(&centre, "10001")?;
    let button = json!({"id": "quick-menu"});
    let moves = agent.tell("transition", button.clone())?;
    ensure!(moves.as_str().is_some_and(|time| time.starts_with("0.2s")), "{moves}");
    agent.tell("prefer_still", json!({}))?;
    wait::until("a button that does not move", PATIENCE, || {
        let moves = agent.tell("transition", button.clone())?;
        Ok(moves.as_str().is_some_and(|time| !time.contains("0.2s")).then_some(()))
    })
}

fn rows(console: &mut Browser) -> Result<Value> {
    console.tell("count", json!({"role": "button", "name": "询问", "within": {"role": "dialog"}}))
}

/// Proves CALL-17 as far as colleagues are found: by number, extension, name, and by what the name sounds like.
#[test]
fn a_colleague_is_found_by_what_his_name_sounds_like() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let api = centre.server.api()?;
    // Names are shown of those whose data one sees.
    permit(&api, "10001", AGENT_KEYS)?;
    for (agent, name) in [("10002", "张伟"), ("10003", "李娜")] {
        let named = api.patch(&format!("employees/{agent}"), &json!({"name": name}))?;
        ensure!(named["name"] == name, "{named}");
    }
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let _second = signed_in(&centre, "10002", AGENT_HZ)?;
    let _third = signed_in(&centre, "10003", AGENT_HZ)?;
    let _caller = taken(&centre, &mut agent)?;
    click(&mut agent, "button", "询问")?;
    agent.tell("see", json!({"role": "row", "text": "李娜"}))?;
    ensure!(rows(&mut agent)? == 2, "{}", rows(&mut agent)?);
    for (typed, found) in
        [("zw", "张伟"), ("zhangwei", "张伟"), ("张", "张伟"), ("10003", "李娜"), ("1003", "李娜"), ("ln", "李娜")]
    {
        agent.tell("fill", json!({"into": "查找坐席", "text": typed}))?;
        wait::until(typed, PATIENCE, || Ok((rows(&mut agent)? == 1).then_some(())))?;
        agent.tell("see", json!({"role": "row", "text": found}))?;
    }
    agent.tell("fill", json!({"into": "查找坐席", "text": "zzz"}))?;
    agent.tell("see", json!({"text": "没有匹配的坐席"})).map(drop)
}

const ELSEWHERE: &str = "电话已在另一个页面";

/// A second page of the browser is the phone from then on, and the call that runs moves there, and back.
#[test]
fn the_phone_and_its_call_move_to_a_second_page_and_back() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut caller = taken(&centre, &mut agent)?;
    agent.tell("open_page", json!({}))?;
    see(&mut agent, "phase", "通话中")?;
    hears(&mut agent, CALLER_HZ, true)?;
    caller.waits_for_agent(true)?;
    agent.tell("gone", json!({"text": ELSEWHERE}))?;

    // The first shows the call, and its orders work.
    agent.tell("to_page", json!({"number": 0}))?;
    agent.tell("see", json!({"text": ELSEWHERE}))?;
    see(&mut agent, "phase", "通话中")?;
    click(&mut agent, "button", "保持")?;
    see(&mut agent, "phase", "保持中")?;
    click(&mut agent, "button", "取回")?;
    caller.waits_for_agent(true)?;

    click(&mut agent, "button", "在此页面使用电话")?;
    agent.tell("gone", json!({"text": ELSEWHERE}))?;
    hears(&mut agent, CALLER_HZ, true)?;
    caller.waits_for_agent(true)?;
    agent.tell("to_page", json!({"number": 1}))?;
    agent.tell("see", json!({"text": ELSEWHERE}))?;

    // One phone rings, and whichever page is left is the phone.
    caller.phone.hang_up(&mut caller.call)?;
    see(&mut agent, "state", "电话后处理")?;
    drop(caller);
    agent.tell("to_page", json!({"number": 0}))?;
    agent.tell("close_page", json!({}))?;
    agent.tell("gone", json!({"text": ELSEWHERE}))?;
    agent.tell("click", json!({"id": "state-button"}))?;
    click(&mut agent, "menuitem", "电话在线")?;
    let again = taken(&centre, &mut agent)?;
    drop(again);
    Ok(())
}
