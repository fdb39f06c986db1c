//! A supervisor's boards in the console, in Chromium against the real binary with real calls: who waits and for whom his queue rings, what
//! can be done to an agent and why not, emergency calls, and the figures' limits.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::party::Party;
use calls::phone::Phone;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{Caller, Centre, PATIENCE, click, see};
use crate::console_together::{answers, choose, one_agent};
use crate::queue::{order, state};

/// A program with all rights: a second sign-in of the administrator would end that of his browser.
pub(crate) fn program(centre: &Centre) -> Result<Api> {
    let made = centre
        .server
        .api()?
        .post("tokens", &json!({"name": "test", "permissions": ["*"], "data": {"scope": "all"}}))?;
    ensure!(made.status == 201, "{}", made.json());
    let token = made.json()["token"].as_str().context("no token")?.to_owned();
    Ok(Api::new(centre.server.http()).with_token(&token))
}

/// The record of the only call that ended, with all its pieces.
fn record(api: &Api) -> Result<Value> {
    let id = wait::until("a record", PATIENCE, || {
        Ok(api.get("call-records")?["items"][0]["id"].as_str().map(str::to_owned))
    })?;
    api.get(&format!("call-records/{id}"))
}

/// The administrator, at one of his pages.
fn supervisor(centre: &Centre, path: &str) -> Result<Browser> {
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
    console.tell("go", json!({"path": path}))?;
    Ok(console)
}

/// 10001 at a desk phone, in this state.
fn agent(centre: &Centre, api: &Api, stands: &str) -> Result<Party> {
    let party = Party::new(&centre.server, "1001", Instant::now())?;
    order(api, "agents/10001/sign-in", &json!({"way": "desk", "extension": "1001"}))?;
    if stands != "ready" {
        order(api, "agents/10001/state", &json!({"state": "ready"}))?;
    }
    order(api, "agents/10001/state", &json!({"state": stands}))?;
    Ok(party)
}

fn ends(party: &mut Phone) -> Result<()> {
    let bye = party.expect("BYE")?;
    party.reply(&bye, "200 OK", "")
}

/// One who waits is seen with number, place and wait while the page stands; when an agent is rung for him it says whom and why, and the
/// record of the call says so afterwards.
#[test]
fn who_waits_is_seen_and_why_an_agent_was_rung_is_told_during_the_call_and_after() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let api = program(&centre)?;
    let mut alice = agent(&centre, &api, "not_ready")?;
    let mut boss = supervisor(&centre, "/queue-board")?;
    boss.tell("see", json!({"role": "cell", "name": "support"}))?;
    boss.tell("mark", json!({}))?;

    let mut caller = Caller::call(&centre)?;
    boss.tell("click", json!({"role": "button", "name": "展开行"}))?;
    for text in ["13800138000", "00:00:0"] {
        see(&mut boss, "waiting", text)?;
    }
    ensure!(boss.tell("count", json!({"id": "why"}))? == 0, "nobody is rung yet");

    order(&api, "agents/10001/state", &json!({"state": "ready"}))?;
    see(&mut boss, "waiting", "坐席 10001")?;
    boss.tell("see", json!({"id": "why", "text": "接听队首来电", "within": {"id": "waiting"}}))?;
    answers(&mut alice)?;
    boss.tell("gone", json!({"id": "waiting"}))?;
    ensure!(boss.tell("is_marked", json!({}))? == true, "the page was loaded anew");
    caller.phone.hang_up(&mut caller.call)?;
    ends(&mut alice.phone)?;

    let whole = record(&api)?;
    let id = whole["id"].as_str().context("no ID")?;
    let offer = whole["segments"].as_array().into_iter().flatten().find(|segment| segment["kind"] == "offer");
    let why = offer.map(|offer| offer["why"].clone()).unwrap_or_default();
    ensure!(why["rule"] == "first_in_line" && why["candidates"][0]["agent"] == "10001", "{whole}");
    boss.tell("go", json!({"path": format!("/call-records/{id}")}))?;
    see(&mut boss, "why", "接听队首来电")?;
    see(&mut boss, "why", "10001：等级 1")
}

