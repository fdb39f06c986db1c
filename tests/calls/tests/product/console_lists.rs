//! The lists of an agent in the console: what was missed and lost, messages, recordings, and his own settings.

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{Caller, Centre, PATIENCE, click, see, see_text};

/// What an agent needs for his lists beside what he has anyway.
pub(crate) const AGENT_KEYS: &[&str] = &[
    "agents.read",
    "call.dial",
    "calls.read",
    "crm.call_records.read",
    "crm.lost_calls.handle",
    "crm.lost_calls.read",
    "crm.missed_calls.read",
    "extensions.read",
    "extensions.use",
    "queues.read",
    "recordings.download",
    "recordings.play",
];

/// Gives an employee a role of his own with these permissions and everybody's data.
pub(crate) fn permit(api: &Api, employee: &str, permissions: &[&str]) -> Result<()> {
    give_role(api, employee, &json!({"permissions": permissions, "data": {"scope": "all"}}))
}

/// A role of one's own.
pub(crate) fn give_role(api: &Api, employee: &str, rules: &Value) -> Result<()> {
    let mut role = rules.clone();
    role["name"] = format!("Role of {employee}").into();
    let made = api.post("roles", &role)?;
    ensure!(made.status == 201, "{}", made.json());
    api.patch(&format!("employees/{employee}"), &json!({"role": made.json()["id"]})).map(drop)
}

pub(crate) fn sign_in(centre: &Centre, employee: &str) -> Result<Browser> {
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": employee, "password": PASSWORD}))?;
    Ok(console)
}

/// The console of an employee who may do everything and takes no calls.
pub(crate) fn supervisor(centre: &Centre, employee: &str) -> Result<Browser> {
    permit(&centre.server.api()?, employee, &["*"])?;
    let mut console = centre.console()?;
    console.tell("click", json!({"text": "暂不签入"}))?;
    console.tell("sign_in", json!({"login": employee, "password": PASSWORD}))?;
    Ok(console)
}

fn see_button(console: &mut Browser, name: &str) -> Result<()> {
    console.tell("see", json!({"role": "button", "name": name})).map(drop)
}

fn no_button(console: &mut Browser, name: &str) -> Result<()> {
    console.tell("gone", json!({"role": "button", "name": name})).map(drop)
}

fn open_page(console: &mut Browser, page: &str) -> Result<()> {
    console.tell("click", json!({"role": "menuitem", "text": page})).map(drop)
}

/// A row of a list by a text in it.
fn row(text: &str) -> Value {
    json!({"role": "row", "text": text})
}

/// Waits until a list of the CRM has a row: it is written a moment after the call.
fn crm_row(api: &Api, list: &str) -> Result<Value> {
    wait::until("a row of the CRM", PATIENCE, || {
        let page = api.get(&format!("crm/{list}"))?;
        Ok(page["items"].get(0).cloned())
    })
}

/// A caller comes, rings at 10001, who is signed in here, and gives up.
fn give_up(centre: &Centre, console: &mut Browser) -> Result<()> {
    let mut caller = Caller::call(centre)?;
    console.tell("see", json!({"role": "alertdialog"}))?;
    caller.phone.hang_up(&mut caller.call)?;
    console.tell("gone", json!({"role": "alertdialog"})).map(drop)
}

/// Proves UI-02, UI-03, UI-08 and MISS-05, and GEN-10 as far as conditions and their reset go.
#[test]
fn a_missed_call_is_processed_by_a_click_though_it_cannot_be_called_back() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    permit(&api, "10001", AGENT_KEYS)?;
    let mut console = sign_in(&centre, "10001")?;
    see(&mut console, "state", "电话在线")?;
    give_up(&centre, &mut console)?;
    let missed = crm_row(&api, "missed-calls")?;
    ensure!(missed["processed"] == false && missed["hangup_status"] == "caller_hung_up", "{missed}");

    // The home desk shows it, and leads on. The bar is on every page.
    see_button(&mut console, "处理并回拨 13800138000")?;
    click(&mut console, "button", "更多 电话统计")?;
    console.tell("see", json!({"role": "tab", "text": "通话记录"}))?;
    for page in ["漏话记录", "留言列表", "个人设置", "数据异步处理任务", "工作桌面"] {
        open_page(&mut console, page)?;
        console.tell("see", json!({"role": "toolbar", "name": "电话控制栏"}))?;
        see(&mut console, "state", "电话在线")?;
    }
    click(&mut console, "button", "更多 我的未接来电")?;
    console.tell("see", json!({"role": "tab", "text": "未接来电"}))?;
    console.tell("see", row("未处理"))?;

    // Conditions that nothing meets, and back to the defaults.
    console.tell("fill", json!({"into": "来电号码", "text": "13911112222"}))?;
    click(&mut console, "button", "查询")?;
    console.tell("gone", row("未处理"))?;
    click(&mut console, "button", "重置")?;
    console.tell("see", row("未处理"))?;

    // Nothing leads outside, so the call fails; it is processed all the same.
    click(&mut console, "button", "处理并回拨 13800138000")?;
    see_text(&mut console, "已处理，但未呼叫")?;
    console.tell("see", row("已处理"))?;
    let processed = crm_row(&api, "missed-calls")?;
    ensure!(processed["processed"] == true, "{processed}");
    open_page(&mut console, "工作桌面")?;
    see_text(&mut console, "没有未接来电")?;

    // Who sees the rows of others cannot click them.
    let mut other = supervisor(&centre, "10002")?;
    open_page(&mut other, "未接来电")?;
    other.tell("click", json!({"text": "全部数据"}))?;
    other.tell("see", row("13800138000"))?;
    no_button(&mut other, "处理并回拨 13800138000")
}

