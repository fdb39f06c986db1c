//! Where finished recordings are kept: the folder in which they were written, or the bucket of an S3 service.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
    WriteMultipart,
};
use tokio::io::AsyncReadExt as _;

use crate::sealed::{self, OpenError, Opener, SealKeys};

/// A bucket, and how to reach it.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Options {
    /// `http://` or `https://`, host and port; AWS itself where none is named.
    pub endpoint: Option<String>,
    /// The bucket, which must be there.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Keys of objects begin with this.
    pub prefix: String,
    /// Who we are.
    pub access_key_id: String,
    /// Our secret.
    pub secret_access_key: String,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, bucket, region, prefix, access_key_id: _, secret_access_key: _ } = self;
        f.debug_struct("S3Options")
            .field("endpoint", endpoint)
            .field("bucket", bucket)
            .field("region", region)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

/// Where something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The recordings folder.
    Directory,
    /// The bucket.
    S3,
}

/// Why something cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Nothing of that name is there.
    #[error("it is not there any more")]
    Gone,
    /// The path leads elsewhere: our bug, or an index that was tampered with.
    #[error("`{0}` is no path of a recording")]
    Path(String),
    /// It lies in a bucket, and none is configured.
    #[error("it is kept in S3, and recording.s3 is not configured")]
    NoBucket,
    /// It is sealed, and no key is configured.
    #[error("it is encrypted, and recording.encryption_keys is not configured")]
    NoKeys,
    /// It is not what was written.
    #[error("there are {found} bytes where {expected} were written")]
    Size {
        /// As written.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// It does not open.
    #[error(transparent)]
    Sealed(#[from] OpenError),
    /// The configuration of the bucket is wrong, or the service refuses or does not answer: to be tried again.
    #[error("the storage fails: {0}")]
    Store(object_store::Error),
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Gone,
            object_store::Error::InvalidPath { source } => Self::Path(source.to_string()),
            other => Self::Store(other),
        }
    }
}

/// What is heard, in order.
pub type AudioStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Reads and keeps recordings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    root: PathBuf,
    folder: Arc<LocalFileSystem>,
    bucket: Option<Bucket>,
    keys: Option<Arc<SealKeys>>,
}

