//! A session description to bytes, in the order of RFC 8866 §9.

use std::fmt::{self, Write};
use std::net::IpAddr;

use super::{Attribute, ConnectionAddress, MediaDescription, SessionDescription};

impl SessionDescription {
    /// The body of type `application/sdp`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        write!(f, "v=0\r\no={} {} {} ", OneLine(&origin.username), OneLine(&origin.session_id), origin.version)?;
        write!(f, "{}\r\ns={}\r\n", origin.address, OneLine(&self.name))?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        write_attributes(f, &self.attributes)?;
        if let Some(direction) = self.direction {
            write!(f, "a={}\r\n", direction.as_str())?;
        }
        self.media.iter().try_for_each(|media| write_media(f, media))
    }
}

impl fmt::Display for ConnectionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(address)) => write!(f, "IN IP4 {address}"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "IN IP6 {address}"),
            Self::Name(name) => write!(f, "IN IP4 {}", OneLine(name)),
        }
    }
}

/// Text that cannot end its line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }))
    }
}

fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes.iter().try_for_each(|attribute| match &attribute.value {
        Some(value) => write!(f, "a={}:{}\r\n", OneLine(&attribute.name), OneLine(value)),
        None => write!(f, "a={}\r\n", OneLine(&attribute.name)),
    })
}

fn write_media(f: &mut fmt::Formatter<'_>, media: &MediaDescription) -> fmt::Result {
    write!(f, "m={} {} {}", OneLine(media.kind.as_str()), media.port, OneLine(media.protocol.as_str()))?;
    media.formats.iter().try_for_each(|format| write!(f, " {}", OneLine(format)))?;
    f.write_str("\r\n")?;
    if let Some(connection) = &media.connection {
        write!(f, "c={connection}\r\n")?;
    }
    for codec in &media.codecs {
        write!(f, "a=rtpmap:{} {}/{}", codec.payload_type, OneLine(codec.encoding.as_str()), codec.clock_hz)?;
        if codec.channels != 1 {
            write!(f, "/{}", codec.channels)?;
        }
        f.write_str("\r\n")?;
        if let Some(fmtp) = &codec.fmtp {
            write!(f, "a=fmtp:{} {}\r\n", codec.payload_type, OneLine(fmtp))?;
        }
    }
    if let Some(ptime_ms) = media.ptime_ms {
        write!(f, "a=ptime:{ptime_ms}\r\n")?;
    }
    if let Some(max_ptime_ms) = media.max_ptime_ms {
        write!(f, "a=maxptime:{max_ptime_ms}\r\n")?;
    }
    if let Some(rtcp) = &media.rtcp {
        write!(f, "a=rtcp:{}", rtcp.port)?;
        if let Some(address) = &rtcp.address {
            write!(f, " {address}")?;
        }
        f.write_str("\r\n")?;
    }
    if media.rtcp_mux {
        f.write_str("a=rtcp-mux\r\n")?;
    }
    write_attributes(f, &media.attributes)?;
    match media.direction {
        Some(direction) => write!(f, "a={}\r\n", direction.as_str()),
        None => Ok(()),
    }
}
