//! Opening a journal: what a crash or a power cut left is put in order, then a new epoch begins.
//!
//! Only the last two segments can be torn: a flush takes the files in order, and the one before the last is flushed within
//! 20 ms of its end. Their tails are cut, the cut bytes kept beside them. Damage further back is found by whoever reads it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooks::id::TenantId;
use hooks::position::Position;
use recordings::failpoint::fail_point;

use super::flush::Flusher;
use super::fold::{Fold, FoldError};
use super::segment::{Header, Next, Sealed, SegmentName, Window, read_at_most};
use super::shared::{Shared, sync_folder};
use super::{Journal, JournalOptions, Live};

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("{folder} is in use by another process: stop that one first")]
    Locked {
        /// The tenant's folder.
        folder: PathBuf,
    },
    /// The system refuses a file.
    #[error("cannot use {path}, see its owner, mode and disk: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was carried over, or a record, cannot be understood.
    #[error("{path} was written by another version, use that one or restore a backup: {source}")]
    Fold {
        /// Which segment.
        path: PathBuf,
        /// What the fold says.
        source: FoldError,
    },
}

impl Journal {
    /// Opens a tenant's journal for writing, or begins one, and gives `fold` what its records amount to. A tail torn by a crash
    /// is cut and kept aside; a new epoch begins.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &JournalOptions, fold: &mut impl Fold) -> Result<Self, OpenError> {
        let folder = options.folder.join(options.tenant.as_str());
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let lock = lock(&folder)?;
        let mut segments = list(&folder)?;
        let epoch = segments.last().map_or(0, |name| name.epoch) + 1;
        let tenant = options.tenant.as_str();
        let last = drop_torn_heads(&folder, &mut segments, tenant)?;
        if let [.., before, _] = segments.as_slice() {
            cut_torn_tail(&folder, *before, tenant)?;
        }
        let (last_number, is_empty) = match &last {
            Some(tail) => read_tail(options, &folder, tail, fold)?,
            None => (0, false),
        };
        let mut carry = Vec::new();
        fold.save(&mut carry);
        let name = SegmentName { epoch, first: last_number + 1 };
        let live = Live::create(&folder, name, tenant, carry).map_err(at(&name.path(&folder)))?;
        live.file.sync_all().map_err(at(&name.path(&folder)))?;
        fail_point("journal.open.created");
        if is_empty && let Some(empty) = segments.pop() {
            // A start that wrote nothing leaves nothing.
            fs::remove_file(empty.path(&folder)).map_err(at(&empty.path(&folder)))?;
        }
        sync_folder(&folder).map_err(at(&folder))?;
        segments.push(name);
        let shared = Arc::new(Shared::new(options.tenant.clone(), folder.clone(), segments, last_number));
        let flusher = Flusher::start(Arc::clone(&shared), Arc::clone(&live.file)).map_err(at(&folder))?;
        let (segment_bytes, survives) = (options.segment_bytes, options.survives);
        let next = last_number + 1;
        Ok(Self { shared, segment: live, segment_bytes, survives, next, batch: Vec::new(), flusher, _lock: lock })
    }
}

/// The place of the last whole record of a journal that lies somewhere, `None` where it has none. Nothing is changed.
///
/// # Errors
/// [`OpenError::Io`].
pub fn last_position(folder: &Path, tenant: &TenantId) -> Result<Option<Position>, OpenError> {
    let folder = folder.join(tenant.as_str());
    for name in list(&folder)?.into_iter().rev() {
        let path = name.path(&folder);
        let file = File::open(&path).map_err(at(&path))?;
        if let Some((header, sealed)) = Header::read(&file, name, tenant.as_str()).map_err(at(&path))? {
            let end = scan(&file, &header, sealed, |_, _| Ok(()), &path)?;
            return Ok(Some(Position { tenant: tenant.clone(), epoch: name.epoch, number: end.next - 1 }));
        }
    }
    Ok(None)
}

/// The last segment with a whole header.
struct Tail {
    header: Header,
    sealed: Sealed,
    file: File,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

fn list(folder: &Path) -> Result<Vec<SegmentName>, OpenError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        names.extend(entry.file_name().to_str().and_then(SegmentName::parse));
    }
    names.sort_unstable();
    Ok(names)
}

