//! Telephony set up in the console, in Chromium against the real binary: from an empty data folder to a call, and a flow that is drawn,
//! published and called.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::digest::Hash;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

use crate::console::{AGENT_HZ, Caller, Centre, PATIENCE, click, fill, hears_caller, open_console, see, see_text};

/// Buttons with an icon are found by their text: an icon has a name of its own.
fn press(console: &mut Browser, text: &str) -> Result<()> {
    console.tell("click", json!({"role": "button", "text": text})).map(drop)
}

/// Picks one of what a field offers.
fn pick(console: &mut Browser, label: &str, option: &str) -> Result<()> {
    console.tell("pick", json!({"label": label, "option": option})).map(drop)
}

/// What the carrier answers to a REGISTER: `None` asks for a password and takes what is then said.
type Registers = Option<&'static str>;

/// Tests the trunk from its page; the carrier answers what comes.
fn test_trunk(console: &mut Browser, line: &mut Phone, registers: Registers) -> Result<()> {
    press(console, "立即测试")?;
    answer(line, &["OPTIONS", "REGISTER"], registers)
}

/// The carrier answers OPTIONS by 200 and REGISTER as it is told, until each of these has come to its end.
fn answer(line: &mut Phone, all: &[&str], registers: Registers) -> Result<()> {
    let mut left = all.to_vec();
    while !left.is_empty() {
        let asked = line.expect_one_of(&["OPTIONS", "REGISTER"])?;
        let (method, is_signed) = (asked.name(), !asked.all("Authorization").is_empty());
        match registers {
            Some(refusal) if method == "REGISTER" => line.reply(&asked, refusal, "")?,
            None if method == "REGISTER" && !is_signed => {
                line.reply_with(&asked, "401 Unauthorized", &[CHALLENGE], "")?;
                continue;
            }
            Some(_) | None => line.reply_with(&asked, "200 OK", &["Expires: 300"], "")?,
        }
        left.retain(|one| *one != method);
    }
    Ok(())
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"a-nonce\", algorithm=MD5, qop=\"auth\"";

/// Signs in with the password that the first start made up, chooses another one, and signs in with that (LOGIN-05).
fn first_sign_in(console: &mut Browser, server: &Switchboard) -> Result<()> {
    let told = std::fs::read_to_string(server.data().join("first-login.txt"))?;
    let first = told.lines().find_map(|line| line.strip_prefix("password: ")).context("no first password")?;
    fill(console, "用户名 / 工号", "admin")?;
    fill(console, "密码", first)?;
    press(console, "登录")?;
    fill(console, "原密码", first)?;
    fill(console, "新密码", PASSWORD)?;
    fill(console, "再次输入新密码", PASSWORD)?;
    click(console, "button", "保存")?;
    see_text(console, "密码已修改，请用新密码登录")?;
    console.tell("sign_in", json!({"login": "admin", "password": PASSWORD})).map(drop)
}

/// Proves ORG-38: an empty data folder ends in calls, and nobody touches a file: the administrator chooses a password, the enterprise and he
/// are named, a phone registers with what the console shows, the trunk registers, or says why not, the number is answered by a flow that
/// rings that phone, and the browser itself makes a call and hears it.
#[test]
fn an_empty_centre_is_set_up_in_the_console_to_its_first_calls() -> Result<()> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let rtp = format!("browsers = \"127.0.0.1:{}\"\n", ports.one()?);
    let environment = vec![("SWITCHBOARD_DEMO_PASSWORD".to_owned(), String::new())];
    let server = Switchboard::start_on(ports, Setup { rtp, environment, ..Setup::default() })?;
    let mut line = Phone::udp_at(carrier, "13800138000", server.sip())?;
    let mut console = open_console(&server, AGENT_HZ)?;
    first_sign_in(&mut console, &server)?;

    // Nobody asked for it: the centre is empty.
    see_text(&mut console, "按步骤完成首次设置")?;
    fill(&mut console, "企业名称", "示例企业")?;
    click(&mut console, "button", "保存并继续")?;

    fill(&mut console, "姓名", "王管理")?;
    fill(&mut console, "手机号码", "13900139000")?;
    fill(&mut console, "邮箱", "admin@example.com")?;
    click(&mut console, "button", "保存并继续")?;

    fill(&mut console, "分机号", "1004")?;
    press(&mut console, "新建分机")?;
    let password = console.tell("text", json!({"id": "secret"}))?;
    let password = password.as_str().context("no password is shown")?.to_owned();
    click(&mut console, "button", "确定")?;
    let mut phone = Phone::udp(server.ports(), "1004", server.sip())?;
    phone.register(&password, Hash::Sha256)?;
    see_text(&mut console, "在线 1 台")?;
    click(&mut console, "button", "下一步")?;

    fill(&mut console, "服务器", &carrier.ip().to_string())?;
    fill(&mut console, "端口", &carrier.port().to_string())?;
    fill(&mut console, "用户名", "switch")?;
    fill(&mut console, "密码", "trunk-secret")?;
    fill(&mut console, "来电地址", &carrier.ip().to_string())?;
    console.tell("press", json!({"key": "Enter"}))?;
    console.tell("click", json!({"label": "向运营商注册"}))?;
    click(&mut console, "button", "保存并测试")?;
    // It registers by itself at once, and is refused.
    answer(&mut line, &["REGISTER"], Some("403 Forbidden"))?;
    test_trunk(&mut console, &mut line, Some("403 Forbidden"))?;
    console.tell("see", json!({"id": "trunk-test", "text": "REGISTER 403 Forbidden"}))?;
    test_trunk(&mut console, &mut line, None)?;
    console.tell("see", json!({"id": "trunk-test", "text": "REGISTER 200 OK"}))?;
    click(&mut console, "button", "下一步")?;

    fill(&mut console, "被叫号码", "861012345678")?;
    console.tell("click", json!({"text": "总机"}))?;
    pick(&mut console, "转到: 类型", "分机")?;
    fill(&mut console, "转到", "1004")?;
    click(&mut console, "button", "保存并继续")?;
    console.tell("see", json!({"role": "button", "text": "拨打测试电话"}))?;
    is_greeted_and_rings(&mut line, "861012345678", &mut phone)?;

    press(&mut console, "拨打测试电话")?;
    console.tell("see", json!({"id": "test-call"}))?;
    hears_caller(&mut console)?;
    press(&mut console, "结束测试")?;
    console.tell("gone", json!({"id": "test-call"}))?;
    click(&mut console, "button", "下一步")?;
    see_text(&mut console, "设置完成")?;
    is_all_set_up(&server.api()?)
}

