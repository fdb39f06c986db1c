//! One INVITE of ours and the dialogs that its forks make (RFC 3261 §12.1.2, §13.2.2).

use std::collections::BTreeMap;

use super::reliable::Turn;
use super::{Dialog, DialogError};
use crate::message::{Request, Response};

/// Dialogs that one INVITE may make here. Of a further fork we hear nothing but its 2xx, which is refused by ACK and BYE.
pub const FORKS_MAX: usize = 32;

/// An INVITE that we sent, with a dialog for each user agent that answered.
#[derive(Clone, Debug)]
pub struct Forks {
    invite: Request,
    /// By the tag of the peer.
    dialogs: BTreeMap<String, Dialog>,
}

/// What a response to the INVITE means.
#[derive(Debug)]
pub enum ForkEvent<'a> {
    /// It makes no dialog: 100, or a provisional response without a To tag, or of one fork too many.
    NoDialog,
    /// It made a dialog: early by 101-199, confirmed by a 2xx.
    New(&'a mut Dialog),
    /// It belongs to a dialog that is there; by a 2xx it is confirmed now.
    Known(&'a mut Dialog),
    /// It came before, or one before it is missing: it is not to be heard (RFC 3262 §4).
    Stale,
    /// It failed: every early dialog is over (RFC 3261 §13.2.2.3).
    Failed,
}

impl Forks {
    /// No dialog yet. `invite` is what was sent: it is needed for each ACK.
    #[must_use]
    pub fn new(invite: Request) -> Self {
        Self { invite, dialogs: BTreeMap::new() }
    }

    /// The INVITE as it was sent.
    #[must_use]
    pub fn invite(&self) -> &Request {
        &self.invite
    }

    /// Takes a response to the INVITE.
    ///
    /// # Errors
    /// [`DialogError`] if it should make a dialog and cannot.
    pub fn heard(&mut self, response: &Response) -> Result<ForkEvent<'_>, DialogError> {
        if response.status.code() >= 300 {
            for dialog in self.dialogs.values_mut() {
                dialog.heard(response);
            }
            return Ok(ForkEvent::Failed);
        }
        let to = response.headers.to()?;
        let Some(tag) = to.tag().filter(|_| response.status.code() > 100) else { return Ok(ForkEvent::NoDialog) };
        if self.dialogs.contains_key(tag) {
            let dialog = self.dialogs.get_mut(tag).expect("it was just found");
            if dialog.turn_of(response) == Turn::Stale {
                return Ok(ForkEvent::Stale);
            }
            dialog.heard(response);
            return Ok(ForkEvent::Known(dialog));
        }
        if self.dialogs.len() >= FORKS_MAX {
            return Ok(ForkEvent::NoDialog);
        }
        let dialog = Dialog::from_response(&self.invite, response)?;
        Ok(ForkEvent::New(self.dialogs.entry(tag.to_owned()).or_insert(dialog)))
    }

    /// Every dialog, by the peer's tag.
    pub fn dialogs(&self) -> impl Iterator<Item = &Dialog> {
        self.dialogs.values()
    }

    /// The dialog with that tag of the peer.
    pub fn dialog_mut(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        self.dialogs.get_mut(remote_tag)
    }

    /// Takes the dialog out: the one that the call goes on with.
    pub fn take(&mut self, remote_tag: &str) -> Option<Dialog> {
        self.dialogs.remove(remote_tag)
    }
}
