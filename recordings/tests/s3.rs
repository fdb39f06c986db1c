//! The storage against moto, a server that speaks S3 and that is not ours.
#![expect(clippy::unwrap_used, reason = "a server that does not start or answer ends the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use recordings::{Place, S3Options, SealKeys, Storage, StorageError, seal};

/// A server of its own for a test.
struct Moto {
    server: Child,
    address: SocketAddr,
}

impl Moto {
    fn start() -> Self {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/setup/moto.sh");
        let found = Command::new(setup).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let program = String::from_utf8(found.stdout).unwrap();
        let mut server = Command::new(program.trim())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens: ` * Running on http://127.0.0.1:37211`.
        let lines = BufReader::new(server.stderr.take().unwrap());
        let mut lines = lines.lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("Running on http://")).unwrap();
        let address = line.split("http://").nth(1).unwrap().trim().trim_end_matches('/').parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let moto = Self { server, address };
        assert!(moto.http("PUT /recordings").starts_with("HTTP/1.1 200"), "no bucket");
        moto
    }

    /// A request that nobody signed: moto takes it.
    fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn options(&self) -> S3Options {
        S3Options {
            endpoint: Some(format!("http://{}", self.address)),
            bucket: "recordings".to_owned(),
            region: "eu-central-1".to_owned(),
            prefix: "node1/".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

const SMALL: &str = "default/2026/11/25/01ABC.wav";
const LARGE: &str = "default/2026/11/25/01DEF.wav";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_is_read_by_ranges_and_deleted() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let keys = Arc::new(SealKeys::parse(&format!("k1 {}", "0b".repeat(32))).unwrap());
    let storage = Storage::new(folder.path(), Some(&moto.options()), Some(Arc::clone(&keys))).unwrap();
    assert_eq!(storage.place(), Place::S3);
    let file = folder.path().join("file");
    // One request, and several parts.
    for (path, count) in [(SMALL, 100_000_u32), (LARGE, 17 << 20)] {
        let whole = bytes(count);
        std::fs::write(&file, &whole).unwrap();
        storage.upload(&file, path).await.unwrap();
        storage.upload(&file, path).await.unwrap();
        assert_eq!(storage.size(Place::S3, path).await.unwrap(), Some(u64::from(count)));
        let last = u64::from(count);
        for range in [0..last, 0..44, 65_000..66_000, last - 1..last] {
            let read = storage.read(Place::S3, path, range.clone()).await.unwrap();
            let read = read.try_collect::<Vec<_>>().await.unwrap().concat();
            assert!(read == whole[range.start as usize..range.end as usize], "{range:?} of {path}");
        }
    }
    let listed = moto.http("GET /recordings?list-type=2");
    assert!(listed.contains("<Key>node1/default/2026/11/25/01ABC.wav</Key>"), "{listed}");

    let sealed_path = "default/2026/11/25/01ABC.wav.sealed";
    let whole = bytes(300_000);
    let mut sealed = Vec::new();
    seal(&keys, &mut &whole[..], whole.len() as u64, &mut sealed).unwrap();
    std::fs::write(&file, &sealed).unwrap();
    storage.upload(&file, sealed_path).await.unwrap();
    for range in [0..300_000, 131_000..132_000, 299_999..300_000] {
        let read = storage.read_sealed(Place::S3, sealed_path, range.clone()).await.unwrap();
        let read = read.try_collect::<Vec<_>>().await.unwrap().concat();
        assert!(read == whole[range.start as usize..range.end as usize], "{range:?}");
    }
    let raw = storage.read(Place::S3, sealed_path, 0..sealed.len() as u64).await.unwrap();
    let raw = raw.try_collect::<Vec<_>>().await.unwrap().concat();
    assert!(raw == sealed && !raw.windows(32).any(|part| part == &whole[..32]));

    for _ in 0..2 {
        storage.delete(Place::S3, SMALL).await.unwrap();
    }
    assert!(matches!(storage.read(Place::S3, SMALL, 0..10).await, Err(StorageError::Gone)));
    assert_eq!(storage.size(Place::S3, SMALL).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_or_does_not_answer_is_an_error_to_be_tried_again() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("file");
    std::fs::write(&file, bytes(1_000)).unwrap();
    let elsewhere = S3Options { bucket: "nobodys".to_owned(), ..moto.options() };
    let storage = Storage::new(folder.path(), Some(&elsewhere), None).unwrap();
    assert!(storage.upload(&file, SMALL).await.is_err());
    let storage = Storage::new(folder.path(), Some(&moto.options()), None).unwrap();
    drop(moto);
    let error = storage.upload(&file, SMALL).await.unwrap_err();
    assert!(matches!(error, StorageError::Store(_)), "{error}");
    assert!(!format!("{:?} {error}", elsewhere).contains("secret"), "the secret is shown");
}