/// Proves LOST-03, LOST-05, LOST-06, LOST-07, LOST-08 and LOST-11 in two browsers.
#[test]
fn a_lost_call_belongs_to_who_occupies_it_until_it_is_released_or_completed() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    permit(&api, "10001", AGENT_KEYS)?;
    let mut console = sign_in(&centre, "10001")?;
    see(&mut console, "state", "电话在线")?;
    give_up(&centre, &mut console)?;
    crm_row(&api, "lost-calls")?;
    let mut other = supervisor(&centre, "10002")?;
    open_page(&mut other, "漏话记录")?;
    see_button(&mut other, "占有")?;

    open_page(&mut console, "漏话记录")?;
    console.tell("see", row("138****8000"))?;
    no_button(&mut console, "解除占有")?;
    no_button(&mut console, "呼叫 13800138000")?;
    click(&mut console, "button", "占有")?;
    console.tell("see", row("13800138000"))?;
    for button in ["呼叫 13800138000", "解除占有", "处理完成"] {
        see_button(&mut console, button)?;
    }

    // The other one still sees it as it was: too late. Then his list has it no more.
    click(&mut other, "button", "占有")?;
    see_text(&mut other, "已被他人占有")?;
    other.tell("gone", row("138****8000"))?;

    click(&mut console, "button", "解除占有")?;
    console.tell("see", row("138****8000"))?;
    click(&mut other, "button", "重置")?;
    other.tell("see", row("138****8000"))?;
    click(&mut console, "button", "占有")?;
    click(&mut console, "button", "处理完成")?;
    console.tell("see", row("10001"))?;
    for button in ["占有", "解除占有", "处理完成", "呼叫 13800138000"] {
        no_button(&mut console, button)?;
    }

    console.tell("fill", json!({"into": "主叫号码", "text": "13911112222"}))?;
    click(&mut console, "button", "查询")?;
    console.tell("gone", row("10001"))?;
    click(&mut console, "button", "重置")?;
    console.tell("see", row("10001")).map(drop)
}

/// Nobody is signed in: a caller leaves a message of some seconds.
fn leave_message(centre: &Centre) -> Result<()> {
    let api = centre.server.api()?;
    let rules = json!({"number": "7000", "members": [{"agent": "10001"}], "overflow": ["voicemail"]});
    let set = api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    let mut caller = Caller::call(centre)?;
    wait::until("the message to begin", PATIENCE, || {
        let page = api.get("events?limit=200")?;
        let events = page["items"].as_array().cloned().unwrap_or_default();
        Ok(events.iter().any(|event| event["type"] == "recording.started").then_some(()))
    })?;
    let began = caller.media.now_s();
    wait::until("some seconds of it", PATIENCE, || Ok((caller.media.now_s() > began + 4.0).then_some(())))?;
    caller.phone.hang_up(&mut caller.call)?;
    wait::until("the message", PATIENCE, || {
        Ok(api.list("voicemails")?.iter().any(|message| message["state"] == "ready").then_some(()))
    })
}

/// What the page plays: where it is, whether it is muted and paused, how fast, how loud.
fn sound(console: &mut Browser) -> Result<(f64, bool, bool, f64, f64)> {
    let told = console.tell("sound", json!({}))?;
    serde_json::from_value(told.clone()).with_context(|| format!("{told}"))
}

