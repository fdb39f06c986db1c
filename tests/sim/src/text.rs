//! SIP as text, read and written by hand: the phones must not share a mistake with the code they judge.

use std::fmt::Write as _;

/// A message split into lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The first line.
    pub start: String,
    /// Name and value of each header field, in order.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: String,
}

impl Text {
    /// Splits bytes that the switch sent. Strict: the switch is to write what RFC 3261 §25 says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no empty line after the header fields")?;
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        if !start.starts_with("SIP/2.0 ") && !start.ends_with(" SIP/2.0") {
            return Err(format!("not a start line: {start}"));
        }
        let headers = lines.map(field).collect::<Result<Vec<_>, _>>()?;
        let message = Self { start, headers, body: body.to_owned() };
        let length = message.required("Content-Length")?;
        if length.parse() != Ok(body.len()) {
            return Err(format!("Content-Length {length} but {} bytes of body", body.len()));
        }
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            message.required(name)?;
        }
        Ok(message)
    }

    fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("no {name} in {}", self.start))
    }

    /// The first value of a header field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The status of a response; 0 for a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// The method of a request, or the method a response answers.
    #[must_use]
    pub fn method(&self) -> &str {
        if self.status() == 0 {
            self.start.split(' ').next().unwrap_or_default()
        } else {
            self.get("CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or_default()
        }
    }

    /// The number in CSeq.
    #[must_use]
    pub fn cseq(&self) -> u32 {
        self.get("CSeq").and_then(|cseq| cseq.split(' ').next()).and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.get("Call-ID").unwrap_or_default()
    }

    /// The branch of the topmost Via.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.get("Via").and_then(|via| parameter(via, "branch")).unwrap_or_default()
    }

    /// The tag in From or To.
    #[must_use]
    pub fn tag(&self, header: &str) -> Option<&str> {
        self.get(header).and_then(|value| parameter(value, "tag"))
    }

    /// The URI in the Contact.
    #[must_use]
    pub fn contact_uri(&self) -> Option<&str> {
        let contact = self.get("Contact")?;
        match contact.split_once('<') {
            Some((_, rest)) => rest.split('>').next(),
            None => contact.split(';').next(),
        }
    }

    /// The user part of the URI in From or To.
    #[must_use]
    pub fn user(&self, header: &str) -> &str {
        let uri = self.get(header).and_then(|value| value.split_once("sip:"));
        uri.and_then(|(_, rest)| rest.split('@').next()).unwrap_or_default()
    }

    /// The port and direction of the audio line and its payload types, if the body has one.
    #[must_use]
    pub fn audio(&self) -> Option<Audio> {
        let line = self.body.lines().find_map(|line| line.strip_prefix("m=audio "))?;
        let mut words = line.split(' ');
        let port = words.next()?.parse().ok()?;
        let payload_types = words.skip(1).filter_map(|word| word.trim().parse().ok()).collect();
        let direction = ["sendonly", "recvonly", "inactive", "sendrecv"]
            .into_iter()
            .find(|direction| self.body.lines().any(|line| line.trim() == format!("a={direction}")))
            .unwrap_or("sendrecv");
        Some(Audio { port, payload_types, direction })
    }
}

/// What an audio line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Its port.
    pub port: u16,
    /// Its payload types.
    pub payload_types: Vec<u8>,
    /// Its direction.
    pub direction: &'static str,
}

fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("not a header field: {line:?}"))?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("not a header field's name: {line:?}"));
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// A `;name=value` outside the angle brackets.
#[must_use]
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = value.rfind('>').map_or(value, |end| &value[end..]);
    after.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// What an endpoint offers or answers.
#[derive(Clone, Debug)]
pub struct SdpText<'a> {
    /// Address in `c=`.
    pub address: &'a str,
    /// Port of the audio line.
    pub port: u16,
    /// Payload types: 0 PCMU, 8 PCMA, 9 G722, 18 G729, 101 telephone-event.
    pub payload_types: &'a [u8],
    /// The direction.
    pub direction: &'a str,
    /// The version in `o=`.
    pub version: u32,
    /// Offers a video line too.
    pub video: bool,
}

/// Writes a session description.
#[must_use]
pub fn sdp(of: &SdpText<'_>) -> String {
    let SdpText { address, port, payload_types, direction, version, video } = of;
    let list: Vec<String> = payload_types.iter().map(u8::to_string).collect();
    let mut text = format!(
        "v=0\r\no=- 77 {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP {}\r\n",
        list.join(" ")
    );
    for payload_type in *payload_types {
        let name = match payload_type {
            0 => "PCMU/8000",
            8 => "PCMA/8000",
            9 => "G722/8000",
            18 => "G729/8000",
            _ => "telephone-event/8000",
        };
        write!(text, "a=rtpmap:{payload_type} {name}\r\n").expect("a string takes all");
    }
    write!(text, "a={direction}\r\n").expect("a string takes all");
    if *video {
        text.push_str("m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_by_hand() {
        let text = Text::parse(
            b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK7\r\nFrom: <sip:a@x;tag=no>;tag=f\r\n\
              To: <sip:b@x>;tag=t\r\nCall-ID: c\r\nCSeq: 3 INVITE\r\nContact: <sip:b@10.0.0.1:5060>\r\n\
              Content-Length: 41\r\n\r\nm=audio 20000 RTP/AVP 0 101\r\na=inactive\r\n",
        )
        .unwrap();
        assert_eq!((text.status(), text.method(), text.cseq(), text.branch()), (200, "INVITE", 3, "z9hG4bK7"));
        assert_eq!((text.tag("From"), text.tag("To")), (Some("f"), Some("t")));
        assert_eq!(text.contact_uri(), Some("sip:b@10.0.0.1:5060"));
        assert_eq!(text.audio(), Some(Audio { port: 20000, payload_types: vec![0, 101], direction: "inactive" }));
    }

    #[test]
    fn a_wrong_length_is_noticed() {
        assert!(Text::parse(b"BYE sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\n").is_err());
    }
}
