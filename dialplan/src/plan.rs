//! A tenant's plan: emergency numbers, inbound routes by DID, outbound routes by prefix.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::name::{FlowName, HoursName, Mailbox, QueueName};
use crate::number::{Dialled, ExtensionNumber, RoomNumber, TrunkName};
use crate::park::{Park, ParkPlace};
use crate::say::PromptName;

/// Dialled first, from every phone, past every rule (GEN-18). A tenant may set a list of its own.
pub const EMERGENCY_DEFAULT: [&str; 4] = ["110", "119", "120", "122"];

/// The echo test's number unless an extension has it.
pub const ECHO_TEST: &str = "*43";

/// Picks up what rings in the phone's own pickup group; with an extension after it, what rings there.
pub const PICK_UP: &str = "*8";

/// The messages in the box of the phone's own extension; with the number of a queue after it, those in the queue's.
pub const MESSAGES: &str = "*98";

/// Where a call is sent inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An extension.
    Extension(ExtensionNumber),
    /// A conference room.
    Room(RoomNumber),
    /// A flow.
    Flow(FlowName),
    /// A queue.
    Queue(QueueName),
    /// A box for voice messages.
    Voicemail(Mailbox),
    /// A number outside, by the outbound routes; for inbound routes alone.
    Outside(Dialled),
    /// The echo test.
    EchoTest,
}

/// Which DIDs a route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DidPattern {
    /// This number; a leading `+` is ignored on both sides.
    Exact(String),
    /// Numbers that begin so; the empty prefix takes all.
    Prefix(String),
}

/// How well a route fits a number: first by how much of it the pattern names, then by whether it names the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit(usize, bool);

/// What comes in by a trunk for a DID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundRoute {
    /// Only from this trunk, or from any.
    pub trunk: Option<TrunkName>,
    /// Which numbers.
    pub did: DidPattern,
    /// Where to.
    pub to: Destination,
    /// Only within these hours; always where there are none.
    pub hours: Option<RouteHours>,
}

/// The opening hours that a route obeys (IVR-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteHours {
    /// Which.
    pub name: HoursName,
    /// What its callers get outside of them.
    pub closed: Closed,
}

/// What callers get while it is closed (IVR-02).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Said to them first.
    pub prompt: Option<PromptName>,
    /// The same on a holiday; as on other days where there is none.
    pub holiday_prompt: Option<PromptName>,
    /// Where they go then; without it the call ends.
    pub to: Option<Destination>,
}

/// What goes out: numbers with a prefix, by trunks in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundRoute {
    /// The number dialled begins so; the empty prefix takes all.
    pub prefix: String,
    /// How many leading characters are cut off before sending.
    pub strip: usize,
    /// What is put in front after cutting.
    pub prepend: String,
    /// Tried in order; the next one when one is full or cannot be reached.
    pub trunks: Vec<TrunkName>,
}

/// A number to send by a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// By this trunk.
    pub trunk: TrunkName,
    /// This number.
    pub number: String,
}

/// Whose call a phone wants that rings elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PickUp {
    /// Of anybody in its own pickup group.
    Group,
    /// Of this extension, which there may not be.
    Extension(ExtensionNumber),
}

/// Where a number dialled by an extension leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// To the emergency service, by these trunks in order (GEN-18).
    Emergency(Vec<Attempt>),
    /// Inside.
    Internal(Destination),
    /// To who rings elsewhere.
    PickUp(PickUp),
    /// To where callers are parked.
    Park(ParkPlace),
    /// To the messages in its own box.
    Messages,
    /// To the messages in the box of a queue.
    MessagesOf(QueueName),
    /// Outside, by these in order.
    Outbound(Vec<Attempt>),
    /// Nowhere.
    Unknown,
}

