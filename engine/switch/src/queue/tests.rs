use std::time::Duration;

use super::*;

const Q: QueueId = QueueId(1);

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A distribution with a log of what it decided, as text.
struct Centre {
    core: Distribution,
    now: Duration,
    offers: BTreeMap<u64, OfferId>,
}

impl Centre {
    fn new(settings: QueueSettings) -> Self {
        let mut core = Distribution::new();
        core.set_queue(Q, settings);
        Self { core, now: s(1_000), offers: BTreeMap::new() }
    }

    /// Agents 1.. with these levels, signed in; the first has been idle longest.
    fn staff(&mut self, levels: &[u8]) {
        for (at, level) in levels.iter().enumerate() {
            let agent = AgentId(u32::try_from(at + 1).unwrap());
            let member = Member { level: Level::new(*level).unwrap(), order: 100 - u16::try_from(at).unwrap() };
            self.core.set_memberships(self.now, agent, &BTreeMap::from([(Q, member)]));
            self.core.set_signed_in(self.now, agent, Presence::SignedIn);
            self.core.set_offerable(self.now, agent, Availability::Idle);
            self.now += s(1);
        }
    }

    fn join(&mut self, entry: u64) -> Result<(), JoinRefused> {
        self.join_as(Join {
            entry: EntryId(entry),
            queue: Q,
            priority: 0,
            waited: s(0),
            stayed: s(0),
            sticky: None,
            waits: Waits::OnTheLine,
        })
    }

    fn join_as(&mut self, join: Join) -> Result<(), JoinRefused> {
        self.core.enter(self.now, &join)
    }

    fn idle(&mut self, agent: u32) {
        self.core.set_offerable(self.now, AgentId(agent), Availability::Idle);
    }

    fn pass(&mut self, seconds: u64) {
        let until = self.now + s(seconds);
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.core.elapsed(self.now);
        }
        self.now = until;
    }

    /// The end of the offer that rings this agent.
    fn end(&mut self, agent: u32, end: OfferEnd) {
        let (offer, _) = self.core.offers.iter().find(|(_, lease)| lease.agent == AgentId(agent)).expect("is rung");
        let offer = *offer;
        assert!(self.core.offer_ended(self.now, offer, end));
        assert!(!self.core.offer_ended(self.now, offer, end), "each ends once");
    }

    /// What was decided since: `caller>agent`, `-caller>agent:end`, `caller!exit`, `caller#place`.
    fn decided(&mut self) -> String {
        let mut text = Vec::new();
        while let Some(decision) = self.core.poll_decision() {
            text.push(match decision {
                Decision::Offer(offer) => {
                    self.offers.insert(offer.offer.0 * 1_000 + u64::from(offer.agent.0), offer.offer);
                    format!("{}>{}", offer.entry.0, offer.agent.0)
                }
                Decision::Withdraw { offer, end } => {
                    let agent = self.offers.iter().find(|(_, known)| **known == offer).map(|(key, _)| key % 1_000);
                    format!("-{}:{end:?}", agent.unwrap())
                }
                Decision::Overflow { entry, exit } => format!("{}!{exit:?}", entry.0),
                Decision::Announce { entry, position, expected_wait } => {
                    format!(
                        "{}#{position}{}",
                        entry.0,
                        expected_wait.map_or(String::new(), |wait| format!("~{wait:?}"))
                    )
                }
            });
        }
        text.join(" ")
    }
}

fn settings(strategy: Strategy) -> QueueSettings {
    QueueSettings { strategy, ..QueueSettings::default() }
}

