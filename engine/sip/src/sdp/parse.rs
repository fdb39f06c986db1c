//! Bytes to a session description. Lines that mean nothing to us are passed over; order is not insisted on.

use std::str::FromStr;

use super::{
    Attribute, Codec, ConnectionAddress, Direction, Encoding, LINES_MAX, MEDIA_MAX, MediaDescription, MediaKind,
    Origin, PayloadType, Protocol, Rtcp, SdpError, SessionDescription,
};

impl SessionDescription {
    /// Parses a body of type `application/sdp`. Line ends may be CRLF or LF; bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`SdpError`] if it has no `v=0`, a malformed `o=`, `c=` or `m=`, or more than the bounds of this module.
    pub fn parse(body: &[u8]) -> Result<Self, SdpError> {
        // RFC 8866 §9: no byte-string holds a NUL, which would end the text for many a reader.
        if memchr::memchr(0, body).is_some() {
            return Err(SdpError("it has a nul"));
        }
        let text = String::from_utf8_lossy(body);
        let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        if lines.next() != Some("v=0") {
            return Err(SdpError("it does not begin with v=0"));
        }
        let mut session = Draft::default();
        for (count, line) in lines.enumerate() {
            if count >= LINES_MAX {
                return Err(SdpError("it has more lines than are accepted"));
            }
            session.read_line(line)?;
        }
        session.finish()
    }
}

#[derive(Default)]
struct Draft {
    origin: Option<Origin>,
    name: Option<String>,
    connection: Option<ConnectionAddress>,
    direction: Option<Direction>,
    attributes: Vec<Attribute>,
    media: Vec<MediaDraft>,
}

struct MediaDraft {
    description: MediaDescription,
    rtpmaps: Vec<(PayloadType, Codec)>,
    fmtps: Vec<(PayloadType, String)>,
}

impl Draft {
    fn read_line(&mut self, line: &str) -> Result<(), SdpError> {
        let Some((kind, value)) = line.split_once('=') else { return Ok(()) };
        match kind {
            "o" => self.origin = Some(parse_origin(value)?),
            "s" => self.name = Some(value.to_owned()),
            "c" => {
                let connection = Some(parse_connection(value)?);
                match self.media.last_mut() {
                    Some(media) => media.description.connection = connection,
                    None => self.connection = connection,
                }
            }
            "m" if self.media.len() >= MEDIA_MAX => return Err(SdpError("it has more m-lines than are accepted")),
            "m" => self.media.push(parse_media(value)?),
            "a" => self.read_attribute(value),
            // b=, t=, r=, z=, k=, i=, u=, e=, p= and whatever comes later: RFC 8866 §5 lets them be ignored.
            _ => {}
        }
        Ok(())
    }

    fn read_attribute(&mut self, text: &str) {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if let Some(media) = self.media.last_mut() {
            media.read_attribute(name, value);
        } else if let (Some(direction), None) = (Direction::from_name(name), value) {
            self.direction = Some(direction);
        } else {
            self.attributes.push(attribute(name, value));
        }
    }

    fn finish(self) -> Result<SessionDescription, SdpError> {
        Ok(SessionDescription {
            origin: self.origin.ok_or(SdpError("it has no o="))?,
            name: self.name.unwrap_or_else(|| "-".to_owned()),
            connection: self.connection,
            direction: self.direction,
            attributes: self.attributes,
            media: self.media.into_iter().map(MediaDraft::finish).collect(),
        })
    }
}

impl MediaDraft {
    fn read_attribute(&mut self, name: &str, value: Option<&str>) {
        let media = &mut self.description;
        let milliseconds = |value: &str| value.trim().split('.').next().and_then(|number| number.parse().ok());
        match (name, value) {
            ("sendrecv" | "sendonly" | "recvonly" | "inactive", _) => media.direction = Direction::from_name(name),
            ("ptime", Some(value)) => media.ptime_ms = milliseconds(value),
            ("maxptime", Some(value)) => media.max_ptime_ms = milliseconds(value),
            ("rtcp-mux", _) => media.rtcp_mux = true,
            ("rtcp", Some(value)) => media.rtcp = parse_rtcp(value),
            ("rtpmap", Some(value)) => self.rtpmaps.extend(parse_rtpmap(value)),
            ("fmtp", Some(value)) => self.fmtps.extend(parse_fmtp(value)),
            _ => media.attributes.push(attribute(name, value)),
        }
    }

    fn finish(self) -> MediaDescription {
        let mut media = self.description;
        if !media.protocol.is_rtp() {
            return media;
        }
        let payload_types = media.formats.iter().filter_map(|format| parse_payload_type(format));
        let codecs = payload_types.filter_map(|wanted| {
            let mapped = self.rtpmaps.iter().find(|(found, _)| *found == wanted).map(|(_, codec)| codec.clone());
            let mut codec = mapped.or_else(|| Codec::from_static(wanted))?;
            codec.fmtp = self.fmtps.iter().find(|(found, _)| *found == wanted).map(|(_, fmtp)| fmtp.clone());
            Some(codec)
        });
        media.codecs = codecs.collect();
        media
    }
}

