//! What must hold on the wire: each INVITE the switch received gets one final response, and no other one.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::Text;

/// An INVITE as the network sees it: Call-ID, branch, CSeq.
type Key = (String, String, u32);

/// Watches the responses of the switch to INVITEs.
#[derive(Debug, Default)]
pub struct Wire {
    /// The final status sent, if any.
    invites: BTreeMap<Key, Option<u16>>,
    /// INVITEs of our own phones for an emergency number, by Call-ID.
    emergencies: BTreeSet<String>,
}

impl Wire {
    /// The switch got this.
    pub fn received(&mut self, text: &Text) {
        if text.status() == 0 && text.method() == "INVITE" {
            self.invites.entry(key(text)).or_insert(None);
        }
    }

    /// An INVITE for an emergency number of a phone that may not be refused (GEN-18).
    pub fn emergency(&mut self, text: &Text) {
        if text.start.starts_with("INVITE sip:110@") && text.tag("To").is_none() {
            self.emergencies.insert(text.call_id().to_owned());
        }
    }

    /// The process was told to stop: what was under way is over, emergencies too.
    pub fn forget_emergencies(&mut self) {
        self.emergencies.clear();
    }

    /// The switch sent this.
    ///
    /// # Errors
    /// It answered an INVITE that never was, or answered one twice, differently.
    pub fn sent(&mut self, text: &Text) -> Result<(), String> {
        if text.status() == 0 || text.method() != "INVITE" {
            return Ok(());
        }
        let status = text.status();
        if matches!(status, 403 | 503) && self.emergencies.contains(text.call_id()) {
            return Err(format!("an emergency call was refused with {status}: {}", text.call_id()));
        }
        let Some(answered) = self.invites.get_mut(&key(text)) else {
            return Err(format!("{status} to an INVITE that never came: {}", text.call_id()));
        };
        match *answered {
            None if status >= 200 => *answered = Some(status),
            None => {}
            Some(before) if before == status => {}
            Some(before) => {
                return Err(format!("{status} after the final {before} to the same INVITE: {}", text.call_id()));
            }
        }
        Ok(())
    }

    /// The switch died: what it did not answer it never will, and what it did answer it does not know.
    pub fn forget(&mut self) {
        self.invites.clear();
    }

    /// The Call-ID of an INVITE without a final response.
    #[must_use]
    pub fn unanswered(&self) -> Option<&str> {
        self.invites.iter().find(|(_, status)| status.is_none()).map(|(key, _)| key.0.as_str())
    }
}

fn key(text: &Text) -> Key {
    (text.call_id().to_owned(), text.branch().to_owned(), text.cseq())
}
