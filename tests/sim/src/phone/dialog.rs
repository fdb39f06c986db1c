//! A call as one phone sees it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reliable::{Early, Sure, Unpracked};
use super::transfer::{Place, Referral};
use crate::text::{Audio, Text};

/// Who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// This phone.
    Caller,
    /// The other side.
    Callee,
}

/// Where the call is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// INVITE sent, no final response.
    Calling {
        /// A provisional response came: CANCEL may be sent (RFC 3261 §9.1).
        provisional: bool,
        /// The person gave up.
        giving_up: bool,
    },
    /// INVITE received, no final response sent.
    Ringing(Box<Text>),
    /// 200 sent, no ACK yet: repeated (RFC 3261 §13.3.1.4).
    Answering {
        /// The 200.
        ok: String,
        /// When it is sent again.
        again_at: Duration,
        /// How long until the time after that.
        interval: Duration,
        /// When the phone gives up and hangs up.
        gives_up_at: Duration,
    },
    /// Both talk.
    Up,
    /// BYE sent, no answer yet.
    Ending,
    /// Over.
    Over,
}

/// Who holds whom, as this phone did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nobody.
    None,
    /// Asked for it, no answer yet.
    Asked,
    /// This phone holds the other.
    Holding,
    /// Asked to take the other back, no answer yet.
    Retrieving,
}

/// A call as one phone sees it.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Its Call-ID.
    pub call_id: String,
    /// Who called.
    pub role: Role,
    /// Where it is.
    pub stage: Stage,
    /// Who holds whom.
    pub hold: Hold,
    /// Since when the stage or the hold has been so.
    pub since: Duration,
    /// When the phone last asked for something within the dialog.
    pub asked_at: Duration,
    /// The phone's own RTP port.
    pub port: u16,
    /// The last audio line the switch sent.
    pub remote: Option<Audio>,
    /// The number dialled, or nothing on a received call.
    pub dialled: String,
    pub(super) local_uri: String,
    pub(super) local_tag: String,
    pub(super) remote_uri: String,
    pub(super) remote_tag: Option<String>,
    /// The tag of the other side before its answer.
    pub(super) early_tag: Option<String>,
    /// What its INVITE takes the place of.
    pub(super) takes: Option<Place>,
    /// The last REFER that was sent in it.
    pub(super) referral: Option<Referral>,
    pub(super) target: String,
    pub(super) cseq: u32,
    pub(super) invite_cseq: u32,
    pub(super) invite_branch: String,
    /// The ACKs sent to 2xx, by CSeq number: each repetition of a 2xx gets the same again (RFC 3261 §13.2.2.4).
    pub(super) acks: BTreeMap<u32, String>,
    pub(super) sdp_version: u32,
    pub(super) payload_types: Vec<u8>,
    pub(super) tried_password: bool,
    /// It heard, or let hear, something before the answer.
    pub early: bool,
    /// The INVITE carried no offer.
    pub(super) delayed: bool,
    /// What its INVITE said of 100rel.
    pub(super) sure: Sure,
    pub(super) began_early: Early,
    pub(super) unpracked: Option<Unpracked>,
}

impl Dialog {
    /// Both sides have answered and neither has hung up, as this phone sees it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        match self.stage {
            Stage::Up => true,
            Stage::Calling { .. } | Stage::Ringing(_) | Stage::Answering { .. } | Stage::Ending | Stage::Over => false,
        }
    }

    /// RTP comes from the phone.
    #[must_use]
    pub fn speaks(&self) -> bool {
        match self.stage {
            Stage::Up | Stage::Answering { .. } | Stage::Calling { .. } | Stage::Ringing(_) => true,
            Stage::Ending | Stage::Over => false,
        }
    }

    /// The phone has nothing more to do for it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }
}
