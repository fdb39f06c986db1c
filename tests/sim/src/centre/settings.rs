//! What a call centre is set to be: agents, queues of every kind, and the people outside who call them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialplan::caller::{KnownCaller, KnownCallers};
use dialplan::flow::Flow;
use dialplan::flow::template::Spoken;
use dialplan::number_map::NumberPattern;
use dialplan::plan::{Destination, DidPattern, InboundRoute, OutboundRoute};
use dialplan::survey::{Question, Survey};
use switch::agent::{AfterCall, AgentRules};
use switch::config::{Agent, Network, NumberSight, Overflow, OwnAgent, OwnAgentRule, Queue, TenantConfig, Version};
use switch::queue::{Announcements, Level, Member, QueueSettings, Strategy, Widening};

use crate::phone::{Habits, PhoneSpec};
use crate::rng::Rng;
use crate::settings::{self, People};

/// The network that people outside call from; all of it is the trunk `lines`.
const OUTSIDE: [u8; 4] = [10, 2, 0, 0];

/// Who is there.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The agents' employee numbers; each has the extension and the phone at the same place.
    pub(crate) agents: Vec<String>,
    pub(crate) extensions: Vec<String>,
    /// Numbers that people outside call.
    pub(crate) dids: Vec<String>,
    /// Numbers that phones inside call for queues.
    pub(crate) queues: Vec<String>,
    /// Those outside.
    pub(crate) callers: usize,
    /// The last agent is in no queue, and goes into the calls of others.
    pub(crate) has_boss: bool,
}

impl Site {
    pub(crate) fn new(agents: usize, queues: usize, callers: usize) -> Self {
        let number = |base: usize| move |n: usize| (base + n).to_string();
        Self {
            agents: (1..=agents).map(number(10_000)).collect(),
            extensions: (1..=agents).map(number(1_000)).collect(),
            dids: (1..=queues + usize::from(queues > 0)).map(|n| format!("0101234000{n}")).collect(),
            queues: (0..queues).map(number(7_000)).collect(),
            callers,
            has_boss: false,
        }
    }

    /// One agent more, who supervises.
    pub(crate) fn with_boss(self) -> Self {
        let (queues, callers) = (self.queues.len(), self.callers);
        Self { has_boss: true, ..Self::new(self.agents.len() + 1, queues, callers) }
    }

    /// Who supervises.
    pub(crate) fn boss(&self) -> Option<&String> {
        self.agents.last().filter(|_| self.has_boss)
    }

    /// What agents dial, and hand others on to.
    pub(crate) fn numbers(&self) -> Vec<String> {
        let outside = ["913800000000", "1999"].map(str::to_owned);
        self.extensions.iter().chain(&self.queues).cloned().chain(outside).collect()
    }

    /// The phones: the agents', the carriers', then the callers'.
    pub(crate) fn specs(&self, people: &People, habits: impl Fn() -> Habits) -> Vec<PhoneSpec> {
        let mut specs = people.specs();
        // Whoever answers a mobile presses the key, or does not.
        specs.iter_mut().skip(self.extensions.len()).for_each(|carrier| carrier.habits.presses = MOBILES_PRESS);
        for n in 0..self.callers {
            let [a, b, _, _] = OUTSIDE;
            let address = format!("{a}.{b}.{}.{}:5060", n / 200, n % 200 + 1);
            specs.push(settings::spec(&number_of(n), None, &address, habits()));
        }
        specs
    }

    /// The place of a caller's phone.
    pub(crate) fn caller(&self, nth: usize) -> usize {
        self.extensions.len() + settings::CARRIERS.len() + nth
    }
}

/// The number of somebody outside.
pub(super) fn number_of(caller: usize) -> String {
    format!("{MOBILE_PREFIX}{caller:08}")
}

