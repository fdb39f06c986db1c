//! A phone made of text: it writes its messages by hand, not with our writer, and remembers no more than a phone must.

use std::collections::VecDeque;
use std::net::SocketAddr;

use md5::{Digest, Md5};

/// What a phone does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// Acknowledges final responses, answers BYE and CANCEL, signs in when challenged.
    Polite,
    /// Does nothing that the ladder does not say.
    Silent,
}

/// A phone, or the far end of a trunk.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) name: &'static str,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    /// The user name of its digest, where that is another one.
    pub(crate) login: Option<&'static str>,
    pub(crate) address: SocketAddr,
    pub(crate) rtp: SocketAddr,
    pub(crate) manners: Manners,
    /// Messages that no line of the ladder has accounted for.
    pub(crate) inbox: VecDeque<String>,
    /// Everything received, against retransmissions.
    seen: Vec<String>,
    /// The last request received that wants an answer.
    pub(crate) request_in: Option<String>,
    /// The last INVITE received.
    pub(crate) invite_in: Option<String>,
    /// The last INVITE sent.
    pub(crate) invite_out: Option<String>,
    /// What acknowledges the last reliable provisional response that came (RFC 3262 §7.2).
    rack: String,
    dialog: Option<Dialog>,
    /// The dialog of its other call.
    other: Option<Dialog>,
    /// The dialog of what it subscribed to last.
    subscription: Option<Dialog>,
    serial: u32,
    to_answer: Vec<String>,
    sdp_version: u32,
}

#[derive(Clone, Debug)]
struct Dialog {
    call_id: String,
    /// Our From in requests, the peer's To.
    local: String,
    remote: String,
    target: String,
    cseq: u32,
}

impl Phone {
    pub(crate) fn new(name: &'static str, user: &'static str, address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        Self {
            name,
            user,
            password: "secret",
            login: None,
            address,
            rtp: SocketAddr::new(address.ip(), 40_000),
            manners: Manners::Polite,
            inbox: VecDeque::new(),
            seen: Vec::new(),
            request_in: None,
            invite_in: None,
            invite_out: None,
            rack: String::new(),
            dialog: None,
            other: None,
            subscription: None,
            serial: 0,
            to_answer: Vec::new(),
            sdp_version: 0,
        }
    }

    /// Whether it was ever in a call.
    pub(crate) fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    /// What a message makes the phone send at once.
    pub(crate) fn receive(&mut self, text: &str) -> Vec<String> {
        if self.seen.iter().any(|seen| seen == text) {
            return Vec::new();
        }
        self.seen.push(text.to_owned());
        let first = first_word(text);
        if first == "SIP/2.0" { self.receive_response(text) } else { self.receive_request(text, first) }
    }

    fn receive_response(&mut self, text: &str) -> Vec<String> {
        let code = status(text);
        let method = header(text, "CSeq").split(' ').nth(1).unwrap_or_default().to_owned();
        let mut out = Vec::new();
        if method == "INVITE"
            && code >= 300
            && self.manners == Manners::Polite
            && let Some(invite) = self.invite_out.clone()
        {
            out.push(self.ack_of_failure(&invite, text));
        }
        if code == 401
            && self.manners == Manners::Polite
            && !self.password.is_empty()
            && let Some(request) = self.sign_in(text)
        {
            out.push(request);
            return out;
        }
        if method == "INVITE" && code > 100 && code < 300 {
            let rseq = header(text, "RSeq");
            if !rseq.is_empty() {
                self.rack = format!("{rseq} {}", header(text, "CSeq"));
            }
            self.learn(text);
            if code >= 200 && self.manners == Manners::Polite {
                out.push(self.ack(""));
            }
        }
        if method == "SUBSCRIBE" && code == 200 {
            std::mem::swap(&mut self.dialog, &mut self.subscription);
            self.learn(text);
            std::mem::swap(&mut self.dialog, &mut self.subscription);
        }
        if !(code == 100 || (method == "BYE" || method == "CANCEL") && code == 200) {
            self.inbox.push_back(text.to_owned());
        }
        out
    }

