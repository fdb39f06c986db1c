//! What must hold of each dialog that a 2xx to an INVITE made: the 2xx is acknowledged at once, and the dialog ends by BYE.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::text::Text;

/// RFC 3261 §13.3.1.4: how long an ACK is waited for, 64 * T1.
const ACK_WAIT: Duration = Duration::from_secs(32);

/// A dialog that a 2xx made.
#[derive(Debug)]
struct Made {
    /// The CSeq number of its INVITE.
    cseq: u32,
    /// When the 2xx passed for the first time.
    at: Duration,
    /// The switch knows that the far end has the 2xx: it got the ACK, or it got the 2xx itself.
    acknowledged: bool,
    /// The switch has the ACK of this very 2xx, so that nothing is left to wait for: one of a later re-INVITE proves the same, but the 2xx
    /// is repeated until its own comes, and a BYE may wait for that.
    settled: bool,
    /// The switch sent BYE, or answered one with 2xx.
    ended: bool,
}

/// A 2xx that reached the switch and is not acknowledged: Call-ID, CSeq number, tag in To.
type Owed = (String, u32, Option<String>);

/// Every dialog of a switch's process, by Call-ID.
#[derive(Debug, Default)]
pub(crate) struct Dialogs {
    made: BTreeMap<String, Made>,
    owed: Option<Owed>,
    /// BYEs that reached the switch: Call-ID and CSeq number.
    byes: BTreeSet<(String, u32)>,
}

impl Dialogs {
    /// Another process takes the place of the one that was killed. It knows only of the dialogs of calls that it goes on with,
    /// and not whether the ACK of their first 2xx came.
    pub(crate) fn taken_over(&mut self, goes_on: impl Fn(&str) -> bool) {
        self.made.retain(|call_id, _| goes_on(call_id));
        self.made.values_mut().for_each(|made| (made.acknowledged, made.settled) = (true, true));
        (self.owed, self.byes) = (None, BTreeSet::new());
    }

    /// This reached the switch.
    pub(crate) fn received(&mut self, now: Duration, text: &Text) {
        let call_id = text.call_id().to_owned();
        match (text.method(), text.status()) {
            ("INVITE", 200..=299) => {
                self.make(now, text, true);
                self.owed = Some((call_id, text.cseq(), text.tag("To").map(str::to_owned)));
            }
            ("ACK", 0) => {
                // The ACK of a later re-INVITE proves, too, that the far end has the 2xx.
                if let Some(made) = self.made.get_mut(&call_id).filter(|made| made.cseq <= text.cseq()) {
                    made.acknowledged = true;
                    made.settled |= made.cseq == text.cseq();
                }
            }
            ("BYE", 0) => drop(self.byes.insert((call_id, text.cseq()))),
            _ => {}
        }
    }

    /// The switch sent this.
    ///
    /// # Errors
    /// A BYE where there is no dialog, or before its other side can know that there is one.
    pub(crate) fn sent(&mut self, now: Duration, text: &Text) -> Result<(), String> {
        let call_id = text.call_id();
        match (text.method(), text.status()) {
            ("INVITE", 200..=299) => self.make(now, text, false),
            ("ACK", 0) => {
                let acknowledged = (call_id, text.cseq(), text.tag("To"));
                self.owed.take_if(|(owed, cseq, tag)| (owed.as_str(), *cseq, tag.as_deref()) == acknowledged);
            }
            ("BYE", 0) => {
                let made = self.made.get_mut(call_id).ok_or_else(|| format!("BYE on {call_id}, which is no dialog"))?;
                // RFC 3261 §15: no BYE by the called side before the ACK, or until none can come any more.
                if !made.acknowledged && now < made.at + ACK_WAIT {
                    return Err(format!("BYE on {call_id} before the ACK of its 2xx"));
                }
                made.ended = true;
            }
            // RFC 5057: who is told so drops the dialog, and needs no BYE.
            ("INVITE", 481) => {
                if let Some(made) = self.made.get_mut(call_id) {
                    made.ended = true;
                }
            }
            ("BYE", 200..=299) if self.byes.contains(&(call_id.to_owned(), text.cseq())) => {
                if let Some(made) = self.made.get_mut(call_id) {
                    made.ended = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The switch has done everything that the last message called for.
    ///
    /// # Errors
    /// That message was a 2xx, and there was no ACK. RFC 3261 §13.2.2.4: one for each, repeated ones too.
    pub(crate) fn settled(&mut self) -> Result<(), String> {
        match self.owed.take() {
            None => Ok(()),
            Some((call_id, cseq, tag)) => Err(format!("no ACK to the 2xx on {call_id}, CSeq {cseq}, To tag {tag:?}")),
        }
    }

    /// The dialogs that go on though both sides can know of them: their legs may not be over.
    pub(crate) fn going_on(&self) -> impl Iterator<Item = &str> {
        self.made.iter().filter(|(_, made)| made.settled && !made.ended).map(|(call_id, _)| call_id.as_str())
    }

    /// Whether both sides know of the dialog, and neither said BYE.
    #[must_use]
    pub(crate) fn goes_on(&self, call_id: &str) -> bool {
        self.made.get(call_id).is_some_and(|made| made.acknowledged && !made.ended)
    }

    /// Whether one side said BYE and the other one knows.
    #[must_use]
    pub(crate) fn is_ended(&self, call_id: &str) -> bool {
        self.made.get(call_id).is_some_and(|made| made.ended)
    }

    /// A dialog that was ended by no BYE.
    #[must_use]
    pub(crate) fn unended(&self) -> Option<&str> {
        self.made.iter().find(|(_, made)| !made.ended).map(|(call_id, _)| call_id.as_str())
    }

    /// A re-INVITE makes no new one.
    fn make(&mut self, now: Duration, text: &Text, acknowledged: bool) {
        let made = Made { cseq: text.cseq(), at: now, acknowledged, settled: acknowledged, ended: false };
        self.made.entry(text.call_id().to_owned()).or_insert(made);
    }
}