fn attribute(name: &str, value: Option<&str>) -> Attribute {
    Attribute { name: name.to_owned(), value: value.map(str::to_owned) }
}

fn parse_origin(value: &str) -> Result<Origin, SdpError> {
    const ORIGIN: SdpError = SdpError("its o= is malformed");
    let mut words = value.split_ascii_whitespace();
    let mut next = || words.next().ok_or(ORIGIN);
    let (username, session_id, version) = (next()?, next()?, next()?);
    let address = parse_connection_words([next()?, next()?, next()?]).ok_or(ORIGIN)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(session_id) || !is_number(version) {
        return Err(ORIGIN);
    }
    Ok(Origin {
        username: username.to_owned(),
        session_id: session_id.to_owned(),
        // RFC 8866 §5.2 sets no limit; beyond 64 bits only the fact of a change is lost.
        version: version.parse().unwrap_or(u64::MAX),
        address,
    })
}

fn parse_connection(value: &str) -> Result<ConnectionAddress, SdpError> {
    const CONNECTION: SdpError = SdpError("a c= is malformed");
    let mut words = value.split_ascii_whitespace();
    let mut next = || words.next().ok_or(CONNECTION);
    parse_connection_words([next()?, next()?, next()?]).ok_or(CONNECTION)
}

fn parse_connection_words([net, family, address]: [&str; 3]) -> Option<ConnectionAddress> {
    if !net.eq_ignore_ascii_case("IN") {
        return None;
    }
    // A multicast address may carry /ttl and /count (RFC 8866 §5.7).
    let address = address.split('/').next()?;
    let ip = match family {
        "IP4" => std::net::Ipv4Addr::from_str(address).ok().map(Into::into),
        "IP6" => std::net::Ipv6Addr::from_str(address).ok().map(Into::into),
        _ => return None,
    };
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    match ip {
        Some(ip) => Some(ConnectionAddress::Ip(ip)),
        None => is_name(address).then(|| ConnectionAddress::Name(address.to_owned())),
    }
}

fn parse_media(value: &str) -> Result<MediaDraft, SdpError> {
    const MEDIA: SdpError = SdpError("an m-line is malformed");
    let mut words = value.split_ascii_whitespace();
    let mut next = || words.next().ok_or(MEDIA);
    let (kind, port, protocol) = (next()?, next()?, next()?);
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(MEDIA)?;
    let formats: Vec<String> = words.map(str::to_owned).collect();
    if formats.is_empty() {
        return Err(MEDIA);
    }
    let description = MediaDescription {
        kind: parse_kind(kind),
        port,
        protocol: parse_protocol(protocol),
        formats,
        codecs: Vec::new(),
        connection: None,
        ptime_ms: None,
        max_ptime_ms: None,
        direction: None,
        rtcp: None,
        rtcp_mux: false,
        attributes: Vec::new(),
    };
    Ok(MediaDraft { description, rtpmaps: Vec::new(), fmtps: Vec::new() })
}

fn parse_kind(name: &str) -> MediaKind {
    match name {
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "image" => MediaKind::Image,
        "application" => MediaKind::Application,
        other => MediaKind::Other(other.to_owned()),
    }
}

fn parse_protocol(name: &str) -> Protocol {
    const KNOWN: [Protocol; 6] = [
        Protocol::RtpAvp,
        Protocol::RtpAvpf,
        Protocol::RtpSavp,
        Protocol::RtpSavpf,
        Protocol::UdpTlsRtpSavp,
        Protocol::UdpTlsRtpSavpf,
    ];
    let known = KNOWN.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
    known.unwrap_or_else(|| Protocol::Other(name.to_owned()))
}

fn parse_payload_type(text: &str) -> Option<PayloadType> {
    text.parse().ok().and_then(PayloadType::new)
}

/// `PT encoding/clock[/channels]`; a malformed one is as if it were not there.
fn parse_rtpmap(value: &str) -> Option<(PayloadType, Codec)> {
    let (number, codec) = value.trim_start().split_once(' ')?;
    let payload_type = parse_payload_type(number)?;
    let mut parts = codec.trim().split('/');
    let encoding = Encoding::from_name(parts.next().filter(|name| !name.is_empty())?);
    let clock_hz = parts.next()?.parse().ok().filter(|&clock: &u32| clock > 0)?;
    let channels = parts.next().map_or(Some(1), |channels| channels.parse().ok())?;
    Some((payload_type, Codec { payload_type, encoding, clock_hz, channels, fmtp: None }))
}

fn parse_fmtp(value: &str) -> Option<(PayloadType, String)> {
    let (number, format) = value.trim_start().split_once(' ')?;
    Some((parse_payload_type(number)?, format.trim().to_owned()))
}

/// `port [IN IP4 address]` (RFC 3605 §2.1).
fn parse_rtcp(value: &str) -> Option<Rtcp> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    let address = match (words.next(), words.next(), words.next()) {
        (Some(net), Some(family), Some(address)) => parse_connection_words([net, family, address]),
        _ => None,
    };
    Some(Rtcp { port, address })
}
