//! Call records and recordings: records from the store, audio by ranges from a real server.

use std::net::SocketAddr;

use axum::http::StatusCode;
use engine::http::server::{Security, serve};
use engine::store::recordings::{Mark, MarkKind, Recording, RecordingFile, RecordingState, StoredAudio};
use engine::store::records::{CallDocument, CallEnd, CallLeg, CallRecord, Derived, Interruption, LegEnd};
use hooks::fact::{
    AudioFormat, AudioPlace, CallSource, Direction, EndCause, EndedBy, FlowStep, MediaQuality, PeerKind,
    QualityStretch, QualityTimeline, ReceivedQuality, ReportedQuality,
};
use hooks::id::{CallId, LegId, RecordingId};
use hooks::position::Position;
use recordings::SealKeys;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::fixture::{Client, Fixture, default_tenant, other_tenant, sealing_keys};

const SECOND: u64 = 1_000;

fn call(n: u64) -> CallId {
    CallId::new(1_795_336_200_000 + n * SECOND, u128::from(n))
}

fn document(n: u64) -> CallDocument {
    let created_at_ms = 1_795_336_200_000 + n * SECOND;
    CallDocument {
        record: CallRecord {
            call: call(n),
            direction: if n.is_multiple_of(2) { Direction::Inbound } else { Direction::Internal },
            source: CallSource::Dialled,
            caller: format!("1{n:03}"),
            caller_name: String::new(),
            callee: "1002".to_owned(),
            trunk: None,
            emergency: false,
            caller_extension: Some(format!("1{n:03}")),
            callee_extension: Some("1002".to_owned()),
            created_at_ms,
            ringing_at_ms: Some(created_at_ms + 100),
            answered_at_ms: n.is_multiple_of(2).then_some(created_at_ms + 200),
            interruptions: vec![Interruption { from_ms: created_at_ms + 300, to_ms: created_at_ms + 1_300 }],
            queue: None,
            queue_wait_ms: None,
            connected_at_ms: None,
            agent: None,
            overflow_number: None,
            lost: false,
            survey: None,
            end: Some(CallEnd {
                at_ms: created_at_ms + 5_000,
                cause: if n.is_multiple_of(2) { EndCause::Normal } else { EndCause::Busy },
                by: EndedBy::Callee,
                sip_status: 200,
                ring_duration_ms: 0,
                talk_duration_ms: n * SECOND,
                total_duration_ms: 5_000,
            }),
        },
        legs: Vec::new(),
        recordings: Vec::new(),
        voicemails: Vec::new(),
        segments: Vec::new(),
        flow_path: Vec::new(),
    }
}

fn recording_id(n: u64) -> RecordingId {
    RecordingId::new(n, 7)
}

async fn save(fixture: &Fixture, calls: Vec<CallDocument>) {
    let from = Position::start(default_tenant());
    let to = Position { number: 9, epoch: 1, ..from.clone() };
    let derived = Derived { calls, ..Derived::default() };
    fixture.store.save_derived("records", &from, &to, &derived).await.unwrap();
}

/// 1,000 bytes that differ, as a recording of call 2.
async fn with_audio(fixture: &Fixture) -> Vec<u8> {
    let bytes: Vec<u8> = (0..1_000_u32).map(|n| (n % 251) as u8).collect();
    let path = "default/2026/11/22/a.wav";
    let file = fixture.folder.path().join("recordings").join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, &bytes).unwrap();
    let state = RecordingState::Ready(RecordingFile {
        path: path.to_owned(),
        bytes: 1_000,
        duration_ms: 20,
        sha256: "ab".repeat(32),
        partial: false,
        format: AudioFormat::Wav,
        stored: None,
    });
    let mut document = document(2);
    let recording = |n, state| Recording {
        recording: recording_id(n),
        call: call(2),
        left: None,
        right: None,
        part: 2,
        started_at_ms: 1,
        marks: vec![Mark { kind: MarkKind::Paused, at_ms: 5, offset_ms: 4, by: Some("admin".to_owned()) }],
        mailbox: None,
        discarded: false,
        state,
    };
    let gone = RecordingState::Ready(RecordingFile {
        path: "default/gone.wav".to_owned(),
        bytes: 1,
        duration_ms: 1,
        sha256: "cd".repeat(32),
        partial: true,
        format: AudioFormat::Wav,
        stored: None,
    });
    let failed = RecordingState::Failed { reason: "the disk is full".to_owned() };
    document.recordings =
        vec![recording(1, state), recording(2, RecordingState::Running), recording(3, failed), recording(4, gone)];
    save(fixture, vec![document]).await;
    bytes
}

