//! A valid body for each operation that takes one.

use serde_json::{Value, json};

use super::plant::Things;

/// What is sent.
pub(super) enum Sent {
    /// No body.
    Nothing,
    /// JSON.
    Json(Value),
    /// A file of this type.
    File(&'static str, Vec<u8>),
}

/// Who writes: what he writes into free texts, and a number that nothing has so far.
pub(super) struct Writer<'w> {
    pub(super) canary: &'w str,
    pub(super) secret: &'w str,
    pub(super) n: u32,
}

impl Writer<'_> {
    /// A name that nothing has so far.
    fn name(&self) -> String {
        format!("new-{}", self.n)
    }

    fn text(&self, of: &str) -> String {
        format!("{} {of} {}", self.canary, self.n)
    }

    /// One outside that nothing has so far.
    fn number(&self) -> String {
        format!("139{:08}", self.n)
    }
}

/// The query that an operation cannot do without.
pub(super) fn query(operation: &str, writer: &Writer<'_>) -> String {
    let n = writer.n;
    match operation {
        "create_prompt" => format!("?language=en&name=said-{n}&description={}", writer.canary),
        "start_import" => "?module=blocks&name=numbers.csv".to_owned(),
        _ => String::new(),
    }
}

/// The body of an operation by its ID, with references to what is `of` a tenant. A new operation is added here.
pub(super) fn body(operation: &str, writer: &Writer<'_>, of: &Things) -> Sent {
    if let Some(json) = people(operation, writer, of)
        .or_else(|| telephony(operation, writer, of))
        .or_else(|| lines(operation, writer, of))
        .or_else(|| calls(operation, of))
        .or_else(|| rest(operation, writer, of))
    {
        return Sent::Json(json);
    }
    match operation {
        "replace_employee_avatar" | "replace_my_avatar" => Sent::File("image/png", png(writer.canary)),
        "create_prompt" | "replace_prompt_audio" => Sent::File("audio/wav", wav()),
        "start_import" => Sent::File("application/octet-stream", format!("number\n{}\n", writer.number()).into()),
        _ => panic!("{operation} takes a body that nobody has written down here"),
    }
}

fn people(operation: &str, writer: &Writer<'_>, of: &Things) -> Option<Value> {
    let rules = || json!({"extension": of.id("extensions")});
    Some(match operation {
        "create_agent" => json!({"agent": of.id("spare"), "rules": rules()}),
        "change_agent" => rules(),
        "force_state" => json!({"force": "ready"}),
        "pick_state" => json!({"state": "ready"}),
        "sign_in_by_mobile" => json!({"mobile": writer.number()}),
        "sign_in_agent" => json!({"extension": of.id("extensions"), "way": "desk"}),
        "create_department" => json!({
            "name": writer.text("department"), "parent": of.id("departments"), "managers": [of.id("employees")],
        }),
        "change_department" => json!({"name": writer.text("department"), "managers": [of.id("employees")]}),
        "create_employee" => json!({
            "number": format!("{}", 60_000 + writer.n), "name": writer.text("name"), "nickname": writer.text("nick"),
            "email": format!("{}@example.com", writer.canary), "mobile": writer.number(), "password": writer.secret,
            "login": format!("login-{}", writer.n), "role": of.id("roles"), "department": of.id("departments"),
            "agent": rules(),
        }),
        "change_employee" => json!({"name": writer.text("name"), "role": of.id("roles"), "agent": rules()}),
        "move_employee" => json!({"department": of.id("departments")}),
        "give_password" => json!({"password": writer.secret}),
        "set_status" => json!({"status": "in_service"}),
        "change_me" => json!({"nickname": writer.text("me")}),
        "send_mobile_code" => json!({"mobile": writer.number()}),
        "create_role" | "replace_role" => json!({
            "name": writer.text("role"), "description": writer.text("about"), "permissions": ["call_records.read"],
            "data": {"scope": "departments", "own": true, "departments": [of.id("departments")]},
        }),
        "create_token" => json!({
            "name": writer.text("token"), "permissions": ["call_records.read"],
            "data": {"scope": "departments", "own": false, "departments": [of.id("departments")]},
        }),
        "make_sip_credential" => json!({"extension": of.id("extensions")}),
        _ => return None,
    })
}