/// The decision behind QUEUE-03 but for the live phone, which is the agent's.
/// Proves QUEUE-03.
#[test]
fn each_strategy_chooses_its_own() {
    let expected = [
        (Strategy::LongestIdle, "1>1 2>2 3>3"),
        (Strategy::RoundRobin, "1>1 2>2 3>3"),
        (Strategy::FewestToday, "1>1 2>2 3>3"),
        (Strategy::FixedOrder, "1>3 2>2 3>1"),
        (Strategy::LevelFirst, "1>2 2>3 3>1"),
        (Strategy::RingAll, "1>1 1>2 1>3"),
    ];
    for (strategy, first) in expected {
        let mut centre = Centre::new(settings(strategy));
        centre.staff(&[9, 1, 5]);
        for caller in 1..=3 {
            centre.join(caller).unwrap();
        }
        assert_eq!(centre.decided(), first, "{strategy:?}");
    }
    // Who answered goes to the end of the turn, who has answered least is first, whatever the idle time.
    for (strategy, then) in
        [(Strategy::LongestIdle, "4>3"), (Strategy::RoundRobin, "4>3"), (Strategy::FewestToday, "4>1")]
    {
        let mut centre = Centre::new(settings(strategy));
        centre.staff(&[1, 1, 1]);
        for caller in 1..=3 {
            centre.join(caller).unwrap();
        }
        centre.decided();
        centre.end(1, OfferEnd::Failed);
        centre.core.leave(EntryId(1), Exit::HungUp);
        for agent in [2, 3] {
            centre.end(agent, OfferEnd::Answered);
        }
        for agent in [3, 2, 1] {
            centre.pass(1);
            centre.idle(agent);
        }
        centre.decided();
        centre.join(4).unwrap();
        let decided = centre.decided();
        let expected = if strategy == Strategy::RoundRobin { "4>1" } else { then };
        assert_eq!(decided, expected, "{strategy:?}");
    }
}

/// The decision behind QUEUE-04 in its order.
/// Proves QUEUE-04.
#[test]
fn first_in_first_out_within_a_priority() {
    let mut centre = Centre::new(QueueSettings::default());
    centre.staff(&[1]);
    centre.core.set_offerable(centre.now, AgentId(1), Availability::Engaged);
    for (caller, priority, waited) in [(1, 0, 0), (2, 5, 0), (3, 0, 60), (4, 5, 0)] {
        let join = Join {
            entry: EntryId(caller),
            queue: Q,
            priority,
            waited: s(waited),
            stayed: s(0),
            sticky: None,
            waits: Waits::OnTheLine,
        };
        centre.join_as(join).unwrap();
        centre.pass(1);
    }
    let line: Vec<u64> = centre.core.waiting(Q).map(|entry| entry.0).collect();
    assert_eq!(line, [2, 4, 3, 1], "who has waited elsewhere stands where he would");
    for caller in [2, 4, 3, 1] {
        assert_eq!(centre.core.position(EntryId(caller)), Some(1));
        centre.idle(1);
        assert_eq!(centre.decided(), format!("{caller}>1"));
        centre.end(1, OfferEnd::Answered);
    }
    assert_eq!(centre.core.figures(Q).unwrap().answered, 4);
}

/// The decision behind QUEUE-02 in what leaves the queue and what does not.
#[test]
fn a_ring_that_is_not_answered_keeps_the_place() {
    let mut centre = Centre::new(QueueSettings::default());
    centre.staff(&[1, 1]);
    centre.join(1).unwrap();
    let rung = Rings { since: centre.now, until: centre.now + s(20) };
    centre.pass(19);
    assert_eq!(centre.core.rings(AgentId(1)), Some(rung), "by the clock of the switch, however late one looks");
    assert_eq!(centre.decided(), "1>1");
    centre.join(2).unwrap();
    assert_eq!(centre.decided(), "2>2");
    centre.pass(1);
    assert_eq!(centre.core.rings(AgentId(1)), None);
    assert_eq!(centre.decided(), "-1:TimedOut");
    centre.idle(1);
    assert_eq!(centre.decided(), "1>1", "nobody else is idle");
    centre.end(2, OfferEnd::Rejected);
    centre.idle(2);
    assert_eq!(centre.decided(), "", "he rejected that caller, and another is signed in");
    assert_eq!(centre.core.position(EntryId(1)), Some(1));
    centre.end(1, OfferEnd::Answered);
    centre.pass(29);
    assert_eq!(centre.decided(), "");
    centre.pass(1);
    assert_eq!(centre.decided(), "2>2", "forgotten after 30 s");
}

#[test]
fn who_is_alone_gets_the_caller_that_he_rejected_after_a_rest() {
    for end in [OfferEnd::Rejected, OfferEnd::Failed] {
        let mut centre = Centre::new(QueueSettings::default());
        centre.staff(&[1]);
        centre.join(1).unwrap();
        centre.decided();
        centre.end(1, end);
        centre.idle(1);
        assert_eq!(centre.decided(), "", "a phone that answers at once would be rung without end");
        centre.pass(REFUSAL_REST.as_secs());
        assert_eq!(centre.decided(), "1>1");
    }
}