/// Waits until so many exports are done, of which the newest has so many rows.
fn exported(centre: &Centre, count: usize, rows: u64) -> Result<()> {
    let api = centre.server.api()?;
    wait::until("an export", PATIENCE, || {
        let tasks = api.list("tasks")?;
        let is_done = tasks.len() == count && tasks[0]["state"] == "done" && tasks[0]["module"] == "voicemails";
        Ok((is_done && tasks[0]["rows"] == rows).then_some(()))
    })
}

/// Proves VM-03, VM-04 and REC-03, and GEN-12 of messages.
#[test]
fn a_message_is_heard_taken_out_and_deleted_after_being_asked() -> Result<()> {
    let centre = Centre::open()?;
    leave_message(&centre)?;
    let mut console = supervisor(&centre, "10002")?;
    open_page(&mut console, "留言列表")?;
    console.tell("see", row("13800138000"))?;

    // It begins to play at once. A click mutes, the next one brings the sound back.
    click(&mut console, "button", "收听")?;
    wait::until("sound", PATIENCE, || Ok((sound(&mut console)?.0 > 0.2).then_some(())))?;
    console.tell("hover", json!({"role": "button", "name": "静音"}))?;
    console.tell("see", json!({"role": "slider", "name": "音量"}))?;
    click(&mut console, "button", "静音")?;
    ensure!(sound(&mut console)?.1, "it is not muted");
    click(&mut console, "button", "取消静音")?;
    let (_, muted, _, _, volume) = sound(&mut console)?;
    ensure!(!muted && (volume - 1.0).abs() < 0.01, "muted: {muted}, volume {volume}");
    click(&mut console, "button", "关闭")?;
    console.tell("see", row("10002"))?;

    // Conditions that nothing meets, and back to the defaults.
    console.tell("fill", json!({"into": "主叫号码", "text": "13911112222"}))?;
    click(&mut console, "button", "查询")?;
    console.tell("gone", row("13800138000"))?;
    click(&mut console, "button", "导出")?;
    exported(&centre, 1, 0)?;
    click(&mut console, "button", "重置")?;
    console.tell("see", row("13800138000"))?;
    click(&mut console, "button", "导出")?;
    exported(&centre, 2, 1)?;
    click(&mut console, "button", "数据异步处理任务")?;
    console.tell("see", row("完成"))?;
    console.tell("see", json!({"role": "link", "name": "下载"}))?;

    open_page(&mut console, "留言列表")?;
    click(&mut console, "button", "删除留言")?;
    let question = json!({"role": "dialog", "text": "确定删除这条留言？"});
    console.tell("see", question.clone())?;
    click(&mut console, "button", "取消")?;
    console.tell("gone", question)?;
    ensure!(centre.server.api()?.list("voicemails")?.len() == 1, "deleted though it was cancelled");
    click(&mut console, "button", "删除留言")?;
    click(&mut console, "button", "确定")?;
    console.tell("gone", row("13800138000"))?;
    ensure!(centre.server.api()?.list("voicemails")?.is_empty(), "it is still there");
    Ok(())
}

