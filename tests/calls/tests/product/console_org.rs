//! The settings of the organisation in the console, in Chromium against the real binary; and the ways to sign in.

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{Centre, PATIENCE, click, fill, see_text};

/// What an administrator gives, and what the employee chooses.
const INITIAL: &str = "first-one-1";
const CHOSEN: &str = "chosen-one-2";

pub(crate) fn click_in_row(console: &mut Browser, row: &str, button: &str) -> Result<()> {
    console.tell("click_in_row", json!({"row": row, "name": button})).map(drop)
}

/// The ID of what has this name in a list.
fn id_of(centre: &Centre, list: &str, name: &str) -> Result<String> {
    let items = centre.server.api()?.list(list)?;
    let found = items.iter().find(|item| item["name"] == name).with_context(|| format!("no {name} in {items:?}"))?;
    Ok(found["id"].as_str().unwrap_or_default().to_owned())
}

/// An employee whom the API makes, with [`INITIAL`] as password.
fn hire(centre: &Centre, number: &str, mobile: &str, role: &str) -> Result<()> {
    let api = centre.server.api()?;
    let department = api.list("departments")?.remove(0)["id"].clone();
    let employee = json!({"number": number, "name": format!("Employee {number}"), "password": INITIAL, "mobile": mobile,
        "role": id_of(centre, "roles", role)?, "department": department});
    let made = api.post("employees", &employee)?;
    ensure!(made.status == 201, "{}", made.json());
    Ok(())
}

/// Signs in with the initial password: another one has to be chosen, and nothing else is shown before (LOGIN-05).
fn choose_password(console: &mut Browser, login: &str) -> Result<()> {
    try_password(console, login, INITIAL)?;
    see_text(console, "首次登录须修改初始密码")?;
    console.tell("gone", json!({"role": "menuitem", "text": "工作桌面"}))?;
    fill(console, "原密码", INITIAL)?;
    fill(console, "新密码", "letters-only")?;
    fill(console, "再次输入新密码", "letters-only")?;
    click(console, "button", "保存")?;
    console.tell("see", json!({"role": "alert", "text": "至少包含一个字母和一个数字"}))?;
    fill(console, "新密码", CHOSEN)?;
    fill(console, "再次输入新密码", CHOSEN)?;
    click(console, "button", "保存")?;
    see_text(console, "密码已修改，请用新密码登录")?;
    console.tell("sign_in", json!({"login": login, "password": CHOSEN})).map(drop)
}

fn try_password(console: &mut Browser, login: &str, password: &str) -> Result<()> {
    fill(console, "用户名 / 工号", login)?;
    fill(console, "密码", password)?;
    console.tell("click", json!({"role": "button", "text": "登录"})).map(drop)
}

/// A second administrator's console: whoever asks the API is signed in as the first one.
fn administrator(centre: &Centre) -> Result<Browser> {
    hire(centre, "20001", "13700137000", "Administrator")?;
    let mut console = centre.console()?;
    click_text(&mut console, "暂不签入")?;
    choose_password(&mut console, "20001")?;
    Ok(console)
}

fn click_text(console: &mut Browser, text: &str) -> Result<()> {
    console.tell("click", json!({"text": text})).map(drop)
}

