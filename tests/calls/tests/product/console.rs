//! The console in Chromium, against the real binary: who signs in, sees and does what, and a real call with audio both ways.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::browser::{Browser, level_db, sine};
use calls::g711::Law;
use calls::phone::{Dialog, Phone};
use calls::ports::Ports;
use calls::rtp::{self, RtpEnd};
use calls::sdp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

use crate::console_lists::{AGENT_KEYS, give_role};
use crate::queue::trunk;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The pitches of the agent and of the caller.
pub(crate) const AGENT_HZ: f64 = 700.0;
pub(crate) const CALLER_HZ: f64 = 1_200.0;

/// A server with the console in it, the line of a carrier, and a route from that to the queue.
pub(crate) struct Centre {
    pub(crate) carrier: SocketAddr,
    pub(crate) server: Switchboard,
}

impl Centre {
    pub(crate) fn open() -> Result<Self> {
        Self::open_with("")
    }

    /// With more sections of configuration.
    pub(crate) fn open_with(sections: &str) -> Result<Self> {
        let ports = Ports::take()?;
        let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
        let rtp = format!("browsers = \"127.0.0.1:{}\"\n", ports.one()?);
        let sections = format!("{}\n{sections}", trunk("carrier", carrier));
        let server = Switchboard::start_on(ports, Setup { rtp, sections, ..Setup::default() })?;
        let route = json!({"name": "centre", "direction": "inbound", "did": "8610", "to": "queue:support"});
        let made = server.api()?.post("routes", &route)?;
        ensure!(made.status == 201, "{}", made.json());
        Ok(Self { carrier, server })
    }

    pub(crate) fn console(&self) -> Result<Browser> {
        self.console_of(AGENT_HZ)
    }

    /// Of somebody whose voice has this pitch.
    pub(crate) fn console_of(&self, pitch_hz: f64) -> Result<Browser> {
        open_console(&self.server, pitch_hz)
    }
}

/// A browser at the login page of a server.
pub(crate) fn open_console(server: &Switchboard, pitch_hz: f64) -> Result<Browser> {
    let mut console = Browser::console(&format!("http://{}", server.http()), pitch_hz)?;
    console
        .tell("see", json!({"role": "button", "name": "登录"}))
        .context("no console in the binary: run `tests/setup/console.sh build`, then build the binary again")?;
    Ok(console)
}

/// Somebody outside who called in.
pub(crate) struct Caller {
    pub(crate) phone: Phone,
    pub(crate) call: Dialog,
    pub(crate) media: RtpEnd,
}

impl Caller {
    pub(crate) fn call(centre: &Centre) -> Result<Self> {
        let mut phone = Phone::udp_at(centre.carrier, "13800138000", centre.server.sip())?;
        let address = SocketAddr::new(centre.carrier.ip(), centre.server.ports().many(2)?);
        let mut media = RtpEnd::open_at(address, Instant::now())?;
        let mut call = phone.dialog_to("8610");
        phone.invite(&mut call, None, &sdp::audio(address, "0 101", &["rtpmap:101 telephone-event/8000"]))?;
        let ok = phone.expect("200 INVITE")?;
        phone.ack(&mut call, &ok, "")?;
        media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &sine(8_000, CALLER_HZ, 8_000 * 120))?;
        Ok(Self { phone, call, media })
    }

    /// Whether this pitch is in the last second of what he hears.
    pub(crate) fn hears(&self, pitch_hz: f64) -> Result<bool> {
        is_heard(&self.media, pitch_hz)
    }

    fn hears_agent(&self) -> Result<bool> {
        self.hears(AGENT_HZ)
    }

    pub(crate) fn waits_for_agent(&self, to_be_heard: bool) -> Result<()> {
        wait::until(
            "the agent's voice, or its end",
            PATIENCE,
            || Ok((self.hears_agent()? == to_be_heard).then_some(())),
        )
    }
}

/// Whether this pitch is in the last second of what came in there.
pub(crate) fn is_heard(media: &RtpEnd, pitch_hz: f64) -> Result<bool> {
    let heard = media.heard();
    let Some(last) = heard.len().checked_sub(50) else { return Ok(false) };
    let sound = rtp::played(&heard[last..]);
    let channel = sound.channels.first().context("no channel")?;
    Ok(level_db(8_000, pitch_hz, channel) > -25.0)
}

pub(crate) fn see(console: &mut Browser, id: &str, text: &str) -> Result<()> {
    console.tell("see", json!({"id": id, "text": text})).map(drop)
}

/// Of a field by its label.
pub(crate) fn fill(console: &mut Browser, into: &str, text: &str) -> Result<()> {
    console.tell("fill", json!({"into": into, "text": text})).map(drop)
}

pub(crate) fn see_text(console: &mut Browser, text: &str) -> Result<()> {
    console.tell("see", json!({"text": text})).map(drop)
}

