//! What a broken or curious phone sends beside its calls, and what it may be told.

use super::{Phone, Transport};

/// In the Call-ID of everything here.
pub const MARK: &str = "garbage";

/// A message that belongs to no call.
#[derive(Clone, Debug)]
pub struct Garbage {
    /// What is sent.
    pub text: String,
    /// Its Call-ID.
    pub call_id: String,
    /// The final statuses that may answer it; none: silence.
    pub statuses: &'static [u16],
}

/// Start line, further header lines, and what may answer.
const KINDS: [(&str, &str, &[u16]); 12] = [
    ("OPTIONS sip:10.0.0.1 SIP/2.0", "", &[200]),
    ("OPTIONS sip:10.0.0.1 SIP/2.0", "Require: unheard-of\r\n", &[420]),
    ("DANCE sip:10.0.0.1 SIP/2.0", "", &[501]),
    ("BYE sip:1001@10.0.0.1 SIP/2.0", "", &[481]),
    ("CANCEL sip:1001@10.0.0.1 SIP/2.0", "", &[481]),
    ("ACK sip:1001@10.0.0.1 SIP/2.0", "", &[]),
    ("SUBSCRIBE sip:1001@10.0.0.1 SIP/2.0", "Event: presence\r\n", &[401]),
    ("OPTIONS sip:10.0.0.1 SIP/3.0", "", &[505, 400]),
    ("REGISTER sip:10.0.0.1 SIP/2.0", "Contact: *\r\nExpires: 0\r\n", &[401]),
    ("INVITE sip:1001@10.0.0.1 SIP/2.0", "Contact: <sip:x@10.0.0.9>\r\n", &[401]),
    ("INVITE sip:110@10.0.0.1 SIP/2.0", "Require: unheard-of\r\n", &[401, 420]),
    ("SIP/2.0 200 OK", "Contact: <sip:x@10.0.0.9>\r\n", &[]),
];

impl Phone {
    pub(super) fn babble(&mut self) {
        let garbage = self.garbage();
        let mut text = garbage.text.clone();
        // Some of it is cut off anywhere; on a connection that would take the next message with it.
        let whole = self.transport == Transport::Tcp;
        if whole {
            self.babbled.push(garbage);
        } else if self.rng.chance(250) {
            let end = usize::try_from(self.rng.below(text.len() as u64)).unwrap_or(0);
            text.truncate(end);
        } else if self.rng.chance(100) {
            text =
                (0..self.rng.below(400)).map(|_| char::from(u8::try_from(self.rng.below(128)).unwrap_or(0))).collect();
        } else {
            self.babbled.push(garbage);
        }
        self.out.push(text);
    }

    fn garbage(&mut self) -> Garbage {
        let (start, extra, statuses) = *self.rng.pick(&KINDS);
        let call_id = format!("{MARK}-{}", self.token());
        let method = if start.starts_with("SIP/") { "INVITE" } else { start.split(' ').next().unwrap_or_default() };
        let to_tag = if matches!(method, "BYE" | "ACK") { ";tag=nobody" } else { "" };
        // Some leave out what nobody may leave out.
        let (cseq, statuses): (String, &'static [u16]) = if self.rng.chance(80) && !statuses.is_empty() {
            (String::new(), &[400, 505])
        } else {
            (format!("CSeq: 7 {method}\r\n"), statuses)
        };
        let text = format!(
            "{start}\r\nVia: SIP/2.0/{via} {address};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{host}>;tag=g\r\nTo: <sip:1001@{host}>{to_tag}\r\nCall-ID: {call_id}\r\n{cseq}{extra}\
             Content-Length: 0\r\n\r\n",
            branch = self.branch(),
            via = self.transport.via(),
            address = self.address,
            user = self.user,
            host = self.switch_host(),
        );
        Garbage { text, call_id, statuses }
    }
}
