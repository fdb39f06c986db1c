//! Several people in one call, each in the console: an agent hands on, asks, brings in a third and lets the caller rate; a supervisor
//! listens and whispers; a mobile is signed in. Whom anybody hears is told by the pitch of each voice.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, ensure};
use calls::browser::{Browser, sine};
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party::Party;
use calls::phone::{Dialog, Phone};
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{AGENT_HZ, CALLER_HZ, Caller, Centre, PATIENCE, click, is_heard, judge, see};
use crate::console_lists::{AGENT_KEYS, permit, supervisor};
use crate::queue::{order, state};

/// The pitches of a colleague and of a supervisor.
pub(crate) const COLLEAGUE_HZ: f64 = 1_000.0;
const SUPERVISOR_HZ: f64 = 400.0;
/// A voice in a browser's ear is louder than this, dB; what is not there is far below.
const HEARD_DB: f64 = -60.0;

/// Only 10001 takes calls of the queue, whose callers are asked how it was.
pub(crate) fn one_agent(centre: &Centre) -> Result<()> {
    let api = centre.server.api()?;
    let made = api.post("surveys", &json!({"name": "service"}))?;
    ensure!(made.status == 201, "{}", made.json());
    let rules = json!({"number": "7000", "members": [{"agent": "10001"}], "survey": "service"});
    let set = api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    Ok(())
}

pub(crate) fn signed_in(centre: &Centre, login: &str, pitch_hz: f64) -> Result<Browser> {
    let mut console = centre.console_of(pitch_hz)?;
    console.tell("sign_in", json!({"login": login, "password": PASSWORD}))?;
    see(&mut console, "state", "电话在线")?;
    Ok(console)
}

/// The call of the queue is rung at the agent's console and taken there.
pub(crate) fn taken(centre: &Centre, agent: &mut Browser) -> Result<Caller> {
    let caller = Caller::call(centre)?;
    click(agent, "button", "接听")?;
    see(agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;
    Ok(caller)
}

/// The button of this name in what is open above the page.
pub(crate) fn choose(console: &mut Browser, name: &str) -> Result<()> {
    console.tell("click", json!({"role": "button", "name": name, "within": {"role": "dialog"}})).map(drop)
}

pub(crate) fn hears(console: &mut Browser, pitch_hz: f64, to_be_heard: bool) -> Result<()> {
    let what = format!("{pitch_hz} Hz {}", if to_be_heard { "in the ear" } else { "out of it" });
    wait::until(&what, PATIENCE, || {
        let level = console.tell("pitch", json!({"hz": pitch_hz}))?.as_f64().unwrap_or(-200.0);
        Ok(((level > HEARD_DB) == to_be_heard).then_some(()))
    })
}

pub(crate) fn caller_hears(caller: &Caller, pitch_hz: f64, to_be_heard: bool) -> Result<()> {
    wait::until(&format!("{pitch_hz} Hz at the caller: {to_be_heard}"), PATIENCE, || {
        Ok((caller.hears(pitch_hz)? == to_be_heard).then_some(()))
    })
}

/// A colleague at a desk phone, 10002, who is online.
pub(crate) fn colleague(centre: &Centre) -> Result<Party> {
    let party = Party::new(&centre.server, "1002", Instant::now())?;
    let api = centre.server.api()?;
    order(&api, "agents/10002/sign-in", &json!({"way": "desk", "extension": "1002"}))?;
    order(&api, "agents/10002/state", &json!({"state": "ready"}))?;
    Ok(party)
}

/// A colleague's desk phone answers and speaks.
pub(crate) fn answers(desk: &mut Party) -> Result<Dialog> {
    let invite = desk.phone.expect("INVITE")?;
    desk.phone.reply(&invite, "200 OK", &desk.sdp(1, "sendrecv"))?;
    desk.phone.expect("ACK")?;
    desk.media.hush();
    desk.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &sine(8_000, COLLEAGUE_HZ, 8_000 * 120))?;
    Ok(desk.phone.dialog_of(&invite))
}

/// Proves CALL-27: the number of the other side stands there, a template is chosen, and the message is at the gateway.
#[test]
fn an_agent_sends_a_message_to_whom_he_talks_with() -> Result<()> {
    let centre = Centre::open_with("[sms]\ndriver = \"file\"\noutbox = \"sms.jsonl\"\n")?;
    one_agent(&centre)?;
    let api = centre.server.api()?;
    let made = |path: &str, body: Value| -> Result<String> {
        let answer = api.post(path, &body)?;
        ensure!((200..300).contains(&answer.status), "{path}: {}", answer.json());
        Ok(answer.json()["id"].as_str().unwrap_or_default().to_owned())
    };
    let signature = made("sms/signatures", json!({"name": "客服"}))?;
    let text = json!({"name": "受理", "content": "您的问题已受理", "signature": signature});
    let template = made("sms/templates", text)?;
    made(&format!("sms/templates/{template}/review"), json!({"approve": true}))?;

    permit(&api, "10001", &[AGENT_KEYS, &["sms.send", "sms.templates.read"]].concat())?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut caller = taken(&centre, &mut agent)?;
    click(&mut agent, "button", "短信")?;
    agent.tell("see", json!({"label": "接收号码"}))?;
    ensure!(agent.tell("value", json!({"label": "接收号码"}))? == "13800138000", "the other side's number");
    agent.tell("choose", json!({"label": "短信模板", "option": "受理"}))?;
    choose(&mut agent, "发短信")?;
    let outbox = centre.server.folder().join("sms.jsonl");
    let sent = wait::until("a message at the gateway", PATIENCE, || {
        let text = std::fs::read_to_string(&outbox).unwrap_or_default();
        Ok(text.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()))
    })?;
    ensure!(sent["to"] == "+8613800138000" && sent["text"] == "您的问题已受理", "{sent}");
    caller.phone.hang_up(&mut caller.call)
}