    /// What was challenged, with credentials; `None` where it had some.
    pub(crate) fn sign_in(&mut self, challenge: &str) -> Option<String> {
        let method = header(challenge, "CSeq").split(' ').nth(1).unwrap_or_default().to_owned();
        let sent = self.to_answer.iter().rfind(|sent| sent.starts_with(&method));
        let request = sent.filter(|request| !request.contains("Authorization:")).cloned()?;
        Some(self.signed(&request, challenge))
    }

    fn receive_request(&mut self, text: &str, method: &str) -> Vec<String> {
        let polite = self.manners == Manners::Polite;
        if method != "ACK" {
            self.request_in = Some(text.to_owned());
        }
        self.inbox.push_back(text.to_owned());
        match method {
            "INVITE" => {
                self.invite_in = Some(text.to_owned());
                Vec::new()
            }
            "CANCEL" if polite => {
                let invite = self.invite_in.clone().unwrap();
                vec![self.response(text, "200", ""), self.response(&invite, "487", "")]
            }
            "NOTIFY" if polite => vec![self.response(text, "200", "")],
            "BYE" if polite => vec![self.response(text, "200", "")],
            _ => Vec::new(),
        }
    }

    /// What we know of the dialog after a response to our INVITE.
    fn learn(&mut self, text: &str) {
        let target = header(text, "Contact");
        let target = target.split(['<', '>']).nth(1).unwrap_or(&target).to_owned();
        let local = header(text, "From");
        let known = self.dialog.as_ref().filter(|dialog| dialog.local == local).map_or(0, |dialog| dialog.cseq);
        let cseq: u32 = header(text, "CSeq").split(' ').next().unwrap().parse().unwrap();
        // What was sent in the early dialog counts on (RFC 3261 §12.2.1.1).
        let cseq = cseq.max(known);
        self.dialog =
            Some(Dialog { call_id: header(text, "Call-ID"), local, remote: header(text, "To"), target, cseq });
    }

    /// An INVITE outside any dialog.
    pub(crate) fn invite(&mut self, uri: &str, body: &str, extra: &str) -> String {
        self.serial += 1;
        let serial = self.serial;
        let text = self.request_text(&RequestText {
            method: "INVITE",
            uri,
            from: &format!("<sip:{}@pbx.example>;tag={}{serial}", self.user, self.name),
            to: &format!("<{uri}>"),
            call_id: &format!("{}-{serial}", self.name),
            cseq: 1,
            extra,
            body,
        });
        self.invite_out = Some(text.clone());
        self.to_answer.push(text.clone());
        text
    }

    /// The last INVITE was changed by hand: when challenged, the phone signs this one.
    pub(crate) fn resend_as(&mut self, text: &str) {
        self.invite_out = Some(text.to_owned());
        self.to_answer.push(text.to_owned());
    }

    /// Any other request outside a dialog.
    pub(crate) fn request(&mut self, method: &str, uri: &str, extra: &str) -> String {
        self.request_with(method, uri, extra, "")
    }

    /// The same with a body.
    pub(crate) fn request_with(&mut self, method: &str, uri: &str, extra: &str, body: &str) -> String {
        self.serial += 1;
        let serial = self.serial;
        let aor = format!("sip:{}@pbx.example", self.user);
        let to = if method == "REGISTER" { aor.as_str() } else { uri };
        let call_id =
            if method == "REGISTER" { format!("reg-{}", self.name) } else { format!("{}-{serial}", self.name) };
        let text = self.request_text(&RequestText {
            method,
            uri,
            from: &format!("<{aor}>;tag={}{serial}", self.name),
            to: &format!("<{to}>"),
            call_id: &call_id,
            cseq: serial,
            extra,
            body,
        });
        self.to_answer.push(text.clone());
        text
    }

    /// A request inside the dialog.
    pub(crate) fn within(&mut self, method: &str, body: &str, extra: &str) -> String {
        let dialog = self.dialog.as_mut().expect("the phone has a dialog");
        dialog.cseq += 1;
        let dialog = dialog.clone();
        let text = self.request_text(&RequestText {
            method,
            uri: &dialog.target,
            from: &dialog.local,
            to: &dialog.remote,
            call_id: &dialog.call_id,
            cseq: dialog.cseq,
            extra,
            body,
        });
        if method == "INVITE" {
            self.invite_out = Some(text.clone());
        }
        text
    }