fn is_all_set_up(api: &Api) -> Result<()> {
    let tenant = api.get("tenants/default")?;
    ensure!(tenant["name"] == "示例企业", "{tenant}");
    let admin = api.get("me")?;
    ensure!(admin["name"] == "王管理" && admin["email"] == "admin@example.com", "{admin}");
    ensure!(admin["mobile"] == "13900139000", "{admin}");
    let status = api.get("trunks/carrier/status")?;
    ensure!(!status["registration"]["registered_until"].is_null(), "{status}");
    let (flow, route) = (api.get("flows/main-number")?, api.get("routes/main-number")?);
    ensure!(flow["published"] == 1 && flow["problems"] == json!([]), "{flow}");
    ensure!(route["to"] == "flow:main-number", "{route}");
    Ok(())
}

/// A call from outside is answered by the flow, which rings the phone whose extension is dialled, and is given up.
fn is_greeted_and_rings(line: &mut Phone, number: &str, phone: &mut Phone) -> Result<()> {
    let mut call = line.dialog_to(number);
    let media = SocketAddr::new(line.local().ip(), 9);
    line.invite(&mut call, None, &sdp::audio(media, "0", &[]))?;
    let ok = line.expect("200 INVITE")?;
    line.ack(&mut call, &ok, "")?;
    for key in "1004#".chars() {
        let body = format!("Signal={key}\nDuration=160\n");
        line.request(&mut call, "INFO", &["Content-Type: application/dtmf-relay"], &body)?;
        line.expect("200 INFO")?;
    }
    let invite = phone.expect_within("INVITE", crate::console::PATIENCE)?;
    phone.reply(&invite, "180 Ringing", "")?;
    line.hang_up(&mut call)?;
    phone.expect("CANCEL").map(drop)
}

fn saved(console: &mut Browser) -> Result<()> {
    see(console, "saving", "草稿已保存")
}

/// What is drawn is checked while one draws, tried without a phone, published, and walked by a call.
#[test]
fn a_flow_is_drawn_in_the_console_published_and_called() -> Result<()> {
    let centre = Centre::open()?;
    let mut phone = Phone::udp(centre.server.ports(), "1001", centre.server.sip())?;
    phone.register(PASSWORD, Hash::Sha256)?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
    console.tell("go", json!({"path": "/settings/flows"}))?;
    press(&mut console, "新建流程")?;
    fill(&mut console, "名称", "greeting")?;
    click(&mut console, "button", "保存")?;

    // A step that nothing leads to, and that leads nowhere: each problem stands at it. Undone, it is gone.
    press(&mut console, "添加节点")?;
    console.tell("click", json!({"role": "menuitem", "text": "播放语音"}))?;
    console.tell("see", json!({"role": "button", "name": "play, 播放语音, 有问题"}))?;
    see_text(&mut console, "有出口未连接")?;
    click(&mut console, "button", "撤销 (Ctrl+Z)")?;
    console.tell("gone", json!({"role": "button", "name": "play, 播放语音, 有问题"}))?;

    click(&mut console, "button", "welcome, 播放语音, 开始节点")?;
    pick(&mut console, "下一步 的下一节点", "+ 新建：转分机")?;
    console.tell("see", json!({"role": "button", "name": "extension, 转分机"}))?;
    saved(&mut console)?;
    press(&mut console, "模拟")?;
    press(&mut console, "开始模拟")?;
    see(&mut console, "simulated", "呼叫分机 1001")?;
    press(&mut console, "发布")?;
    see_text(&mut console, "已发布为版本 1")?;

    let route = json!({"direction": "inbound", "did": "8610", "to": "flow:greeting"});
    // The console's sign-in has ended the session that the test had.
    let api = Api::new(centre.server.http()).sign_in("admin", PASSWORD)?;
    let led = api.put("routes/centre", &route)?;
    ensure!(led.status == 200, "{}", led.json());
    let mut caller = Caller::call(&centre)?;
    let invite = phone.expect_within("INVITE", PATIENCE)?;
    ensure!(invite.header("From").contains("13800138000"), "{}", phone.told());
    caller.phone.hang_up(&mut caller.call)?;
    shows_the_way(&mut console, &api)
}