/// A leg of 12 s whose far end reported once, and one that nobody talked on.
fn legs() -> Vec<CallLeg> {
    let received = ReceivedQuality {
        packets: 237,
        lost: 13,
        late: 2,
        concealed_ms: 300,
        jitter_us: 9_500,
        mos_hundredths: Some(382),
    };
    let reported = ReportedQuality { expected: 250, lost: 1, late: 0, jitter_us: 1_000, mos_hundredths: Some(440) };
    let stretch = |from_ms, reported, round_trip_us| QualityStretch {
        from_ms,
        received,
        sent: 250,
        reported,
        round_trip_us,
        level_dbov_tenths: Some(-264),
    };
    let stretches =
        vec![stretch(0, None, None), stretch(5_000, Some(reported), Some(40_500)), stretch(10_000, None, None)];
    let timeline = QualityTimeline { from_ms: 1_795_336_200_000, length_ms: 12_000, stretches };
    let leg = |n, timeline| CallLeg {
        leg: LegId::new(n, 1),
        caller_side: n == 1,
        peer: PeerKind::Extension,
        peer_name: format!("100{n}"),
        number: String::new(),
        sip_call_id: String::new(),
        started_at_ms: n,
        ringing_at_ms: None,
        early_media: false,
        answer: None,
        end: Some(LegEnd {
            at_ms: 9,
            cause: EndCause::Normal,
            sip_status: 200,
            quality: Some(MediaQuality { timeline, ..MediaQuality::default() }),
        }),
    };
    vec![leg(1, Some(timeline)), leg(2, None)]
}

#[tokio::test]
async fn a_call_tells_its_way_through_flows() {
    let fixture = Fixture::new().await;
    let step = FlowStep {
        flow: "main".to_owned(),
        version: 3,
        node: "pin".to_owned(),
        step: "collect".to_owned(),
        at_ms: 1_795_336_202_000,
        keys: String::new(),
        typed: Some(4),
        exit: Some("next".to_owned()),
        fault: None,
    };
    save(&fixture, vec![CallDocument { flow_path: vec![step], ..document(2) }]).await;
    let read = fixture.admin().await.get(&format!("/call-records/{}", call(2))).await.json();
    let expected = serde_json::json!([{
        "flow": "main", "version": 3, "node": "pin", "step": "collect", "entered_at": "2026-11-22T08:30:02.000Z",
        "keys": "", "typed": 4, "exit": "next", "fault": null,
    }]);
    assert_eq!(read["flow_path"], expected);
}