/// Proves GEN-13 (for employees), and LOGIN-05 as the console shows it.
#[test]
fn who_is_made_in_the_console_signs_in_and_chooses_a_password() -> Result<()> {
    let centre = Centre::open()?;
    let mut boss = administrator(&centre)?;
    boss.tell("go", json!({"path": "/employees"}))?;
    click(&mut boss, "button", "新建员工")?;
    boss.tell("see", json!({"role": "dialog", "text": "初始密码"}))?;
    let required = boss.tell("required", json!({}))?;
    ensure!(required == json!(["姓名", "工号", "初始密码", "手机号码", "角色", "部门"]), "{required}");
    click(&mut boss, "button", "保存")?;
    see_text(&mut boss, "请输入姓名")?;
    see_text(&mut boss, "工号为 10000 至 99999999 的整数，保存后不能更改")?;

    boss.tell("fill_in_dialog", json!({"into": "姓名", "text": "李明"}))?;
    boss.tell("fill_in_dialog", json!({"into": "工号", "text": "20002"}))?;
    boss.tell("fill_in_dialog", json!({"into": "初始密码", "text": INITIAL}))?;
    // What only the server knows is said at the field, too: somebody has this mobile.
    boss.tell("fill_in_dialog", json!({"into": "手机号码", "text": "137 0013 7000"}))?;
    boss.tell("choose", json!({"label": "角色", "option": "Agent"}))?;
    let root = centre.server.api()?.list("departments")?.remove(0)["name"].clone();
    boss.tell("choose", json!({"label": "部门", "option": root}))?;
    click(&mut boss, "button", "保存")?;
    see_text(&mut boss, "此手机号码已被其他员工使用")?;
    let people = centre.server.api()?.list("employees")?;
    ensure!(people.iter().all(|one| one["number"] != "20002"), "{people:?}");
    boss.tell("fill_in_dialog", json!({"into": "手机号码", "text": "13700137002"}))?;
    click(&mut boss, "button", "保存")?;
    boss.tell("see", json!({"role": "row", "text": "李明"}))?;
    let made = centre.server.api()?.get("employees/20002")?;
    ensure!(made["mobile"] == "13700137002" && made["agent"]["after_call"] == "wrap_up", "{made}");

    let mut employee = centre.console()?;
    click_text(&mut employee, "暂不签入")?;
    choose_password(&mut employee, "20002")?;
    employee.tell("see", json!({"role": "menuitem", "text": "工作桌面"})).map(drop)
}

/// Proves LOGIN-06 as the console shows it: five wrong passwords lock, an administrator unlocks in the list of employees.
#[test]
fn five_wrong_passwords_lock_an_account_until_it_is_unlocked_in_the_list() -> Result<()> {
    let centre = Centre::open()?;
    let mut console = centre.console()?;
    for _ in 0..5 {
        try_password(&mut console, "10001", "wrong")?;
        // The button is free again when the answer is there.
        console.tell("see", json!({"role": "alert", "text": "连续输错 5 次密码"}))?;
        console.tell("gone", json!({"role": "button", "name": "loading 登录"}))?;
    }
    ensure!(centre.server.api()?.get("employees/10001")?["locked_at"].is_string(), "he is not locked");
    try_password(&mut console, "10001", PASSWORD)?;
    console.tell("see", json!({"role": "alert", "text": "需管理员解锁"}))?;
    console.tell("gone", json!({"role": "button", "name": "loading 登录"}))?;

    let mut boss = administrator(&centre)?;
    boss.tell("go", json!({"path": "/employees"}))?;
    boss.tell("see", json!({"role": "row", "text": "已锁定"}))?;
    click_in_row(&mut boss, "10001", "解锁")?;
    see_text(&mut boss, "已解锁")?;
    ensure!(centre.server.api()?.get("employees/10001")?["locked_at"].is_null(), "he is still locked");
    console.tell("sign_in", json!({"login": "10001", "password": PASSWORD})).map(drop)
}

fn roles(centre: &Centre) -> Result<Vec<Value>> {
    centre.server.api()?.list("roles")
}

fn has_role(centre: &Centre, name: &str) -> Result<bool> {
    Ok(roles(centre)?.iter().any(|role| role["name"] == name))
}

