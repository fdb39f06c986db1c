//! From facts to messages in boxes, and what phones are told of them.

use std::collections::BTreeSet;

use dialplan::flow::name::Mailbox;
use hooks::fact::{VoicemailLeft, VoicemailUsed};
use hooks::id::TenantId;
use switch::input::Input;

use crate::store::records::CallDocument;
use crate::store::voicemails::{FirstUse, Voicemail, Waiting};
use crate::store::{Store, StoreError};
use crate::writer::Inbox;

/// What was done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Listened,
    Downloaded,
    Deleted,
}

pub(super) fn left(document: &mut CallDocument, event: &VoicemailLeft, at_ms: u64) {
    if document.voicemails.iter().any(|message| message.voicemail == event.voicemail) {
        return;
    }
    document.voicemails.push(Voicemail {
        voicemail: event.voicemail,
        call: event.call,
        mailbox: event.mailbox.clone(),
        caller: event.caller.clone(),
        caller_name: event.caller_name.clone(),
        callee: event.callee.clone(),
        left_at_ms: at_ms,
        length_ms: event.length_ms,
        listened: None,
        downloaded: None,
        deleted: None,
    });
}

/// The first use counts.
pub(super) fn used(document: &mut CallDocument, event: &VoicemailUsed, at_ms: u64, what: Use) {
    let Some(message) = document.voicemails.iter_mut().find(|message| message.voicemail == event.voicemail) else {
        return;
    };
    let mark = match what {
        Use::Listened => &mut message.listened,
        Use::Downloaded => &mut message.downloaded,
        Use::Deleted => &mut message.deleted,
    };
    mark.get_or_insert_with(|| FirstUse { at_ms, by: event.by.clone() });
}

/// Tells the switch how many messages wait for whom, so that phones show it (RFC 3842).
pub(super) struct MessageLamps {
    inbox: Inbox,
    /// Boxes whose counts may have changed; `None` at first: all are to be told.
    changed: Option<BTreeSet<String>>,
}

impl MessageLamps {
    pub(super) fn new(inbox: Inbox) -> Self {
        Self { inbox, changed: None }
    }

    /// These calls were stored.
    pub(super) fn note(&mut self, calls: &[CallDocument]) {
        if let Some(changed) = &mut self.changed {
            changed.extend(calls.iter().flat_map(|call| &call.voicemails).map(|message| message.mailbox.clone()));
        }
    }

    /// Tells what may have changed. What could not be read is told the next time.
    pub(super) async fn tell(&mut self, store: &Store, tenant: &TenantId) -> Result<(), StoreError> {
        match &mut self.changed {
            None => {
                for (mailbox, waiting) in store.waiting_messages(tenant).await? {
                    tell(&self.inbox, tenant, &mailbox, waiting).await;
                }
                self.changed = Some(BTreeSet::new());
            }
            Some(changed) => {
                while let Some(mailbox) = changed.first().cloned() {
                    let waiting = store.waiting_messages_of(tenant, &mailbox).await?;
                    tell(&self.inbox, tenant, &mailbox, waiting).await;
                    changed.remove(&mailbox);
                }
            }
        }
        Ok(())
    }
}

async fn tell(inbox: &Inbox, tenant: &TenantId, mailbox: &str, waiting: Waiting) {
    // One that cannot be read names nobody.
    if let Ok(mailbox) = mailbox.parse::<Mailbox>() {
        let Waiting { new, old } = waiting;
        inbox.input(Input::MessagesWaiting { tenant: tenant.clone(), mailbox, new, old }).await;
    }
}
