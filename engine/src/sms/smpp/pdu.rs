//! The few PDUs of SMPP 3.4 that sending takes. What comes is read no further than its header: answers tell by their status.

use std::io;

use bytes::{Buf as _, BytesMut};

/// SMPP 3.4 §5.1.2.1.
pub(super) mod id {
    pub(in super::super) const BIND_TRANSMITTER: u32 = 0x02;
    pub(in super::super) const SUBMIT_SM: u32 = 0x04;
    pub(in super::super) const UNBIND: u32 = 0x06;
    pub(in super::super) const ENQUIRE_LINK: u32 = 0x15;
    /// Set in the ID of an answer.
    pub(in super::super) const RESPONSE: u32 = 0x8000_0000;
    pub(in super::super) const GENERIC_NACK: u32 = RESPONSE;
}

/// `ESME_ROK`.
pub(super) const OK: u32 = 0;
/// `ESME_RINVCMDID`.
pub(super) const UNKNOWN_COMMAND: u32 = 0x03;
/// §3.4 of the specification, which version we speak.
const VERSION: u8 = 0x34;
/// A user data header stands before the text (§5.2.12).
const UDH: u8 = 0x40;
/// `message_payload` (§5.3.2.32).
const MESSAGE_PAYLOAD: u16 = 0x0424;
/// Longer than anything that a centre answers.
const PDU_MAX: usize = 64 << 10;
const HEADER: usize = 16;

/// The header of a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
}

/// A number with its kind (§5.2.5, §5.2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) ton: u8,
    pub(super) npi: u8,
    pub(super) number: String,
}

/// How the text travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// In `short_message`.
    Short(Vec<u8>),
    /// The same, a part of several: header and text.
    Part(Vec<u8>),
    /// In `message_payload`: the centre parts it.
    Payload(Vec<u8>),
}

/// A PDU as it is sent.
pub(super) fn write(header: Header, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
    let words = [length, header.id, header.status, header.sequence];
    words.iter().flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
}

/// Takes a whole PDU off the front of what came; `None` where more must come.
///
/// # Errors
/// When it is none: the connection is of no use any more.
pub(super) fn take(unread: &mut BytesMut) -> io::Result<Option<Header>> {
    let Some(mut head) = unread.get(..HEADER) else { return Ok(None) };
    let length = usize::try_from(head.get_u32()).unwrap_or(usize::MAX);
    let header = Header { id: head.get_u32(), status: head.get_u32(), sequence: head.get_u32() };
    if !(HEADER..=PDU_MAX).contains(&length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a PDU of {length} bytes")));
    }
    if unread.len() < length {
        return Ok(None);
    }
    unread.advance(length);
    Ok(Some(header))
}

/// The body of `bind_transmitter` (§4.1.1).
pub(super) fn bind(system_id: &str, password: &str, system_type: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for text in [system_id, password, system_type] {
        c_text(&mut body, text);
    }
    // Version, kind of the address range, the range: none.
    body.extend([VERSION, 0, 0, 0]);
    body
}

/// The body of `submit_sm` (§4.4.1).
pub(super) fn submit(from: &Address, to: &Address, coding: u8, text: &Text) -> Vec<u8> {
    let (esm_class, short, payload): (u8, &[u8], Option<&[u8]>) = match text {
        Text::Short(text) => (0, text, None),
        Text::Part(text) => (UDH, text, None),
        Text::Payload(text) => (0, &[], Some(text)),
    };
    // The default service.
    let mut body = vec![0];
    for address in [from, to] {
        body.extend([address.ton, address.npi]);
        c_text(&mut body, &address.number);
    }
    // No protocol, usual priority, at once, for as long as the centre likes, without a receipt, in no other's place.
    body.extend([esm_class, 0, 0, 0, 0, 0, 0, coding, 0]);
    body.push(u8::try_from(short.len()).unwrap_or(u8::MAX));
    body.extend_from_slice(short);
    if let Some(payload) = payload {
        body.extend(MESSAGE_PAYLOAD.to_be_bytes());
        body.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend_from_slice(payload);
    }
    body
}

/// A C-Octet String.
fn c_text(body: &mut Vec<u8>, text: &str) {
    body.extend(text.bytes().filter(|byte| *byte != 0));
    body.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (SMPP 3.4 §3.2.3), but for the version and the range of addresses that it has at the end.
    #[test]
    fn a_bind_is_that_of_the_specification() {
        let pdu = write(
            Header { id: id::BIND_TRANSMITTER, status: OK, sequence: 1 },
            &bind("SMPP3TEST", "secret08", "SUBMIT1"),
        );
        let example = "0000002f000000020000000000000001534d50503354455354007365637265743038005355424d49543100";
        assert_eq!(crate::secrets::to_hex(&pdu[..43]), example);
        assert_eq!(pdu[43..], [0x34, 0, 0, 0]);
    }

    #[test]
    fn a_message_stands_byte_by_byte() {
        let from = Address { ton: 5, npi: 0, number: "Shop".to_owned() };
        let to = Address { ton: 1, npi: 1, number: "8613800138000".to_owned() };
        let short = submit(&from, &to, 8, &Text::Short(vec![0x78, 0x01]));
        let wanted =
            [&[0, 5, 0][..], b"Shop\0", &[1, 1], b"8613800138000\0", &[0, 0, 0, 0, 0, 0, 0, 8, 0, 2, 0x78, 0x01]]
                .concat();
        assert_eq!(short, wanted);
        let payload = submit(&from, &to, 0, &Text::Payload(vec![0x41; 300]));
        assert!(payload.ends_with(&[&[0, 0x04, 0x24, 0x01, 0x2c][..], &[0x41; 300]].concat()));
    }

    #[test]
    fn pdus_are_taken_one_by_one_and_nonsense_is_told() {
        let header = Header { id: id::SUBMIT_SM | id::RESPONSE, status: 0x0b, sequence: 7 };
        let mut unread = BytesMut::from(&[write(header, b"id\0"), write(header, b"")].concat()[..]);
        let mut first = unread.split_to(18);
        assert_eq!(take(&mut first).unwrap(), None);
        first.unsplit(unread);
        assert_eq!(take(&mut first).unwrap(), Some(header));
        assert_eq!(take(&mut first).unwrap(), Some(header));
        assert_eq!(take(&mut first).unwrap(), None);
        assert!(take(&mut BytesMut::from(&[0xff; 16][..])).is_err());
        assert!(take(&mut BytesMut::from(&[0; 16][..])).is_err());
    }
}
