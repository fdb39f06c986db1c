//! The softphone and its bar in Chromium, and the same bar with a phone on the desk: the keypad, keys in a call, devices, the state for after
//! a call, what is cancelled, and the keyboard alone.

use std::time::Instant;

use anyhow::{Result, ensure};
use calls::browser::Browser;
use calls::keys;
use calls::party::Party;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::json;

use crate::console::{AGENT_HZ, CALLER_HZ, Caller, Centre, PATIENCE, click, is_heard, see};
use crate::console_lists::{permit, sign_in, supervisor};
use crate::console_together::{
    COLLEAGUE_HZ, answers, caller_hears, choose, colleague, hears, one_agent, signed_in, taken,
};
use crate::queue::{order, state};

fn shows(console: &mut Browser, text: &str) -> Result<()> {
    wait::until(&format!("`{text}` in the display"), PATIENCE, || {
        Ok((console.tell("value", json!({"label": "显示框"}))? == text).then_some(()))
    })
}

fn press(console: &mut Browser, key: &str) -> Result<()> {
    console.tell("press", json!({"key": key})).map(drop)
}

/// Proves CALL-03, CALL-04 as far as numbers are entered, CALL-05 (pasted and called) and CALL-07 (what is pasted is cleaned).
#[test]
fn a_number_is_keyed_undone_cleared_pasted_and_called() -> Result<()> {
    let centre = Centre::open()?;
    let mut bob = Party::new(&centre.server, "1002", Instant::now())?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    agent.tell("focus", json!({"label": "显示框"}))?;
    agent.tell("click", json!({"label": "显示框"}))?;
    for key in ["1", "0", "*", "#"] {
        click(&mut agent, "button", key)?;
    }
    shows(&mut agent, "10*#")?;
    click(&mut agent, "button", "撤回")?;
    shows(&mut agent, "10*")?;
    click(&mut agent, "button", "清除")?;
    shows(&mut agent, "")?;
    agent.tell("focus", json!({"label": "显示框"}))?;
    agent.tell("paste", json!({"text": " 10-02\u{202c}"}))?;
    click(&mut agent, "button", "呼叫")?;
    let invite = bob.phone.expect("INVITE")?;
    ensure!(invite.start.contains("sip:1002@"), "{}", invite.start);
    bob.phone.reply(&invite, "180 Ringing", "")?;
    see(&mut agent, "phase", "呼叫中")?;
    click(&mut agent, "button", "挂断")?;
    let cancel = bob.phone.expect("CANCEL")?;
    bob.phone.reply(&cancel, "200 OK", "")
}

/// Proves CALL-04 in a call: keys are sent as events (RFC 4733), and shown.
#[test]
fn keys_in_a_call_are_heard_at_the_other_side() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let caller = taken(&centre, &mut agent)?;
    click(&mut agent, "button", "键盘")?;
    for (at, key) in ["5", "#", "0"].iter().enumerate() {
        click(&mut agent, "button", key)?;
        let so_far: String = "5#0".chars().take(at + 1).collect();
        wait::until("the key at the caller", PATIENCE, || {
            Ok((keys::events(&caller.media.heard()) == so_far).then_some(()))
        })?;
    }
    agent.tell("see", json!({"role": "tooltip", "text": "5#0"})).map(drop)
}