/// Proves GEN-12 (for roles), ORG-35, and ORG-36 as the console shows it.
#[test]
fn a_role_is_found_by_name_changed_and_deleted_after_a_dialog() -> Result<()> {
    let centre = Centre::open()?;
    for name in ["Clerk", "Leader"] {
        let made = centre.server.api()?.post("roles", &json!({"name": name}))?;
        ensure!(made.status == 201, "{}", made.json());
    }
    let mut boss = administrator(&centre)?;
    boss.tell("go", json!({"path": "/roles"}))?;
    boss.tell("see", json!({"role": "row", "text": "Leader"}))?;
    fill(&mut boss, "按角色名称查询", "cle")?;
    boss.tell("gone", json!({"role": "row", "text": "Leader"}))?;
    click_in_row(&mut boss, "Clerk", "编辑")?;
    boss.tell("fill_in_dialog", json!({"into": "角色名称", "text": "Clerk of orders"}))?;
    click(&mut boss, "button", "保存")?;
    boss.tell("see", json!({"role": "row", "text": "Clerk of orders"}))?;
    ensure!(has_role(&centre, "Clerk of orders")?, "{:?}", roles(&centre)?);

    click_in_row(&mut boss, "Clerk of orders", "删除")?;
    boss.tell("see", json!({"role": "dialog", "text": "删除“Clerk of orders”？"}))?;
    click(&mut boss, "button", "取消")?;
    boss.tell("gone", json!({"role": "dialog"}))?;
    ensure!(has_role(&centre, "Clerk of orders")?, "it went though the dialog was cancelled");
    click_in_row(&mut boss, "Clerk of orders", "删除")?;
    click(&mut boss, "button", "确定")?;
    see_text(&mut boss, "“Clerk of orders”已删除")?;
    ensure!(!has_role(&centre, "Clerk of orders")?, "{:?}", roles(&centre)?);

    fill(&mut boss, "按角色名称查询", "Agent")?;
    click_in_row(&mut boss, "Agent", "删除")?;
    click(&mut boss, "button", "确定")?;
    see_text(&mut boss, "有 3 名员工（含离职）使用该角色")?;
    ensure!(has_role(&centre, "Agent")?, "{:?}", roles(&centre)?);
    Ok(())
}

/// Who changes what somebody else has changed meanwhile is told so, and overwrites nothing.
#[test]
fn two_who_change_a_role_at_once_do_not_overwrite_each_other() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    let made = api.post("roles", &json!({"name": "Clerk"}))?.json();
    let path = format!("roles/{}", made["id"].as_str().unwrap_or_default());
    let mut boss = administrator(&centre)?;
    boss.tell("go", json!({"path": "/roles"}))?;
    click_in_row(&mut boss, "Clerk", "编辑")?;
    boss.tell("fill_in_dialog", json!({"into": "角色描述", "text": "mine"}))?;
    let theirs = json!({"name": "Clerk", "description": "theirs", "permissions": ["agents.read"]});
    ensure!(api.put(&path, &theirs)?.status == 200, "{theirs}");
    click(&mut boss, "button", "保存")?;
    see_text(&mut boss, "其他人已修改此数据")?;
    ensure!(api.get(&path)?["description"] == "theirs", "{}", api.get(&path)?);
    click(&mut boss, "button", "重新加载")?;
    wait::until("what the other one wrote", PATIENCE, || {
        Ok((boss.tell("value", json!({"label": "角色描述"}))? == "theirs").then_some(()))
    })?;
    boss.tell("fill_in_dialog", json!({"into": "角色描述", "text": "both"}))?;
    click(&mut boss, "button", "保存")?;
    boss.tell("gone", json!({"role": "dialog"}))?;
    let role = api.get(&path)?;
    ensure!(role["description"] == "both" && role["permissions"] == json!(["agents.read"]), "{role}");
    Ok(())
}

/// The code of the last message.
fn code(centre: &Centre) -> Result<String> {
    let text = std::fs::read_to_string(centre.server.folder().join("sms.jsonl")).context("no message was sent")?;
    let last: Value = serde_json::from_str(text.lines().last().context("no message was sent")?)?;
    Ok(last["parameters"]["code"].as_str().context("no code")?.to_owned())
}

