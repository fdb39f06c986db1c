//! What the transactions say: to the transport, and to their user (the TU of RFC 3261: the switch).

use bytes::Bytes;

use crate::flow::Flow;
use crate::message::{Request, Response};

slotmap::new_key_type! {
    /// A server transaction: a request that was received. Never used again for another one.
    pub struct ServerKey;
    /// A client transaction: a request that was sent. Never used again for another one.
    pub struct ClientKey;
}

/// A transaction of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionKey {
    /// Of a request that was received.
    Server(ServerKey),
    /// Of a request that was sent.
    Client(ClientKey),
}

/// One thing to be done, in the order in which [`super::Transactions::poll_output`] gives them.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes on this flow.
    Send {
        /// The path. A stream without a connection is to be opened (or an open one to that peer used).
        flow: Flow,
        /// A whole message.
        bytes: Bytes,
    },
    /// A new request, never ACK or CANCEL. The TU answers it by [`super::Transactions::respond`]. Its top Via has
    /// `received` and `rport` filled in.
    Request {
        /// Its transaction.
        key: ServerKey,
        /// The request.
        request: Request,
        /// Where it came from.
        flow: Flow,
    },
    /// As `Request`, but the same request has come before by another path (RFC 3261 §8.2.2.2): the TU should answer 482.
    MergedRequest {
        /// Its transaction.
        key: ServerKey,
        /// The request.
        request: Request,
        /// Where it came from.
        flow: Flow,
    },
    /// The first ACK for a 2xx. ACKs for failures, and repeated ones, stay here.
    Ack {
        /// The INVITE it belongs to; `None` if that is gone or never was: the TU matches by dialog, or drops it.
        key: Option<ServerKey>,
        /// The ACK, perhaps with an answer in it.
        request: Request,
        /// Where it came from.
        flow: Flow,
    },
    /// The client cancelled an INVITE that has no final response yet. The CANCEL is answered; the TU answers the INVITE with
    /// 487.
    Cancelled {
        /// The INVITE.
        key: ServerKey,
        /// The CANCEL, for its Reason (RFC 3326).
        cancel: Request,
    },
    /// A response to a request that was sent. Failures to INVITE are acknowledged already; a 2xx is to be acknowledged by
    /// [`super::Transactions::send_ack`]. Each 2xx of a fork comes once.
    Response {
        /// The request's transaction.
        key: ClientKey,
        /// The response.
        response: Response,
    },
    /// A 2xx to an INVITE whose transaction is gone: the TU sends ACK and BYE, so that the peer does not wait.
    StrayResponse {
        /// The response.
        response: Response,
        /// Where it came from.
        flow: Flow,
    },
    /// No (final) response came in time: as a 408 (RFC 3261 §8.1.3.1). The key is no longer good.
    TimedOut {
        /// The request's transaction.
        key: ClientKey,
    },
    /// No ACK came for the final response in 64*T1. The key is no longer good. After a 2xx the TU ends the dialog by BYE
    /// (RFC 3261 §13.3.1.4).
    AckMissing {
        /// The INVITE.
        key: ServerKey,
    },
    /// The transport failed: for a client transaction as a 503 (RFC 3261 §8.1.3.1), and its key is no longer good. A server
    /// transaction of INVITE stays and must still be answered (RFC 6026 §7.1); another one is gone.
    TransportError {
        /// The transaction.
        key: TransactionKey,
    },
    /// The transaction is over and left the table; the key is no longer good. Comes for each one that ended by neither
    /// `TimedOut` nor `AckMissing` nor `TransportError`.
    Ended {
        /// The transaction.
        key: TransactionKey,
    },
}

/// Why a response was not taken. The TU is at fault, or came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The transaction is gone: do nothing more for it.
    #[error("the transaction is over")]
    Gone,
    /// It had its final response: keep track of what was answered.
    #[error("the request was already answered finally")]
    AlreadyAnswered,
    /// A provisional response to another request than INVITE: answer it finally, the transaction sends its 100.
    #[error("a request that is no invite is answered finally only")]
    OnlyFinal,
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The table of pending client transactions is full: try later, or refuse what this request is for.
    #[error("too many requests are waiting for an answer, try later")]
    TableFull,
    /// ACK and CANCEL are sent by functions of their own.
    #[error("an ACK or CANCEL is not sent as a request, use send_ack or cancel")]
    NotARequest,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests answered 503 without a transaction, because too many were pending.
    pub refused: u64,
    /// Requests answered 483: Max-Forwards was used up.
    pub too_many_hops: u64,
    /// Finished transactions dropped before their time, because too many lingered.
    pub evicted: u64,
    /// Retransmitted requests, absorbed or answered from the stored response.
    pub retransmissions_in: u64,
    /// Messages sent again by a timer.
    pub retransmissions_out: u64,
    /// Responses that belong to nothing and are no 2xx to an INVITE.
    pub stray_responses: u64,
    /// Messages whose Via, CSeq, From, To or Call-ID could not be used.
    pub malformed: u64,
}

/// How many transactions there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Received requests without a final response.
    pub pending_server: usize,
    /// Sent requests without a final response.
    pub pending_client: usize,
    /// Those with one, that wait for retransmissions.
    pub finished: usize,
}