/// Proves GEN-18 as far as supervisors are told: wherever one is, and on the board as long as the call lasts.
#[test]
fn a_supervisor_is_told_of_an_emergency_call_wherever_he_is() -> Result<()> {
    let centre = Centre::open()?;
    let api = program(&centre)?;
    let at = SocketAddr::from(([127, 0, 0, 4], centre.server.ports().one()?));
    let (ip, port) = (at.ip().to_string(), at.port());
    let trunk = json!({"name": "rescue", "host": ip, "port": port, "sources": [ip], "emergency": true});
    let made = api.post("trunks", &trunk)?;
    ensure!(made.status == 201, "{}", made.json());
    let mut rescue = Phone::udp_at(at, "rescue", centre.server.sip())?;
    let mut alice = agent(&centre, &api, "on_break")?;
    let mut boss = supervisor(&centre, "/")?;
    boss.tell("see", json!({"role": "menuitem", "text": "坐席监控"}))?;

    let mut call = alice.phone.dialog_to("110");
    alice.call(&mut call)?;
    let invite = rescue.expect("INVITE")?;
    rescue.reply(&invite, "180 Ringing", "")?;
    boss.tell("see", json!({"text": "有人拨打紧急电话"}))?;
    boss.tell("see", json!({"role": "alert", "text": "10001 · 分机 1001"}))?;
    boss.tell("click", json!({"role": "menuitem", "text": "坐席监控"}))?;
    see(&mut boss, "emergency", "拨打紧急电话 110")?;

    rescue.reply(&invite, "486 Busy Here", "")?;
    rescue.expect("ACK")?;
    boss.tell("gone", json!({"id": "emergency"}))?;
    boss.tell("see", json!({"text": "有人拨打紧急电话"})).map(drop)
}

fn button(name: &str) -> Value {
    json!({"role": "button", "name": name, "within": {"role": "row", "text": "10001"}})
}

/// Does something to 10001, who is asked about first.
fn act(boss: &mut Browser, name: &str) -> Result<()> {
    boss.tell("click", button(name))?;
    choose(boss, "确定")
}

/// What can be done to 10001 is what is named, and of the rest is said why not.
fn offers(boss: &mut Browser, possible: &[&str], obstacle: &str) -> Result<()> {
    for name in ["监听", "密语", "强插", "接管", "强拆", "强置忙", "强置闲", "强签出"] {
        let is_possible = possible.contains(&name);
        let what = format!("{name} is {}", if is_possible { "possible" } else { "not" });
        wait::until(&what, PATIENCE, || Ok((boss.tell("is_disabled", button(name))? == !is_possible).then_some(())))?;
        let why = boss.tell("described", button(name))?;
        ensure!(why.is_null() == is_possible, "{name}: {why}");
    }
    let why = boss.tell("described", button("监听"))?;
    ensure!(why == obstacle || possible.contains(&"监听"), "{why}");
    Ok(())
}

fn stands(boss: &mut Browser, word: &str) -> Result<()> {
    boss.tell("see", json!({"role": "row", "text": word, "within": {"role": "table"}})).map(drop)
}

