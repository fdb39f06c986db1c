//! Against a DNS server of the test's own, on loopback.

use std::net::UdpSocket;

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::*;

pub(crate) type Zone = Arc<Mutex<Vec<Record>>>;

/// Answers from its zone until the test ends.
pub(crate) fn server(zone: &[(&str, u32, RData)]) -> (SocketAddr, Zone) {
    let zone: Zone = Arc::new(Mutex::new(zone.iter().map(record).collect()));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let answered = Arc::clone(&zone);
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let reply = answer(&query, &answered.lock().unwrap());
            socket.send_to(&reply.to_vec().unwrap(), peer).unwrap();
        }
    });
    (address, zone)
}

fn record((name, ttl, data): &(&str, u32, RData)) -> Record {
    Record::from_rdata(fqdn(name), *ttl, data.clone())
}

fn answer(query: &Message, zone: &[Record]) -> Message {
    let asked = query.queries.first().unwrap();
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_available = true;
    reply.add_query(asked.clone());
    if asked.query_type() == RecordType::NAPTR && asked.name().to_utf8().starts_with("small.") {
        reply.metadata.response_code = ResponseCode::NotImp;
        return reply;
    }
    let of_name: Vec<&Record> = zone.iter().filter(|record| record.name == *asked.name()).collect();
    if of_name.is_empty() {
        reply.metadata.response_code = ResponseCode::NXDomain;
    }
    for record in of_name.into_iter().filter(|record| record.record_type() == asked.query_type()) {
        reply.add_answer(record.clone());
    }
    reply
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_utf8(name).unwrap();
    name.set_fqdn(true);
    name
}

fn a(last: u8) -> RData {
    RData::A(A::new(192, 0, 2, last))
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, fqdn(target)))
}

fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> RData {
    let flags = b"s".to_vec().into_boxed_slice();
    let services = service.as_bytes().to_vec().into_boxed_slice();
    RData::NAPTR(NAPTR::new(order, preference, flags, services, Box::default(), fqdn(replacement)))
}

fn ask(host: &str, port: Option<u16>, transport: Transport) -> Ask {
    Ask { host: host.to_owned(), port, transport }
}

async fn resolve(names: &Names, ask: &Ask) -> Result<Vec<String>, Vec<String>> {
    let mut warnings = Vec::new();
    let mut found = names.resolve(vec![ask.clone()], &mut warnings).await;
    match found.remove(ask) {
        Some(targets) if warnings.is_empty() => Ok(targets.iter().map(ToString::to_string).collect()),
        _ => Err(warnings),
    }
}

