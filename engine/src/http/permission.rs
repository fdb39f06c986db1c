//! The engine's permission keys, and the one registry of all keys and fields there are. Each key is named by the operations it guards; a
//! plugin brings keys of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooks::plugin::{FieldKey, PermissionKey, Plugin};

use crate::store::roles::FieldRight;

macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal;)*) => {
        $($(#[doc = $doc])+ pub const $name: PermissionKey = PermissionKey($key);)*

        /// Every key of the engine with what it lets one do, in the order of the names.
        pub const ALL: &[(PermissionKey, &str)] = &[$(($name, concat!($($doc),+))),*];
    };
}

keys! {
    /// See agents and how they stand.
    AGENTS_READ = "agents.read";
    /// Order the state of any agent, and force it (AGT-16).
    AGENTS_SUPERVISE = "agents.supervise";
    /// Make employees agents, and set how they are treated.
    AGENTS_WRITE = "agents.write";
    /// Read the agent state log (LOG-01).
    AGENT_STATES_READ = "agent_states.read";
    /// Read the audit log.
    AUDIT_READ = "audit.read";
    /// See which addresses are banned.
    BANS_READ = "bans.read";
    /// Lift a ban.
    BANS_WRITE = "bans.write";
    /// Talk in the call of an agent (强插, MON-25).
    CALLS_BARGE = "calls.barge";
    /// See block lists.
    BLOCKS_READ = "blocks.read";
    /// Block numbers, and block them no more.
    BLOCKS_WRITE = "blocks.write";
    /// See the known callers.
    CALLERS_READ = "callers.read";
    /// Set who goes first in queues, and whose customer he is (IVR-05).
    CALLERS_WRITE = "callers.write";
    /// End any live call, and hold, hand on and join the parties of others' calls.
    CALLS_CONTROL = "calls.control";
    /// Start calls (GEN-14).
    CALLS_DIAL = "call.dial";
    /// End the call of an agent as his supervisor (强拆, MON-27).
    CALLS_FORCE_HANGUP = "calls.force_hangup";
    /// Listen to the call of an agent (监听, MON-24), and see who does.
    CALLS_MONITOR = "calls.monitor";
    /// See live calls.
    CALLS_READ = "calls.read";
    /// Start, stop, pause and resume the recording of any live call (REC-08).
    CALLS_RECORD = "calls.record";
    /// Take the place of an agent in a call (MON-30).
    CALLS_TAKEOVER = "calls.takeover";
    /// Talk to an agent alone while he talks (密语, MON-30).
    CALLS_WHISPER = "calls.whisper";
    /// Read the SIP messages of calls, with the addresses of phones and trunks.
    CALL_LADDERS_READ = "call_ladders.read";
    /// Take call records out as a file (CDR-04).
    CALL_RECORDS_EXPORT = "call_records.export";
    /// Read call records (CDR).
    CALL_RECORDS_READ = "call_records.read";
    /// Mute, send away and end in conference rooms.
    CONFERENCES_CONTROL = "conferences.control";
    /// See who is in which conference room.
    CONFERENCES_READ = "conferences.read";
    /// Read the log of facts: the hooks.
    EVENTS_READ = "events.read";
    /// See departments.
    DEPARTMENTS_READ = "departments.read";
    /// Make, change and delete departments, and name their managers.
    DEPARTMENTS_WRITE = "departments.write";
    /// See employees, with their mobiles and addresses.
    EMPLOYEES_READ = "employees.read";
    /// Make employees, change them, unlock them, set them to left, and move them to another department.
    EMPLOYEES_WRITE = "employees.write";
    /// See extensions.
    EXTENSIONS_READ = "extensions.read";
    /// Make one's browser a phone of an extension.
    EXTENSIONS_USE = "extensions.use";
    /// Make, change and delete extensions and renew their passwords.
    EXTENSIONS_WRITE = "extensions.write";
    /// See flows.
    FLOWS_READ = "flows.read";
    /// Make, change, publish and delete flows.
    FLOWS_WRITE = "flows.write";
    /// See opening hours.
    HOURS_READ = "hours.read";
    /// Make, change and delete opening hours.
    HOURS_WRITE = "hours.write";
    /// Read the login log (LOG-06).
    LOGINS_READ = "logins.read";
    /// Read the counters of the whole process.
    METRICS_READ = "metrics.read";
    /// Read the offers that agents did not take (MISS-01).
    MISSED_OFFERS_READ = "missed_offers.read";
    /// See and hear uploaded prompts.
    PROMPTS_READ = "prompts.read";
    /// Upload, change and delete prompts and music on hold.
    PROMPTS_WRITE = "prompts.write";
    /// See queues and who waits in them.
    QUEUES_READ = "queues.read";
    /// Make, change and delete queues.
    QUEUES_WRITE = "queues.write";
    /// Save recordings as files (REC-05).
    RECORDINGS_DOWNLOAD = "recordings.download";
    /// Listen to recordings (REC-05).
    RECORDINGS_PLAY = "recordings.play";
    /// See which recordings there are.
    RECORDINGS_READ = "recordings.read";
    /// See which phones are registered.
    REGISTRATIONS_READ = "registrations.read";
    /// See roles.
    ROLES_READ = "roles.read";
    /// Make, change and delete roles.
    ROLES_WRITE = "roles.write";
    /// See conference rooms.
    ROOMS_READ = "rooms.read";
    /// Make, change and delete conference rooms.
    ROOMS_WRITE = "rooms.write";
    /// See routes.
    ROUTES_READ = "routes.read";
    /// Make, change and delete routes.
    ROUTES_WRITE = "routes.write";
    /// See surveys.
    SURVEYS_READ = "surveys.read";
    /// Make, change and delete surveys.
    SURVEYS_WRITE = "surveys.write";
    /// See how the process is.
    SYSTEM_READ = "system.read";
    /// See the exports and imports of everybody, their files too (TASK-02).
    TASKS_ALL = "tasks.all";
    /// See the tenant's own settings.
    TENANTS_READ = "tenants.read";
    /// Change the tenant's own settings.
    TENANTS_WRITE = "tenants.write";
    /// See which API tokens there are.
    TOKENS_READ = "tokens.read";
    /// All of skill groups, lines, flows, prompts and opening hours (QUEUE-08): stands for the keys of [`TELEPHONY`].
    TELEPHONY_ADMIN = "telephony.admin";
    /// Make and revoke API tokens.
    TOKENS_WRITE = "tokens.write";
    /// See trunks.
    TRUNKS_READ = "trunks.read";
    /// Make, change and delete trunks.
    TRUNKS_WRITE = "trunks.write";
    /// Delete the messages of boxes that are not one's own.
    VOICEMAILS_DELETE = "voicemails.delete";
    /// Save them as files.
    VOICEMAILS_DOWNLOAD = "voicemails.download";
    /// Take the list of messages of all boxes out as a file (VM-04).
    VOICEMAILS_EXPORT = "voicemails.export";
    /// Listen to them.
    VOICEMAILS_PLAY = "voicemails.play";
    /// See the messages of all boxes (VM-06).
    VOICEMAILS_READ = "voicemails.read";
    /// See the wallboard and the board of agents (MON-01).
    WALLBOARD_READ = "wallboard.read";
    /// See webhooks, what was delivered and what was given up.
    WEBHOOKS_READ = "webhooks.read";
    /// Make, change and delete webhooks, and send events again; it needs `events.read`, too.
    WEBHOOKS_WRITE = "webhooks.write";
}

/// What [`TELEPHONY_ADMIN`] stands for.
pub const TELEPHONY: [PermissionKey; 12] = [
    FLOWS_READ,
    FLOWS_WRITE,
    HOURS_READ,
    HOURS_WRITE,
    PROMPTS_READ,
    PROMPTS_WRITE,
    QUEUES_READ,
    QUEUES_WRITE,
    ROUTES_READ,
    ROUTES_WRITE,
    TRUNKS_READ,
    TRUNKS_WRITE,
];

/// What a principal may do: a set of keys, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Every key there is or will be: the administrator's role (ORG-38).
    All,
    /// These.
    Only(BTreeSet<String>),
}

