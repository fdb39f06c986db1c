//! Settings saved in the console, in Chromium against the real binary: what an administrator fills in is what the server has afterwards.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::browser::Browser;
use calls::digest::Hash;
use calls::phone::Phone;
use calls::switchboard::PASSWORD;
use calls::wait;
use serde_json::{Value, json};

use crate::console::{Centre, PATIENCE, click, see_text};
use crate::console_board::program;
use crate::console_org::click_in_row;
use crate::webhook::endpoint;

/// An administrator at work, and what the server says of it.
struct Desk {
    centre: Centre,
    console: Browser,
    api: Api,
}

impl Desk {
    fn open(sections: &str) -> Result<Self> {
        let centre = Centre::open_with(sections)?;
        let api = program(&centre)?;
        let mut console = centre.console()?;
        console.tell("sign_in", json!({"login": "admin", "password": PASSWORD}))?;
        Ok(Self { centre, console, api })
    }

    fn tell(&mut self, verb: &str, what: Value) -> Result<Value> {
        self.console.tell(verb, what)
    }

    fn go(&mut self, path: &str) -> Result<()> {
        self.tell("go", json!({"path": path})).map(drop)
    }

    /// A button by its text: an icon has a name of its own.
    fn press(&mut self, text: &str) -> Result<()> {
        self.tell("click", json!({"role": "button", "text": text})).map(drop)
    }

    fn fill(&mut self, into: &str, text: &str) -> Result<()> {
        self.tell("fill_in_dialog", json!({"into": into, "text": text})).map(drop)
    }

    /// A text for a field that takes several, ended as people end it.
    fn add(&mut self, into: &str, text: &str) -> Result<()> {
        self.fill(into, text)?;
        self.tell("press", json!({"key": "Enter"})).map(drop)
    }

    fn choose(&mut self, label: &str, option: &str) -> Result<()> {
        self.tell("choose", json!({"label": label, "option": option})).map(drop)
    }

    /// Saves the form at the side, which goes when the server has taken it.
    fn save(&mut self) -> Result<()> {
        click(&mut self.console, "button", "保存")?;
        self.tell("gone", json!({"role": "dialog"})).map(drop)
    }

    fn edit(&mut self, row: &str) -> Result<()> {
        self.order(row, "编辑")
    }

    fn order(&mut self, row: &str, order: &str) -> Result<()> {
        click_in_row(&mut self.console, row, order)
    }

    /// Deletes after the question, and sees that it is gone.
    fn delete(&mut self, row: &str) -> Result<()> {
        self.order(row, "删除")?;
        self.confirm(row)
    }

    fn confirm(&mut self, row: &str) -> Result<()> {
        click(&mut self.console, "button", "确定")?;
        self.tell("gone", json!({"role": "row", "text": row})).map(drop)
    }

    fn sees_row(&mut self, text: &str) -> Result<()> {
        self.tell("see", json!({"role": "row", "text": text})).map(drop)
    }

    fn has(&self, path: &str, member: &str, value: &Value) -> Result<()> {
        let is = self.api.get(path)?;
        ensure!(is[member] == *value, "{path} has {} in {member}, not {value}: {is}", is[member]);
        Ok(())
    }

    fn is_gone(&self, path: &str) -> Result<()> {
        let answer = self.api.fetch(path, None)?;
        ensure!(answer.status == 404, "{path} is still there: {}", answer.json());
        Ok(())
    }
}

/// Proves IVR-02 and IVR-04 as far as settings are saved in the console.
#[test]
fn trunks_routes_hours_prompts_and_skills_are_saved_as_they_were_filled_in() -> Result<()> {
    let mut desk = Desk::open("")?;
    trunk(&mut desk)?;
    hours(&mut desk)?;
    route(&mut desk)?;
    prompt(&mut desk)?;
    queue_and_skill(&mut desk)
}

fn trunk(desk: &mut Desk) -> Result<()> {
    desk.go("/settings/trunks")?;
    desk.press("新建中继")?;
    desk.fill("名称", "second")?;
    desk.fill("服务器", "127.0.0.9")?;
    desk.fill("端口", "5070")?;
    desk.add("来电地址", "127.0.0.9")?;
    desk.save()?;
    desk.edit("second")?;
    desk.fill("外显号码", "+861087654321")?;
    desk.fill("呼出并发上限", "7")?;
    desk.save()?;
    desk.sees_row("+861087654321")?;
    let trunk = desk.api.get("trunks/second")?;
    let kept = json!([trunk["host"], trunk["port"], trunk["sources"], trunk["policy"]["outbound"]["calls"]]);
    ensure!(kept == json!(["127.0.0.9", 5070, ["127.0.0.9"], 7]), "{trunk}");
    desk.has("trunks/second", "caller_number", &json!("+861087654321"))?;
    desk.delete("second")?;
    desk.is_gone("trunks/second")
}

