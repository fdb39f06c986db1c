//! A day of a small centre with real phones: two agents at baresip desk phones and one by his mobile, a crowd of SIPp callers, and
//! callers through a menu, on hold, in a conference, parked, asked how it was, and at a mailbox. What each of them lived through is
//! compared afterwards with what the centre says of its day.

mod books;
mod people;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::baresip::Baresip;
use calls::chirp::Voice;
use calls::pjsua2::Pjsua2;
use calls::ports::Ports;
use calls::sipp::Sipp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

use crate::queue::{PATIENCE, order, state};
use books::Books;
use people::{Caller, MOBILE, Outside, desk};

/// The centre and its phones.
pub(crate) struct Centre {
    server: Switchboard,
    api: Api,
    carrier: SocketAddr,
    cell: SocketAddr,
    clock: Instant,
    /// Calls of [`Caller`]s so far.
    callers: usize,
}

const AGENTS: [&str; 3] = ["10001", "10002", "10003"];
/// Patient callers of the crowd, the first digits of their numbers, and how long each stays.
const PATIENT: (u32, &str, &str) = (9, "1360000000", "7000");
/// Those who come while all agents talk, and leave at once.
const HASTY: (u32, &str, &str) = (3, "1360000001", "1000");

impl Centre {
    fn open() -> Result<Self> {
        let ports = Ports::take()?;
        let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
        let cell = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
        let sections = crate::queue::trunk("carrier", carrier)
            + &crate::queue::trunk("cell", cell)
            + &format!(
                "[[provision.extension]]\nnumber = \"1004\"\npassword = \"{}\"\nvoicemail = true\n",
                calls::switchboard::PASSWORD
            );
        let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
        let api = server.api()?;
        let centre = Self { server, api, carrier, cell, clock: Instant::now(), callers: 0 };
        centre.is_set_up()?;
        Ok(centre)
    }

    fn is_set_up(&self) -> Result<()> {
        let menu = json!({
            "name": "desk", "start": "menu",
            "nodes": {
                "menu": {"step": "menu", "prompt": ["survey_invite"], "keys": {"1": "line"}, "no_choice": "bye"},
                "line": {"step": "queue", "queue": "support"},
                "bye": {"step": "hang_up", "parts": ["survey_thanks"]},
            },
        });
        let saved = self.api.put("flows/desk", &menu)?;
        ensure!(saved.status == 201 && saved.json()["problems"] == json!([]), "{}", saved.json());
        ensure!(self.api.post("flows/desk/publish", &json!({}))?.status == 200, "not published");
        for (name, did, to) in
            [("line", "8610", "queue:support"), ("menu", "8611", "flow:desk"), ("box", "8614", "1004")]
        {
            let made = self.api.post("routes", &json!({"name": name, "direction": "inbound", "did": did, "to": to}))?;
            ensure!(made.status == 201, "{}", made.json());
        }
        let mobiles = json!({"name": "mobiles", "direction": "outbound", "prefix": "13", "trunks": ["cell"]});
        ensure!(self.api.post("routes", &mobiles)?.status == 201, "no way out");
        let asked = self.api.post("surveys", &json!({"name": "service"}))?;
        ensure!(asked.status == 201, "{}", asked.json());
        let members: Vec<Value> = AGENTS.iter().map(|agent| json!({"agent": agent})).collect();
        let rules = json!({"number": "7000", "members": members, "survey": "service", "wrap_up_max_s": 1});
        let set = self.api.put("queues/support", &rules)?;
        ensure!(set.status == 200, "{}", set.json());
        Ok(())
    }

    /// The only live call.
    fn call(&self) -> Result<String> {
        let calls = self.api.get("calls")?;
        let items = calls["items"].as_array().cloned().unwrap_or_default();
        ensure!(items.len() == 1, "{calls:#}");
        Ok(items[0]["id"].as_str().context("a call without an id")?.to_owned())
    }

    fn sets(&self, agent: &str, to: &str) -> Result<()> {
        order(&self.api, &format!("agents/{agent}/state"), &json!({"state": to}))
    }

    fn waits_for_state(&self, agent: &str, wanted: &str) -> Result<()> {
        let mut last = Value::Null;
        let is_so = wait::until(&format!("{agent} to be {wanted}"), PATIENCE, || {
            last = self.api.get(&format!("agents/{agent}"))?["now"].clone();
            Ok((last["state"] == wanted && last["call_status"] == "none").then_some(()))
        });
        is_so.with_context(|| format!("{last:#}"))
    }

    fn waits_for_talk(&self, agent: &str) -> Result<()> {
        wait::until(&format!("{agent} to talk"), PATIENCE, || {
            Ok((state(&self.api, agent, "call_status")? == json!({"connected": "talking"})).then_some(()))
        })
    }

    fn orders(&self, call: &str, what: &str, body: &Value) -> Result<()> {
        order(&self.api, &format!("calls/{call}/{what}?agent=10001"), body)
    }

