//! BYEs that wait for an ACK. RFC 3261 §15: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received
//! an ACK for its 2xx response or until the server transaction times out." A BYE that overtakes the 2xx would be answered by
//! a caller who knows no dialog yet, and who then takes the 2xx and talks to nobody.
//!
//! The leg itself is over at once, for the call, its media and the record.

use std::collections::BTreeMap;

use sip::dialog::DialogId;
use sip::headers::{HeaderName, HeaderValue};
use sip::message::{Method, Request};
use sip::transaction::ServerKey;

use crate::asking::Asking;
use crate::desk::{Desk, Left, LegRef, TimerKey};
use crate::leg::Up;

/// Dialogs that are to be ended once their 2xx is acknowledged. As many at most as there are server transactions.
#[derive(Debug, Default)]
pub(crate) struct Farewells {
    waiting: BTreeMap<ServerKey, Up>,
    by_tag: BTreeMap<Box<str>, ServerKey>,
}

impl Farewells {
    /// Keeps a dialog until the INVITE of `server` is acknowledged, or is given up.
    pub(crate) fn wait(&mut self, server: ServerKey, up: Up) {
        self.by_tag.insert(up.dialog.id().local_tag.as_str().into(), server);
        self.waiting.insert(server, up);
    }

    /// The wait of this INVITE is over.
    pub(crate) fn due(&mut self, server: ServerKey) -> Option<Up> {
        let up = self.waiting.remove(&server)?;
        self.by_tag.remove(up.dialog.id().local_tag.as_str());
        Some(up)
    }

    /// The far end hangs up first: whether it is one of these dialogs, which is over then.
    pub(crate) fn hung_up(&mut self, bye: &Request) -> bool {
        let Some(named) = DialogId::of_request(bye) else { return false };
        let Some(server) = self.by_tag.get(named.local_tag.as_str()).copied() else { return false };
        let same = self.waiting.get(&server).is_some_and(|up| *up.dialog.id() == named);
        same && self.due(server).is_some()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// An answered leg is over, whoever says BYE: what it still asks is asked no more.
pub(crate) fn leave(desk: &mut Desk, leg: LegRef, up: &Up) {
    up.lifetime.stop(desk, leg);
    if let Some(away) = &up.away {
        desk.timers.stop(away.until, TimerKey::Away(leg));
    }
    if let Some(until) = up.asking.until() {
        desk.timers.stop(until, TimerKey::AskAgain(leg));
    }
    if let Asking::Sent { sent, .. } = &up.asking
        && let Some(used) = desk.clients.get_mut(&sent.client)
    {
        // RFC 3261 §13.2.2.4: its 2xx may have crossed the BYE.
        used.left = Some(Box::new(Left { dialog: up.dialog.clone(), invite: (*sent.request).clone() }));
    }
}

/// Ends an answered dialog: at once, or, where the far end may not know of the answer yet, once it does.
///
/// A BYE that waits says no reason: it is one of a call that ended in the very moment of its answer.
pub(crate) fn say(desk: &mut Desk, up: Up, reason: Option<HeaderValue>) {
    match up.unacknowledged {
        Some(server) => desk.farewells.wait(server, up),
        None => bye(desk, up, reason),
    }
}

/// Sends the BYE. A full table is no reason to keep the dialog: the far end finds out by silence.
pub(crate) fn bye(desk: &mut Desk, mut up: Up, reason: Option<HeaderValue>) {
    let mut bye = up.dialog.request(Method::Bye);
    if let Some(reason) = reason {
        bye.headers.push(HeaderName::Reason, reason);
    }
    let _ = up.send(desk, bye);
}