fn hours(desk: &mut Desk) -> Result<()> {
    desk.go("/settings/hours")?;
    desk.press("新建营业时间")?;
    desk.fill("名称", "office")?;
    desk.add("周一", "09:00-12:00")?;
    desk.add("周一", "13:30-18:00")?;
    desk.press("周二至周五同周一")?;
    desk.add("节假日", "2026-10-01..2026-10-07")?;
    desk.save()?;
    let hours = desk.api.get("hours/office")?;
    let times = json!(["09:00-12:00", "13:30-18:00"]);
    ensure!(hours["weekly"]["mon"] == times && hours["weekly"]["fri"] == times, "{hours}");
    ensure!(hours["weekly"]["sat"].is_null() && hours["holidays"] == json!(["2026-10-01..2026-10-07"]), "{hours}");
    desk.edit("office")?;
    desk.add("周六", "10:00-16:00")?;
    desk.save()?;
    let weekly = desk.api.get("hours/office")?["weekly"].clone();
    ensure!(weekly["sat"] == json!(["10:00-16:00"]) && weekly["tue"] == times, "{weekly}");
    Ok(())
}

/// The route of the centre obeys the hours from now on; they are not deleted then.
fn route(desk: &mut Desk) -> Result<()> {
    desk.go("/settings/routes")?;
    desk.edit("centre")?;
    desk.choose("营业时间", "office")?;
    desk.choose("非营业时转到: 类型", "分机")?;
    desk.fill("非营业时转到", "1001")?;
    desk.save()?;
    let route = desk.api.get("routes/centre")?;
    let kept = json!([route["did"], route["to"], route["hours"], route["closed"]["to"]]);
    ensure!(kept == json!(["8610", "queue:support", "office", "1001"]), "{route}");
    desk.go("/settings/hours")?;
    desk.order("office", "删除")?;
    click(&mut desk.console, "button", "确定")?;
    desk.tell("see", json!({"role": "dialog", "text": "不能删除“office”"}))?;
    desk.has("hours/office", "name", &json!("office"))
}

/// Spoken into the microphone, heard before it is saved, described and deleted.
fn prompt(desk: &mut Desk) -> Result<()> {
    desk.go("/settings/prompts")?;
    desk.press("新建语音")?;
    // As by the keyboard: what the field offers goes away, and what was typed stays.
    desk.fill("名称", "we_move")?;
    desk.tell("press", json!({"key": "Tab"}))?;
    desk.press("现在录音")?;
    see_text(&mut desk.console, "停止 00:00:01")?;
    desk.press("停止")?;
    desk.tell("see", json!({"id": "recorded"}))?;
    desk.fill("说明", "搬家通知")?;
    desk.save()?;
    desk.sees_row("搬家通知")?;
    let prompts = desk.api.list("prompts")?;
    let prompt = prompts.iter().find(|it| it["name"] == "we_move").with_context(|| format!("{prompts:?}"))?;
    let length_ms = prompt["duration_ms"].as_u64().unwrap_or_default();
    ensure!((900..5_000).contains(&length_ms), "{prompt}");
    desk.order("we_move", "收听")?;
    wait::until("the prompt in the player", PATIENCE, || {
        Ok((desk.console.tell("count", json!({"role": "button", "name": "播放"}))? == 1).then_some(()))
    })?;
    desk.tell("press", json!({"key": "Escape"}))?;
    Ok(())
}

fn queue_and_skill(desk: &mut Desk) -> Result<()> {
    desk.go("/settings/queues")?;
    desk.press("新建技能组")?;
    desk.fill("名称", "sales")?;
    desk.fill("内部号码", "7100")?;
    desk.choose("欢迎语", "we_move")?;
    desk.save()?;
    desk.has("queues/sales", "welcome", &json!("we_move"))?;
    desk.go("/settings/agents")?;
    desk.order("10003", "技能")?;
    click(&mut desk.console, "checkbox", "sales")?;
    desk.fill("sales: 等级", "4")?;
    desk.save()?;
    desk.sees_row("sales 等级 4")?;
    let members = desk.api.get("queues/sales")?["members"].clone();
    ensure!(members == json!([{"agent": "10003", "level": 4, "order": 0}]), "{members}");
    desk.go("/settings/queues")?;
    desk.order("sales", "更多")?;
    desk.tell("click", json!({"role": "menuitem", "text": "删除"}))?;
    desk.confirm("sales")?;
    desk.is_gone("queues/sales")
}

/// Proves LOG-08 as far as the console shows it.
#[test]
fn webhooks_bans_departments_roles_and_how_long_recordings_are_kept_are_saved_and_found_in_the_audit_log() -> Result<()>
{
    let mut desk = Desk::open("[webhooks]\nallowed_nets = \"127.0.0.1\"\n[limits]\nauth_failures = 3\n")?;
    webhook(&mut desk)?;
    ban(&mut desk)?;
    department_employee_and_role(&mut desk)?;
    retention_in_the_audit_log(&mut desk)
}

