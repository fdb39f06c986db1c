//! What the server refuses in the console's forms: it is read in Chinese, where one sees it.

use anyhow::{Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{Centre, PATIENCE, click};
use crate::console_lists::{sign_in, supervisor};

/// It is there, and where one looks.
fn reads(console: &mut Browser, text: &str) -> Result<()> {
    console.tell("see", json!({"text": text}))?;
    wait::until("it in view", PATIENCE, || Ok((console.tell("in_view", json!({"text": text}))? == true).then_some(())))
}

fn edit(console: &mut Browser, row: &str, button: &str) -> Result<()> {
    console.tell("click_in_row", json!({"row": row, "name": button})).map(drop)
}

fn deleted(api: &Api, path: &str) -> Result<()> {
    let gone = api.delete(path)?;
    ensure!(gone.status == 204, "{path}: {}", gone.status);
    Ok(())
}

/// Who is a member of a queue and no agent any more is named in the list of members, which has no field of its own.
#[test]
fn what_is_wrong_with_a_list_is_read_at_the_list() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    let set = api.put("queues/support", &json!({"number": "7000", "members": [{"agent": "10001"}]}))?;
    ensure!(set.status == 200, "{}", set.json());
    let mut boss = supervisor(&centre, "10003")?;
    boss.tell("go", json!({"path": "/settings/queues"}))?;
    edit(&mut boss, "support", "编辑")?;
    boss.tell("pick", json!({"label": "工号", "option": "10002"}))?;
    deleted(&api, "agents/10002")?;
    click(&mut boss, "button", "保存")?;
    reads(&mut boss, "10002 不是坐席，请先将该员工设为坐席")?;
    let queue = api.get("queues/support")?;
    ensure!(queue["members"][0]["agent"] == "10001", "{queue}");

    boss.tell("pick", json!({"label": "工号", "option": "10003"}))?;
    click(&mut boss, "button", "保存")?;
    boss.tell("gone", json!({"role": "dialog"}))?;
    ensure!(api.get("queues/support")?["members"][0]["agent"] == "10003", "{}", api.get("queues/support")?);
    Ok(())
}

/// A right that is refused stands on a tab of the role, which comes to the front.
#[test]
fn what_is_wrong_on_a_tab_behind_brings_it_to_the_front() -> Result<()> {
    let centre = Centre::open()?;
    let api = centre.server.api()?;
    let root = api.list("departments")?.remove(0)["id"].clone();
    let sales = api.post("departments", &json!({"name": "Sales", "parent": root}))?.json()["id"].clone();
    let sees =
        |departments: Value| json!({"name": "Leader", "data": {"scope": "departments", "departments": departments}});
    let leader = api.post("roles", &sees(json!([sales])))?.json()["id"].clone();
    let mut boss = supervisor(&centre, "10003")?;
    boss.tell("go", json!({"path": "/roles"}))?;
    edit(&mut boss, "Leader", "复制")?;
    boss.tell("fill_in_dialog", json!({"into": "角色名称", "text": "Second leader"}))?;
    let path = |what: &str, id: &Value| format!("{what}/{}", id.as_str().unwrap_or_default());
    let changed = api.put(&path("roles", &leader), &sees(json!([])))?;
    ensure!(changed.status == 200, "{}", changed.json());
    deleted(&api, &path("departments", &sales))?;
    click(&mut boss, "button", "保存")?;
    reads(&mut boss, "部门不存在")?;
    let shown = boss.tell("attribute", json!({"role": "tab", "name": "数据权限", "attribute": "aria-selected"}))?;
    ensure!(shown == "true", "{shown}");
    Ok(())
}

/// One's own settings: a user name that somebody has, and a mobile that cannot be proved.
#[test]
fn what_is_wrong_with_ones_own_settings_is_read_in_chinese() -> Result<()> {
    let centre = Centre::open()?;
    let mut agent = sign_in(&centre, "10001")?;
    agent.tell("go", json!({"path": "/me"}))?;
    agent.tell("fill", json!({"into": "用户名", "text": "admin"}))?;
    agent.tell("click", json!({"role": "button", "text": "保存"}))?;
    reads(&mut agent, "此用户名已被使用，或是他人的工号")?;

    click(&mut agent, "button", "更换手机")?;
    agent.tell("fill_in_dialog", json!({"into": "新手机号码", "text": "13700137009"}))?;
    agent.tell("click", json!({"role": "button", "name": "确定", "within": {"role": "dialog"}}))?;
    reads(&mut agent, "新手机号码须验证，而本系统不发送短信，请联系管理员修改")
}