/// The decision behind QUEUE-05 in its limits, QUEUE-06 in its triggers.
/// Proves QUEUE-05 (max wait, max length).
#[test]
fn limits_lead_out_of_the_queue() {
    let tight = QueueSettings { max_wait: Some(s(60)), max_length: 2, ..QueueSettings::default() };
    let mut centre = Centre::new(tight);
    assert_eq!(centre.join(1), Err(JoinRefused::NobodySignedIn));
    centre.staff(&[1]);
    centre.core.set_offerable(centre.now, AgentId(1), Availability::Engaged);
    centre.join(1).unwrap();
    centre.pass(10);
    centre.join(2).unwrap();
    assert_eq!(centre.join(2), Err(JoinRefused::Waits));
    assert_eq!(centre.join(3), Err(JoinRefused::Full));
    centre.pass(49);
    assert_eq!(centre.decided(), "");
    centre.pass(1);
    assert_eq!(centre.decided(), "1!MaxWait");
    // Whom somebody is being rung for has that last chance.
    centre.pass(5);
    centre.idle(1);
    assert_eq!(centre.decided(), "2>1");
    centre.pass(10);
    assert_eq!(centre.decided(), "");
    centre.pass(10);
    assert_eq!(centre.decided(), "-1:TimedOut 2!MaxWait");
    // What he waited elsewhere does not count against him, what he waited here before a restart does.
    for (caller, stayed) in [(4, 0), (5, 20)] {
        let (entry, waited, stayed) = (EntryId(caller), s(100), s(stayed));
        centre
            .join_as(Join { entry, queue: Q, priority: 0, waited, stayed, sticky: None, waits: Waits::OnTheLine })
            .unwrap();
    }
    centre.pass(39);
    assert_eq!(centre.decided(), "");
    centre.pass(1);
    assert_eq!(centre.decided(), "5!MaxWait");
    centre.core.set_signed_in(centre.now, AgentId(1), Presence::SignedOut);
    assert_eq!(centre.decided(), "4!NobodySignedIn");
    assert_eq!(centre.core.figures(Q).unwrap().overflowed, 4);
    assert_eq!((centre.core.offers(), centre.core.poll_timeout()), (0, None), "nothing is left");
}

/// Proves QUEUE-01 (levels).
#[test]
fn more_levels_are_rung_with_time() {
    let widening = [(0, 1), (30, 3), (60, 9)]
        .map(|(after, level)| Widening { after: s(after), level: Level::new(level).unwrap() });
    let mut centre = Centre::new(QueueSettings { widening: widening.to_vec(), ..QueueSettings::default() });
    centre.staff(&[9, 3]);
    centre.join(1).unwrap();
    centre.pass(29);
    assert_eq!(centre.decided(), "");
    centre.pass(1);
    assert_eq!(centre.decided(), "1>2");
    centre.pass(20);
    assert_eq!(centre.decided(), "-2:TimedOut");
    centre.pass(10);
    assert_eq!(centre.decided(), "1>1");
    // An agent who becomes idle is not given who is not open to him yet.
    let mut centre = Centre::new(QueueSettings { widening: widening.to_vec(), ..QueueSettings::default() });
    centre.staff(&[3]);
    centre.core.set_offerable(centre.now, AgentId(1), Availability::Engaged);
    centre.join(1).unwrap();
    centre.pass(10);
    centre.idle(1);
    assert_eq!(centre.decided(), "");
    centre.pass(20);
    assert_eq!(centre.decided(), "1>1");
}

/// A caller whose own agent is 2.
fn own(entry: u64, wait: Duration) -> Join {
    Join {
        entry: EntryId(entry),
        queue: Q,
        priority: 0,
        waited: s(0),
        stayed: s(0),
        sticky: Some(Sticky { agent: AgentId(2), wait, ring_for: s(20) }),
        waits: Waits::OnTheLine,
    }
}