/// Proves PHONE-16: level, registration and network while no call is up, and the quality while one is; no button for a desk phone.
#[test]
fn the_device_check_shows_what_it_finds() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    agent.tell("click", json!({"id": "quick-menu"}))?;
    agent.tell("click", json!({"role": "menuitem", "text": "设备检测"}))?;
    wait::until("a level", PATIENCE, || {
        let level = agent.tell("attribute", json!({"label": "音量", "attribute": "aria-valuenow"}))?;
        Ok(level.as_str().and_then(|level| level.parse::<f64>().ok()).is_some_and(|level| level > 1.0).then_some(()))
    })?;
    for text in ["已注册，分机 1001", "没有通话", "播放测试音"] {
        agent.tell("see", json!({"role": "dialog", "text": text}))?;
    }
    wait::until("the network", PATIENCE, || {
        let shown = agent.tell("text", json!({"role": "dialog"}))?;
        let network = shown.as_str().and_then(|shown| shown.split("到服务器的往返时延").nth(1)).unwrap_or_default();
        let ms: String = network.chars().take_while(char::is_ascii_digit).collect();
        Ok((network[ms.len()..].trim_start().starts_with("毫秒") && !ms.is_empty()).then_some(()))
    })?;
    press(&mut agent, "Escape")?;
    agent.tell("gone", json!({"role": "dialog"}))?;
    let _caller = taken(&centre, &mut agent)?;
    agent.tell("click", json!({"id": "quick-menu"}))?;
    agent.tell("click", json!({"role": "menuitem", "text": "设备检测"}))?;
    agent.tell("see", json!({"role": "dialog", "text": "抖动"})).map(drop)
}

/// Proves CALL-02: folded for who folded it, not for who uses the same browser after him.
#[test]
fn the_navigation_stays_folded_for_who_folded_it() -> Result<()> {
    let centre = Centre::open()?;
    let mut agent = sign_in(&centre, "10001")?;
    see(&mut agent, "state", "电话在线")?;
    click(&mut agent, "button", "收起侧边导航")?;
    agent.tell("see", json!({"role": "button", "name": "展开侧边导航"}))?;
    for (login, shown) in [("10002", "收起侧边导航"), ("10001", "展开侧边导航")] {
        agent.tell("click", json!({"id": "quick-menu"}))?;
        agent.tell("click", json!({"role": "menuitem", "text": "退出登录"}))?;
        agent.tell("sign_in", json!({"login": login, "password": PASSWORD}))?;
        agent.tell("see", json!({"role": "button", "name": shown}))?;
        see(&mut agent, "state", "电话在线")?;
    }
    click(&mut agent, "button", "展开侧边导航")?;
    agent.tell("see", json!({"role": "button", "name": "收起侧边导航"})).map(drop)
}

/// Proves AGT-10 as far as the selector goes: a state that is picked in a call is shown, and comes in place of wrap-up.
#[test]
fn the_state_for_after_a_call_is_picked_in_it() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut caller = taken(&centre, &mut agent)?;
    agent.tell("click", json!({"id": "state-button"}))?;
    click(&mut agent, "menuitem", "电话小休")?;
    agent.tell("see", json!({"role": "button", "text": "通话后：电话小休"}))?;
    see(&mut agent, "state", "电话在线")?;
    caller.phone.hang_up(&mut caller.call)?;
    see(&mut agent, "state", "电话小休")
}

/// Proves CALL-11 (auto-answer): on for this agent, his phone takes the call by itself.
#[test]
fn a_phone_that_answers_itself_needs_no_button() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let set = centre.server.api()?.put("agents/10001", &json!({"extension": "1001", "auto_answer": true}))?;
    ensure!(set.status == 200, "{}", set.json());
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let caller = Caller::call(&centre)?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)
}

/// The colleague who was asked is done with it, and ready for more.
fn idle_again(centre: &Centre) -> Result<()> {
    let api = centre.server.api()?;
    wait::until(
        "the end of his call",
        PATIENCE,
        || Ok((state(&api, "10002", "call_status")? == "none").then_some(())),
    )?;
    if state(&api, "10002", "state")? != "ready" {
        order(&api, "agents/10002/state", &json!({"state": "ready"}))?;
    }
    Ok(())
}