/// Sets segments aside whose header did not reach the disk, from the last one back: nothing in them can be read, and nothing
/// was promised for them.
fn drop_torn_heads(folder: &Path, segments: &mut Vec<SegmentName>, tenant: &str) -> Result<Option<Tail>, OpenError> {
    while let Some(&name) = segments.last() {
        let path = name.path(folder);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(at(&path))?;
        if let Some((header, sealed)) = Header::read(&file, name, tenant).map_err(at(&path))? {
            return Ok(Some(Tail { header, sealed, file }));
        }
        let aside = path.with_extension("seg.torn");
        tracing::warn!(file = %path.display(), aside = %aside.display(), "a segment's header is torn: set aside");
        fs::rename(&path, &aside).map_err(at(&path))?;
        segments.pop();
    }
    Ok(None)
}

/// Cuts the segment before the last where a power cut tore it. A damaged header is left to its readers.
fn cut_torn_tail(folder: &Path, name: SegmentName, tenant: &str) -> Result<(), OpenError> {
    let path = name.path(folder);
    let file = OpenOptions::new().read(true).write(true).open(&path).map_err(at(&path))?;
    let Some((header, sealed)) = Header::read(&file, name, tenant).map_err(at(&path))? else {
        return Ok(());
    };
    let end = scan(&file, &header, sealed, |_, _| Ok(()), &path)?;
    cut(&file, &path, &end)
}

/// Reads the last segment into `fold`, cuts its tail; gives the last record's number and whether there was none here.
fn read_tail(
    options: &JournalOptions,
    folder: &Path,
    tail: &Tail,
    fold: &mut impl Fold,
) -> Result<(u64, bool), OpenError> {
    let Tail { header, sealed, file } = tail;
    let path = header.name.path(folder);
    fold.load(&header.carry).map_err(|source| OpenError::Fold { path: path.clone(), source })?;
    let position = |number| Position { tenant: options.tenant.clone(), epoch: header.name.epoch, number };
    let end = scan(file, header, *sealed, |number, payload| fold.apply(&position(number), payload), &path)?;
    cut(file, &path, &end)?;
    Ok((end.next - 1, end.offset == sealed.bytes))
}

/// Where the whole records of a segment end.
struct End {
    offset: u64,
    /// The number the next record would have.
    next: u64,
}

fn scan(
    file: &File,
    header: &Header,
    sealed: Sealed,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), FoldError>,
    path: &Path,
) -> Result<End, OpenError> {
    let mut window = Window::new(sealed);
    let mut next = header.name.first;
    loop {
        let offset = window.offset();
        match window.next(file).map_err(at(path))? {
            Next::Record(number, payload) if number == next || (header.salvaged && number > next) => {
                each(number, payload).map_err(|source| OpenError::Fold { path: path.to_owned(), source })?;
                next = number + 1;
            }
            Next::Record(..) | Next::Broken | Next::End => return Ok(End { offset, next }),
        }
    }
}

/// Cuts a segment at `end`, and keeps what is cut in a file beside it.
fn cut(file: &File, path: &Path, end: &End) -> Result<(), OpenError> {
    let length = file.metadata().map_err(at(path))?.len();
    let Some(torn) = length.checked_sub(end.offset).filter(|torn| *torn > 0) else {
        return Ok(());
    };
    let aside = path.with_extension(format!("seg.cut-at-{}", end.offset));
    tracing::warn!(
        file = %path.display(), offset = end.offset, bytes = torn, aside = %aside.display(), next = end.next,
        "the journal's tail is torn: cut before this record"
    );
    copy_tail(file, end.offset, &aside).map_err(at(&aside))?;
    fail_point("journal.open.before_cut");
    file.set_len(end.offset).and_then(|()| file.sync_all()).map_err(at(path))
}

fn copy_tail(file: &File, mut offset: u64, aside: &Path) -> io::Result<()> {
    let mut copy = File::create(aside)?;
    let mut chunk = vec![0; COPY_BYTES];
    loop {
        let read = read_at_most(file, &mut chunk, offset)?;
        if read == 0 {
            return copy.sync_all();
        }
        io::Write::write_all(&mut copy, &chunk[..read])?;
        offset += read as u64;
    }
}

/// How much of a cut tail is copied at once, bytes.
const COPY_BYTES: usize = 256 << 10;