#[derive(Clone, Debug)]
struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Storage {
    /// The folder `root`, which is made, and a bucket if one is named. Nothing is asked of the service yet.
    ///
    /// # Errors
    /// The folder cannot be made; the bucket's address makes no sense.
    pub fn new(root: &Path, s3: Option<&S3Options>, keys: Option<Arc<SealKeys>>) -> Result<Self, StorageError> {
        fs::create_dir_all(root)?;
        let folder = Arc::new(LocalFileSystem::new_with_prefix(root)?);
        let bucket = s3.map(bucket).transpose()?;
        Ok(Self { root: root.to_owned(), folder, bucket, keys })
    }

    /// Where what is finished is to be kept.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.bucket.is_some() { Place::S3 } else { Place::Directory }
    }

    /// The keys that seal and open.
    #[must_use]
    pub fn keys(&self) -> Option<&Arc<SealKeys>> {
        self.keys.as_ref()
    }

    /// The file of a path in the recordings folder.
    ///
    /// # Errors
    /// [`StorageError::Path`].
    pub fn file(&self, path: &str) -> Result<PathBuf, StorageError> {
        key(path).map(|_| self.root.join(path))
    }

    /// Uploads a file into the bucket; it is there as a whole when this returns, or not at all.
    ///
    /// # Errors
    /// See [`StorageError`]; to be tried again.
    pub async fn upload(&self, file: &Path, path: &str) -> Result<(), StorageError> {
        let bucket = self.bucket.as_ref().ok_or(StorageError::NoBucket)?;
        let key = bucket.key(path)?;
        let mut from = tokio::fs::File::open(file).await?;
        let expected = from.metadata().await?.len();
        if expected <= PART_BYTES {
            let mut whole = Vec::new();
            from.read_to_end(&mut whole).await?;
            bucket.store.put(&key, PutPayload::from(whole)).await?;
        } else {
            let mut upload = WriteMultipart::new(bucket.store.put_multipart(&key).await?);
            match send_parts(&mut upload, &mut from).await {
                Ok(()) => _ = upload.finish().await?,
                Err(error) => {
                    // Parts that are left cost space until the bucket's own rule removes them.
                    let _ = upload.abort().await;
                    return Err(error);
                }
            }
        }
        let found = bucket.store.head(&key).await?.size;
        if found == expected { Ok(()) } else { Err(StorageError::Size { expected, found }) }
    }

    /// Whether it is there, and how many bytes it has.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn size(&self, place: Place, path: &str) -> Result<Option<u64>, StorageError> {
        let (store, key) = self.at(place, path)?;
        match store.head(&key).await.map_err(StorageError::from) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(StorageError::Gone) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Deletes it; what is not there is deleted.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn delete(&self, place: Place, path: &str) -> Result<(), StorageError> {
        let (store, key) = self.at(place, path)?;
        match store.delete(&key).await.map_err(StorageError::from) {
            Ok(()) | Err(StorageError::Gone) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// A range of what is kept as it was written. The first bytes are there when this returns.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn read(&self, place: Place, path: &str, range: Range<u64>) -> Result<AudioStream, StorageError> {
        let (store, key) = self.at(place, path)?;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let stream = store.get_opts(&key, options).await?.into_stream();
        begun(stream.map_err(StorageError::from).boxed()).await
    }

    /// A range of what was sealed; of the file only the chunks that hold it are read.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn read_sealed(&self, place: Place, path: &str, range: Range<u64>) -> Result<AudioStream, StorageError> {
        let keys = self.keys.as_ref().ok_or(StorageError::NoKeys)?;
        let (store, key) = self.at(place, path)?;
        let header = store.get_range(&key, 0..sealed::HEADER_BYTES as u64).await?;
        let opener = Opener::new(keys, &header)?;
        let (extent, index) = opener.sealed_range(&range);
        let from = self.read(place, path, extent).await?;
        let skip = usize::try_from(range.start - index * sealed::CHUNK_BYTES).unwrap_or(usize::MAX);
        let opening = Opening { from, opener, index, buffer: Vec::new(), skip, left: range.end - range.start };
        begun(stream::try_unfold(opening, Opening::next).boxed()).await
    }

    fn at(&self, place: Place, path: &str) -> Result<(&dyn ObjectStore, Key), StorageError> {
        match place {
            Place::Directory => Ok((self.folder.as_ref(), key(path)?)),
            Place::S3 => {
                let bucket = self.bucket.as_ref().ok_or(StorageError::NoBucket)?;
                Ok((bucket.store.as_ref(), bucket.key(path)?))
            }
        }
    }
}

impl Bucket {
    fn key(&self, path: &str) -> Result<Key, StorageError> {
        if self.prefix.is_empty() { key(path) } else { key(&format!("{}/{path}", self.prefix)) }
    }
}

fn bucket(s3: &S3Options) -> Result<Bucket, StorageError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&s3.bucket)
        .with_region(&s3.region)
        .with_access_key_id(&s3.access_key_id)
        .with_secret_access_key(&s3.secret_access_key)
        // The service compares what it got with what was sent.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_client_options(
            // No time for a whole request: a listener may take a long recording slowly.
            ClientOptions::new()
                .with_connect_timeout(CONNECT_MAX)
                .with_timeout_disabled()
                .with_read_timeout(SILENCE_MAX)
                .with_allow_http(true),
        )
        // We try again ourselves, for ever.
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: REQUEST_RETRIES,
            retry_timeout: RETRIES_MAX,
        });
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let prefix = s3.prefix.trim_matches('/').to_owned();
    Ok(Bucket { store: Arc::new(builder.build()?), prefix })
}

/// A path of the index as a key, unless it leads elsewhere.
fn key(path: &str) -> Result<Key, StorageError> {
    let wrong = || StorageError::Path(path.to_owned());
    let key = Key::parse(path).map_err(|_| wrong())?;
    let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if plain && key.as_ref() == path { Ok(key) } else { Err(wrong()) }
}

async fn send_parts(upload: &mut WriteMultipart, from: &mut tokio::fs::File) -> Result<(), StorageError> {
    let mut chunk = vec![0; READ_BYTES];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        upload.wait_for_capacity(PARTS_AT_A_TIME).await?;
        upload.write(&chunk[..count]);
    }
}

/// The stream, with its first bytes at hand: what fails at once fails before an answer is begun.
async fn begun(mut stream: AudioStream) -> Result<AudioStream, StorageError> {
    match stream.next().await {
        None => Ok(stream::empty().boxed()),
        Some(first) => {
            let first = first?;
            Ok(stream::once(async move { Ok(first) }).chain(stream).boxed())
        }
    }
}