/// Proves CALL-18, CALL-20 (who is asked hangs up) and CALL-23 (the button, and what it asks whom) as far as the bar goes.
#[test]
fn what_was_begun_with_a_third_is_cancelled() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let mut desk = colleague(&centre)?;
    let mut caller = taken(&centre, &mut agent)?;
    let ask = |agent: &mut Browser| {
        click(agent, "button", "询问")?;
        agent.tell("see", json!({"role": "row", "text": "空闲"}))?;
        choose(agent, "询问")?;
        agent.tell("gone", json!({"role": "dialog"})).map(drop)
    };

    ask(&mut agent)?;
    answers(&mut desk)?;
    see(&mut agent, "phase", "询问中")?;
    click(&mut agent, "button", "取消询问")?;
    let bye = desk.phone.expect("BYE")?;
    desk.phone.reply(&bye, "200 OK", "")?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;

    idle_again(&centre)?;
    ask(&mut agent)?;
    let mut asked = answers(&mut desk)?;
    see(&mut agent, "phase", "询问中")?;
    desk.phone.hang_up(&mut asked)?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;

    idle_again(&centre)?;
    ask(&mut agent)?;
    answers(&mut desk)?;
    see(&mut agent, "phase", "询问中")?;
    click(&mut agent, "button", "三方")?;
    see(&mut agent, "phase", "三方通话")?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    // Who was brought in leaves alone, and is told so; he stays.
    let mut third = supervisor(&centre, "10002")?;
    see(&mut third, "phase", "三方通话")?;
    click(&mut third, "button", "取消三方")?;
    third.tell("see", json!({"role": "dialog", "text": "您将退出三方"}))?;
    drop(third);
    click(&mut agent, "button", "取消三方")?;
    agent.tell("see", json!({"role": "dialog", "text": "取消三方将结束所有人的通话"}))?;
    choose(&mut agent, "确定")?;
    for phone in [&mut caller.phone, &mut desk.phone] {
        let bye = phone.expect("BYE")?;
        phone.reply(&bye, "200 OK", "")?;
    }
    see(&mut agent, "state", "电话后处理")
}

/// 10001 signed in with the phone on his desk, and online.
pub(crate) fn at_the_desk(centre: &Centre) -> Result<Browser> {
    let mut agent = centre.console()?;
    agent.tell("click", json!({"text": "外置电话机"}))?;
    agent.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    agent.tell("click", json!({"id": "state-button"}))?;
    click(&mut agent, "menuitem", "电话在线")?;
    see(&mut agent, "state", "电话在线")?;
    Ok(agent)
}

/// The same bar with a phone on the desk (PHONE-01, CALL-12): held, retrieved, handed on and hung up by it.
#[test]
fn the_bar_drives_a_phone_on_the_desk() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut desk = Party::new(&centre.server, "1001", Instant::now())?;
    let mut other = colleague(&centre)?;
    let mut agent = at_the_desk(&centre)?;

    let mut caller = Caller::call(&centre)?;
    agent.tell("see", json!({"role": "alertdialog", "text": "请在话机上接听"}))?;
    answers(&mut desk)?;
    see(&mut agent, "phase", "通话中")?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    click(&mut agent, "button", "保持")?;
    see(&mut agent, "phase", "保持中")?;
    caller_hears(&caller, COLLEAGUE_HZ, false)?;
    click(&mut agent, "button", "取回")?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    wait::until("the caller at the desk phone", PATIENCE, || Ok(is_heard(&desk.media, CALLER_HZ)?.then_some(())))?;

    click(&mut agent, "button", "转接")?;
    choose(&mut agent, "转接")?;
    let bye = desk.phone.expect("BYE")?;
    desk.phone.reply(&bye, "200 OK", "")?;
    answers(&mut other)?;
    caller_hears(&caller, COLLEAGUE_HZ, true)?;
    see(&mut agent, "state", "电话后处理")?;
    caller.phone.hang_up(&mut caller.call)?;
    let bye = other.phone.expect("BYE")?;
    other.phone.reply(&bye, "200 OK", "")?;
    drop(caller);

    agent.tell("click", json!({"id": "state-button"}))?;
    click(&mut agent, "menuitem", "电话在线")?;
    let mut second = Caller::call(&centre)?;
    answers(&mut desk)?;
    see(&mut agent, "phase", "通话中")?;
    click(&mut agent, "button", "挂断")?;
    for phone in [&mut second.phone, &mut desk.phone] {
        let bye = phone.expect("BYE")?;
        phone.reply(&bye, "200 OK", "")?;
    }
    see(&mut agent, "state", "电话后处理")
}