pub(crate) fn click(console: &mut Browser, role: &str, name: &str) -> Result<()> {
    console.tell("click", json!({"role": role, "name": name})).map(drop)
}

/// What is seen now has no serious fault (`tests/browser/judge.mjs`) and speaks Chinese.
pub(crate) fn judge(console: &mut Browser, seen: &str) -> Result<()> {
    let faults = console.tell("faults", json!({"language": "zh-CN"}))?;
    ensure!(faults.as_array().is_some_and(Vec::is_empty), "{seen}: {faults}");
    Ok(())
}

/// Without loading the page again (GEN-17).
fn change_language(console: &mut Browser, button: &str, language: &str) -> Result<()> {
    console.tell("mark", json!({}))?;
    click(console, "button", button)?;
    click(console, "menuitem", language)?;
    ensure!(console.tell("is_marked", json!({}))? == true, "the page was loaded again");
    Ok(())
}

pub(crate) fn hears_caller(console: &mut Browser) -> Result<()> {
    let before = console.tell("energy", json!({}))?.as_f64().unwrap_or_default();
    wait::until("the caller's voice", PATIENCE, || {
        let now = console.tell("energy", json!({}))?.as_f64().unwrap_or_default();
        Ok((now > before + 0.001).then_some(()))
    })
}

/// Proves PHONE-02, CALL-03 and CALL-11, CALL-12 and CALL-26 as far as the bar and the phone go, and CALL-29 as far as mute goes, in a real
/// browser.
#[test]
fn an_agent_takes_a_call_in_the_console_holds_it_and_hangs_up() -> Result<()> {
    let centre = Centre::open()?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    see(&mut console, "state", "电话在线")?;
    change_language(&mut console, "语言", "English")?;
    see(&mut console, "state", "Online")?;

    let mut caller = Caller::call(&centre)?;
    console.tell("see", json!({"role": "alertdialog", "text": "support"}))?;
    see(&mut console, "caller", "13800138000")?;
    ensure!(console.tell("is_wide", json!({}))? == false, "the page scrolls to the side");
    click(&mut console, "button", "Answer")?;
    see(&mut console, "phase", "Talking")?;
    caller.waits_for_agent(true)?;
    hears_caller(&mut console)?;

    click(&mut console, "button", "Mute")?;
    caller.waits_for_agent(false)?;
    click(&mut console, "button", "Unmute")?;
    caller.waits_for_agent(true)?;

    click(&mut console, "button", "Hold")?;
    see(&mut console, "phase", "On hold")?;
    caller.waits_for_agent(false)?;
    click(&mut console, "button", "Retrieve")?;
    see(&mut console, "phase", "Talking")?;
    caller.waits_for_agent(true)?;

    // CALL-25: the queue has no survey, so nobody can be asked.
    let evaluate = json!({"role": "button", "name": "Evaluate"});
    ensure!(console.tell("is_disabled", evaluate)? == true, "nobody can be asked");

    click(&mut console, "button", "Hang up")?;
    let bye = caller.phone.expect("BYE")?;
    caller.phone.reply(&bye, "200 OK", "")?;
    see(&mut console, "state", "Wrap-up")?;
    let record = centre.server.ended_calls(1)?.remove(0);
    ensure!(record["agent"] == "10001" && record["queue"] == "support", "{record}");

    console.tell("click", json!({"id": "state-button"}))?;
    click(&mut console, "menuitem", "Break")?;
    see(&mut console, "state", "Break")?;
    console.tell("fill", json!({"into": "Number", "text": "1002"}))?;
    console.tell("press", json!({"key": "Enter"}))?;
    console.tell("see", json!({"text": "You cannot dial while Break"}))?;
    Ok(())
}

/// `kill -9`: the page says that the server is gone, finds it again by itself, and its phone takes the next call.
#[test]
fn a_console_goes_on_when_the_server_was_killed() -> Result<()> {
    let mut centre = Centre::open()?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    see(&mut console, "state", "电话在线")?;
    centre.server.kill()?;
    console.tell("see", json!({"role": "alert", "text": "正在重新连接"}))?;
    centre.server.start_again()?;
    console.tell("gone", json!({"role": "alert"}))?;
    see(&mut console, "state", "电话在线")?;
    let mut caller = Caller::call(&centre)?;
    click(&mut console, "button", "接听")?;
    see(&mut console, "phase", "通话中")?;
    caller.waits_for_agent(true)?;
    // The page is loaded again: the call goes on.
    console.tell("go", json!({"path": "/"}))?;
    see(&mut console, "phase", "通话中")?;
    caller.waits_for_agent(true)?;
    caller.phone.hang_up(&mut caller.call)?;
    see(&mut console, "state", "电话后处理")
}

