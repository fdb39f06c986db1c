//! Against a mail server of the test's own, on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hooks::fact::{
    CallCreated, CallSource, Direction, Event, Fact, RecordingReady, RecordingStarted, VoicemailLeft, VoicemailUsed,
};
use hooks::id::{CallId, LegId, RecordingId};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::StorageUrl;
use crate::consumers::call_records::CallRecords;
use crate::journal::JournalOptions;
use crate::journal::facts::FactJournal;
use crate::store::setting::{Change, Expect, Hidden, Origin};
use crate::tls::{CertificateFiles, Certificates, Loaded, ensure};

const AT_MS: u64 = 1_795_336_200_000;
const MINUTE: u64 = 60_000;
const GREETING: &str = "220 mail.test ESMTP";

/// What the server says to the end of a mail, one after another; it takes those that follow.
type Says = Arc<Mutex<Vec<&'static str>>>;
/// The envelopes and texts that it took.
type Taken = Arc<Mutex<Vec<String>>>;

/// RFC 5321 as far as a client needs it; AUTH PLAIN where `auth`.
async fn session(
    stream: impl AsyncRead + AsyncWrite,
    greeting: &'static str,
    auth: bool,
    says: Says,
    taken: Taken,
) -> std::io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    write.write_all(format!("{greeting}\r\n").as_bytes()).await?;
    let mut mail = String::new();
    while let Some(line) = lines.next_line().await? {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let said = match word.as_str() {
            "EHLO" if auth => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "EHLO" => "250-mail.test\r\n250 8BITMIME",
            "AUTH" => "535 5.7.8 who are you",
            "MAIL" | "RCPT" => {
                mail += &format!("{line}\n");
                "250 fine"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail += &format!("{line}\n");
                }
                let says = {
                    let mut says = says.lock().unwrap();
                    if says.is_empty() { "250 taken" } else { says.remove(0) }
                };
                let whole = std::mem::take(&mut mail);
                if says.starts_with("250") {
                    taken.lock().unwrap().push(whole);
                }
                says
            }
            // Some hang up without a word.
            "QUIT" => return Ok(()),
            _ => "250 fine",
        };
        write.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
    Ok(())
}

struct House {
    folder: tempfile::TempDir,
    journal: FactJournal,
    store: Store,
    records: CallRecords,
    at: SocketAddr,
    says: Says,
    taken: Taken,
}