/// Proves IVR-05 where the queue rings all: first he alone for his time, whoever becomes idle meanwhile.
#[test]
fn ones_own_agent_is_rung_alone_where_all_would_be() {
    let mut centre = Centre::new(settings(Strategy::RingAll));
    centre.staff(&[1, 1, 1]);
    centre.core.set_offerable(centre.now, AgentId(3), Availability::Engaged);
    centre.join_as(own(1, s(0))).unwrap();
    assert_eq!(centre.decided(), "1>2");
    centre.pass(1);
    centre.idle(3);
    assert_eq!(centre.decided(), "");
    centre.pass(19);
    assert_eq!(centre.decided(), "-2:TimedOut 1>1 1>3", "then on");
}

#[test]
fn ones_own_agent_comes_first_and_then_the_others() {
    let mut centre = Centre::new(QueueSettings::default());
    centre.staff(&[1, 1]);
    centre.join_as(own(1, s(0))).unwrap();
    assert_eq!(centre.decided(), "1>2");
    centre.pass(20);
    assert_eq!(centre.decided(), "-2:TimedOut 1>1", "then on");
    // He is engaged: only he is waited for, for a time.
    centre.join_as(own(2, s(15))).unwrap();
    centre.end(1, OfferEnd::Answered);
    centre.idle(1);
    assert_eq!(centre.decided(), "");
    centre.pass(15);
    assert_eq!(centre.decided(), "2>1");
    centre.join_as(own(3, s(15))).unwrap();
    centre.pass(5);
    centre.idle(2);
    assert_eq!(centre.decided(), "3>2", "he became idle in that time");
    // Not to be waited for at all.
    centre.join_as(own(4, s(0))).unwrap();
    centre.end(1, OfferEnd::Answered);
    centre.idle(1);
    assert_eq!(centre.decided(), "4>1");
}

#[test]
fn of_those_rung_at_once_one_wins_and_nobody_else_missed_it() {
    let mut centre = Centre::new(settings(Strategy::RingAll));
    centre.staff(&[1, 1, 1]);
    centre.core.set_offerable(centre.now, AgentId(3), Availability::Engaged);
    centre.join(1).unwrap();
    assert_eq!(centre.decided(), "1>1 1>2");
    centre.pass(1);
    centre.idle(3);
    assert_eq!(centre.decided(), "1>3", "who comes back is rung, too");
    centre.end(2, OfferEnd::Answered);
    assert_eq!(centre.decided(), "-1:Taken -3:Taken");
    centre.idle(3);
    centre.idle(1);
    centre.join(2).unwrap();
    let decided = centre.decided();
    assert_eq!(decided, "2>1 2>3", "both are as idle as they were: 1 has been longer");
}

#[test]
fn a_caller_who_hangs_up_takes_his_ring_with_him() {
    let mut centre = Centre::new(QueueSettings::default());
    centre.staff(&[1, 1]);
    centre.join(1).unwrap();
    centre.core.leave(EntryId(1), Exit::HungUp);
    assert_eq!(centre.decided(), "1>1 -1:CallerGone");
    centre.idle(1);
    centre.join(2).unwrap();
    assert_eq!(centre.decided(), "2>1", "he has still been idle longest");
    assert_eq!(centre.core.figures(Q).unwrap().abandoned, 1);
}

#[test]
fn callers_are_told_where_they_stand() {
    let announcements = Some(Announcements { first: s(10), every: s(30) });
    let mut centre = Centre::new(QueueSettings { announcements, ..QueueSettings::default() });
    centre.staff(&[1, 1]);
    for agent in [1, 2] {
        centre.core.set_offerable(centre.now, AgentId(agent), Availability::Engaged);
    }
    centre.join(1).unwrap();
    centre.join(2).unwrap();
    centre.pass(10);
    assert_eq!(centre.decided(), "1#1 2#2");
    centre.core.handled(Q, s(100));
    centre.pass(30);
    assert_eq!(centre.decided(), "1#1~50s 2#2~100s");
    centre.core.leave(EntryId(1), Exit::HungUp);
    centre.pass(30);
    assert_eq!(centre.decided(), "2#1~50s");
}