fn zone() -> Vec<(&'static str, u32, RData)> {
    vec![
        ("carrier.test", 300, naptr(20, 10, "SIP+D2U", "_sip._udp.late.test")),
        ("carrier.test", 300, naptr(10, 20, "SIP+D2U", "_sip._udp.pool.test")),
        ("carrier.test", 300, naptr(10, 10, "SIPS+D2T", "_sips._tcp.safe.test")),
        ("carrier.test", 300, a(99)),
        ("_sip._udp.pool.test", 300, srv(20, 100, 5060, "spare.test")),
        ("_sip._udp.pool.test", 300, srv(15, 10, 5062, "light.test")),
        ("_sip._udp.pool.test", 300, srv(10, 90, 5061, "heavy.test")),
        ("_sips._tcp.safe.test", 300, srv(10, 10, 15061, "heavy.test")),
        ("heavy.test", 300, RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
        ("heavy.test", 300, a(2)),
        ("heavy.test", 300, a(1)),
        ("light.test", 300, a(3)),
        ("spare.test", 300, a(4)),
        ("_sip._tcp.plain.test", 300, srv(0, 0, 5070, "gone.test")),
        ("_sip._tcp.plain.test", 300, srv(1, 0, 5071, "light.test")),
        ("plain.test", 300, a(5)),
        ("_sip._udp.closed.test", 300, srv(0, 0, 0, ".")),
        ("closed.test", 300, a(6)),
        ("_sip._udp.small.test", 300, srv(0, 0, 5077, "light.test")),
        ("_sip._udp.shared.test", 300, srv(0, 1, 5081, "light.test")),
        ("_sip._udp.shared.test", 300, srv(0, 1, 5082, "light.test")),
    ]
}

#[tokio::test]
async fn naptr_leads_to_srv_and_srv_to_addresses_in_order() {
    let (address, _zone) = server(&zone());
    let names = Names::new(&[address]);
    let udp = resolve(&names, &ask("carrier.test", None, Transport::Udp)).await.unwrap();
    let heavy = ["192.0.2.1:5061", "192.0.2.2:5061", "[2001:db8::1]:5061"];
    assert_eq!(udp, [&heavy[..], &["192.0.2.3:5062", "192.0.2.4:5060"]].concat());
    let tls = resolve(&names, &ask("carrier.test", None, Transport::Tls)).await.unwrap();
    assert_eq!(tls, ["192.0.2.1:15061", "192.0.2.2:15061", "[2001:db8::1]:15061"]);
    // No NAPTR record is for TCP, and no SRV record either: addresses alone.
    let tcp = resolve(&names, &ask("carrier.test", None, Transport::Tcp)).await.unwrap();
    assert_eq!(tcp, ["192.0.2.99:5060"]);
}

#[tokio::test]
async fn without_naptr_srv_is_asked_for_and_without_srv_addresses() {
    let (address, _zone) = server(&zone());
    let names = Names::new(&[address]);
    let of = async |host: &str, port, transport| resolve(&names, &ask(host, port, transport)).await;
    // The first has no address: the next one stands in.
    assert_eq!(of("plain.test", None, Transport::Tcp).await.unwrap(), ["192.0.2.3:5071"]);
    assert_eq!(of("plain.test", None, Transport::Udp).await.unwrap(), ["192.0.2.5:5060"]);
    assert_eq!(of("plain.test", None, Transport::Tls).await.unwrap(), ["192.0.2.5:5061"]);
    // RFC 3263 §4.2: a port that is written, or an address, asks for no SRV record.
    assert_eq!(of("plain.test", Some(5080), Transport::Tcp).await.unwrap(), ["192.0.2.5:5080"]);
    assert_eq!(of("::1", None, Transport::Tls).await.unwrap(), ["[::1]:5061"]);
}

#[tokio::test]
async fn a_server_that_knows_no_naptr_is_asked_for_srv() {
    let (address, _zone) = server(&zone());
    let names = Names::new(&[address]);
    let found = resolve(&names, &ask("small.test", None, Transport::Udp)).await.unwrap();
    assert_eq!(found, ["192.0.2.3:5077"]);
}

#[tokio::test]
async fn a_process_keeps_to_its_draw_and_another_draws_anew() {
    let (address, _zone) = server(&zone());
    let shared = ask("shared.test", None, Transport::Udp);
    let mut drawn = BTreeMap::new();
    for _ in 0..40 {
        let names = Names::new(&[address]);
        let first = resolve(&names, &shared).await.unwrap();
        assert_eq!(first, resolve(&names, &shared).await.unwrap());
        *drawn.entry(first).or_insert(0) += 1;
    }
    assert_eq!(drawn.len(), 2, "40 draws of two equals: {drawn:?}");
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_is_not_due() {
    let (address, _zone) = server(&[("carrier.test", 300, a(1))]);
    let names = Names::new(&[address]);
    resolve(&names, &ask("carrier.test", Some(5060), Transport::Udp)).await.unwrap();
    for (past, due) in [(UNUSED - Duration::from_secs(1), true), (UNUSED, false)] {
        let until = Instant::now().checked_sub(past).unwrap();
        names.known.lock().unwrap().values_mut().for_each(|found| found.until = until);
        assert_eq!(names.due_in().is_some(), due);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_does_not_resolve() {
    let (address, _zone) = server(&zone());
    let names = Names::new(&[address]);
    for host in ["closed.test", "nowhere.test"] {
        let warnings = resolve(&names, &ask(host, None, Transport::Udp)).await.unwrap_err();
        assert!(warnings[0].starts_with(&format!("host {host} does not resolve: ")), "{warnings:?}");
    }
}

#[tokio::test]
async fn what_was_known_is_kept_while_the_server_is_away() {
    let (address, zone) = server(&[("carrier.test", 0, a(1))]);
    let names = Names::new(&[address]);
    let asked = ask("carrier.test", Some(5060), Transport::Udp);
    assert_eq!(resolve(&names, &asked).await.unwrap(), ["192.0.2.1:5060"]);
    zone.lock().unwrap().clear();
    // Nobody has this port any more: the same names, asked of nobody.
    let away = Names { dns: Some(Arc::new(Dns::new(&["127.0.0.1:1".parse().unwrap()]).unwrap())), ..names };
    let mut warnings = Vec::new();
    let kept = away.resolve(vec![asked.clone()], &mut warnings).await;
    assert_eq!(kept[&asked], ["192.0.2.1:5060".parse().unwrap()]);
    assert!(warnings[0].ends_with("; its last addresses are kept"), "{warnings:?}");
    // Asked again in a while, not at once.
    assert!(away.due_in().unwrap() > RETRY - Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_is_asked_for_again_when_its_time_is_over_within_bounds() {
    let (address, _zone) = server(&[("brief.test", 0, a(1)), ("long.test", 1_000_000, a(2)), ("soon.test", 40, a(3))]);
    for (host, from_s, to_s) in [("brief.test", 5, 5), ("soon.test", 35, 40), ("long.test", 3_590, 3_600)] {
        let names = Names::new(&[address]);
        assert_eq!(names.due_in(), None);
        resolve(&names, &ask(host, Some(5060), Transport::Udp)).await.unwrap();
        let due = names.due_in().unwrap();
        assert!((Duration::from_secs(from_s)..=Duration::from_secs(to_s)).contains(&due), "{host}: {due:?}");
    }
}

#[test]
fn certificates_are_of_the_name_that_was_set() {
    let names = Names::default();
    let (one, other): (TenantId, TenantId) = ("one".parse().unwrap(), "other".parse().unwrap());
    let at: SocketAddr = "192.0.2.1:5061".parse().unwrap();
    names.note_secured(&one, BTreeMap::from([(at, "carrier.test".to_owned())]));
    names.note_secured(&other, BTreeMap::new());
    assert_eq!(names.secured_name(at).as_deref(), Some("carrier.test"));
    names.note_secured(&one, BTreeMap::new());
    assert_eq!(names.secured_name(at), None);
}