/// Stands for [`Permissions::All`] where permissions are stored or sent as texts.
pub const EVERYTHING: &str = "*";

impl Permissions {
    /// From stored or sent texts; [`EVERYTHING`] among them means all.
    #[must_use]
    pub fn from_texts<I: IntoIterator<Item = String>>(texts: I) -> Self {
        let keys: BTreeSet<String> = texts.into_iter().collect();
        if keys.contains(EVERYTHING) { Self::All } else { Self::Only(keys) }
    }

    /// As texts, in order.
    #[must_use]
    pub fn to_texts(&self) -> Vec<String> {
        match self {
            Self::All => vec![EVERYTHING.to_owned()],
            Self::Only(keys) => keys.iter().cloned().collect(),
        }
    }

    /// Whether `key` is among them.
    #[must_use]
    pub fn allow(&self, key: PermissionKey) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(key.0) || (TELEPHONY.contains(&key) && keys.contains(TELEPHONY_ADMIN.0)),
        }
    }

    /// Whether all of `other` is among them: nobody gives away what they do not have.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(mine), Self::Only(theirs)) => {
                let telephony = mine.contains(TELEPHONY_ADMIN.0);
                let is_of_it = |key: &String| telephony && TELEPHONY.iter().any(|own| own.0 == key.as_str());
                theirs.iter().all(|key| mine.contains(key) || is_of_it(key))
            }
        }
    }
}

/// A field of the engine that rights are set for (ORG-32).
const fn phone(object: &'static str, field: &'static str) -> FieldKey {
    FieldKey { object, field, phone: true }
}