#[test]
fn an_offer_says_why() {
    let mut centre = Centre::new(settings(Strategy::FewestToday));
    centre.staff(&[1, 2, 1]);
    centre.pass(5);
    centre.join(1).unwrap();
    let Some(Decision::Offer(offer)) = centre.core.poll_decision() else { panic!("no offer") };
    assert_eq!(offer.why.rule, Rule::Agent(Strategy::FewestToday, Level::LAST));
    assert_eq!(offer.why.idle, 3);
    let shown: Vec<(u32, u64)> = offer.why.candidates.iter().map(|one| (one.agent.0, one.idle_for.as_secs())).collect();
    assert_eq!(shown, [(1, 8), (2, 7), (3, 6)]);
}

/// Random days against what must hold after each step, and against a plain model of who should have been chosen.
#[test]
fn whatever_happens_the_books_balance() {
    for seed in 0..300 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..400 {
            chaos.step();
        }
        chaos.close();
    }
}

struct Chaos {
    centre: Centre,
    random: sip::random::Random,
    strategy: Strategy,
    /// Live offers by their numbers: caller and agent.
    rings: BTreeMap<OfferId, (EntryId, AgentId)>,
    waiting: BTreeMap<EntryId, Duration>,
    idle: BTreeMap<AgentId, Duration>,
    joined: u64,
    left: u64,
}

const AGENTS: u32 = 6;

impl Chaos {
    fn new(seed: u64) -> Self {
        let strategies = [
            Strategy::LongestIdle,
            Strategy::RoundRobin,
            Strategy::FewestToday,
            Strategy::FixedOrder,
            Strategy::LevelFirst,
            Strategy::RingAll,
        ];
        let mut random = sip::random::Random::from_seed([u8::try_from(seed % 251).unwrap(); 32]);
        (0..seed).for_each(|_| {
            random.next_u64();
        });
        let strategy = strategies[usize::try_from(seed % 6).unwrap()];
        let widening =
            if seed.is_multiple_of(2) { vec![] } else { vec![Widening { after: s(15), level: Level::LAST }] };
        let settings = QueueSettings { widening, max_length: 8, max_wait: Some(s(90)), ..settings(strategy) };
        let mut centre = Centre::new(settings);
        let levels: Vec<u8> = (0..AGENTS).map(|_| u8::try_from(random.next_u64() % 9 + 1).unwrap()).collect();
        centre.staff(&levels);
        let idle = (1..=AGENTS).map(|agent| (AgentId(agent), s(1_000 + u64::from(agent) - 1))).collect();
        Self { centre, random, strategy, rings: BTreeMap::new(), waiting: BTreeMap::new(), idle, joined: 0, left: 0 }
    }

    fn draw(&mut self, of: u64) -> u64 {
        self.random.next_u64() % of
    }

    fn step(&mut self) {
        match self.draw(7) {
            0 | 1 => {
                let entry = EntryId(self.joined + 1_000_000 + self.left);
                let priority = u8::try_from(self.draw(2)).unwrap();
                let join = Join {
                    entry,
                    queue: Q,
                    priority,
                    waited: s(0),
                    stayed: s(0),
                    sticky: None,
                    waits: Waits::OnTheLine,
                };
                if self.centre.join_as(join).is_ok() {
                    self.joined += 1;
                    self.waiting.insert(entry, self.centre.now);
                }
            }
            2 => {
                let seconds = self.draw(20);
                self.centre.pass(seconds);
            }
            3 => {
                if let Some(entry) = self.waiting.keys().next().copied() {
                    self.waiting.remove(&entry);
                    self.left += 1;
                    self.centre.core.leave(entry, Exit::HungUp);
                }
            }
            4 | 5 => {
                let ring = self.rings.keys().next().copied();
                if let Some(offer) = ring {
                    let end = [OfferEnd::Answered, OfferEnd::Rejected, OfferEnd::Failed][self.draw(3) as usize];
                    let (entry, _) = self.rings.remove(&offer).unwrap();
                    if end == OfferEnd::Answered {
                        self.waiting.remove(&entry);
                        self.left += 1;
                    }
                    assert!(self.centre.core.offer_ended(self.centre.now, offer, end));
                }
            }
            _ => {
                let agent = AgentId(u32::try_from(self.draw(u64::from(AGENTS))).unwrap() + 1);
                if !self.rings.values().any(|(_, rung)| *rung == agent) {
                    let now = self.centre.now;
                    self.idle.entry(agent).or_insert(now);
                    self.centre.core.set_offerable(now, agent, Availability::Idle);
                }
            }
        }
        self.account();
    }