/// Proves CALL-17, CALL-19, CALL-21, CALL-22 and CALL-25 as far as the bar goes, with a real browser, a desk phone and a caller.
#[test]
fn an_agent_asks_a_colleague_brings_him_in_and_lets_the_caller_rate() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut desk = colleague(&centre)?;
    let mut caller = Caller::call(&centre)?;
    agent.tell("see", json!({"role": "alertdialog"}))?;
    judge(&mut agent, "ringing")?;
    click(&mut agent, "button", "接听")?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;
    judge(&mut agent, "talking")?;

    click(&mut agent, "button", "询问")?;
    agent.tell("see", json!({"role": "dialog"}))?;
    judge(&mut agent, "whom to ask")?;
    choose(&mut agent, "询问")?;
    let mut asked = answers(&mut desk)?;
    see(&mut agent, "phase", "询问中")?;
    judge(&mut agent, "consulting")?;
    hears(&mut agent, COLLEAGUE_HZ, true)?;
    hears(&mut agent, CALLER_HZ, false)?;
    caller.waits_for_agent(false)?;
    ensure!(!caller.hears(COLLEAGUE_HZ)?, "the caller hears who is asked");

    click(&mut agent, "button", "三方")?;
    see(&mut agent, "phase", "三方通话")?;
    judge(&mut agent, "three-way")?;
    caller.waits_for_agent(true)?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    hears(&mut agent, CALLER_HZ, true)?;
    hears(&mut agent, COLLEAGUE_HZ, true)?;
    for pitch in [AGENT_HZ, CALLER_HZ] {
        wait::until("both at the colleague", PATIENCE, || Ok(is_heard(&desk.media, pitch)?.then_some(())))?;
    }

    // The third leaves, and the first two go on.
    desk.phone.hang_up(&mut asked)?;
    see(&mut agent, "phase", "通话中")?;
    caller_hears(&caller, COLLEAGUE_HZ, false)?;
    caller.waits_for_agent(true)?;

    click(&mut agent, "button", "评价")?;
    see(&mut agent, "state", "电话后处理")?;
    caller.waits_for_agent(false)?;
    caller.phone.hang_up(&mut caller.call)?;
    let record = centre.server.ended_calls(1)?.remove(0);
    ensure!(record["agent"] == "10001" && record["survey"].is_object(), "{record}");
    judge(&mut agent, "wrapping up")?;
    let mut boss = supervisor(&centre, "10002")?;
    boss.tell("go", json!({"path": format!("/call-records/{}", record["id"].as_str().unwrap_or_default())}))?;
    boss.tell("see", json!({"text": "SIP 信令"}))?;
    judge(&mut boss, "what came of the call")
}

/// Proves CALL-15 and CALL-16 as far as the bar goes: handed on to a colleague's browser, and to the queue when he rejects it.
#[test]
fn an_agent_hands_a_call_on_to_a_colleague_in_another_browser() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut other = signed_in(&centre, "10002", COLLEAGUE_HZ)?;
    let mut caller = taken(&centre, &mut agent)?;

    // The agent is out at once. The other rejects it: the caller is the next one of the queue.
    click(&mut agent, "button", "转接")?;
    choose(&mut agent, "转接")?;
    see(&mut agent, "state", "电话后处理")?;
    click(&mut other, "button", "拒接")?;
    agent.tell("click", json!({"id": "state-button"}))?;
    click(&mut agent, "menuitem", "电话在线")?;
    click(&mut agent, "button", "接听")?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;

    click(&mut agent, "button", "转接")?;
    choose(&mut agent, "转接")?;
    see(&mut other, "caller", "13800138000")?;
    click(&mut other, "button", "接听")?;
    see(&mut other, "phase", "通话中")?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    caller.waits_for_agent(false)?;
    hears(&mut other, CALLER_HZ, true)?;
    see(&mut agent, "state", "电话后处理")?;
    caller.phone.hang_up(&mut caller.call)?;
    see(&mut other, "state", "电话后处理")?;
    Ok(())
}

