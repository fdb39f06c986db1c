//! SIP messages as the text they are: written by hand, read with the least that a phone needs.

use anyhow::{Context as _, Result};

/// A message as received. Nothing is normalised but line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The first line.
    pub start: String,
    /// Header names and values in order, values trimmed and unfolded.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: String,
}

impl Text {
    /// Reads a whole message.
    ///
    /// # Errors
    /// When it has no empty line or a header without a colon.
    pub fn read(message: &str) -> Result<Self> {
        let (head, body) = message.split_once("\r\n\r\n").context("no empty line in the message")?;
        let mut lines = head.split("\r\n");
        let start = lines.next().context("no first line")?.to_owned();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match (line.strip_prefix([' ', '\t']), headers.last_mut()) {
                (Some(more), Some(last)) => last.1 = format!("{} {}", last.1, more.trim()),
                _ => {
                    let (name, value) = line.split_once(':').with_context(|| format!("no colon in {line:?}"))?;
                    headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        Ok(Self { start, headers, body: body.to_owned() })
    }

    /// Every value of a header, in order; the product writes long names, so only those are known.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a header; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// The status code, if it is a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method: of a request from its first line, of a response from its CSeq.
    #[must_use]
    pub fn method(&self) -> &str {
        match self.status() {
            Some(_) => self.header("CSeq").split_whitespace().nth(1).unwrap_or_default(),
            None => self.start.split(' ').next().unwrap_or_default(),
        }
    }

    /// The number of its CSeq.
    #[must_use]
    pub fn cseq(&self) -> u32 {
        self.header("CSeq").split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default()
    }

    /// A parameter of a header's first value, without quotes (`tag` of `From`, `branch` of `Via`).
    #[must_use]
    pub fn parameter(&self, header: &str, name: &str) -> Option<String> {
        let value = self.header(header);
        // Parameters of a name-addr stand behind its angle bracket (RFC 3261 §20).
        let behind = value.rfind('>').map_or(value, |at| &value[at..]);
        let mut parts = behind.split(';').skip(1);
        parts.find_map(|part| {
            let (key, value) = part.trim().split_once('=').unwrap_or((part.trim(), ""));
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
        })
    }

    /// The URI between the angle brackets of a header's first value.
    #[must_use]
    pub fn uri(&self, header: &str) -> String {
        let value = self.header(header);
        match (value.find('<'), value.find('>')) {
            (Some(from), Some(to)) if from < to => value[from + 1..to].to_owned(),
            _ => value.split(';').next().unwrap_or_default().to_owned(),
        }
    }

    /// One line to tell it by: `INVITE` or `486 INVITE`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.status() {
            Some(status) => format!("{status} {}", self.method()),
            None => self.method().to_owned(),
        }
    }
}