/// The caller of a call record, and the name that his phone gave him.
pub const CALL_RECORDS_CALLER: FieldKey = phone("call_records", "caller");
/// The number that was dialled.
pub const CALL_RECORDS_CALLEE: FieldKey = phone("call_records", "callee");
/// The numbers of its legs and segments.
pub const CALL_RECORDS_NUMBER: FieldKey = phone("call_records", "number");
/// Who left a message.
pub const VOICEMAILS_CALLER: FieldKey = phone("voicemails", "caller");
/// The number that he dialled.
pub const VOICEMAILS_CALLEE: FieldKey = phone("voicemails", "callee");

/// The engine's own: the numbers of the outside world. Each stands in the OpenAPI document where it is shown (`x-field`).
const FIELDS: &[FieldKey] = &[
    CALL_RECORDS_CALLER,
    CALL_RECORDS_CALLEE,
    CALL_RECORDS_NUMBER,
    VOICEMAILS_CALLER,
    VOICEMAILS_CALLEE,
    phone("agents", "mobile"),
    phone("blocks", "number"),
    phone("callbacks", "number"),
    phone("callers", "number"),
    phone("calls", "caller"),
    phone("calls", "callee"),
    phone("conferences", "number"),
    phone("employees", "mobile"),
    phone("extensions", "forward"),
    phone("missed_offers", "caller"),
    phone("missed_offers", "callee"),
    phone("queues", "overflow"),
    phone("wallboard", "other_side"),
];

/// Every permission key and every field there is: the engine's and the plugins'. Made once, at the start.
#[derive(Clone, Debug)]
pub struct Registry {
    keys: BTreeMap<&'static str, &'static str>,
    fields: BTreeMap<String, FieldKey>,
}

impl Registry {
    /// Of the engine with these plugins.
    ///
    /// # Panics
    /// Where two of them bring the same key or field, which is our bug.
    #[must_use]
    pub fn new(plugins: &[Arc<dyn Plugin>]) -> Self {
        let mut registry = Self { keys: BTreeMap::new(), fields: BTreeMap::new() };
        for (key, words) in ALL {
            registry.add_key(*key, words);
        }
        FIELDS.iter().for_each(|field| registry.add_field(*field));
        for plugin in plugins {
            for (key, words) in plugin.permission_keys() {
                registry.add_key(*key, words);
            }
            plugin.fields().iter().for_each(|field| registry.add_field(*field));
        }
        registry
    }

    fn add_key(&mut self, key: PermissionKey, words: &'static str) {
        let before = self.keys.insert(key.0, words);
        assert!(before.is_none(), "the permission key {} is brought twice", key.0);
    }

    fn add_field(&mut self, field: FieldKey) {
        let name = field.name();
        assert!(!self.fields.contains_key(&name), "the field {name} is brought twice");
        self.fields.insert(name, field);
    }

    /// Every key with what it lets one do, by key.
    pub fn keys(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.keys.iter().map(|(key, words)| (*key, *words))
    }

    /// Every field, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, FieldKey)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), *field))
    }

    /// Whether there is such a key, or [`EVERYTHING`].
    #[must_use]
    pub fn knows(&self, key: &str) -> bool {
        key == EVERYTHING || self.keys.contains_key(key)
    }

    /// Whether a field holds phone numbers.
    #[must_use]
    pub fn is_phone(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| field.phone)
    }

    /// What is wrong with a right on a field.
    #[must_use]
    pub fn field_fault(&self, name: &str, right: FieldRight) -> Option<&'static str> {
        match (self.fields.get(name), right) {
            (None, _) => Some("there is no such field; see GET /api/v1/permissions"),
            (Some(field), FieldRight::Masked) if !field.phone => Some("only phone numbers are masked"),
            (Some(_), FieldRight::Hidden | FieldRight::Masked | FieldRight::Read | FieldRight::Write) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(keys: &[&str]) -> Permissions {
        Permissions::from_texts(keys.iter().map(|key| (*key).to_owned()))
    }

    #[test]
    fn nobody_gives_away_what_they_do_not_have() {
        assert!(Permissions::All.cover(&Permissions::All));
        assert!(only(&["a", "b"]).cover(&only(&["a"])));
        assert!(!only(&["a"]).cover(&only(&["a", "b"])));
        assert!(!only(&["a"]).cover(&only(&["*"])));
        assert!(only(&["telephony.admin"]).cover(&only(&["queues.write", "telephony.admin"])));
        assert!(!only(&["telephony.admin"]).cover(&only(&["extensions.write"])));
        assert!(!only(&["queues.write"]).cover(&only(&["telephony.admin"])));
    }

    #[test]
    fn keys_differ_and_read_back() {
        let keys: BTreeSet<_> = ALL.iter().map(|(key, _)| key.0).collect();
        assert_eq!(keys.len(), ALL.len());
        assert!(only(&["calls.read"]).allow(CALLS_READ));
        assert!(!only(&["calls.read"]).allow(CALLS_CONTROL));
        assert_eq!(only(&["*", "calls.read"]).to_texts(), ["*"]);
    }
}