#[tokio::test]
async fn the_quality_of_a_call_is_told_leg_by_leg_and_stretch_by_stretch() {
    let fixture = Fixture::new().await;
    save(&fixture, vec![CallDocument { legs: legs(), ..document(2) }]).await;
    let admin = fixture.admin().await;
    let document = admin.get(&format!("/call-records/{}", call(2))).await.json();
    let path = document["quality"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let quality = admin.get(&path).await.json();
    assert_eq!(quality["legs"].as_array().map(Vec::len), Some(1), "{quality}");
    let leg = &quality["legs"][0];
    assert_eq!((&leg["peer_name"], &leg["caller_side"]), (&"1001".into(), &true.into()));
    let shown: Vec<_> =
        leg["stretches"].as_array().unwrap().iter().map(|it| (&it["from"], &it["duration_ms"])).collect();
    let from = |text: &str| serde_json::Value::from(text);
    let expected = [
        (&from("2026-11-22T08:30:00.000Z"), &5_000.into()),
        (&from("2026-11-22T08:30:05.000Z"), &5_000.into()),
        (&from("2026-11-22T08:30:10.000Z"), &2_000.into()),
    ];
    assert_eq!(shown, expected);
    assert_eq!(leg["stretches"][0]["sent"], serde_json::json!({"packets": 250, "reported": null}));
    let expected = serde_json::json!({
        "from": "2026-11-22T08:30:05.000Z",
        "duration_ms": 5_000,
        "received": {"packets": 237, "lost": 13, "late": 2, "concealed_ms": 300, "jitter_ms": 9.5, "mos": 3.82},
        "sent": {"packets": 250, "reported": {"expected": 250, "lost": 1, "late": 0, "jitter_ms": 1.0, "mos": 4.4}},
        "round_trip_ms": 40.5,
        "level_dbov": -26.4,
    });
    assert_eq!(leg["stretches"][1], expected);
    assert_eq!(admin.get(&format!("/call-records/{}/quality", call(3))).await.problem(), "not-found");
}

#[tokio::test]
async fn call_records_are_filtered_and_paged_newest_first() {
    let fixture = Fixture::new().await;
    save(&fixture, (1..=6).map(document).collect()).await;
    let admin = fixture.admin().await;
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let page = admin.get("/call-records?limit=4").await.json();
    assert_eq!(ids(&page), [6, 5, 4, 3].map(|n| call(n).to_string()));
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(
        ids(&admin.get(&format!("/call-records?cursor={cursor}")).await.json()),
        [2, 1].map(|n| call(n).to_string())
    );
    let filters = [
        ("direction=inbound", vec![6, 4, 2]),
        ("answered=false", vec![5, 3, 1]),
        ("cause=busy&extension=1003", vec![3]),
        ("number=1004", vec![4]),
        ("talk_min_ms=5000", vec![6, 5]),
        ("from=2026-11-22T08:30:03Z&to=2026-11-22T16:30:05%2B08:00", vec![4, 3]),
    ];
    for (filter, expected) in filters {
        let page = admin.get(&format!("/call-records?{filter}")).await.json();
        assert_eq!(ids(&page), expected.into_iter().map(|n| call(n).to_string()).collect::<Vec<_>>(), "{filter}");
    }
    for bad in ["direction=sideways", "from=yesterday", "answered=maybe", "colour=red"] {
        assert_eq!(admin.get(&format!("/call-records?{bad}")).await.problem(), "invalid", "{bad}");
    }
}

#[tokio::test]
async fn a_record_shows_its_recordings_to_its_tenant_only() {
    let fixture = Fixture::new().await;
    with_audio(&fixture).await;
    let admin = fixture.admin().await;
    let record = admin.get(&format!("/call-records/{}", call(2))).await.json();
    assert_eq!((record["cause"].as_str(), record["talk_duration_ms"].as_u64()), (Some("normal"), Some(2_000)));
    let gap = serde_json::json!([{ "from": "2026-11-22T08:30:02.300Z", "to": "2026-11-22T08:30:03.300Z" }]);
    assert_eq!(record["interruptions"], gap);
    let states: Vec<_> =
        record["recordings"].as_array().unwrap().iter().map(|r| r["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ready", "running", "failed", "ready"]);
    let marks = serde_json::json!([
        { "kind": "paused", "at": "1970-01-01T00:00:00.005Z", "offset_ms": 4, "by": "admin" }
    ]);
    assert_eq!(record["recordings"][0]["marks"], marks);
    let theirs = fixture.token(&other_tenant(), &["*"]).await;
    let theirs = fixture.client().with("authorization", &format!("Bearer {theirs}"));
    let id = recording_id(1);
    for path in [format!("/call-records/{}", call(2)), format!("/recordings/{id}"), format!("/recordings/{id}/audio")] {
        assert_eq!(theirs.get(&path).await.status, 404, "{path}");
        assert_eq!(admin.get(&path).await.status, 200, "{path}");
    }
}

/// Proves CDR-10: nothing that the API has changes a record or takes it away; and that each carries its source (CDR-01).
#[tokio::test]
async fn nobody_changes_or_deletes_a_call_record() {
    let document: serde_json::Value = serde_json::to_value(engine::http::openapi(&[])).unwrap();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.contains("call-records"))
    {
        assert_eq!(item.as_object().unwrap().keys().collect::<Vec<_>>(), ["get"], "{path}");
    }
    let fixture = Fixture::new().await;
    save(&fixture, vec![self::document(2)]).await;
    let admin = fixture.admin().await;
    let path = format!("/call-records/{}", call(2));
    let before = admin.get(&path).await.json();
    assert_eq!(before["source"], "dialled");
    for method in ["PUT", "PATCH", "POST", "DELETE"] {
        let body = (method != "DELETE").then(|| serde_json::json!({"caller": "1"}));
        for path in [path.as_str(), "/call-records"] {
            assert_eq!(
                admin.send(method, path, body.clone()).await.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
        }
    }
    assert_eq!(admin.get(&path).await.json(), before);
}

/// Who used a recording, as the log of that says.
async fn uses(admin: &Client<'_>, n: u64) -> Vec<Value> {
    let page = admin.get(&format!("/recordings/{}/uses", recording_id(n))).await.json();
    page["items"].as_array().unwrap().clone()
}

/// Proves REC-05, and REC-02 as far as the server goes.
#[tokio::test]
async fn listening_and_copying_are_permitted_apart_and_each_use_is_logged() {
    let fixture = Fixture::new().await;
    let bytes = with_audio(&fixture).await;
    let (audio, file) =
        (format!("/recordings/{}/audio", recording_id(1)), format!("/recordings/{}/file", recording_id(1)));
    let player = fixture.token(&default_tenant(), &["recordings.play"]).await;
    let player = fixture.client().with("authorization", &format!("Bearer {player}"));
    let played = player.get(&audio).await;
    assert_eq!((played.status.as_u16(), played.bytes == bytes), (200, true));
    assert_eq!((played.header("content-type"), played.header("accept-ranges")), ("audio/wav", "bytes"));
    player.clone().with("range", "bytes=500-").get(&audio).await;
    assert_eq!(player.get(&file).await.status, 403);
    let admin = fixture.admin().await;
    let copied = admin.get(&file).await;
    assert!(copied.header("content-disposition").starts_with("attachment; filename="));
    assert_eq!((copied.header("content-type"), copied.bytes == bytes), ("audio/wav", true));
    let used = uses(&admin, 1).await;
    assert_eq!(used.len(), 2);
    assert_eq!((&used[0]["kind"], &used[0]["by"]), (&json!("download"), &json!("token:test")));
    assert_eq!(used[1]["kind"], "play");
    assert!(uses(&admin, 2).await.is_empty(), "of another recording");
    assert_eq!(player.get(&format!("/recordings/{}/uses", recording_id(1))).await.status, 403);
    let expected = [(2, "not-ready"), (3, "not-ready"), (4, "gone")];
    for (n, problem) in expected {
        assert_eq!(admin.get(&format!("/recordings/{}/audio", recording_id(n))).await.problem(), problem, "{n}");
    }
}

/// Recordings in the forms in which they are kept, as recordings of call 2; gives what is heard of the first two.
async fn kept(fixture: &Fixture) -> Vec<u8> {
    let plain: Vec<u8> = (0..100_000_u32).map(|n| (n % 249) as u8).collect();
    let folder = fixture.folder.path().join("recordings");
    std::fs::create_dir_all(folder.join("default")).unwrap();
    std::fs::write(folder.join("default/a.ogg"), &plain).unwrap();
    let other = SealKeys::parse(&format!("lost {}", "0c".repeat(32))).unwrap();
    for (name, keys) in [("a", &sealing_keys()), ("b", &other)] {
        let mut sealed = Vec::new();
        recordings::seal(keys, &mut &plain[..], plain.len() as u64, &mut sealed).unwrap();
        std::fs::write(folder.join(format!("default/{name}.ogg.sealed")), sealed).unwrap();
    }
    let file = |path: &str, place, sealed_by: Option<&str>| RecordingFile {
        path: path.to_owned(),
        bytes: 100_000,
        duration_ms: 20,
        sha256: "ab".repeat(32),
        partial: false,
        format: AudioFormat::Opus,
        stored: Some(StoredAudio { place, sealed_by: sealed_by.map(str::to_owned) }),
    };
    let (here, away) = (AudioPlace::Directory, AudioPlace::S3);
    let states = [
        RecordingState::Ready(file("default/a.ogg", here, None)),
        RecordingState::Ready(file("default/a.ogg.sealed", here, Some("test"))),
        RecordingState::Ready(file("default/b.ogg.sealed", here, Some("lost"))),
        RecordingState::Ready(file("default/a.ogg", away, None)),
        RecordingState::Purged { file: file("default/a.ogg", here, None), at_ms: 1_795_336_200_000 },
    ];
    let mut document = document(2);
    let recordings = states.into_iter().zip(1..).map(|(state, n)| Recording {
        recording: recording_id(n),
        call: call(2),
        left: None,
        right: None,
        part: 1,
        started_at_ms: n,
        marks: Vec::new(),
        mailbox: None,
        discarded: false,
        state,
    });
    document.recordings = recordings.collect();
    save(fixture, vec![document]).await;
    plain
}

/// Proves REC-01 as far as the server goes: whatever form it is kept in, a player seeks by ranges, and finds it from the call record.
#[tokio::test]
async fn recordings_are_heard_in_whatever_form_they_are_kept_and_say_why_where_they_are_not() {
    let fixture = Fixture::new().await;
    let plain = kept(&fixture).await;
    let admin = fixture.admin().await;
    let record = admin.get(&format!("/call-records/{}", call(2))).await.json();
    for n in [1, 2] {
        let path = format!("/recordings/{}/audio", recording_id(n));
        assert!(record["recordings"].to_string().contains(&path), "{record}");
        let whole = admin.get(&path).await;
        assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "audio/ogg"), "{n}");
        assert!(whole.bytes == plain, "{n}");
        let part = admin.clone().with("range", "bytes=65530-65540").get(&path).await;
        assert_eq!((part.status, &part.bytes[..]), (StatusCode::PARTIAL_CONTENT, &plain[65_530..=65_540]), "{n}");
        let shown = admin.get(&format!("/recordings/{}", recording_id(n))).await.json();
        assert_eq!((&shown["format"], &shown["encrypted"]), (&"opus".into(), &(n == 2).into()), "{shown}");
    }
    let copied = admin.get(&format!("/recordings/{}/file", recording_id(2))).await;
    assert!(copied.header("content-disposition").ends_with(".ogg\""));
    for (n, problem, said) in [(3, "unreadable", "`lost`"), (4, "unreadable", "S3"), (5, "gone", "2026-11-22")] {
        let answer = admin.get(&format!("/recordings/{}/audio", recording_id(n))).await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(answer.problem(), problem, "{text}");
        assert!(text.contains(said), "{text}");
    }
    let purged = admin.get(&format!("/recordings/{}", recording_id(5))).await.json();
    assert_eq!(
        (&purged["state"], &purged["duration_ms"], &purged["audio"]),
        (&"purged".into(), &20.into(), &serde_json::Value::Null)
    );
    assert!(purged["purged_at"].as_str().is_some_and(|at| at.starts_with("2026-11-22")), "{purged}");
}

