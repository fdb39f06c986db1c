//! The gateway of tests and of who tries it out: a file that nobody else reads.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde_json::json;

use super::{Gateway, Message, Sending, SmsError};

/// Appends each message as a line of JSON to a file of mode 0600.
#[derive(Debug)]
pub(super) struct Outbox(PathBuf);

impl Outbox {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    fn append(&self, message: &Message) -> std::io::Result<()> {
        let Message { to, text, signature, template, parameters } = message;
        let line =
            json!({"to": to, "text": text, "signature": signature, "template": template, "parameters": parameters});
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.0)?;
        file.write_all(format!("{line}\n").as_bytes())
    }
}

impl Gateway for Outbox {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async { self.append(message).map_err(|error| SmsError::Unreachable(error.to_string())) })
    }
}