/// Proves LOGIN-07, LOGIN-08 and GEN-07 (a number that rings) as far as the console shows them, and that a call that rings is rejected by its button (AGT-17 row 11).
#[test]
fn wrong_passwords_look_alike_and_who_is_rung_rejects_and_logs_out() -> Result<()> {
    let centre = Centre::open()?;
    let role = json!({"permissions": AGENT_KEYS, "fields": {"calls.caller": "masked"}, "data": {"scope": "all"}});
    give_role(&centre.server.api()?, "10001", &role)?;
    let mut console = centre.console()?;
    let mut said = Vec::new();
    for login in ["nobody", "10001"] {
        console.tell("fill", json!({"into": "用户名 / 工号", "text": login}))?;
        console.tell("fill", json!({"into": "密码", "text": "wrong"}))?;
        console.tell("click", json!({"role": "button", "text": "登录"}))?;
        console.tell("see", json!({"role": "alert"}))?;
        said.push(console.tell("text", json!({"role": "alert"}))?);
    }
    ensure!(said[0] == said[1], "{said:?}");
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    see(&mut console, "state", "电话在线")?;
    let caller = Caller::call(&centre)?;
    // GEN-07: neither the desk nor his phone tells him more.
    see(&mut console, "caller", "138****8000")?;
    console.tell("gone", json!({"text": "13800138000"}))?;
    click(&mut console, "button", "拒接")?;
    console.tell("gone", json!({"role": "alertdialog"}))?;
    let api = centre.server.api()?;
    wait::until("a rejected offer", PATIENCE, || {
        Ok((api.get("missed-offers")?["items"][0]["outcome"] == "rejected").then_some(()))
    })?;
    // Nobody else is signed in, so he is rung again after a moment.
    console.tell("see", json!({"role": "alertdialog"}))?;
    log_out(&mut console)?;
    console.tell("see", json!({"text": "请先接听或拒接"}))?;
    let mut caller = caller;
    caller.phone.hang_up(&mut caller.call)?;
    console.tell("gone", json!({"role": "alertdialog"}))?;
    console.tell("press", json!({"key": "Escape"}))?;
    log_out(&mut console)?;
    console.tell("see", json!({"role": "button", "name": "登录"}))?;
    let state = centre.server.api()?.get("agents/10001")?["now"]["state"].clone();
    ensure!(state == "offline", "{state}");
    Ok(())
}

fn log_out(console: &mut Browser) -> Result<()> {
    console.tell("click", json!({"id": "quick-menu"}))?;
    console.tell("click", json!({"role": "menuitem", "text": "退出登录"})).map(drop)
}

fn tabs(console: &mut Browser) -> Result<Vec<String>> {
    let told = console.tell("tabs", json!({}))?;
    Ok(told.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Proves UI-04, and UI-09 and GEN-15 as far as pages are offered to a role.
#[test]
fn pages_open_as_tabs_and_only_to_those_who_may_see_them() -> Result<()> {
    let centre = Centre::open()?;
    let mut agent = centre.console()?;
    agent.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    agent.tell("see", json!({"role": "menuitem", "text": "未接来电"}))?;
    agent.tell("gone", json!({"role": "menuitem", "text": "大屏监控"}))?;
    agent.tell("go", json!({"path": "/wallboard"}))?;
    agent.tell("see", json!({"text": "没有权限"}))?;
    drop(agent);
    let mut admin = centre.console()?;
    admin.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
    for page in ["通话记录", "坐席状态日志", "坐席监控", "大屏监控"] {
        admin.tell("click", json!({"role": "menuitem", "text": page}))?;
        admin.tell("see", json!({"role": "tab", "text": page}))?;
        ensure!(admin.tell("is_wide", json!({}))? == false, "{page} scrolls to the side");
    }
    admin.tell("see", json!({"text": "呼入电话总量"}))?;
    ensure!(
        tabs(&mut admin)? == ["工作桌面", "通话记录", "坐席状态日志", "坐席监控", "大屏监控"],
        "{:?}",
        tabs(&mut admin)?
    );
    for (tab, entry, left) in [
        ("坐席状态日志", "关闭右侧选项卡", vec!["工作桌面", "通话记录", "坐席状态日志"]),
        ("坐席状态日志", "关闭当前选项卡", vec!["工作桌面", "通话记录"]),
        ("通话记录", "一键关闭所有选项卡", vec!["工作桌面"]),
    ] {
        admin.tell("right_click", json!({"role": "tab", "text": tab}))?;
        click(&mut admin, "menuitem", entry)?;
        let stayed = wait::until("the tabs that stay", PATIENCE, || Ok((tabs(&mut admin)? == left).then_some(())));
        stayed.with_context(|| format!("{entry}: {:?}", tabs(&mut admin)))?;
    }
    Ok(())
}