/// Proves MON-23, MON-24, MON-25 and MON-30 as far as the board goes: who listens is heard by nobody, who whispers by the agent alone, and
/// of who barges in all three hear each other.
#[test]
fn a_supervisor_listens_whispers_joins_and_takes_over_in_a_second_browser() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let api = centre.server.api()?;
    let roles = api.list("roles")?;
    let administrators = roles.iter().find(|role| role["administrator"] == true);
    let role = administrators.map(|role| role["id"].clone()).unwrap_or_default();
    api.patch("employees/10003", &json!({"role": role}))?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut caller = taken(&centre, &mut agent)?;
    let mut boss = signed_in(&centre, "10003", SUPERVISOR_HZ)?;
    boss.tell("click", json!({"role": "menuitem", "text": "坐席监控"}))?;
    let act = |boss: &mut Browser, name: &str| {
        let row = json!({"role": "row", "text": "10001"});
        boss.tell("click", json!({"role": "button", "name": name, "within": row})).map(drop)
    };

    for (name, at_agent, at_caller) in [("监听", false, false), ("密语", true, false), ("强插", true, true)] {
        act(&mut boss, name)?;
        if name == "强插" {
            choose(&mut boss, "确定")?;
        }
        hears(&mut boss, AGENT_HZ, true)?;
        hears(&mut boss, CALLER_HZ, true)?;
        if at_agent {
            hears(&mut agent, SUPERVISOR_HZ, true)?;
        }
        caller_hears(&caller, SUPERVISOR_HZ, at_caller)?;
        if !at_agent {
            let level = agent.tell("pitch", json!({"hz": SUPERVISOR_HZ}))?.as_f64().unwrap_or_default();
            ensure!(level < HEARD_DB, "the agent hears who only listens: {level} dB");
        }
        hears(&mut agent, CALLER_HZ, true)?;
        if name == "强插" {
            caller.waits_for_agent(true)?;
        }
        // MON-26: the other ways are open again once this one has ended.
        let row = json!({"role": "row", "text": "10001"});
        let why = boss.tell("described", json!({"role": "button", "name": "监听", "within": row}))?;
        ensure!(why == "您正在监控另一通话，请先挂断", "{why}");
        click(&mut boss, "button", "挂断")?;
        boss.tell("gone", json!({"text": "监控中"}))?;
    }

    act(&mut boss, "接管")?;
    choose(&mut boss, "确定")?;
    caller_hears(&caller, SUPERVISOR_HZ, true)?;
    caller_hears(&caller, AGENT_HZ, false)?;
    see(&mut agent, "state", "电话后处理")?;
    caller.phone.hang_up(&mut caller.call)?;
    Ok(())
}

/// Proves PHONE-07, PHONE-12 and CALL-28 as far as the bar goes: signed in by the button, the mobile is rung though the browser is gone.
#[test]
fn a_mobile_is_signed_in_by_the_bar_and_rung_after_the_browser_is_gone() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let api = centre.server.api()?;
    let route = json!({"name": "mobiles", "direction": "outbound", "prefix": "13", "trunks": ["carrier"]});
    ensure!(api.post("routes", &route)?.status == 201);
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    click(&mut agent, "button", "手机签入")?;
    agent.tell("fill", json!({"into": "手机号码", "text": "13900139000"}))?;
    choose(&mut agent, "确定")?;
    agent.tell("see", json!({"text": "手机签入中"}))?;
    // PHONE-07: the confirmation shows the number.
    agent.tell("see", json!({"text": "来电将转到 13900139000"}))?;
    drop(agent);
    ensure!(state(&api, "10001", "state")? == "ready", "still online");

    let caller_at = SocketAddr::new(centre.carrier.ip(), centre.server.ports().one()?);
    let mut mobile = Phone::udp_at(centre.carrier, "13900139000", centre.server.sip())?;
    let mut caller = Phone::udp_at(caller_at, "13800138000", centre.server.sip())?;
    let address = SocketAddr::new(centre.carrier.ip(), centre.server.ports().many(2)?);
    let heard = RtpEnd::open_at(address, Instant::now())?;
    let mut call = caller.dialog_to("8610");
    caller.invite(&mut call, None, &sdp::audio(address, "0 101", &["rtpmap:101 telephone-event/8000"]))?;
    let ok = caller.expect("200 INVITE")?;
    caller.ack(&mut call, &ok, "")?;
    let invite = mobile.expect("INVITE")?;
    let at_mobile = SocketAddr::new(centre.carrier.ip(), centre.server.ports().many(2)?);
    let mut media = RtpEnd::open_at(at_mobile, Instant::now())?;
    let answer = sdp::audio(media.address()?, "0 101", &["rtpmap:101 telephone-event/8000"]);
    mobile.reply(&invite, "200 OK", &answer)?;
    mobile.expect("ACK")?;
    wait::until("what to press", PATIENCE, || Ok((media.loud_since(0.0).len() > 30).then_some(())))?;
    Keypad::toward(&media, &invite.body)?.press("1")?;
    media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &sine(8_000, COLLEAGUE_HZ, 8_000 * 60))?;
    wait::until("the mobile's voice", PATIENCE, || Ok(is_heard(&heard, COLLEAGUE_HZ)?.then_some(())))?;
    caller.hang_up(&mut call)?;
    let bye = mobile.expect("BYE")?;
    mobile.reply(&bye, "200 OK", "")
}