/// Proves MON-20, MON-21, MON-22, MON-23, MON-27 and MON-28 as far as the board goes: in each state it offers what may be done, says of the rest
/// why not, and asks first.
#[test]
fn a_supervisor_forces_states_and_ends_a_call_and_is_told_what_he_cannot_do() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let api = program(&centre)?;
    api.patch("employees/10001", &json!({"name": "李明"}))?;
    let mut alice = agent(&centre, &api, "ready")?;
    let mut boss = supervisor(&centre, "/agent-board")?;
    for cell in ["李明", "support", "1001"] {
        boss.tell("see", json!({"role": "cell", "name": cell}))?;
    }
    boss.tell("fill", json!({"into": "搜索工号、姓名或分机", "text": "李"}))?;

    offers(&mut boss, &["强置忙", "强签出"], "坐席没有通话")?;
    act(&mut boss, "强置忙")?;
    stands(&mut boss, "忙碌")?;
    ensure!(state(&api, "10001", "state")? == "not_ready");
    offers(&mut boss, &["强置闲", "强签出"], "坐席没有通话")?;
    act(&mut boss, "强置闲")?;
    wait::until("idle", PATIENCE, || Ok((state(&api, "10001", "state")? == "ready").then_some(())))?;

    let mut caller = Caller::call(&centre)?;
    let invite = alice.phone.expect("INVITE")?;
    alice.phone.reply(&invite, "180 Ringing", "")?;
    offers(&mut boss, &[], "坐席正在振铃或拨号")?;
    alice.phone.reply(&invite, "200 OK", &alice.sdp(1, "sendrecv"))?;
    alice.phone.expect("ACK")?;
    boss.tell("see", json!({"role": "cell", "name": "13800138000"}))?;
    // The administrator has no phone of his own.
    offers(&mut boss, &["强拆"], "请先签入您的电话")?;
    act(&mut boss, "强拆")?;
    ends(&mut alice.phone)?;
    ends(&mut caller.phone)?;
    wait::until("wrap-up", PATIENCE, || Ok((state(&api, "10001", "state")? == "wrap_up").then_some(())))?;
    let record = record(&api)?;
    let forced = record["segments"].as_array().into_iter().flatten().find(|segment| segment["kind"] == "supervision");
    ensure!(forced.is_some_and(|forced| forced["done_by"].is_string()), "who ended it: {record}");

    offers(&mut boss, &["强置忙", "强置闲", "强签出"], "坐席没有通话")?;
    act(&mut boss, "强签出")?;
    wait::until("out", PATIENCE, || Ok((state(&api, "10001", "state")? == "offline").then_some(())))?;
    offers(&mut boss, &[], "坐席已离线")
}

fn figure(boss: &mut Browser, level: &str, value: &str) -> Result<()> {
    let within = json!({"id": "figure-waiting"});
    boss.tell("see", json!({"id": level, "text": value, "within": within})).map(drop)
}

/// Limits are set in the page and kept; a figure past one is marked by a sign and in words; the board fills the screen; and it says when
/// what it shows is old.
#[test]
fn the_wallboard_marks_what_passes_its_limit_fills_the_screen_and_says_when_it_is_old() -> Result<()> {
    let mut centre = Centre::open()?;
    one_agent(&centre)?;
    let api = program(&centre)?;
    let _alice = agent(&centre, &api, "not_ready")?;
    let mut boss = supervisor(&centre, "/wallboard")?;
    boss.tell("click", json!({"role": "button", "text": "告警阈值"}))?;
    for (field, value) in [("当前排队 提醒", "1"), ("当前排队 告警", "2")] {
        boss.tell("fill_in_dialog", json!({"into": field, "text": value}))?;
    }
    click(&mut boss, "button", "保存")?;
    boss.tell("gone", json!({"role": "dialog"}))?;
    let kept = api.get("tenants/default")?["wallboard"]["waiting"].clone();
    ensure!(kept == json!({"warn": 1, "alarm": 2}), "{kept}");
    figure(&mut boss, "fine", "0")?;

    let _first = Caller::call(&centre)?;
    figure(&mut boss, "warn", "1")?;
    boss.tell("see", json!({"role": "img", "name": "提醒", "within": {"id": "figure-waiting"}}))?;
    boss.tell("see", json!({"role": "img", "name": "呼入, 接通, 呼出"}))?;
    boss.tell("see", json!({"role": "img", "text": "忙碌"}))?;

    boss.tell("click", json!({"role": "button", "text": "全屏"}))?;
    boss.tell("see", json!({"role": "button", "text": "退出全屏"}))?;
    ensure!(boss.tell("is_full", json!({}))? == true, "it does not fill the screen");
    boss.tell("click", json!({"role": "button", "text": "退出全屏"}))?;
    wait::until("a window again", PATIENCE, || Ok((boss.tell("is_full", json!({}))? == false).then_some(())))?;

    ensure!(boss.tell("count", json!({"id": "stale"}))? == 0, "it is told each two seconds");
    centre.server.kill()?;
    see(&mut boss, "stale", "数据已过时")?;
    centre.server.start_again()?;
    boss.tell("gone", json!({"id": "stale"})).map(drop)
}