/// One tenant's plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Emergency numbers (GEN-18).
    pub emergency: Vec<String>,
    /// The trunks marked for emergency calls, in order.
    pub emergency_trunks: Vec<TrunkName>,
    /// The tenant's extensions.
    pub extensions: BTreeSet<ExtensionNumber>,
    /// The tenant's conference rooms.
    pub rooms: BTreeSet<RoomNumber>,
    /// The queues that phones can call, by number.
    pub queues: BTreeMap<ExtensionNumber, QueueName>,
    /// Where callers are parked, if they are.
    pub park: Option<Park>,
    /// Inbound routes; the most specific one wins, then the first.
    pub inbound: Vec<InboundRoute>,
    /// Outbound routes; the longest prefix wins, then the first.
    pub outbound: Vec<OutboundRoute>,
}

impl Plan {
    /// Where a number dialled by one of our phones leads: emergency first (GEN-18), then extensions, rooms and services
    /// (CALL-07), then the codes of the messages and the pickup and the places for parked callers, then the outbound routes.
    #[must_use]
    pub fn dial(&self, number: &Dialled) -> Dial {
        let number = number.as_str();
        if self.emergency.iter().any(|e| e == number) {
            return Dial::Emergency(self.emergency_attempts(number));
        }
        if let Some(inside) = self.internal(number) {
            return Dial::Internal(inside);
        }
        if let Some(whose) = number.strip_prefix(MESSAGES).and_then(|whose| self.messages(whose)) {
            return whose;
        }
        if let Some(whose) = pick_up(number) {
            return Dial::PickUp(whose);
        }
        if let Some(place) = self.park.as_ref().and_then(|park| park.place(number)) {
            return Dial::Park(place);
        }
        self.outbound_route(number).map_or(Dial::Unknown, |route| Dial::Outbound(route.attempts(number)))
    }

    /// Whether that is a place where somebody may be parked.
    #[must_use]
    pub fn is_slot(&self, number: &ExtensionNumber) -> bool {
        let dialled = number.as_str().parse().map(|number| self.dial(&number));
        matches!(dialled, Ok(Dial::Park(ParkPlace::Slot(_))))
    }

    /// The queue that phones call by that number, where nothing else has it.
    #[must_use]
    pub fn queue_at(&self, number: &ExtensionNumber) -> Option<&QueueName> {
        let is_other =
            self.extensions.contains(number) || number.as_str().parse().is_ok_and(|room| self.rooms.contains(&room));
        self.queues.get(number).filter(|_| !is_other)
    }

    /// The numbers of a queue.
    pub fn numbers_of<'a>(&'a self, queue: &'a QueueName) -> impl Iterator<Item = &'a ExtensionNumber> + 'a {
        self.queues.iter().filter(move |(_, name)| *name == queue).map(|(number, _)| number)
    }

    /// The route that takes a call from a trunk for `did`, if there is one.
    #[must_use]
    pub fn inbound(&self, trunk: &TrunkName, did: &str) -> Option<&InboundRoute> {
        self.weighed(trunk, did).map(|(_, route)| route)
    }

    /// How well that route fits: the greatest of several plans has the number, the first of those that are equal.
    #[must_use]
    pub fn inbound_fit(&self, trunk: &TrunkName, did: &str) -> Option<Fit> {
        self.weighed(trunk, did).map(|(fit, _)| fit)
    }

    fn weighed(&self, trunk: &TrunkName, did: &str) -> Option<(Fit, &InboundRoute)> {
        self.inbound
            .iter()
            .filter(|route| route.trunk.as_ref().is_none_or(|only| only == trunk))
            .filter_map(|route| route.did.weight(did).map(|weight| (Fit(weight, route.trunk.is_some()), route)))
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
    }

    fn emergency_attempts(&self, number: &str) -> Vec<Attempt> {
        self.emergency_trunks.iter().map(|trunk| Attempt { trunk: trunk.clone(), number: number.to_owned() }).collect()
    }

    fn internal(&self, number: &str) -> Option<Destination> {
        let extension = number.parse().ok().filter(|number| self.extensions.contains(number));
        let room = || number.parse().ok().filter(|number| self.rooms.contains(number));
        let queue = || number.parse().ok().and_then(|number: ExtensionNumber| self.queues.get(&number).cloned());
        let echo = || (number == ECHO_TEST).then_some(Destination::EchoTest);
        extension
            .map(Destination::Extension)
            .or_else(|| room().map(Destination::Room))
            .or_else(|| queue().map(Destination::Queue))
            .or_else(echo)
    }

    /// The box after the code. As with [`pick_up`], what could be a number inside is none outside.
    fn messages(&self, whose: &str) -> Option<Dial> {
        if whose.is_empty() {
            return Some(Dial::Messages);
        }
        let number: ExtensionNumber = whose.parse().ok()?;
        Some(self.queues.get(&number).map_or(Dial::Unknown, |queue| Dial::MessagesOf(queue.clone())))
    }

    fn outbound_route(&self, number: &str) -> Option<&OutboundRoute> {
        self.outbound
            .iter()
            .filter(|route| number.starts_with(&route.prefix) && !route.trunks.is_empty())
            .reduce(|best, next| if next.prefix.len() > best.prefix.len() { next } else { best })
    }
}

