//! The document that a busy lamp is lit by: `application/dialog-info+xml` (RFC 4235 §4), always with the full state.

use std::fmt::Write;

use dialplan::xml::escaped;
use hooks::id::LegId;
use sip::uri::{Host, SipUri};

/// RFC 4235 §3.5.
pub(super) const CONTENT_TYPE: &str = "application/dialog-info+xml";
/// Dialogs of one extension that are shown, the oldest first, so that a document fits into a few packets; no key of a phone
/// shows more.
pub(super) const LINES_MAX: usize = 8;

/// A dialog of a watched extension, as its phone sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) leg: LegId,
    pub(crate) state: LineState,
    pub(crate) direction: Direction,
    pub(crate) call_id: String,
    /// The phone's tag, once it gave one.
    pub(crate) local_tag: Option<String>,
    /// Ours.
    pub(crate) remote_tag: String,
    /// Whom it calls, or talks with; `None` where that is hidden from the phone itself.
    pub(crate) other: Option<Party>,
}

/// How far a dialog is (RFC 4235 §3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineState {
    /// The INVITE is out.
    Trying,
    /// It rings.
    Early,
    /// Answered.
    Confirmed,
}

/// Who sent the INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The extension's phone.
    Initiator,
    /// It was called.
    Recipient,
}

/// A party of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) number: String,
    /// May be empty.
    pub(crate) name: String,
}

/// What a document is about.
pub(super) struct Document<'a> {
    /// The extension.
    pub(super) owner: &'a Party,
    /// The host that its watcher knows it by.
    pub(super) entity_host: &'a Host,
    /// The host in our addresses.
    pub(super) host: &'a Host,
    pub(super) version: u32,
    pub(super) lines: &'a [Line],
    /// How the watcher is shown a party; `None` where it is hidden from him.
    pub(super) shown: &'a dyn Fn(&Party) -> Option<Party>,
    /// Told of before, over since. RFC 4235 §3.7.1: said once more, as terminated.
    pub(super) over: Vec<&'a Line>,
}

impl Document<'_> {
    /// The document.
    pub(super) fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let entity = address(&self.owner.number, self.entity_host);
        let _ = writeln!(
            xml,
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{}\" state=\"full\" entity=\"{}\">",
            self.version,
            escaped(&entity)
        );
        for line in self.lines {
            self.write_line(&mut xml, line, line.state.as_str());
        }
        for line in &self.over {
            self.write_line(&mut xml, line, "terminated");
        }
        xml.push_str("</dialog-info>\n");
        xml
    }

    fn write_line(&self, xml: &mut String, line: &Line, state: &str) {
        let _ = write!(xml, "<dialog id=\"{}\" call-id=\"{}\"", line.leg, escaped(&line.call_id));
        if let Some(tag) = &line.local_tag {
            let _ = write!(xml, " local-tag=\"{}\"", escaped(tag));
        }
        let direction = match line.direction {
            Direction::Initiator => "initiator",
            Direction::Recipient => "recipient",
        };
        let _ = writeln!(xml, " remote-tag=\"{}\" direction=\"{direction}\">", escaped(&line.remote_tag));
        let _ = writeln!(xml, "<state>{state}</state>");
        self.write_party(xml, "local", Some(self.owner));
        self.write_party(xml, "remote", line.other.as_ref().and_then(self.shown).as_ref());
        xml.push_str("</dialog>\n");
    }

    fn write_party(&self, xml: &mut String, side: &str, party: Option<&Party>) {
        let (address, name) = match party {
            Some(party) => (address(&party.number, self.host), party.name.as_str()),
            // RFC 3323 §4.1.1.3.
            None => ("sip:anonymous@anonymous.invalid".to_owned(), "Anonymous"),
        };
        let address = escaped(&address);
        let display = if name.is_empty() { String::new() } else { format!(" display=\"{}\"", escaped(name)) };
        let _ = writeln!(xml, "<{side}><identity{display}>{address}</identity><target uri=\"{address}\"/></{side}>");
    }
}

impl LineState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Trying => "trying",
            Self::Early => "early",
            Self::Confirmed => "confirmed",
        }
    }
}

pub(super) fn address(number: &str, host: &Host) -> String {
    SipUri::new(Some(number), host, None).as_str().to_owned()
}