/// Proves LOGIN-01, LOGIN-03 and LOGIN-04 (no password before one has joined) as the console shows them.
#[test]
fn the_first_sign_in_is_by_a_code_and_joins_an_enterprise() -> Result<()> {
    let centre = Centre::open_with("[sms]\ndriver = \"file\"\noutbox = \"sms.jsonl\"\n")?;
    hire(&centre, "20002", "13900139000", "Agent")?;
    let mut console = centre.console()?;
    click_text(&mut console, "暂不签入")?;
    try_password(&mut console, "20002", INITIAL)?;
    console.tell("see", json!({"role": "alert", "text": "首次登录请使用短信登录并加入企业"}))?;

    click_text(&mut console, "短信登录")?;
    click_text(&mut console, "暂不签入")?;
    fill(&mut console, "手机号码", "139 0013 9000")?;
    click(&mut console, "button", "获取验证码")?;
    console.tell("see", json!({"role": "button", "text": "秒后重发"}))?;
    ensure!(
        console.tell("is_disabled", json!({"role": "button", "text": "秒后重发"}))? == true,
        "it may be sent again"
    );
    let code = code(&centre)?;
    let wrong = format!("{:06}", (code.parse::<u32>()? + 1) % 1_000_000);
    fill(&mut console, "验证码", &wrong)?;
    click(&mut console, "button", "登录")?;
    console.tell("see", json!({"role": "alert", "text": "验证码错误"}))?;
    fill(&mut console, "验证码", &code)?;
    // By its text: the icon that turned may still be on its way out, and is part of the name until then.
    console.tell("click", json!({"role": "button", "text": "登录"}))?;
    let name = centre.server.api()?.list("tenants")?.remove(0)["name"].as_str().unwrap_or_default().to_owned();
    click(&mut console, "button", &format!("加入企业 {name}"))?;
    console.tell("see", json!({"role": "menuitem", "text": "工作桌面"})).map(drop)
}

/// Proves LOGIN-03 for whom nobody has invited, as the console shows it.
#[test]
fn a_mobile_that_nobody_invited_joins_nothing() -> Result<()> {
    let centre = Centre::open_with("[sms]\ndriver = \"file\"\noutbox = \"sms.jsonl\"\n")?;
    let mut console = centre.console()?;
    click_text(&mut console, "短信登录")?;
    fill(&mut console, "手机号码", "13900139001")?;
    click(&mut console, "button", "获取验证码")?;
    console.tell("see", json!({"role": "button", "text": "秒后重发"}))?;
    fill(&mut console, "验证码", &code(&centre)?)?;
    click(&mut console, "button", "登录")?;
    console.tell("see", json!({"role": "alert", "text": "没有企业邀请此手机号码，请联系管理员"})).map(drop)
}

/// A token is shown once, lets in with what it was given, and no more when it is revoked.
#[test]
fn a_token_is_shown_once_and_revoked_at_once() -> Result<()> {
    let centre = Centre::open()?;
    let mut boss = administrator(&centre)?;
    boss.tell("go", json!({"path": "/tokens"}))?;
    click(&mut boss, "button", "新建令牌")?;
    boss.tell("fill_in_dialog", json!({"into": "名称", "text": "wallboard"}))?;
    click(&mut boss, "checkbox", "全部权限")?;
    click(&mut boss, "button", "保存")?;
    let secret = boss.tell("value", json!({"id": "secret"}))?.as_str().unwrap_or_default().to_owned();
    let api = Api::new(centre.server.http()).with_token(&secret);
    ensure!(api.get("session")?["login"] == "token:wallboard", "{}", api.get("session")?);
    click(&mut boss, "button", "关闭")?;
    boss.tell("gone", json!({"id": "secret"}))?;
    click_in_row(&mut boss, "wallboard", "撤销")?;
    click(&mut boss, "button", "确定")?;
    boss.tell("gone", json!({"role": "row", "text": "wallboard"}))?;
    let refused = api.fetch("session", None)?;
    ensure!(refused.status == 401, "{}", refused.json());
    Ok(())
}