    /// A SUBSCRIBE in the dialog of what it subscribed to last.
    pub(crate) fn resubscribe(&mut self, extra: &str) -> String {
        std::mem::swap(&mut self.dialog, &mut self.subscription);
        let text = self.within("SUBSCRIBE", "", extra);
        std::mem::swap(&mut self.dialog, &mut self.subscription);
        text
    }

    /// Turns to its other call.
    pub(crate) fn swap(&mut self) {
        std::mem::swap(&mut self.dialog, &mut self.other);
    }

    /// A REFER to a number, or to the party of the phone's other call.
    pub(crate) fn refer(&mut self, number: &str, attended: bool) -> String {
        let replaces = if attended { self.replaces() } else { String::new() };
        self.within("REFER", "", &format!("Refer-To: <sip:{number}@pbx.example{replaces}>"))
    }

    /// Its dialog, as it stands in a Replaces (RFC 3891 §6.1).
    pub(crate) fn named(&self) -> String {
        let dialog = self.dialog.as_ref().expect("the phone has a dialog");
        let tag = |address: &str| address.rsplit("tag=").next().unwrap().to_owned();
        format!("{};to-tag={};from-tag={}", dialog.call_id, tag(&dialog.remote), tag(&dialog.local))
    }

    /// The dialog of its other call, as it stands in a Refer-To (RFC 3891 §5), escaped.
    fn replaces(&self) -> String {
        let other = self.other.as_ref().expect("the phone has another call");
        let tag = |address: &str| address.rsplit("tag=").next().unwrap().to_owned();
        format!(
            "?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
            other.call_id.replace('@', "%40"),
            tag(&other.remote),
            tag(&other.local)
        )
    }

    /// The ACK of a 2xx.
    pub(crate) fn ack(&mut self, body: &str) -> String {
        let dialog = self.dialog.clone().expect("the phone has a dialog");
        let invite = self.invite_out.as_ref().filter(|invite| header(invite, "Call-ID") == dialog.call_id);
        // RFC 3261 §13.2.2.4: the ACK has the number of its INVITE.
        let cseq =
            invite.map_or(dialog.cseq, |invite| header(invite, "CSeq").split(' ').next().unwrap().parse().unwrap());
        self.request_text(&RequestText {
            method: "ACK",
            uri: &dialog.target,
            from: &dialog.local,
            to: &dialog.remote,
            call_id: &dialog.call_id,
            cseq,
            extra: "",
            body,
        })
    }

    /// The PRACK of the last reliable provisional response, unless these fields say another one.
    pub(crate) fn prack(&mut self, body: &str, fields: &str) -> String {
        let fields = if fields.is_empty() { format!("RAck: {}", self.rack) } else { fields.to_owned() };
        self.within("PRACK", body, &fields)
    }

    /// The CANCEL of the last INVITE (RFC 3261 §9.1).
    pub(crate) fn cancel(&mut self) -> String {
        let invite = self.invite_out.clone().unwrap();
        self.like(&invite, "CANCEL", &header(&invite, "To"))
    }

    fn ack_of_failure(&self, invite: &str, response: &str) -> String {
        self.like(invite, "ACK", &header(response, "To"))
    }