fn telephony(operation: &str, writer: &Writer<'_>, of: &Things) -> Option<Value> {
    let handling = || {
        json!({"forward_busy": of.id("other-extensions"), "voicemail_greeting": of.id("prompt-names"),
            "voicemail_email": format!("{}@example.com", writer.canary)})
    };
    let prompt = || of.id("prompt-names");
    let rules = || {
        let prompt = prompt();
        json!({
            "members": [{"agent": of.id("agents"), "level": 1}], "overflow": [format!("queue:{}", of.id("other-queues"))],
            "survey": of.id("surveys"), "music": prompt, "welcome": prompt, "agent_announcement": prompt,
            "recording_announcement": prompt, "voicemail_greeting": prompt,
            "voicemail_email": format!("{}@example.com", writer.canary),
        })
    };
    let question = || {
        json!({"prompt": [prompt()], "options": [
            {"key": "1", "label": writer.text("good")}, {"key": "2", "label": writer.text("bad")}]})
    };
    Some(match operation {
        "create_extension" => json!({
            "number": format!("{}", 4_000 + writer.n), "display_name": writer.text("phone"), "password": writer.secret,
            "handling": handling(),
        }),
        "change_extension" => json!({"display_name": writer.text("phone"), "handling": handling()}),
        "renew_extension_password" => json!({"password": writer.secret}),
        "save_flow" => json!({
            "title": writer.text("flow"), "start": "hello",
            "nodes": {
                "hello": {"step": "play", "prompts": [prompt()], "next": "ring"},
                "ring": {"step": "extension", "number": of.id("extensions"), "failed": "wait"},
                "wait": {"step": "queue", "queue": of.id("queues"), "max_wait": "end", "nobody": "end"},
                "end": {"step": "hang_up"},
            },
        }),
        "simulate_flow" => json!({"keys": "1", "at": "2026-11-23T10:00:00+08:00"}),
        "create_hours" => json!({"name": writer.name(), "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}}),
        "replace_hours" => json!({"zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}}),
        "change_prompt" => json!({"description": writer.text("prompt")}),
        "create_queue" => json!({"name": writer.name(), "rules": rules()}),
        "change_queue" => rules(),
        "create_room" => {
            json!({"number": format!("{}", 8_500 + writer.n), "name": writer.text("room"), "pin": "13572468"})
        }
        "change_room" => json!({"name": writer.text("room")}),
        "create_survey" => json!({"name": writer.name(), "question": question(), "thanks": [prompt()]}),
        "replace_survey" => json!({"question": question(), "thanks": [prompt()]}),
        _ => return None,
    })
}

fn lines(operation: &str, writer: &Writer<'_>, of: &Things) -> Option<Value> {
    let prompt = || of.id("prompt-names");
    let closed = || {
        json!({"prompt": prompt(), "holiday_prompt": prompt(),
            "to": format!("voicemail:queue:{}", of.id("queues"))})
    };
    Some(match operation {
        "create_route" => json!({
            "name": writer.name(), "direction": "inbound", "did": writer.number(), "trunk": of.id("trunks"),
            "to": format!("queue:{}", of.id("queues")), "hours": of.id("hours"), "closed": closed(),
        }),
        "replace_route" => json!({
            "direction": "inbound", "did": writer.number(), "trunk": of.id("trunks"),
            "to": format!("flow:{}", of.id("flows")), "hours": of.id("hours"), "closed": closed(),
        }),
        "create_trunk" => json!({
            "name": writer.name(), "host": "192.0.2.4", "username": writer.canary, "password": writer.secret,
            "policy": {"recording_announcement": prompt()},
        }),
        "change_trunk" => json!({"username": writer.canary, "policy": {"recording_announcement": prompt()}}),
        "create_webhook" => json!({"url": "https://crm.example/", "description": writer.text("webhook")}),
        "change_webhook" => json!({"description": writer.text("webhook")}),
        "replay_webhook" => json!({"after": of.id("positions")}),
        "rotate_webhook_secret" => json!({}),
        _ => return None,
    })
}

fn calls(operation: &str, of: &Things) -> Option<Value> {
    Some(match operation {
        "originate_call" => json!({
            "from": of.id("extensions"), "record": format!("call-records/{}", of.id("call-records")),
        }),
        "join_three_way" | "consult" | "transfer_call" => json!({"to": of.id("extensions")}),
        "send_digits" => json!({"digits": "1", "leg": of.id("legs")}),
        "pick_up_call" => json!({"agent": of.id("agents")}),
        "record_call" => json!({"action": "start"}),
        "change_member" => json!({"gain_db": 1}),
        _ => return None,
    })
}

fn rest(operation: &str, writer: &Writer<'_>, of: &Things) -> Option<Value> {
    Some(match operation {
        "create_block" | "replace_block" => {
            json!({"number": writer.number(), "side": "caller", "note": writer.text("block")})
        }
        "create_caller" | "replace_caller" => json!({
            "number": writer.number(), "priority": 1, "note": writer.text("caller"), "owner": of.id("agents"),
        }),
        "change_tenant" => json!({"name": writer.text("tenant")}),
        "start_export" => json!({"module": "call_records", "query": format!("agent={}", of.id("agents"))}),
        "write_phonebook_entry" => json!({"name": writer.text("entry")}),
        _ => return None,
    })
}

/// The smallest picture, with a text in it.
fn png(text: &str) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0crc!".to_vec();
    png.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    png.extend(b"tEXt");
    png.extend(text.as_bytes());
    png.extend(b"crc!\0\0\0\0IEND\xaeB`\x82");
    png
}

/// A tenth of a second of a tone.
fn wav() -> Vec<u8> {
    crate::prompts::wav(500.0, 0.5)
}
