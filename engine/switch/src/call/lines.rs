//! What somebody who watches an extension sees of a call: its dialogs with the phones of that extension (RFC 4235).

use std::borrow::Cow;

use hooks::fact::PeerKind;
use sip::dialog::{Began, Dialog};

use super::{Call, LegIndex};
use crate::desk::Desk;
use crate::identity;
use crate::leg::{Leg, LegState, Progress, Side};
use crate::presence::{Direction, Line, LineState, Party};

impl Call {
    /// Who watches an extension of this call is to look again.
    pub(super) fn touch_watchers(&self, desk: &mut Desk) {
        if desk.presence.is_empty() {
            return;
        }
        for leg in self.legs.iter().filter(|leg| leg.peer.kind == PeerKind::Extension) {
            desk.presence.touch(&self.tenant.tenant, &leg.peer.name);
        }
    }

    /// The dialogs with phones of this extension, the oldest first.
    pub(crate) fn lines_of(&self, extension: &str) -> Vec<Line> {
        let own = |leg: &Leg| leg.peer.kind == PeerKind::Extension && leg.peer.name == extension;
        let live = self.live().into_iter().filter(|leg| self.leg(*leg).is_some_and(own));
        live.filter_map(|leg| self.line(leg)).collect()
    }

    pub(super) fn line(&self, index: LegIndex) -> Option<Line> {
        let leg = self.leg(index)?;
        let how_far = |progress: Progress| match progress {
            Progress::Silent => LineState::Trying,
            Progress::Ringing | Progress::EarlyMedia => LineState::Early,
        };
        let (state, direction, dialog) = match &leg.state {
            LegState::Incoming(incoming) => (how_far(incoming.progress), Direction::Initiator, Some(&incoming.dialog)),
            LegState::Outgoing(outgoing) => {
                (how_far(outgoing.progress), Direction::Recipient, outgoing.forks.dialogs().next())
            }
            LegState::Up(up) => (LineState::Confirmed, direction_of(&up.dialog), Some(&up.dialog)),
            LegState::Service | LegState::Ended { .. } => return None,
        };
        Some(Line {
            leg: leg.id,
            state,
            direction,
            call_id: leg.sip_call_id().to_owned(),
            local_tag: dialog.map(|dialog| dialog.id().remote_tag.clone()),
            remote_tag: leg.tag.to_string(),
            other: self.other_party(index, leg),
        })
    }

    /// Whom the phone of a leg sees: no watcher of it sees more.
    fn other_party(&self, index: LegIndex, leg: &Leg) -> Option<Party> {
        let shown = match leg.side {
            Side::Callee if leg.outgoing().is_some() => self.shown(),
            Side::Callee if self.partner(index).is_none() => Cow::Borrowed(&self.about),
            // As it was dialled, not as a carrier wants it.
            Side::Caller if self.transfers == 0 => return self.dialled_party(),
            Side::Caller | Side::Callee => self.shown_beside(index),
        };
        if identity::is_hidden(&shown) {
            return None;
        }
        Some(Party { number: shown.caller.clone(), name: shown.caller_name.clone() })
    }

    fn dialled_party(&self) -> Option<Party> {
        let number = self.about.callee.clone();
        let extension = number.parse().ok().and_then(|number| self.tenant.extensions.get(&number));
        let name = extension.map(|extension| extension.display_name.clone()).unwrap_or_default();
        (!number.is_empty()).then_some(Party { number, name })
    }
}

fn direction_of(dialog: &Dialog) -> Direction {
    match dialog.began() {
        Began::Remotely => Direction::Initiator,
        Began::Locally => Direction::Recipient,
    }
}