fn webhook(desk: &mut Desk) -> Result<()> {
    let (address, book) = endpoint()?;
    desk.go("/webhooks")?;
    desk.press("新建推送")?;
    desk.fill("推送地址", &format!("http://{address}/hooks"))?;
    desk.fill("描述", "ledger")?;
    click(&mut desk.console, "switch", "允许内网地址")?;
    click(&mut desk.console, "button", "保存")?;
    let secret = desk.tell("value", json!({"id": "secret"}))?;
    ensure!(secret.as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{secret}");
    click(&mut desk.console, "button", "关闭")?;
    desk.edit("ledger")?;
    desk.fill("描述", "day book")?;
    desk.save()?;
    let webhooks = desk.api.list("webhooks")?;
    ensure!(webhooks.len() == 1 && webhooks[0]["description"] == "day book", "{webhooks:?}");
    ensure!(webhooks[0]["allow_private"] == true && webhooks[0]["enabled"] == true, "{webhooks:?}");

    desk.order("day book", "详情")?;
    desk.press("发送测试")?;
    see_text(&mut desk.console, "推送成功")?;
    desk.tell("see", json!({"role": "row", "text": "成功"}))?;
    ensure!(!book.lock().expect("no test panics while holding it").is_empty(), "nothing came");
    desk.tell("press", json!({"key": "Escape"}))?;
    desk.tell("gone", json!({"role": "dialog"}))?;
    desk.delete("day book")?;
    ensure!(desk.api.list("webhooks")?.is_empty(), "it is still there");
    Ok(())
}

/// Somebody guesses passwords, is shown, and let in again.
fn ban(desk: &mut Desk) -> Result<()> {
    let at = SocketAddr::from(([127, 0, 0, 66], desk.centre.server.ports().one()?));
    let mut thief = Phone::udp_at(at, "1001", desk.centre.server.sip())?;
    for _ in 0..3 {
        ensure!(thief.register("guess", Hash::Sha256).is_err(), "he guessed it");
    }
    desk.go("/bans")?;
    desk.order("127.0.0.66", "解除封禁")?;
    see_text(&mut desk.console, "127.0.0.66 已解除封禁")?;
    desk.tell("gone", json!({"role": "row", "text": "127.0.0.66"}))?;
    ensure!(desk.api.list("bans")?.is_empty(), "he is still banned");
    Ok(())
}

fn department_employee_and_role(desk: &mut Desk) -> Result<()> {
    desk.go("/roles")?;
    desk.press("新建角色")?;
    desk.fill("角色名称", "Auditor")?;
    desk.fill("查找权限", "audit.read")?;
    desk.tell("click", json!({"role": "checkbox", "within": {"role": "treeitem", "text": "操作日志"}}))?;
    desk.save()?;
    let roles = desk.api.list("roles")?;
    let role = roles.iter().find(|role| role["name"] == "Auditor").with_context(|| format!("{roles:?}"))?;
    ensure!(role["permissions"] == json!(["audit.read"]), "{role}");

    desk.go("/employees")?;
    click(&mut desk.console, "button", "添加部门")?;
    desk.fill("部门名称", "Complaints")?;
    desk.save()?;
    click(&mut desk.console, "button", "部门“Complaints”的操作")?;
    desk.tell("click", json!({"role": "menuitem", "text": "编辑"}))?;
    desk.fill("部门名称", "Care")?;
    desk.save()?;
    let departments = desk.api.list("departments")?;
    let care = departments.iter().find(|it| it["name"] == "Care").with_context(|| format!("{departments:?}"))?;

    desk.edit("10003")?;
    desk.fill("姓名", "王芳")?;
    desk.choose("角色", "Auditor")?;
    desk.save()?;
    desk.sees_row("王芳")?;
    desk.has("employees/10003", "name", &json!("王芳"))?;
    desk.has("employees/10003", "role", &role["id"])?;
    click(&mut desk.console, "button", "部门“Care”的操作")?;
    desk.tell("click", json!({"role": "menuitem", "text": "删除"}))?;
    click(&mut desk.console, "button", "确定")?;
    see_text(&mut desk.console, "“Care”已删除")?;
    desk.is_gone(&format!("departments/{}", care["id"].as_str().unwrap_or_default()))
}

fn retention_in_the_audit_log(desk: &mut Desk) -> Result<()> {
    desk.go("/tenant")?;
    desk.tell("pick", json!({"label": "录音保存时间", "option": "指定天数"}))?;
    desk.tell("fill", json!({"into": "天", "text": "30"}))?;
    click(&mut desk.console, "button", "保存")?;
    see_text(&mut desk.console, "已保存")?;
    desk.has("tenants/default", "recording_keep_days", &json!(30))?;
    desk.go("/audit")?;
    desk.sees_row("recording_keep_days")?;
    desk.tell("fill", json!({"into": "操作人", "text": "somebody"}))?;
    click(&mut desk.console, "button", "查询")?;
    desk.tell("gone", json!({"role": "row", "text": "recording_keep_days"}))?;
    desk.tell("fill", json!({"into": "操作人", "text": "admin"}))?;
    click(&mut desk.console, "button", "查询")?;
    desk.tell("click", json!({"role": "row", "text": "recording_keep_days"}))?;
    desk.tell("see", json!({"role": "row", "text": "30", "within": {"role": "dialog", "text": "admin"}})).map(drop)
}