/// Some who call are somebody's customers, and whoever calls can be called back.
pub(super) fn know_callers(tenant: &mut TenantConfig, site: &Site, rng: &mut Rng) {
    let mut known = KnownCallers::default();
    for caller in 0..site.callers {
        if rng.chance(400) {
            let owner = Some(rng.pick(&site.agents).parse().expect("an employee number"));
            let number = number_of(caller).parse().expect("a number");
            known.insert(NumberPattern::Exact(number), KnownCaller { priority: 0, owner }).expect("there is room");
        }
    }
    tenant.callers = Arc::new(known);
    let trunks = tenant.trunks.keys().cloned().collect();
    let prefix = MOBILE_PREFIX.to_owned();
    tenant.plan.outbound.push(OutboundRoute { prefix, strip: 0, prepend: String::new(), trunks });
}

/// Puts agents and queues into a tenant.
pub(crate) fn staff(tenant: &mut TenantConfig, site: &Site, queues: Vec<Queue>, rules: impl FnMut() -> AgentRules) {
    let mut rules = rules;
    for (nth, (number, extension)) in site.agents.iter().zip(&site.extensions).enumerate() {
        let agent = Agent {
            number: number.parse().expect("an employee number"),
            name: format!("Agent {number}"),
            extension: Some(extension.parse().expect("an extension")),
            mobile: Some(format!("91370000{nth:04}").parse().expect("a number")),
            mobile_confirm_key: nth % 2 == 0,
            auto_answer: false,
            numbers: NumberSight::Whole,
            rules: rules(),
        };
        tenant.agents.insert(agent.number.clone(), agent);
    }
    for (n, queue) in queues.into_iter().enumerate() {
        let (did, number) = (site.dids[n].clone(), site.queues[n].parse().expect("a number"));
        let to = Destination::Queue(queue.name.clone());
        tenant.plan.inbound.push(InboundRoute { trunk: None, did: DidPattern::Exact(did), to, hours: None });
        tenant.plan.queues.insert(number, queue.name.clone());
        tenant.queues.insert(queue.name.clone(), Arc::new(queue));
    }
    for survey in [survey("s0"), Survey { second: Some(question()), comment: Some(words()), ..survey("s1") }] {
        tenant.surveys.insert(survey.name.clone(), Arc::new(survey));
    }
    if let Some(lines) = tenant.trunks.values_mut().next() {
        lines.sources.push(Network { address: OUTSIDE.into(), prefix: 16 });
    }
}

/// What customers are asked.
fn survey(name: &str) -> Survey {
    let name = name.parse().expect("a survey's name");
    Survey { name, question: question(), second: None, comment: None, thanks: words() }
}

fn question() -> Question {
    Question { prompt: words(), options: Survey::default_options() }
}

fn words() -> Vec<Spoken> {
    vec![Spoken::Prompt("survey_invite".parse().expect("a prompt"))]
}

/// A flow by which important people come into the first queue, before others.
pub(crate) fn add_vip(tenant: &mut TenantConfig, site: &Site) {
    let flow = serde_json::json!({
        "name": "vip", "start": "wait",
        "nodes": {
            "wait": {"step": "queue", "queue": "q0", "priority": 5, "max_wait": "bye"},
            "bye": {"step": "hang_up", "parts": ["ivr_goodbye"]},
        },
    });
    let flow = Flow::read(flow).expect("a flow");
    let to = Destination::Flow(flow.name.clone());
    let did = DidPattern::Exact(site.dids[site.queues.len()].clone());
    tenant.plan.inbound.push(InboundRoute { trunk: None, did, to, hours: None });
    tenant.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
}