impl House {
    async fn new(auth: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StorageUrl::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let tenant = TenantId::first();
        let change = Change::system(tenant.clone(), Origin::Setup);
        store.create(change, Tenant::new(tenant.clone(), "Default")).await.unwrap();
        let options = JournalOptions::new(&folder.path().join("journal"), tenant);
        let journal = FactJournal::open(&options).unwrap();
        let records = CallRecords::new(store.clone(), journal.handle());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (says, taken) = (Says::default(), Taken::default());
        let (said, took) = (says.clone(), taken.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, GREETING, auth, said.clone(), took.clone()));
            }
        });
        let house = Self { folder, journal, store, records, at, says, taken };
        house.queue("support", Some("service@example.com")).await;
        house
    }

    async fn queue(&self, name: &str, voicemail_email: Option<&str>) {
        let mut queue: Queue = Queue { name: name.parse().unwrap(), rules: crate::centre::QueueRules::default() };
        queue.rules.voicemail_email = voicemail_email.map(str::to_owned);
        let change = Change::system(TenantId::first(), Origin::Setup);
        self.store.create(change, queue).await.unwrap();
    }

    fn mailer(&self, attach: bool) -> Mailer {
        let config = SmtpConfig {
            server: self.at.ip().to_string(),
            port: self.at.port(),
            tls: SmtpTls::Off,
            user: None,
            password: None,
            password_file: None,
            from: sender("总机 <pbx@example.com>").unwrap(),
            attach,
        };
        let storage = Storage::new(&self.folder.path().join("recordings"), None, None).unwrap();
        Mailer::new(config, "/nowhere".into(), self.store.clone(), storage)
    }

    /// A message of so many bytes of audio that is finished.
    async fn message(&mut self, n: u128, mailbox: &str, name: &str, audio: &[u8]) -> RecordingId {
        let (call, recording, leg) = (CallId::new(AT_MS, n), RecordingId::new(AT_MS, n), LegId::new(AT_MS, n));
        let path = format!("default/{recording}.wav");
        let file = self.folder.path().join("recordings").join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, audio).unwrap();
        let created = CallCreated {
            call,
            direction: Direction::Inbound,
            source: CallSource::Dialled,
            caller: "13800138000".to_owned(),
            caller_name: name.to_owned(),
            callee: "4001".to_owned(),
            trunk: Some("carrier".to_owned()),
            emergency: false,
            diverted_from: None,
        };
        let left = VoicemailLeft {
            voicemail: recording,
            call,
            mailbox: mailbox.to_owned(),
            caller: "13800138000".to_owned(),
            caller_name: name.to_owned(),
            callee: "4001".to_owned(),
            length_ms: 65_400,
        };
        let started = RecordingStarted {
            recording,
            call,
            conference: None,
            left: leg,
            right: leg,
            part: 1,
            mailbox: Some(mailbox.to_owned()),
        };
        let ready = RecordingReady {
            recording,
            call,
            path,
            bytes: audio.len() as u64,
            duration_ms: 65_400,
            sha256: "0".repeat(64),
            partial: false,
        };
        let events = [
            Event::CallCreated(created),
            Event::RecordingStarted(started),
            Event::VoicemailLeft(left),
            Event::RecordingReady(ready),
        ];
        self.facts(events.into()).await;
        recording
    }

    async fn facts(&mut self, events: Vec<Event>) {
        let facts: Vec<Fact> =
            events.into_iter().map(|event| Fact { tenant: TenantId::first(), at_ms: AT_MS, event }).collect();
        self.journal.append(&facts).unwrap();
        while self.records.step().await.unwrap() > 0 {}
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

/// A mail is sent once, in the tenant's language and by its clock, however often it is looked.
#[tokio::test]
async fn a_message_is_told_of_once_by_the_clock_of_the_tenant() {
    let mut house = House::new(false).await;
    let id = house.message(1, "queue:support", "李雷\r\nBcc: all@example.com", &[0xff, 0, 0x80, 7]).await;
    let mailer = house.mailer(true);
    mailer.round(AT_MS + MINUTE).await.unwrap();
    mailer.round(AT_MS + 2 * MINUTE).await.unwrap();
    let [mail] = &house.taken()[..] else { panic!("{:#?}", house.taken()) };
    let (envelope, text) = mail.split_at(mail.find("From:").unwrap());
    assert_eq!(envelope, "MAIL FROM:<pbx@example.com>\nRCPT TO:<service@example.com>\n");
    assert!(text.contains(&format!("Message-ID: <voicemail-{id}@127.0.0.1>")), "{text}");
    assert!(!text.contains("\nBcc:"), "what a caller calls himself is no header: {text}");
    let parts: Vec<&str> = text.split("Content-Transfer-Encoding: base64\n\n").collect();
    let plain = |part: &str| {
        let body: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap()
    };
    let said = String::from_utf8(plain(parts[1])).unwrap();
    for words in [
        "技能组 support 有一条新留言",
        "主叫号码：李雷Bcc: all@example.com 13800138000",
        "2026-11-22 16:30:00（Asia/Shanghai）",
        "00:01:05",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert!(parts[1].contains(&format!("filename=\"{id}.wav\"")) && parts[1].contains("audio/wav"), "{text}");
    assert_eq!(plain(parts[2]), [0xff, 0, 0x80, 7]);
}

#[tokio::test]
async fn a_server_that_does_not_take_it_now_is_asked_again_later() {
    let mut house = House::new(false).await;
    house.message(1, "queue:support", "", b"x").await;
    *house.says.lock().unwrap() = vec!["451 later", "421 later", "250 taken"];
    let minutes = |n: u64| AT_MS + n * MINUTE;
    // After one minute, then after two more; between them nobody asks.
    for (at, tried) in [(1, 1), (1, 1), (2, 2), (3, 2), (4, 3), (90, 3)] {
        house.mailer(false).round(minutes(at)).await.unwrap();
        assert_eq!(3 - house.says.lock().unwrap().len(), tried, "at {at}");
    }
    let [mail] = &house.taken()[..] else { panic!("{:#?}", house.taken()) };
    assert!(!mail.contains("audio/wav"), "{mail}");
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_asked_again() {
    let mut house = House::new(false).await;
    house.message(1, "queue:support", "", b"x").await;
    *house.says.lock().unwrap() = vec!["550 no such user"];
    for minute in [1, 2, 60, 600] {
        house.mailer(false).round(AT_MS + minute * MINUTE).await.unwrap();
    }
    assert_eq!(house.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_the_servers_matter_and_the_mail_waits() {
    let mut house = House::new(true).await;
    house.message(1, "queue:support", "", b"x").await;
    let mut mailer = house.mailer(false);
    (mailer.config.user, mailer.config.password) = (Some("pbx".to_owned()), Some(Hidden::new("wrong".to_owned())));
    mailer.round(AT_MS + MINUTE).await.unwrap();
    mailer.config.user = None;
    mailer.round(AT_MS + 2 * MINUTE).await.unwrap();
    assert_eq!(house.taken().len(), 1);
}

/// RFC 5321 §3.1: 554 instead of a greeting is about us, and about no mail.
#[tokio::test]
async fn a_server_that_lets_nobody_in_is_asked_again() {
    let mut house = House::new(false).await;
    house.message(1, "queue:support", "", b"x").await;
    let mut mailer = house.mailer(false);
    for (n, greeting) in ["554 go away", "550 blocked", GREETING].into_iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        mailer.config.port = listener.local_addr().unwrap().port();
        let (says, taken) = (house.says.clone(), house.taken.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, greeting, false, says.clone(), taken.clone()));
            }
        });
        mailer.round(AT_MS + (n as u64 + 1) * 60 * MINUTE).await.unwrap();
    }
    assert_eq!(house.taken().len(), 1);
}