    fn like(&self, invite: &str, method: &str, to: &str) -> String {
        let uri = invite.split(' ').nth(1).unwrap();
        let seq = header(invite, "CSeq");
        let seq = seq.split(' ').next().unwrap();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {seq} {method}\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            header(invite, "Via"),
            header(invite, "From"),
            header(invite, "Call-ID"),
        )
    }

    /// An answer to the last request that came; `me` between backticks in a field is the Contact in it.
    pub(crate) fn answer(&mut self, status: &str, body: &str, fields: &str) -> String {
        let request = self.request_in.clone().expect("a request came");
        let contact = header(&request, "Contact");
        let answer = self.response(&request, status, body);
        let fields: String = fields
            .split('|')
            .filter(|field| !field.is_empty())
            .fold(String::new(), |all, field| format!("{all}{}\r\n", field.replace("`me`", &contact)));
        answer.replace("Content-Length:", &format!("{fields}Content-Length:"))
    }

    /// A response to a request that came. One to an INVITE makes the dialog.
    pub(crate) fn response(&mut self, request: &str, status: &str, body: &str) -> String {
        let code: u16 = status.split(' ').next().unwrap().parse().unwrap();
        let mut to = header(request, "To");
        if !to.contains("tag=") && code > 100 {
            to = format!("{to};tag={}-in", self.name);
        }
        let is_invite = request.starts_with("INVITE");
        if is_invite && code > 100 && code < 300 {
            let target = header(request, "Contact");
            let target = target.split(['<', '>']).nth(1).unwrap_or(&target).to_owned();
            let cseq = self.dialog.as_ref().filter(|dialog| dialog.local == to).map_or(0, |dialog| dialog.cseq);
            self.dialog = Some(Dialog {
                call_id: header(request, "Call-ID"),
                local: to.clone(),
                remote: header(request, "From"),
                target,
                cseq,
            });
        }
        let mut vias = String::new();
        for via in headers(request, "Via") {
            vias.push_str(&format!("Via: {via}\r\n"));
        }
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.user, self.address);
        let contact = if is_invite && code < 300 { contact } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "SIP/2.0 {status} Text\r\n{vias}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            header(request, "From"),
            header(request, "Call-ID"),
            header(request, "CSeq"),
            body.len(),
        )
    }

    /// A session description: `PCMU,PCMA` and a direction, or raw m-lines.
    pub(crate) fn sdp(&mut self, codecs: &str, direction: &str) -> String {
        self.sdp_version += 1;
        let address = if direction == "zero" { "0.0.0.0".to_owned() } else { self.rtp.ip().to_string() };
        let numbers: Vec<String> = codecs.split(',').map(|name| number_of(name).to_string()).collect();
        let mut text = format!(
            "v=0\r\no=- {} {} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {} RTP/AVP {}\r\n",
            self.serial,
            self.sdp_version,
            self.rtp.port(),
            numbers.join(" ")
        );
        for name in codecs.split(',') {
            if number_of(name) >= 96 {
                text.push_str(&format!("a=rtpmap:{} {}\r\n", number_of(name), rtpmap(name)));
            }
        }
        if !direction.is_empty() && direction != "zero" {
            text.push_str(&format!("a={direction}\r\n"));
        }
        text
    }

    /// As a browser describes it: `1A` has its first ICE credentials and the certificate A.
    fn sdp_of_browser(&mut self, codecs: &str, version: &str, direction: &str) -> String {
        let (ice, certificate) = version.split_at(1);
        let plain = self.sdp(codecs, direction).replace(" RTP/AVP ", " UDP/TLS/RTP/SAVPF ");
        let audio = format!(
            "a=ice-ufrag:{}{ice}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {}\r\n\
             a=setup:{}\r\na=mid:0\r\na=rtcp-mux\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
            self.name,
            ice.repeat(24),
            [certificate.repeat(2).as_str(); 32].join(":"),
            if self.invite_in.is_some() { "active" } else { "actpass" },
        );
        plain.replace("t=0 0\r\n", "t=0 0\r\na=group:BUNDLE 0\r\n") + &audio
    }

    /// The same with other media beside the audio, or encrypted (`srtpA`: with a key of 30 times that letter), or a browser's.
    pub(crate) fn sdp_with(&mut self, codecs: &str, more: &str, direction: &str) -> String {
        if let Some(version) = more.strip_prefix("browser") {
            return self.sdp_of_browser(codecs, version, direction);
        }
        if let Some(letter) = more.strip_prefix("srtp") {
            let plain = self.sdp(codecs, direction).replace(" RTP/AVP ", " RTP/SAVP ");
            // `AAA`, `BBB` and so on in base64 (RFC 4648 §4), ten times.
            let key = match letter {
                "A" => "QUFB",
                "B" => "QkJC",
                "C" => "Q0ND",
                // As if it had forgotten them.
                "less" => return plain,
                other => panic!("no key {other}"),
            };
            return format!("{plain}a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{}\r\n", key.repeat(10));
        }
        let lines = match more {
            "video" => "m=video 41000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
            "packets" => "a=ptime:30\r\na=maxptime:40\r\n",
            "long" => "a=ptime:60\r\n",
            "limited" => "a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000\r\n",
            "feedback" => return self.sdp(codecs, "").replace(" RTP/AVP ", " RTP/AVPF "),
            "secured" => return self.sdp(codecs, "").replace(" RTP/AVP ", " RTP/SAVP "),
            "fax" => "m=image 41002 udptl t38\r\na=T38FaxVersion:0\r\n",
            other => panic!("no media {other}"),
        };
        self.sdp(codecs, direction) + lines
    }

    /// The same request with credentials for the MD5 challenge of a 401 (RFC 2617 §3.2.2, computed here).
    fn signed(&mut self, request: &str, challenge: &str) -> String {
        self.signed_again(request, challenge, 1)
    }

    /// Signed with a nonce that is used for the `count`th time.
    pub(crate) fn signed_again(&mut self, request: &str, challenge: &str, count: u32) -> String {
        let challenge = headers(challenge, "WWW-Authenticate").into_iter().find(|c| c.contains("MD5")).unwrap();
        let quoted = |name: &str| {
            let start = challenge.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
            challenge[start..].split('"').next().unwrap().to_owned()
        };
        let (realm, nonce, opaque) = (quoted("realm"), quoted("nonce"), quoted("opaque"));
        let method = first_word(request);
        let uri = request.split(' ').nth(1).unwrap();
        let username = self.login.unwrap_or(self.user);
        let ha1 = hex(&format!("{username}:{realm}:{}", self.password));
        let ha2 = hex(&format!("{method}:{uri}"));
        let response = hex(&format!("{ha1}:{nonce}:{count:08x}:abc:auth:{ha2}"));
        let seq: u32 = header(request, "CSeq").split(' ').next().unwrap().parse().unwrap();
        self.serial = self.serial.max(seq + 1);
        let authorization = format!(
            "Authorization: Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5, cnonce=\"abc\", opaque=\"{opaque}\", qop=auth, nc={count:08x}\r\n"
        );
        let text = request
            .replace(&format!("CSeq: {seq} "), &format!("CSeq: {} ", seq + 1))
            .replace(";branch=z9hG4bK", ";branch=z9hG4bKs")
            .replace("Content-Length:", &format!("{authorization}Content-Length:"));
        if method == "INVITE" {
            self.invite_out = Some(text.clone());
        }
        self.to_answer.push(text.clone());
        text
    }

    fn request_text(&self, spec: &RequestText<'_>) -> String {
        let RequestText { method, uri, from, to, call_id, cseq, extra, body } = spec;
        let kind =
            if body.is_empty() || extra.contains("Content-Type") { "" } else { "Content-Type: application/sdp\r\n" };
        let extra: String =
            extra.split('|').filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
        let contact = if *method == "REGISTER" {
            String::new()
        } else {
            format!("Contact: <sip:{}@{}>\r\n", self.user, self.address)
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{call_id}-{method}-{cseq};rport\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{contact}\
             Max-Forwards: 70\r\n{extra}{kind}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

struct RequestText<'a> {
    method: &'a str,
    uri: &'a str,
    from: &'a str,
    to: &'a str,
    call_id: &'a str,
    cseq: u32,
    extra: &'a str,
    body: &'a str,
}

fn number_of(codec: &str) -> u8 {
    match codec {
        "PCMU" => 0,
        "PCMA" => 8,
        "G722" => 9,
        "G729" => 18,
        "opus" => 111,
        "event" => 101,
        other => panic!("no codec {other}"),
    }
}

fn rtpmap(codec: &str) -> &str {
    match codec {
        "opus" => "opus/48000/2",
        "event" => "telephone-event/8000",
        other => panic!("no dynamic codec {other}"),
    }
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// The status code of a response.
pub(crate) fn status(text: &str) -> u16 {
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// The value of the first header field of that name.
pub(crate) fn header(text: &str, name: &str) -> String {
    headers(text, name).into_iter().next().unwrap_or_default()
}

/// The values of all header fields of that name.
pub(crate) fn headers(text: &str, name: &str) -> Vec<String> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(found, _)| found.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}