/// A queue of any kind.
pub(crate) fn queue_by_chance(n: usize, site: &Site, rng: &mut Rng) -> Queue {
    let seconds = |rng: &mut Rng, from: u64, to: u64| Duration::from_secs(rng.between(from, to));
    let strategy = *rng.pick(&[
        Strategy::LongestIdle,
        Strategy::RoundRobin,
        Strategy::FewestToday,
        Strategy::FixedOrder,
        Strategy::LevelFirst,
        Strategy::RingAll,
    ]);
    let widening = match rng.chance(400) {
        true => vec![
            Widening { after: seconds(rng, 1, 5), level: level(rng.between(1, 4)) },
            Widening { after: seconds(rng, 6, 12), level: level(rng.between(5, 9)) },
        ],
        false => Vec::new(),
    };
    let settings = QueueSettings {
        strategy,
        ring_timeout: seconds(rng, 6, 20),
        max_wait: rng.chance(700).then(|| seconds(rng, 8, 40)),
        max_length: if rng.chance(300) { u32::try_from(rng.between(1, 3)).unwrap_or(1) } else { 50 },
        widening,
        target: seconds(rng, 3, 20),
        announcements: rng.chance(500).then(|| Announcements { first: seconds(rng, 2, 8), every: seconds(rng, 5, 10) }),
    };
    let overflow = (0..rng.below(3)).map(|_| overflow_by_chance(n, site, rng)).collect();
    let record = rng.chance(400);
    let survey = rng.chance(600).then(|| rng.pick(&["s0", "s1"]).parse().expect("a survey's name"));
    let survey_after_hang_up = survey.is_some() && rng.chance(600);
    let callback_key = rng.chance(500).then_some(CALLBACK_KEY);
    let who = *rng.pick(&[
        OwnAgentRule::Nobody,
        OwnAgentRule::Owner,
        OwnAgentRule::OwnerOrLast { within: Duration::from_secs(86_400) },
    ]);
    let own_agent = OwnAgent { ring_for: seconds(rng, 4, 25), who };
    let plain = plain(n, settings, members(site, rng), wrap_up_max(rng));
    Queue { record, overflow, survey, survey_after_hang_up, callback_key, own_agent, ..plain }
}

/// A queue of these settings and nothing else.
pub(crate) fn plain(
    n: usize,
    settings: QueueSettings,
    members: BTreeMap<dialplan::number::AgentNumber, Member>,
    wrap_up_max: Option<Duration>,
) -> Queue {
    let name = format!("q{n}").parse().expect("a queue's name");
    Queue {
        name,
        settings,
        members,
        wrap_up_max,
        record: false,
        caller_number: None,
        recording_announcement: None,
        welcome: None,
        music: None,
        survey: None,
        survey_after_hang_up: false,
        voicemail_greeting: None,
        own_agent: OwnAgent::default(),
        callback_key: None,
        agent_announcement: None,
        overflow: Vec::new(),
    }
}

fn overflow_by_chance(n: usize, site: &Site, rng: &mut Rng) -> Overflow {
    let others: Vec<usize> = (0..site.queues.len()).filter(|other| *other != n).collect();
    if rng.chance(300) {
        return Overflow::Voicemail;
    }
    if !others.is_empty() && rng.chance(500) {
        let name = format!("q{}", rng.pick(&others));
        return Overflow::Queue(name.parse().expect("a queue's name"));
    }
    Overflow::Number(dialplan::number::Dialled::clean("913900000000").expect("a number"))
}

fn wrap_up_max(rng: &mut Rng) -> Option<Duration> {
    rng.chance(750).then(|| Duration::from_secs(rng.between(2, 12)))
}

/// Most agents are in each queue.
fn members(site: &Site, rng: &mut Rng) -> BTreeMap<dialplan::number::AgentNumber, Member> {
    let mut members = BTreeMap::new();
    let staff = site.agents.iter().filter(|agent| site.boss() != Some(*agent));
    for (n, agent) in staff.enumerate() {
        if n == 0 || rng.chance(800) {
            let order = u16::try_from(rng.below(5)).unwrap_or(0);
            members
                .insert(agent.parse().expect("an employee number"), Member { level: level(rng.between(1, 9)), order });
        }
    }
    members
}

fn level(level: u64) -> Level {
    u8::try_from(level).ok().and_then(Level::new).expect("a level")
}

/// What the numbers of people outside begin with.
const MOBILE_PREFIX: &str = "139";
/// By which one asks to be called back; it is nobody's answer in a survey.
const CALLBACK_KEY: char = '7';

/// How often a mobile that answers presses the key, per mille.
const MOBILES_PRESS: u64 = 750;

/// How an agent is treated.
pub(crate) fn rules_by_chance(rng: &mut Rng) -> AgentRules {
    AgentRules {
        after_call: if rng.chance(600) { AfterCall::WrapUp } else { AfterCall::Ready },
        missed_limit: u8::try_from(rng.below(4)).unwrap_or(0),
    }
}
