//! Calls through the switch, as ladders in virtual time.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agents;
mod announcements;
mod away;
mod browsers;
mod callbacks;
mod chaos;
mod closed;
mod control;
mod crowds;
mod digits;
mod farewell;
mod flows;
mod forwarding;
mod hooked;
mod identity;
mod ladder;
mod listening;
mod lookups;
mod matrix;
mod media;
mod messages;
mod mobiles;
mod packets;
mod parks;
mod passes;
mod phone;
mod pickup;
mod pracks;
mod presence;
mod presence_xml;
mod queue_rules;
mod queues;
mod reasons;
mod recording;
mod redirects;
mod refusals;
mod registration;
mod replaces;
mod resume;
mod rooms;
mod session_timers;
mod srtp;
mod supervision;
mod surveys;
mod transfers;
mod trunk_choice;
mod trunk_numbers;
mod trunk_upkeep;
mod trunks;
mod two_party;
mod updates;
mod voicemails;
mod walks;

/// The ladders are also played inside the crate, where this is the crate itself.
use switch as under_test;