#[tokio::test]
async fn a_tenant_says_how_long_and_how_its_recordings_are_kept() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let change = serde_json::json!({"recording_keep_days": 30, "recording_format": "opus"});
    let changed = admin.patch("/tenants/default", change).await.json();
    assert_eq!((&changed["recording_keep_days"], &changed["recording_format"]), (&30.into(), &"opus".into()));
    let back = admin.patch("/tenants/default", serde_json::json!({"recording_keep_days": null})).await.json();
    assert_eq!((&back["recording_keep_days"], &back["recording_format"]), (&serde_json::Value::Null, &"opus".into()));
    let wrong = admin.patch("/tenants/default", serde_json::json!({"recording_keep_days": 36_501})).await;
    assert_eq!(wrong.problem(), "invalid");
}

/// Proves REC-05, and REC-01 as far as the server goes.
#[tokio::test]
async fn a_real_server_sends_ranges_of_the_audio() {
    let fixture = Fixture::new().await;
    let bytes = with_audio(&fixture).await;
    let token = fixture.token(&default_tenant(), &["recordings.play"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(serve(listener, Security::Plain, fixture.router.clone(), stopped));
    let etag = format!("\"{}\"", "ab".repeat(32));
    let rows = [
        ("Range: bytes=0-99", 206, "bytes 0-99/1000", &bytes[..100]),
        ("Range: bytes=-10", 206, "bytes 990-999/1000", &bytes[990..]),
        ("Range: bytes=999-2000", 206, "bytes 999-999/1000", &bytes[999..]),
        ("Range: bytes=1000-", 416, "bytes */1000", &[]),
        ("Range: bytes=0-1,5-6", 200, "", &bytes[..]),
        (&format!("Range: bytes=5-6\r\nIf-Range: {etag}"), 206, "bytes 5-6/1000", &bytes[5..7]),
        ("Range: bytes=5-6\r\nIf-Range: \"old\"", 200, "", &bytes[..]),
        ("X-None: 1", 200, "", &bytes[..]),
    ];
    for (header, status, content_range, body) in rows {
        let request = format!(
            "GET /api/v1/recordings/{}/audio HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{header}\r\nConnection: close\r\n\r\n",
            recording_id(1)
        );
        let (got, head, sent) = ask(address, &request).await;
        assert_eq!(got, StatusCode::from_u16(status).unwrap(), "{header}");
        assert_eq!(value(&head, "content-range"), content_range, "{header}");
        if status != 416 {
            assert_eq!(value(&head, "etag"), etag, "{header}");
            assert_eq!(sent, body, "{header}");
            assert_eq!(value(&head, "content-length"), body.len().to_string(), "{header}");
        }
    }
    let head = format!(
        "HEAD /api/v1/recordings/{}/audio HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
        recording_id(1)
    );
    let (status, head, body) = ask(address, &head).await;
    assert_eq!((status.as_u16(), value(&head, "content-length").as_str(), body.len()), (200, "1000", 0));
    stop.send(true).unwrap();
    server.await.unwrap();
}

/// A server speaks HTTP as text here: no client of ours is trusted to check it.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> (StatusCode, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, all[end + 4..].to_vec())
}

fn value(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()).next().unwrap_or_default()
}