    /// Nine callers for three agents, and three more who do not wait.
    fn rush(&self, books: &mut Books) -> Result<()> {
        let crowd = |(calls, user, hold_ms): (u32, &str, &str)| -> Result<_> {
            let from = SocketAddr::new(self.carrier.ip(), self.server.ports().one()?);
            let sipp = Sipp::scenario(self.server.ports(), "call_queue")?.to(self.server.sip()).at(from);
            let sipp = sipp.dialling("8610").key("user", user).replacing("HOLD_MS", hold_ms).calls(calls, 2);
            sipp.with(&["-rtp_echo"]).start(self.server.folder())
        };
        let patient = crowd(PATIENT)?;
        wait::until("all agents to talk", PATIENCE, || {
            let talks = |agent| Ok(state(&self.api, agent, "call_status")? == json!({"connected": "talking"}));
            let all: Result<Vec<bool>> = AGENTS.into_iter().map(talks).collect();
            Ok(all?.into_iter().all(|talks| talks).then_some(()))
        })?;
        let hasty = crowd(HASTY)?;
        for crowd in [hasty, patient] {
            books.read_sipp(&crowd.finish()?.messages)?;
        }
        for agent in AGENTS {
            self.waits_for_state(agent, "ready")?;
        }
        Ok(())
    }

    /// Through the menu to an agent who holds, asks a colleague, and brings him in.
    fn three_in_a_call(&mut self) -> Result<()> {
        let mut caller = Caller::dials(self, "8611")?;
        caller.hears_words_or_music("the menu")?;
        caller.presses("1")?;
        caller.speaks()?;
        self.waits_for_talk("10001")?;
        caller.hears("the agent", &[Voice::Low])?;
        let call = self.call()?;
        self.orders(&call, "hold", &json!({}))?;
        caller.hears_words_or_music("music on hold")?;
        self.orders(&call, "retrieve", &json!({}))?;
        caller.hears("the agent again", &[Voice::Low])?;
        self.sets("10002", "ready")?;
        self.orders(&call, "consult", &json!({"to": "1002"}))?;
        self.waits_for_talk_of_colleague()?;
        caller.hears_words_or_music("music while they consult")?;
        self.orders(&call, "conference", &json!({}))?;
        caller.hears("both of them", &[Voice::Low, Voice::High])?;
        caller.hangs_up()?;
        self.waits_for_state("10001", "ready")?;
        self.waits_for_state("10002", "ready")?;
        self.sets("10002", "on_break")
    }

    fn waits_for_talk_of_colleague(&self) -> Result<()> {
        wait::until("a consult", PATIENCE, || {
            let (one, other) = (state(&self.api, "10001", "call_status")?, state(&self.api, "10002", "call_status")?);
            Ok((one == json!({"connected": "consulting"}) && other["connected"].is_string()).then_some(()))
        })
    }

    /// A caller is parked, and a colleague takes him at his desk.
    fn parked(&mut self, colleague: &mut Baresip) -> Result<()> {
        let mut caller = Caller::dials(self, "8610")?;
        caller.speaks()?;
        self.waits_for_talk("10001")?;
        caller.hears("the agent", &[Voice::Low])?;
        let call = self.call()?;
        let parked = self.api.post(&format!("calls/{call}/park?agent=10001"), &json!({}))?;
        ensure!(parked.status == 200 && parked.json() == json!({"slot": "701"}), "{}", parked.json());
        caller.hears_words_or_music("music while he is parked")?;
        self.sets("10002", "not_ready")?;
        colleague.dial("701")?;
        caller.hears("who took him", &[Voice::High])?;
        caller.hangs_up()?;
        self.waits_for_state("10001", "ready")
    }

    /// A supervisor listens to a call whose caller is then asked how it was.
    fn watched_and_rated(&mut self, supervisor: &mut Baresip) -> Result<()> {
        let mut caller = Caller::dials(self, "8610")?;
        caller.speaks()?;
        self.waits_for_talk("10001")?;
        let call = self.call()?;
        order(&self.api, &format!("calls/{call}/monitor?agent=10001&supervisor=10002"), &json!({}))?;
        wait::until("the supervisor to listen", PATIENCE, || {
            Ok((state(&self.api, "10002", "supervises")? == json!(true)).then_some(()))
        })?;
        caller.hears("the agent, and nobody else", &[Voice::Low])?;
        supervisor.wait_until_heard(2.0)?;
        supervisor.hang_up()?;
        wait::until("the supervisor to be free", PATIENCE, || {
            Ok((state(&self.api, "10002", "supervises")? == json!(false)).then_some(()))
        })?;
        self.orders(&call, "survey", &json!({}))?;
        caller.heard.hush();
        caller.hears_words_or_music("the question")?;
        caller.presses("1")?;
        caller.sees_the_end()?;
        self.waits_for_state("10001", "ready")
    }

