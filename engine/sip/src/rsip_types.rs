//! Conversion to and from the types of the crate `rsip` 0.4, behind the feature of that name.
//!
//! By way of text, body apart: `rsip` reads strings, so what it cannot hold (an unknown method, an IPv6 host, bytes that are
//! no UTF-8) is an error here.

use bytes::Bytes;

use crate::message::{Message, Request, Response};
use crate::parse::{ParseError, parse_datagram};

/// A message that `rsip` cannot hold; keep it in our types.
#[derive(Debug, thiserror::Error)]
#[error("rsip cannot hold this message: {0}")]
pub struct NotForRsip(String);

impl TryFrom<&Request> for rsip::Request {
    type Error = NotForRsip;

    fn try_from(request: &Request) -> Result<Self, NotForRsip> {
        let head = without_body(&request.to_bytes(), &request.body);
        let mut converted = Self::try_from(head.as_ref()).map_err(|error| NotForRsip(error.to_string()))?;
        converted.body = request.body.to_vec();
        Ok(converted)
    }
}

impl TryFrom<&Response> for rsip::Response {
    type Error = NotForRsip;

    fn try_from(response: &Response) -> Result<Self, NotForRsip> {
        let head = without_body(&response.to_bytes(), &response.body);
        let mut converted = Self::try_from(head.as_ref()).map_err(|error| NotForRsip(error.to_string()))?;
        converted.body = response.body.to_vec();
        Ok(converted)
    }
}

impl TryFrom<rsip::SipMessage> for Message {
    type Error = ParseError;

    fn try_from(message: rsip::SipMessage) -> Result<Self, ParseError> {
        let (text, body) = match message {
            rsip::SipMessage::Request(mut request) => {
                let body = std::mem::take(&mut request.body);
                (request.to_string(), body)
            }
            rsip::SipMessage::Response(mut response) => {
                let body = std::mem::take(&mut response.body);
                (response.to_string(), body)
            }
        };
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&body);
        parse_datagram(bytes.into())
    }
}

fn without_body(message: &Bytes, body: &Bytes) -> Bytes {
    message.slice(..message.len() - body.len())
}