/// The first line of a file is the password, and what follows is not.
#[tokio::test]
async fn a_password_stands_in_the_first_line_of_its_file_and_a_broken_authority_is_passed_over() {
    let house = House::new(false).await;
    let mut mailer = house.mailer(false);
    let files = CertificateFiles::own(house.folder.path());
    ensure(&files, &["127.0.0.1".to_owned()]).unwrap();
    let own = std::fs::read_to_string(&files.certificate).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    mailer.ca = house.folder.path().join("ca.pem");
    std::fs::write(&mailer.ca, format!("{broken}{own}")).unwrap();
    mailer.trust().await.unwrap();
    let file = house.folder.path().join("password");
    std::fs::write(&file, "s3cret  \nnot this\n").unwrap();
    (mailer.config.user, mailer.config.password_file) = (Some("pbx".to_owned()), Some(file));
    assert_eq!(mailer.password().await.unwrap(), "s3cret");
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_older_messages_are_never_told_of() {
    let mut house = House::new(false).await;
    house.message(1, "queue:support", "", b"x").await;
    let day = AT_MS + 86_400_000;
    *house.says.lock().unwrap() = vec!["451 later"];
    house.mailer(false).round(day - MINUTE).await.unwrap();
    for minute in [1, 61] {
        house.mailer(false).round(day + minute * MINUTE).await.unwrap();
    }
    assert_eq!((house.taken().len(), house.says.lock().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn who_has_heard_it_and_who_has_no_address_gets_no_mail() {
    let mut house = House::new(false).await;
    house.queue("silent", None).await;
    house.message(1, "queue:silent", "", b"x").await;
    house.message(2, "extension:1009", "", b"x").await;
    let heard = house.message(3, "queue:support", "", b"x").await;
    let used = VoicemailUsed { voicemail: heard, call: CallId::new(AT_MS, 3), by: "anna".to_owned() };
    house.facts(vec![Event::VoicemailListened(used)]).await;
    house.mailer(false).round(AT_MS + MINUTE).await.unwrap();
    assert_eq!(house.taken(), Vec::<String>::new());
    // An address that is set later is for later messages.
    let mut queue = house.store.get::<Queue>(&TenantId::first(), "silent").await.unwrap().value;
    queue.rules.voicemail_email = Some("late@example.com".to_owned());
    let change = Change::system(TenantId::first(), Origin::Setup);
    house.store.update(change, queue, Expect::Any).await.unwrap();
    house.mailer(false).round(AT_MS + 2 * MINUTE).await.unwrap();
    assert_eq!(house.taken(), Vec::<String>::new());
    house.message(4, "queue:silent", "", b"x").await;
    house.mailer(false).round(AT_MS + 3 * MINUTE).await.unwrap();
    assert_eq!(house.taken().len(), 1);
}

/// What is written in a mail is for nobody whose certificate is not believed, and never sent in clear.
#[tokio::test]
async fn a_server_without_tls_or_with_a_strangers_certificate_gets_nothing() {
    let mut house = House::new(false).await;
    house.message(1, "queue:support", "", b"x").await;
    let names = ["127.0.0.1".to_owned()];
    let [own, other] = ["own", "other"].map(|name| CertificateFiles::own(&house.folder.path().join(name)));
    for files in [&own, &other] {
        std::fs::create_dir_all(files.key.parent().unwrap()).unwrap();
        ensure(files, &names).unwrap();
    }
    let served = Certificates::new(Loaded::read(own.clone(), std::collections::BTreeMap::new()).unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(served).server(&[]).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secured = listener.local_addr().unwrap().port();
    let (says, taken) = (house.says.clone(), house.taken.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(session(stream, GREETING, false, says.clone(), taken.clone()));
            }
        }
    });
    let mut mailer = house.mailer(false);
    let mut at = AT_MS;
    for (tls, port, ca, taken) in [
        (SmtpTls::StartTls, house.at.port(), &own, 0),
        (SmtpTls::Implicit, secured, &other, 0),
        (SmtpTls::Implicit, secured, &own, 1),
    ] {
        (mailer.config.tls, mailer.config.port, mailer.ca) = (tls, port, ca.certificate.clone());
        at += 5 * MINUTE;
        mailer.round(at).await.unwrap();
        assert_eq!(house.taken().len(), taken, "{tls:?}");
    }
}
