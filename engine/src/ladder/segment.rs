//! A capture file and its index. The file is a plain pcap; the index beside it says where the messages of a call stand, and is
//! made anew from the file where it is missing.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::packet::{Captured, decode};
use super::scan;

/// Of the file: byte order and microseconds, version 2.4, snap length, link type 101 (raw IP).
pub(super) const GLOBAL_HEADER: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 4, 0, 101, 0, 0, 0];

/// Of a record: seconds, microseconds, bytes kept, bytes there were.
const RECORD_HEADER: usize = 16;

/// The largest packet there is.
const PACKET_MAX: usize = 65_535 + 40;

/// An entry of the index: the hash of the Call-ID, and where the record stands.
type Entry = (u64, u32);

const ENTRY_BYTES: usize = 12;

/// Appends a record.
pub(super) fn write_record(at_us: u64, packet: &[u8], out: &mut Vec<u8>) {
    let word = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let length = word(packet.len() as u64);
    out.extend_from_slice(&word(at_us / 1_000_000));
    out.extend_from_slice(&word(at_us % 1_000_000));
    out.extend_from_slice(&length);
    out.extend_from_slice(&length);
    out.extend_from_slice(packet);
}

/// FNV-1a of a Call-ID. Whoever makes two alike gains nothing: what is found is compared.
pub(super) fn hash(call_id: &[u8]) -> u64 {
    call_id
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The file being written.
#[derive(Debug)]
pub(super) struct Open {
    file: File,
    path: PathBuf,
    bytes: u64,
    index: Vec<Entry>,
}

impl Open {
    /// Makes the file; it must not exist.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let mut file = File::create_new(&path)?;
        file.write_all(&GLOBAL_HEADER)?;
        Ok(Self { file, path, bytes: GLOBAL_HEADER.len() as u64, index: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends records with one write; `entries` say where in `records` each begins.
    pub(super) fn append(&mut self, records: &[u8], entries: &[Entry]) -> io::Result<()> {
        self.file.write_all_at(records, self.bytes)?;
        let base = u32::try_from(self.bytes).unwrap_or(u32::MAX);
        self.index.extend(entries.iter().map(|(hash, at)| (*hash, base.saturating_add(*at))));
        self.bytes += records.len() as u64;
        Ok(())
    }

    /// Where the messages with these hashes stand.
    pub(super) fn find(&self, hashes: &[u64]) -> Vec<u32> {
        self.index.iter().filter(|(hash, _)| hashes.contains(hash)).map(|(_, at)| *at).collect()
    }

    /// Writes the index; nothing follows.
    pub(super) fn close(mut self) -> io::Result<()> {
        write_index(&self.path, &mut self.index)
    }
}

/// The index of a file.
pub(super) fn index_path(path: &Path) -> PathBuf {
    path.with_extension("idx")
}

fn write_index(path: &Path, index: &mut [Entry]) -> io::Result<()> {
    index.sort_unstable();
    let bytes: Vec<u8> =
        index.iter().flat_map(|(hash, at)| hash.to_le_bytes().into_iter().chain(at.to_le_bytes())).collect();
    // Renamed when whole: a torn index would hide messages.
    let part = path.with_extension("idx.part");
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, index_path(path))
}

/// Makes the index of a file that was not closed.
pub(super) fn rebuild_index(path: &Path) -> io::Result<()> {
    let file = io::BufReader::new(File::open(path)?);
    let mut index = Vec::new();
    let mut at = GLOBAL_HEADER.len() as u64;
    let mut records = Records { file, skipped: false };
    while let Some((captured, length)) = records.next_record()? {
        if let Some(head) = captured.as_ref().and_then(|captured| scan::head(&captured.message)) {
            index.push((hash(head.call_id), u32::try_from(at).unwrap_or(u32::MAX)));
        }
        at += length as u64;
    }
    write_index(path, &mut index)
}

struct Records {
    file: io::BufReader<File>,
    skipped: bool,
}

impl Records {
    /// The next record and its length in the file; `None` at the end, and where a crash has torn the last one.
    fn next_record(&mut self) -> io::Result<Option<(Option<Captured>, usize)>> {
        if !self.skipped {
            self.skipped = true;
            if !fill(&mut self.file, &mut [0; GLOBAL_HEADER.len()])? {
                return Ok(None);
            }
        }
        let mut header = [0; RECORD_HEADER];
        if !fill(&mut self.file, &mut header)? {
            return Ok(None);
        }
        let Some((at_us, length)) = read_header(header) else { return Ok(None) };
        let mut packet = vec![0; length];
        if !fill(&mut self.file, &mut packet)? {
            return Ok(None);
        }
        Ok(Some((decode(at_us, &packet), RECORD_HEADER + length)))
    }
}

/// False where the file ends before the buffer is full.
fn fill(file: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_header(header: [u8; RECORD_HEADER]) -> Option<(u64, usize)> {
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let length = usize::try_from(word(8)).ok().filter(|length| *length <= PACKET_MAX)?;
    Some((u64::from(word(0)) * 1_000_000 + u64::from(word(4)), length))
}

/// Where the messages with these hashes stand in a closed file.
pub(super) fn find(path: &Path, hashes: &[u64]) -> io::Result<Vec<u32>> {
    let mut index = Vec::new();
    File::open(index_path(path))?.read_to_end(&mut index)?;
    let entries: Vec<&[u8]> = index.chunks_exact(ENTRY_BYTES).collect();
    let hash_of = |entry: &[u8]| u64::from_le_bytes(std::array::from_fn(|at| entry[at]));
    let mut found = Vec::new();
    for hash in hashes {
        let from = entries.partition_point(|entry| hash_of(entry) < *hash);
        let same = entries[from..].iter().take_while(|entry| hash_of(entry) == *hash);
        found.extend(same.map(|entry| u32::from_le_bytes(std::array::from_fn(|at| entry[8 + at]))));
    }
    Ok(found)
}

/// The records at these places; one that cannot be read is left out.
pub(super) fn read(path: &Path, places: &[u32]) -> io::Result<Vec<Captured>> {
    let file = File::open(path)?;
    let mut read = Vec::with_capacity(places.len());
    for place in places {
        let place = u64::from(*place);
        let mut header = [0; RECORD_HEADER];
        if file.read_exact_at(&mut header, place).is_err() {
            continue;
        }
        let Some((at_us, length)) = read_header(header) else { continue };
        let mut packet = vec![0; length];
        if file.read_exact_at(&mut packet, place + RECORD_HEADER as u64).is_ok() {
            read.extend(decode(at_us, &packet));
        }
    }
    Ok(read)
}