/// The record of the call tells the way through the flow, and so does its page, which leads to what was drawn.
fn shows_the_way(console: &mut Browser, api: &Api) -> Result<()> {
    let id = wait::until("the record of the call", PATIENCE, || {
        let records = api.list("call-records")?;
        Ok(records
            .iter()
            .find(|record| record["ended_at"].is_string())
            .and_then(|it| it["id"].as_str().map(str::to_owned)))
    })?;
    let way = api.get(&format!("call-records/{id}"))?["flow_path"].clone();
    let of = |at: usize| (way[at]["node"].clone(), way[at]["exit"].clone(), way[at]["version"].clone());
    ensure!(of(0) == (json!("welcome"), json!("next"), json!(1)), "{way}");
    ensure!(of(1) == (json!("extension"), Value::Null, json!(1)) && way[2].is_null(), "{way}");

    // The test's sign-in has ended the console's session.
    console.tell("go", json!({"path": "/"}))?;
    console.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
    console.tell("go", json!({"path": format!("/call-records/{id}")}))?;
    see(console, "flow-path", "welcome · 播放语音")?;
    see(console, "flow-path", "extension · 转分机")?;
    click(console, "link", "greeting")?;
    console.tell("see", json!({"role": "button", "name": "extension, 转分机"})).map(drop)
}

/// An employee whose role has `telephony.admin` alone.
fn telephonist(api: &Api, server: SocketAddr) -> Result<()> {
    let role = json!({"name": "telephony", "permissions": ["telephony.admin"], "data": {"scope": "all"}});
    let role = made(api.post("roles", &role)?)?;
    let root = api.get("departments")?["items"][0]["id"].clone();
    let employee = json!({
        "number": "10010", "name": "线路管理员", "password": "begin1234", "mobile": "13800000010",
        "role": role["id"], "department": root,
    });
    made(api.post("employees", &employee)?)?;
    let changed = Api::new(server)
        .sign_in("10010", "begin1234")?
        .post("session/password", &json!({"old_password": "begin1234", "new_password": PASSWORD}))?;
    ensure!(changed.status < 300, "{}", changed.json());
    Ok(())
}

fn made(answer: calls::api::Answer) -> Result<Value> {
    ensure!(answer.status == 201, "{}", answer.json());
    Ok(answer.json())
}

/// Proves QUEUE-08.
#[test]
fn telephony_is_set_up_below_settings_with_telephony_admin_alone() -> Result<()> {
    let centre = Centre::open()?;
    telephonist(&centre.server.api()?, centre.server.http())?;
    let mut console = centre.console()?;
    console.tell("sign_in", json!({"login": "10010", "password": PASSWORD}))?;
    console.tell("click", json!({"role": "menuitem", "name": "setting 设置"}))?;
    for (page, add) in [
        ("技能组设置", "新建技能组"),
        ("中继线路", "新建中继"),
        ("号码与路由", "新建路由"),
        ("语音流程", "新建流程"),
        ("营业时间", "新建营业时间"),
        ("语音文件", "新建语音"),
    ] {
        console.tell("click", json!({"role": "menuitem", "text": page}))?;
        console.tell("see", json!({"role": "button", "text": add}))?;
        ensure!(console.tell("is_wide", json!({}))? == false, "{page} scrolls to the side");
    }
    console.tell("gone", json!({"role": "menuitem", "text": "分机设置"}))?;
    // An agent's role has none of it.
    let mut agent = centre.console()?;
    agent.tell("sign_in", json!({"login": "10001", "password": PASSWORD}))?;
    agent.tell("see", json!({"role": "menuitem", "text": "未接来电"}))?;
    agent.tell("gone", json!({"role": "menuitem", "name": "setting 设置"}))?;
    Ok(())
}