/// Chunks that are opened as they come.
struct Opening {
    from: AudioStream,
    opener: Opener,
    index: u64,
    buffer: Vec<u8>,
    /// Of the first chunk, what is before the range.
    skip: usize,
    left: u64,
}

impl Opening {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StorageError> {
        if self.left == 0 {
            return Ok(None);
        }
        let count = self.opener.chunk_bytes(self.index);
        while self.buffer.len() < count {
            let more = self.from.next().await.ok_or(OpenError::Cut)??;
            self.buffer.extend_from_slice(&more);
        }
        let rest = self.buffer.split_off(count);
        let mut chunk = std::mem::replace(&mut self.buffer, rest);
        let plain = self.opener.open(self.index, &mut chunk)?;
        let plain = plain.get(self.skip..).ok_or(OpenError::Cut)?;
        let plain = &plain[..plain.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))];
        let bytes = Bytes::copy_from_slice(plain);
        self.left -= bytes.len() as u64;
        (self.index, self.skip) = (self.index + 1, 0);
        if bytes.is_empty() {
            return Err(OpenError::Cut.into());
        }
        Ok(Some((bytes, self)))
    }
}

/// Larger files go in parts of 5 MiB, the least that S3 takes.
const PART_BYTES: u64 = 8 << 20;
const READ_BYTES: usize = 256 << 10;
/// So many parts are under way, each in memory.
const PARTS_AT_A_TIME: usize = 2;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// So long the service may say nothing: what is sent at once, 8 MiB at most, has to be through by then.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const RETRIES_MAX: Duration = Duration::from_secs(120);
const REQUEST_RETRIES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(stream: AudioStream) -> Vec<u8> {
        stream.try_collect::<Vec<Bytes>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn a_folder_gives_ranges_sealed_or_not_and_says_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(SealKeys::parse(&format!("a {}", "5f".repeat(32))).unwrap());
        let storage = Storage::new(folder.path(), None, Some(Arc::clone(&keys))).unwrap();
        assert_eq!(storage.place(), Place::Directory);
        let plain: Vec<u8> = (0..200_000_u32).map(|n| (n % 249) as u8).collect();
        fs::create_dir(folder.path().join("default")).unwrap();
        fs::write(folder.path().join("default/a.wav"), &plain).unwrap();
        let mut sealed = Vec::new();
        sealed::seal(&keys, &mut &plain[..], plain.len() as u64, &mut sealed).unwrap();
        fs::write(folder.path().join("default/a.wav.sealed"), &sealed).unwrap();
        for range in [0..200_000, 5..6, 65_535..65_537, 131_072..200_000, 199_999..200_000] {
            let wanted = &plain[range.start as usize..range.end as usize];
            let read = storage.read(Place::Directory, "default/a.wav", range.clone()).await.unwrap();
            assert!(all(read).await == wanted, "{range:?}");
            let opened = storage.read_sealed(Place::Directory, "default/a.wav.sealed", range.clone()).await.unwrap();
            assert!(all(opened).await == wanted, "{range:?} sealed");
        }
        assert!(matches!(storage.read(Place::Directory, "default/b.wav", 0..1).await, Err(StorageError::Gone)));
        assert_eq!(storage.size(Place::Directory, "default/a.wav").await.unwrap(), Some(200_000));
        for _ in 0..2 {
            storage.delete(Place::Directory, "default/a.wav").await.unwrap();
        }
        assert_eq!(storage.size(Place::Directory, "default/a.wav").await.unwrap(), None);
        assert!(matches!(storage.read(Place::S3, "default/a.wav", 0..1).await, Err(StorageError::NoBucket)));
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(&folder.path().join("below"), None, None).unwrap();
        fs::write(folder.path().join("x.wav"), "secret").unwrap();
        for path in ["../x.wav", "/etc/passwd", "a/../../x.wav", "", "./x.wav", "a//b.wav", "%2e%2e/x.wav"] {
            assert!(storage.file(path).is_err() || !storage.file(path).unwrap().exists(), "{path}");
            assert!(storage.read(Place::Directory, path, 0..1).await.is_err(), "{path}");
            assert!(storage.delete(Place::Directory, path).await.is_err() || folder.path().join("x.wav").exists());
        }
    }
}