/// A code and what could be an extension is no number outside, so that nobody who mistypes one calls a stranger.
fn pick_up(number: &str) -> Option<PickUp> {
    match number.strip_prefix(PICK_UP)? {
        "" => Some(PickUp::Group),
        extension => extension.parse().ok().map(PickUp::Extension),
    }
}

impl DidPattern {
    /// How specific the match is (length; an exact match beats every prefix), `None` for no match.
    fn weight(&self, did: &str) -> Option<usize> {
        let did = did.trim_start_matches('+');
        match self {
            Self::Exact(number) => (number.trim_start_matches('+') == did).then_some(usize::MAX),
            Self::Prefix(prefix) => {
                let prefix = prefix.trim_start_matches('+');
                did.starts_with(prefix).then_some(prefix.len())
            }
        }
    }
}

impl OutboundRoute {
    fn attempts(&self, number: &str) -> Vec<Attempt> {
        let rest: String = number.chars().skip(self.strip).collect();
        let sent = format!("{}{rest}", self.prepend);
        self.trunks.iter().map(|trunk| Attempt { trunk: trunk.clone(), number: sent.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(name: &str) -> TrunkName {
        name.parse().unwrap()
    }

    fn extension(number: &str) -> ExtensionNumber {
        number.parse().unwrap()
    }

    fn route(prefix: &str, strip: usize, prepend: &str, trunks: &[&str]) -> OutboundRoute {
        OutboundRoute {
            prefix: prefix.into(),
            strip,
            prepend: prepend.into(),
            trunks: trunks.iter().map(|t| trunk(t)).collect(),
        }
    }

    fn plan() -> Plan {
        Plan {
            emergency: EMERGENCY_DEFAULT.map(String::from).to_vec(),
            emergency_trunks: vec![trunk("lines"), trunk("spare")],
            extensions: [extension("1001"), extension("120")].into(),
            rooms: ["8000", "1001"].map(|number| number.parse().unwrap()).into(),
            queues: [("7000".parse().unwrap(), "support".parse().unwrap())].into(),
            park: Some(Park {
                number: extension("700"),
                slots: "701-702".parse().unwrap(),
                timeout: std::time::Duration::from_secs(120),
            }),
            inbound: vec![
                InboundRoute {
                    trunk: None,
                    did: DidPattern::Prefix(String::new()),
                    to: Destination::EchoTest,
                    hours: None,
                },
                InboundRoute {
                    trunk: None,
                    did: DidPattern::Exact("+861012345678".into()),
                    to: Destination::Extension(extension("1001")),
                    hours: None,
                },
                InboundRoute {
                    trunk: Some(trunk("lines")),
                    did: DidPattern::Prefix("8610".into()),
                    to: Destination::Extension(extension("120")),
                    hours: None,
                },
            ],
            outbound: vec![route("", 0, "", &["lines"]), route("9", 1, "0086", &["spare", "lines"])],
        }
    }

    fn dialled(number: &str) -> Dial {
        plan().dial(&number.parse().unwrap())
    }

    fn attempt(name: &str, number: &str) -> Attempt {
        Attempt { trunk: trunk(name), number: number.into() }
    }

    /// Proves GEN-18.
    #[test]
    fn an_emergency_number_beats_an_extension_and_every_route() {
        assert_eq!(dialled("120"), Dial::Emergency(vec![attempt("lines", "120"), attempt("spare", "120")]));
    }

    #[test]
    fn an_extension_beats_an_outbound_route() {
        assert_eq!(dialled("1001"), Dial::Internal(Destination::Extension(extension("1001"))));
        assert_eq!(dialled("*43"), Dial::Internal(Destination::EchoTest));
    }

    #[test]
    fn a_pickup_code_leads_to_who_rings_and_never_outside() {
        assert_eq!(dialled("*8"), Dial::PickUp(PickUp::Group));
        assert_eq!(dialled("*81001"), Dial::PickUp(PickUp::Extension(extension("1001"))));
        assert_eq!(dialled("*89999"), Dial::PickUp(PickUp::Extension(extension("9999"))));
        // An extension, an emergency number and what can be none of ours come first, or last.
        let mut own = plan();
        own.extensions.insert(extension("*81001"));
        own.emergency.push("*8".into());
        let number = |text: &str| text.parse().unwrap();
        assert_eq!(own.dial(&number("*81001")), Dial::Internal(Destination::Extension(extension("*81001"))));
        assert!(matches!(own.dial(&number("*8")), Dial::Emergency(_)));
        assert!(matches!(dialled("*81"), Dial::Outbound(_)));
        assert!(matches!(dialled("*813800000000"), Dial::Outbound(_)));
    }

    #[test]
    fn parked_callers_have_numbers_which_nobody_else_has() {
        assert_eq!(dialled("*98"), Dial::Messages);
        assert_eq!(dialled("700"), Dial::Park(ParkPlace::Any));
        assert_eq!(dialled("702"), Dial::Park(ParkPlace::Slot(extension("702"))));
        assert!(matches!(dialled("703"), Dial::Outbound(_)));
        let mut own = plan();
        own.extensions.insert(extension("702"));
        assert!(matches!(own.dial(&"702".parse().unwrap()), Dial::Internal(_)));
    }

    #[test]
    fn a_queues_messages_have_its_number_after_the_code_and_no_other_leads_outside() {
        assert_eq!(dialled("*987000"), Dial::MessagesOf("support".parse().unwrap()));
        assert_eq!(dialled("*987001"), Dial::Unknown);
        assert_eq!(dialled("*981001"), Dial::Unknown, "another one's own box");
        assert!(matches!(dialled("*9813800000000"), Dial::Outbound(_)));
    }

    #[test]
    fn a_room_is_dialled_by_its_number() {
        assert_eq!(dialled("8000"), Dial::Internal(Destination::Room("8000".parse().unwrap())));
        assert!(matches!(dialled("8001"), Dial::Outbound(_)));
    }

    #[test]
    fn the_longest_prefix_wins_and_the_number_is_rewritten() {
        assert_eq!(dialled("13800000000"), Dial::Outbound(vec![attempt("lines", "13800000000")]));
        assert_eq!(
            dialled("913800000000"),
            Dial::Outbound(vec![attempt("spare", "008613800000000"), attempt("lines", "008613800000000")])
        );
    }

    #[test]
    fn without_a_route_a_number_leads_nowhere() {
        let empty = Plan::default();
        assert_eq!(empty.dial(&"13800000000".parse().unwrap()), Dial::Unknown);
        assert_eq!(empty.inbound(&trunk("lines"), "1"), None);
    }

    #[test]
    fn the_most_specific_inbound_route_wins() {
        let plan = plan();
        let to = |name: &str, did: &str| plan.inbound(&trunk(name), did).map(|route| route.to.clone());
        assert_eq!(to("lines", "861012345678"), Some(Destination::Extension(extension("1001"))));
        assert_eq!(to("lines", "86109"), Some(Destination::Extension(extension("120"))));
        assert_eq!(to("spare", "86109"), Some(Destination::EchoTest));
    }
}