/// Proves CDR-05, REC-01 and REC-02, GEN-14 of call records, and CALL-30.
#[test]
fn a_call_is_recorded_played_and_explained() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    permit(&api, "10001", AGENT_KEYS)?;
    let rules = json!({"number": "7000", "members": [{"agent": "10001"}], "record": true});
    let set = api.put("queues/support", &rules)?;
    ensure!(set.status == 200, "{}", set.json());
    let outside = json!({"name": "mobiles", "direction": "outbound", "prefix": "13", "trunks": ["carrier"]});
    let made = api.post("routes", &outside)?;
    ensure!(made.status == 201, "{}", made.json());
    let mut console = sign_in(&centre, "10001")?;
    see(&mut console, "state", "电话在线")?;
    let mut caller = Caller::call(&centre)?;
    console.tell("see", json!({"id": "who-calls", "text": "北京"}))?;
    click(&mut console, "button", "接听")?;
    console.tell("see", json!({"id": "call", "text": "13800138000"}))?;
    console.tell("see", json!({"id": "other-side", "text": "北京"}))?;
    console.tell("see", json!({"id": "call", "text": "00:00:03"}))?;
    caller.phone.hang_up(&mut caller.call)?;
    see(&mut console, "state", "电话后处理")?;
    let record = crm_row(&api, "call-records")?;
    centre.server.recorded_call(record["call_id"].as_str().unwrap_or_default())?;

    open_page(&mut console, "通话记录")?;
    console.tell("see", row("正常挂断"))?;
    see_button(&mut console, "呼叫 13800138000")?;
    console.tell("see", json!({"role": "link", "name": "下载"}))?;
    click(&mut console, "button", "收听录音")?;
    wait::until("sound", PATIENCE, || Ok((sound(&mut console)?.0 > 0.2).then_some(())))?;
    console.tell("see", json!({"id": "waveform"}))?;
    console.tell("click", json!({"role": "combobox", "name": "倍速"}))?;
    console.tell("click", json!({"text": "1.5x"}))?;
    ensure!((sound(&mut console)?.3 - 1.5).abs() < 0.01, "{:?}", sound(&mut console)?);
    click(&mut console, "button", "暂停")?;
    ensure!(sound(&mut console)?.2, "it goes on");
    // To the beginning, by the keyboard.
    console.tell("focus", json!({"role": "slider", "name": "进度"}))?;
    console.tell("press", json!({"key": "Home"}))?;
    ensure!(sound(&mut console)?.0 < 0.1, "{:?}", sound(&mut console)?);

    let mut other = supervisor(&centre, "10002")?;
    open_page(&mut other, "通话记录")?;
    other.tell("click", json!({"text": "全部数据"}))?;
    click(&mut other, "button", "通话详情")?;
    see_text(&mut other, "已接通，主叫挂断（正常挂断）")?;
    other.tell("see", json!({"text": "INVITE 8610"}))?;
    ensure!(other.tell("is_wide", json!({}))? == false, "the page of a call scrolls to the side");

    // The icon next to a number dials it.
    click(&mut console, "button", "关闭")?;
    click(&mut console, "button", "呼叫 13800138000")?;
    see(&mut console, "phase", "呼叫中")?;
    console.tell("see", json!({"id": "call", "text": "13800138000"})).map(drop)
}

/// Proves PHONE-04, PHONE-09, CALL-02 and UI-06, GEN-13 of personal settings, and PHONE-16 as far as it says who is offered the check.
#[test]
fn a_wrong_extension_leaves_no_bar_and_is_corrected_without_a_new_login() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    let outside = json!({"name": "mobiles", "direction": "outbound", "prefix": "13", "trunks": ["carrier"]});
    let made = api.post("routes", &outside)?;
    ensure!(made.status == 201, "{}", made.json());
    let mut console = centre.console()?;
    console.tell("fill", json!({"into": "分机号", "text": "9999"}))?;
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    console.tell("see", json!({"role": "alert", "text": "电话未签入"}))?;
    no_button(&mut console, "挂断")?;
    no_button(&mut console, "手机签出")?;
    // All other pages work.
    open_page(&mut console, "个人设置")?;
    console.tell("see", json!({"label": "姓名"}))?;
    console.tell("fill", json!({"into": "姓名", "text": ""}))?;
    click(&mut console, "button", "保存")?;
    see_text(&mut console, "此项必填")?;

    click(&mut console, "button", "手机签入")?;
    console.tell("fill", json!({"into": "手机号码", "text": "13900139000"}))?;
    click(&mut console, "button", "确定")?;
    see(&mut console, "state", "手机签入中")?;
    click(&mut console, "button", "手机签出")?;
    no_button(&mut console, "手机签出")?;

    click(&mut console, "button", "签入电话")?;
    console.tell("fill", json!({"into": "分机号", "text": "1001"}))?;
    click(&mut console, "button", "确定")?;
    see_button(&mut console, "挂断")?;
    see(&mut console, "state", "电话在线")?;

    click(&mut console, "button", "收起侧边导航")?;
    console.tell("go", json!({"path": "/"}))?;
    click(&mut console, "button", "展开侧边导航")?;
    see_button(&mut console, "收起侧边导航")?;

    console.tell("click", json!({"id": "quick-menu"}))?;
    for entry in ["个人设置", "关于我们", "退出登录", "设备检测"] {
        console.tell("see", json!({"role": "menuitem", "text": entry}))?;
    }
    console.tell("press", json!({"key": "Escape"}))?;

    // A desk phone has no devices to check here.
    click(&mut console, "button", "签入电话")?;
    console.tell("click", json!({"text": "外置电话机"}))?;
    click(&mut console, "button", "确定")?;
    see(&mut console, "state", "电话离线")?;
    console.tell("click", json!({"id": "quick-menu"}))?;
    console.tell("see", json!({"role": "menuitem", "text": "退出登录"}))?;
    console.tell("gone", json!({"role": "menuitem", "text": "设备检测"})).map(drop)
}
