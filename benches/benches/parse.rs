//! Reads an INVITE of 870 bytes and all its header fields, beside `rsip` in the same run.
//!
//! `cargo bench -p benches --bench parse`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use rsip::headers::untyped::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use sip::headers::Contacts;
use sip::message::{Message, Request};
use sip::parse::parse_datagram;

/// What a desk phone sends through one proxy; as long as `shared/design/performance.md` asks for.
const INVITE: &str = "INVITE sip:1002@pbx.example.com;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-524287-1---c2fa3b8d9e01;rport\r\n\
    Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bK776asdhds;received=192.0.2.4\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice Example\" <sip:1001@pbx.example.com>;tag=1928301774\r\n\
    To: \"Bob\" <sip:1002@pbx.example.com>\r\n\
    Call-ID: a84b4c76e66710-43ab@192.0.2.4\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:1001@192.0.2.4:5062;transport=udp>;expires=3600\r\n\
    Record-Route: <sip:192.0.2.101;lr>\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, UPDATE\r\n\
    Supported: replaces, timer, path\r\n\
    User-Agent: Example Phone 3.2.1 (rev 2)\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 189\r\n\
    \r\n\
    v=0\r\n\
    o=alice 53655765 2353687637 IN IP4 192.0.2.4\r\n\
    s=-\r\n\
    c=IN IP4 192.0.2.4\r\n\
    t=0 0\r\n\
    m=audio 3456 RTP/AVP 8 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";

const INVITE_BYTES: usize = 870;

fn parse(datagram: &Bytes) -> Request {
    match parse_datagram(datagram.clone()).expect("a good message") {
        Message::Request(request) => request,
        Message::Response(_) => unreachable!("a request"),
    }
}

/// Parses and then reads every header field as what it is. Gives a sum, so that nothing can be left out.
fn parse_and_read_all(datagram: &Bytes) -> usize {
    let invite = parse(datagram);
    let headers = &invite.headers;
    let mut sum = headers.vias().map(|via| black_box(via.expect("a via")).branch().map_or(0, str::len)).sum::<usize>();
    sum += usize::from(headers.max_forwards().expect("max-forwards").unwrap_or(0));
    sum += black_box(headers.from().expect("from")).tag().map_or(0, str::len);
    sum += usize::from(black_box(headers.to().expect("to")).tag().is_some());
    sum += headers.call_id().expect("call-id").len();
    sum += black_box(headers.cseq().expect("cseq")).seq as usize;
    let Contacts::List(contacts) = headers.contacts().expect("contacts") else { return 0 };
    sum += contacts.iter().map(|contact| contact.expires().unwrap_or(0) as usize).sum::<usize>();
    sum += black_box(headers.record_routes().expect("record-route")).len();
    sum += headers.allow().count() + headers.supported().count();
    sum += headers.user_agent().map_or(0, |agent| agent.len());
    sum += usize::from(headers.content_type().expect("content-type").is_some_and(|kind| kind.is("application", "sdp")));
    sum + headers.content_length().expect("content-length").unwrap_or(0) as usize
}

fn parse_with_rsip(text: &[u8]) -> rsip::Request {
    rsip::Request::try_from(text).expect("a message that rsip takes")
}

fn parse_and_read_all_with_rsip(text: &[u8]) -> usize {
    let invite = parse_with_rsip(text);
    let mut sum = 0;
    for header in invite.headers().iter() {
        if let rsip::Header::Via(via) = header {
            sum += black_box(via.typed().expect("a via")).params.len();
        }
    }
    sum += invite.max_forwards_header().expect("max-forwards").num().expect("a number") as usize;
    sum += black_box(invite.from_header().expect("from").typed().expect("from")).params.len();
    sum += black_box(invite.to_header().expect("to").typed().expect("to")).params.len();
    sum += invite.call_id_header().expect("call-id").value().len();
    sum += black_box(invite.cseq_header().expect("cseq").typed().expect("cseq")).seq as usize;
    sum += black_box(invite.contact_header().expect("contact").typed().expect("contact")).params.len();
    for header in invite.headers().iter() {
        sum += match header {
            rsip::Header::RecordRoute(route) => black_box(route.typed().expect("record-route")).uris().len(),
            rsip::Header::Allow(allow) => usize::from(black_box(allow.typed().is_ok())),
            rsip::Header::ContentType(kind) => usize::from(black_box(kind.typed().is_ok())),
            rsip::Header::Supported(supported) => supported.value().len(),
            rsip::Header::UserAgent(agent) => agent.value().len(),
            rsip::Header::ContentLength(length) => length.length().expect("a number") as usize,
            _ => 0,
        };
    }
    sum
}

/// The CPU time of this thread: what others do on the machine is not counted.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat.split(' ').next().and_then(|text| text.parse().ok()).expect("a number");
    Duration::from_nanos(nanoseconds)
}

/// CPU time that one call takes: the least of several rounds, each long enough for the clock's grain.
fn cost_ns(mut work: impl FnMut()) -> f64 {
    const CALLS: u32 = 40_000;
    const ROUNDS: usize = 5;
    let mut round = || {
        let begun = cpu_time();
        (0..CALLS).for_each(|_| work());
        // The kernel counts at ticks and at switches: sleeping makes it count now.
        std::thread::sleep(Duration::from_micros(10));
        cpu_time() - begun
    };
    let least = (0..ROUNDS).map(|_| round()).min().expect("a round");
    least.as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn main() {
    assert_eq!(INVITE.len(), INVITE_BYTES, "the message is not as long as the figure is asked for");
    let datagram = Bytes::from_static(INVITE.as_bytes());
    // A buffer as the shell has it: counted, not static.
    let datagram = Bytes::from(datagram.to_vec());
    drop(datagram.clone());
    let parsed = cost_ns(|| drop(black_box(parse(black_box(&datagram)))));
    let read = cost_ns(|| {
        black_box(parse_and_read_all(black_box(&datagram)));
    });
    if std::env::args().any(|argument| argument == "ours") {
        // For a profiler: nothing of the other's.
        println!("ours: parse {parsed:.0} ns, with typed access {read:.0} ns");
        return;
    }
    let theirs_parsed = cost_ns(|| drop(black_box(parse_with_rsip(black_box(INVITE.as_bytes())))));
    let theirs_read = cost_ns(|| {
        black_box(parse_and_read_all_with_rsip(black_box(INVITE.as_bytes())));
    });
    let message = Message::Request(parse(&datagram));
    let written = cost_ns(|| drop(black_box(black_box(&message).to_bytes())));
    println!(
        "parse {INVITE_BYTES}-byte INVITE:                      ours {parsed:>6.0} ns   rsip {theirs_parsed:>6.0} ns   ratio {:.2}",
        parsed / theirs_parsed
    );
    println!(
        "parse and read every header field, typed:   ours {read:>6.0} ns   rsip {theirs_read:>6.0} ns   ratio {:.2}   (limit 2500 ns)",
        read / theirs_read
    );
    println!("write it:                                   ours {written:>6.0} ns");
}