    fn account(&mut self) {
        while let Some(decision) = self.centre.core.poll_decision() {
            match decision {
                Decision::Offer(offer) => {
                    assert!(self.waiting.contains_key(&offer.entry), "offered, and does not wait");
                    assert!(!self.rings.values().any(|(_, agent)| *agent == offer.agent), "two offers to one agent");
                    assert!(self.idle.remove(&offer.agent).is_some(), "offered to one who is not idle");
                    if self.strategy != Strategy::RingAll {
                        assert!(
                            !self.rings.values().any(|(entry, _)| *entry == offer.entry),
                            "two rings for one caller"
                        );
                    }
                    assert!(offer.why.candidates.iter().any(|candidate| candidate.agent == offer.agent));
                    self.rings.insert(offer.offer, (offer.entry, offer.agent));
                }
                Decision::Withdraw { offer, end } => {
                    assert!(self.rings.remove(&offer).is_some(), "withdrawn twice: {end:?}");
                }
                Decision::Overflow { entry, .. } => {
                    assert!(self.waiting.remove(&entry).is_some(), "left twice");
                    self.left += 1;
                }
                Decision::Announce { .. } => {}
            }
        }
        assert_eq!(self.centre.core.offers(), self.rings.len());
        assert_eq!(self.joined - self.left, self.waiting.len() as u64);
        let line: Vec<EntryId> = self.centre.core.waiting(Q).collect();
        assert!(line.iter().all(|entry| self.waiting.contains_key(entry)) && line.len() == self.waiting.len());
        let figures = self.centre.core.figures(Q).unwrap();
        assert_eq!(figures.entered, self.joined);
        assert_eq!(figures.answered + figures.abandoned + figures.overflowed, self.left, "each leaves by one exit");
        // Nobody waits for whom somebody idle could be rung.
        for (entry, agent) in line.iter().flat_map(|entry| self.idle.keys().map(move |agent| (*entry, *agent))) {
            let waits = &self.centre.core.entries[&entry];
            let level = self.centre.core.agents[&agent].memberships[&Q].member.level;
            let open = matches!(waits.open, entry::Open::Level(open) if level <= open);
            let rung = !waits.offers.is_empty();
            assert!(
                rung || !open || waits.is_refused_by(agent, self.centre.now, Alone::No),
                "{entry:?} waits, {agent:?} is idle"
            );
        }
    }

    fn close(mut self) {
        for entry in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.waiting.remove(&entry);
            self.left += 1;
            self.centre.core.leave(entry, Exit::HungUp);
        }
        self.account();
        assert_eq!((self.centre.core.offers(), self.centre.core.poll_timeout()), (0, None), "timers are left");
        let core = &self.centre.core;
        assert!(core.entries.is_empty() && core.agents.values().all(|agent| agent.own.is_empty()));
    }
}

/// The decision behind QUEUE-03: idle longest.
#[test]
fn what_was_not_his_doing_costs_no_turn_but_what_he_did_since_does() {
    for (rests, first) in [(false, "2>1"), (true, "2>2")] {
        let mut centre = Centre::new(settings(Strategy::LongestIdle));
        centre.staff(&[1, 1]);
        centre.join(1).unwrap();
        centre.pass(5);
        centre.core.leave(EntryId(1), Exit::HungUp);
        if rests {
            centre.core.set_offerable(centre.now, AgentId(1), Availability::Engaged);
        }
        centre.idle(1);
        assert_eq!(centre.decided(), "1>1 -1:CallerGone");
        centre.join(2).unwrap();
        assert_eq!(centre.decided(), first);
    }
}

/// The decision behind AGT-12 in what the distribution has to do with it.
#[test]
fn who_has_an_offer_is_not_idle_whatever_is_said() {
    let mut centre = Centre::new(settings(Strategy::LongestIdle));
    centre.staff(&[1]);
    centre.join(1).unwrap();
    centre.join(2).unwrap();
    centre.idle(1);
    centre.idle(1);
    assert_eq!(centre.decided(), "1>1");
    centre.end(1, OfferEnd::Answered);
    centre.idle(1);
    assert_eq!(centre.decided(), "2>1");
}