/// Without a mouse: in by Enter, what has the focus is seen, and a call is taken, held, muted and hung up by keys.
#[test]
fn a_day_is_worked_by_the_keyboard_alone() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = centre.console()?;
    agent.tell("focus", json!({"label": "用户名 / 工号"}))?;
    agent.tell("type", json!({"text": "10001"}))?;
    tab_to(&mut agent, "密码")?;
    agent.tell("type", json!({"text": PASSWORD}))?;
    press(&mut agent, "Enter")?;
    see(&mut agent, "state", "电话在线")?;
    tab_to(&mut agent, "显示框")?;
    tab_to(&mut agent, "坐席状态")?;
    ensure!(agent.tell("is_outlined", json!({}))? == true, "what has the focus is not seen");
    press(&mut agent, "Enter")?;
    agent.tell("see", json!({"role": "menuitem", "name": "电话小休"}))?;
    press(&mut agent, "Escape")?;

    let caller = Caller::call(&centre)?;
    agent.tell("see", json!({"role": "alertdialog"}))?;
    press(&mut agent, "Alt+a")?;
    see(&mut agent, "phase", "通话中")?;
    caller.waits_for_agent(true)?;
    press(&mut agent, "Alt+h")?;
    see(&mut agent, "phase", "保持中")?;
    press(&mut agent, "Alt+h")?;
    see(&mut agent, "phase", "通话中")?;
    press(&mut agent, "Alt+m")?;
    caller.waits_for_agent(false)?;
    press(&mut agent, "Alt+m")?;
    caller.waits_for_agent(true)?;
    press(&mut agent, "Alt+x")?;
    see(&mut agent, "state", "电话后处理")
}

/// By the Tab key to what is called so.
fn tab_to(console: &mut Browser, name: &str) -> Result<()> {
    for _ in 0..TABS_MAX {
        if console.tell("focused", json!({}))? == name {
            return Ok(());
        }
        press(console, "Tab")?;
    }
    anyhow::bail!("no way to {name} by the Tab key")
}

/// There are fewer things on a page.
const TABS_MAX: usize = 80;

/// Over HTTPS, as other machines reach it: who cannot sign in yet reads how to trust the certificate; then the page has a microphone, its socket
/// is secure, and a call is taken.
#[test]
fn a_call_is_taken_over_https() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let mut agent = Browser::console(&format!("https://{}", centre.server.https()), AGENT_HZ)?;
    agent.tell("click", json!({"role": "button", "name": "浏览器提示证书不受信任？"}))?;
    agent.tell("see", json!({"text": "信任自签名证书"}))?;
    agent.tell("click", json!({"role": "button", "name": "返回"}))?;
    agent.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    see(&mut agent, "state", "电话在线")?;
    let registered = centre.server.api()?.list("registrations")?;
    ensure!(registered[0]["source"].as_str().unwrap_or_default().starts_with("WSS "), "{registered:?}");
    let caller = taken(&centre, &mut agent)?;
    hears(&mut agent, CALLER_HZ, true)?;
    drop(caller);
    Ok(())
}

/// Proves UI-05 (system messages) and UI-07 as far as forced states go.
#[test]
fn a_forced_state_is_told_as_a_message() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    permit(&api, "10001", &["*"])?;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    agent.tell("see", json!({"role": "button", "name": "系统消息，0 条未读"}))?;
    order(&api, "agents/10001/force", &json!({"force": "not_ready"}))?;
    agent.tell("see", json!({"role": "button", "name": "系统消息，1 条未读"}))?;
    agent.tell("click", json!({"id": "quick-menu"}))?;
    agent.tell("click", json!({"role": "menuitem", "text": "系统消息"}))?;
    agent.tell("see", json!({"role": "dialog", "text": "将您置为“电话忙碌”"}))?;
    agent.tell("go", json!({"path": "/"}))?;
    agent.tell("see", json!({"role": "button", "name": "系统消息，0 条未读"}))?;
    Ok(())
}