    /// Somebody at an extension is busy; the message lights her lamp.
    fn leaves_a_message(&mut self) -> Result<()> {
        let mut clerk = Pjsua2::start(&self.server, "1004", None)?;
        clerk.command(&json!({"do": "watch_messages"}))?;
        let lamp = |waiting: &str, counts: &str| {
            let account = format!("sip:1004@{}", self.server.sip().ip());
            let text = format!(
                "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {counts} (0/0)\r\n"
            );
            json!({"event": "messages", "text": text})
        };
        let (off, lit) = (lamp("no", "0/0"), lamp("yes", "1/0"));
        clerk.expect(&off)?;
        std::thread::scope(|scope| {
            let busy = scope.spawn(move || -> Result<Pjsua2> {
                clerk.expect(&json!({"event": "ringing", "call": 0}))?;
                clerk.command(&json!({"do": "answer", "call": 0, "code": 486}))?;
                Ok(clerk)
            });
            let mut caller = Caller::dials(self, "8614")?;
            let mut clerk = busy.join().map_err(|_| anyhow::anyhow!("the clerk panicked"))??;
            let number = caller.number.clone();
            wait::until("the tone to be over", PATIENCE, || {
                let is_it = |event: &Value| {
                    event["type"] == "recording.started" && event["data"]["mailbox"] == "extension:1004"
                };
                Ok(books::events(&self.api)?.iter().any(is_it).then_some(()))
            })?;
            caller.speaks()?;
            let began_s = caller.heard.now_s();
            wait::until("a message", PATIENCE, || Ok((caller.heard.now_s() > began_s + 3.0).then_some(())))?;
            caller.hangs_up()?;
            clerk.expect(&lit)?;
            let messages = self.api.list("voicemails")?;
            ensure!(messages.len() == 1 && messages[0]["mailbox"] == "extension:1004", "{messages:#?}");
            let caller = messages[0]["caller"].as_str().unwrap_or_default();
            ensure!(caller.ends_with(&number), "{messages:#?}");
            Ok(())
        })
    }

    /// An agent calls somebody outside, who hears him.
    fn calls_out(&self, agent: &mut Baresip, outside: &Outside) -> Result<()> {
        let before = outside.taken().len();
        agent.dial("13100001111")?;
        self.waits_for_talk("10001")?;
        let from_s = agent.heard_s()?;
        agent.wait_until_heard(from_s + 3.0)?;
        agent.hang_up()?;
        wait::until(
            "who was called to be hung up on",
            PATIENCE,
            || Ok((outside.taken().len() > before).then_some(())),
        )?;
        // The queue limits the wrap-up of its own calls; after this one it is the agent's to end.
        self.waits_for_state("10001", "wrap_up")?;
        self.sets("10001", "ready")
    }

    /// Nobody is there any more; who calls now hears music, and gives up.
    fn at_night(&mut self) -> Result<()> {
        let caller = Caller::dials(self, "8610")?;
        caller.hears_words_or_music("music at night")?;
        caller.hangs_up()
    }
}

/// Proves CALL-18, LOG-01, LOG-03.
#[test]
fn a_day_of_a_small_centre_is_told_as_its_callers_and_phones_lived_through_it() -> Result<()> {
    let mut centre = Centre::open()?;
    let mut books = Books::default();
    let mut one = desk(&centre, "1001", Voice::Low)?;
    let mut two = desk(&centre, "1002", Voice::High)?;
    let outside = Outside::open(&centre)?;
    for (agent, extension) in [("10001", "1001"), ("10002", "1002"), ("10003", "1003")] {
        let way = json!({"way": "desk", "extension": extension});
        books.signs_in(agent, Instant::now());
        if agent == "10003" {
            order(&centre.api, "agents/10003/mobile-sign-in", &json!({"mobile": MOBILE}))?;
        } else {
            order(&centre.api, &format!("agents/{agent}/sign-in"), &way)?;
            books.signs_in(agent, Instant::now());
            centre.sets(agent, "ready")?;
        }
    }
    centre.rush(&mut books).context("the rush")?;
    books.rush_is_over(&one, &two, &outside);
    centre.sets("10002", "on_break")?;
    order(&centre.api, "agents/10003/mobile-sign-out", &json!({}))?;
    books.signs_out("10003", Instant::now());

    centre.three_in_a_call().context("three in a call")?;
    centre.parked(&mut two).context("parked")?;
    centre.watched_and_rated(&mut two).context("watched and rated")?;
    centre.leaves_a_message().context("a message")?;
    centre.calls_out(&mut one, &outside).context("a call outside")?;

    for agent in ["10001", "10002"] {
        order(&centre.api, &format!("agents/{agent}/sign-out"), &json!({}))?;
        books.signs_out(agent, Instant::now());
    }
    centre.at_night().context("the night")?;
    let taken = outside.close()?;
    books.check(&centre, &[("10001", &one), ("10002", &two)], &taken)?;
    one.quit()?;
    two.quit()?;
    ensure!(Duration::from_secs(150) > centre.clock.elapsed(), "the day was too long");
    Ok(())
}