/// Text with LF line ends as bytes for the wire: CRLF in the head, and Content-Length unless it is written out. The body
/// (behind the first empty line) gets CRLF too.
#[must_use]
pub fn wire(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let body: String = body.lines().map(|line| format!("{}\r\n", line.trim_end_matches('\r'))).collect();
    let mut head: String = head.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    let written = head.lines().any(|line| line.to_ascii_lowercase().starts_with("content-length:"));
    if !written {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    format!("{head}\r\n{body}")
}

/// What a strict reader of RFC 3261 finds wrong in a message (§7, §8.1.1, §18.3); empty when all is well.
#[must_use]
pub fn faults(message: &str) -> Vec<String> {
    let text = match Text::read(message) {
        Ok(text) => text,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = Vec::new();
    let mut fault_if = |wrong: bool, what: &str| {
        if wrong {
            faults.push(what.to_owned());
        }
    };
    // XML has line ends of its own (XML 1.0 §2.11); SDP, sipfrag and a message summary have those of SIP.
    let is_xml = text.header("Content-Type").ends_with("+xml");
    let lines = if is_xml { message.strip_suffix(text.body.as_str()).unwrap_or(message) } else { message };
    fault_if(lines.replace("\r\n", "").contains(['\r', '\n']), "a line end that is not CRLF");
    for name in ["From", "To", "Call-ID", "CSeq", "Content-Length"] {
        fault_if(text.all(name).len() != 1, &format!("not exactly one {name}"));
    }
    let length: Option<usize> = text.header("Content-Length").parse().ok();
    fault_if(length != Some(text.body.len()), "Content-Length is not the length of the body");
    fault_if(
        text.body.is_empty() != text.header("Content-Type").is_empty(),
        "body and Content-Type without each other",
    );
    fault_if(text.parameter("From", "tag").is_none_or(|tag| tag.is_empty()), "no tag in From");
    let branch = text.parameter("Via", "branch").unwrap_or_default();
    fault_if(!branch.starts_with("z9hG4bK"), "a branch without the cookie");
    let mut sequence = text.header("CSeq").split(' ');
    fault_if(!sequence.next().is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n < 1 << 31)), "no number in CSeq");
    fault_if(sequence.next() != Some(text.method()) || sequence.next().is_some(), "CSeq names another method");
    match text.status() {
        None => {
            let line: Vec<&str> = text.start.split(' ').collect();
            fault_if(line.len() != 3 || line[2] != "SIP/2.0", "no request line");
            fault_if(text.header("Max-Forwards").parse::<u8>().is_err(), "no Max-Forwards");
            fault_if(text.method() == "INVITE" && text.all("Contact").len() != 1, "an INVITE without one Contact");
        }
        Some(status) => {
            let tagged = text.parameter("To", "tag").is_some();
            fault_if(status > 100 && !tagged, "no tag in the To of a response");
            let contact_due = text.method() == "INVITE" && (200..300).contains(&status);
            fault_if(contact_due && text.all("Contact").len() != 1, "a 2xx to INVITE without one Contact");
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let sent = wire(
            "INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bK1;rport\nFrom: \"A;x\" <sip:a@h;p=q>;tag=7\nCSeq: 3 INVITE\n\nv=0\ns=-",
        );
        assert!(sent.contains("Content-Length: 10\r\n\r\nv=0\r\ns=-\r\n"));
        let read = Text::read(&sent).unwrap();
        assert_eq!(read.name(), "INVITE");
        assert_eq!(read.parameter("From", "tag").as_deref(), Some("7"));
        assert_eq!(read.parameter("Via", "branch").as_deref(), Some("z9hG4bK1"));
        assert_eq!(read.uri("From"), "sip:a@h;p=q");
        assert_eq!((read.cseq(), read.body.as_str()), (3, "v=0\r\ns=-\r\n"));
    }

    #[test]
    fn a_strict_reader_finds_every_planted_fault() {
        let good = wire(
            "BYE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nMax-Forwards: 70\nFrom: <sip:a@h>;tag=7\nTo: <sip:b@h>;tag=8\nCall-ID: x\nCSeq: 3 BYE\n",
        );
        assert_eq!(faults(&good), Vec::<String>::new());
        let planted = [
            ("tag=7", "x=7"),
            ("z9hG4bK1", "1"),
            ("3 BYE", "3 INVITE"),
            ("3 BYE", "-3 BYE"),
            ("Length: 0", "Length: 1"),
            ("Max-Forwards: 70\r\n", ""),
            ("Call-ID: x", "Call-ID: x\r\nCall-ID: y"),
            ("70\r\n", "70\n"),
        ];
        for (right, wrong) in planted {
            assert!(!faults(&good.replace(right, wrong)).is_empty(), "{wrong}");
        }
        let answer = good.replace("BYE sip:b@h SIP/2.0", "SIP/2.0 200 OK");
        assert_eq!(faults(&answer), Vec::<String>::new());
        assert!(!faults(&answer.replace(";tag=8", "")).is_empty());
    }

    #[test]
    fn a_response_is_told_by_status_and_method() {
        let read = Text::read("SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n").unwrap();
        assert_eq!(read.name(), "486 INVITE");
        assert!(Text::read("SIP/2.0 200 OK\r\n").is_err());
    }
}
