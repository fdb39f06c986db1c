//! The messages that wait for an extension: `application/simple-message-summary` (RFC 3842 §5).

/// RFC 3842 §3.5.
pub(super) const CONTENT_TYPE: &str = "application/simple-message-summary";

/// Voice messages of an extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Not heard yet.
    pub(crate) new: u32,
    /// Heard and kept.
    pub(crate) old: u32,
}

impl Waiting {
    /// The body. `account` is the address of the mailbox. None is urgent.
    pub(super) fn to_text(self, account: &str) -> String {
        let waiting = if self.new > 0 { "yes" } else { "no" };
        format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {}/{} (0/0)\r\n",
            self.new, self.old
        )
    }
}
