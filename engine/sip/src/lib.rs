//! SIP on bytes: messages, transactions, dialogs, digest and SDP, without I/O.
