//! A confirmed dialog as text, for the leg checkpoints of the journal: from it a restarted process picks the call up again.

use serde::{Deserialize, Serialize};

use super::{Began, Dialog, DialogId, InviteUse, Negotiation, Stage};
use crate::headers::NameAddr;
use crate::uri::Uri;

/// What must survive of a confirmed dialog. Addresses are header field values in UTF-8 as we would write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag.
    pub remote_tag: String,
    /// Who owns the Call-ID.
    pub began: Began,
    /// Our address, with the tag.
    pub local: String,
    /// The peer's address, with the tag.
    pub remote: String,
    /// CSeq of the last request we sent.
    pub local_cseq: u32,
    /// CSeq of the last request that came.
    pub remote_cseq: Option<u32>,
    /// The route set, first hop first.
    pub route_set: Vec<String>,
    /// The peer's last Contact.
    pub remote_target: String,
    /// Begun by SIPS.
    pub secure: bool,
}

/// A checkpoint that was not written by us, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} in the dialog checkpoint cannot be read, the call cannot be picked up again")]
pub struct RestoreError(&'static str);

impl Dialog {
    /// What must survive of it.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            call_id: self.id.call_id.clone(),
            local_tag: self.id.local_tag.clone(),
            remote_tag: self.id.remote_tag.clone(),
            began: self.began,
            local: text(&self.local),
            remote: text(&self.remote),
            local_cseq: self.local_cseq,
            remote_cseq: self.remote_cseq,
            route_set: self.route_set.iter().map(text).collect(),
            remote_target: self.remote_target.as_str().to_owned(),
            secure: self.secure,
        }
    }

    /// The dialog again: confirmed, with a session agreed and nothing under way.
    ///
    /// # Errors
    /// [`RestoreError`] if an address in it cannot be read.
    pub fn restore(checkpoint: &Checkpoint) -> Result<Self, RestoreError> {
        let address = |text: &str, what| NameAddr::parse(&text.to_owned().into()).map_err(|_| RestoreError(what));
        Ok(Self {
            id: DialogId {
                call_id: checkpoint.call_id.clone(),
                local_tag: checkpoint.local_tag.clone(),
                remote_tag: checkpoint.remote_tag.clone(),
            },
            began: checkpoint.began,
            local: address(&checkpoint.local, "local address")?,
            remote: address(&checkpoint.remote, "remote address")?,
            local_cseq: checkpoint.local_cseq,
            remote_cseq: checkpoint.remote_cseq,
            route_set: checkpoint
                .route_set
                .iter()
                .map(|route| address(route, "route set"))
                .collect::<Result<_, _>>()?,
            remote_target: checkpoint.remote_target.parse::<Uri>().map_err(|_| RestoreError("remote target"))?,
            secure: checkpoint.secure,
            stage: Stage::Confirmed,
            invite: InviteUse::Idle,
            negotiation: Negotiation::Agreed,
            reliable: super::reliable::Reliable::default(),
        })
    }
}

/// A display name in another encoding loses its odd bytes: it is for people only.
fn text(address: &NameAddr) -> String {
    String::from_utf8_lossy(&address.to_bytes()).into_owned()
}
