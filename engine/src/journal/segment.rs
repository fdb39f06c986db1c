//! One file of the journal: its name, its header, and reading it from end to end.
//!
//! ```text
//! magic       8 bytes "SWBDJRNL"
//! version     u16 little endian (as all numbers), 1
//! flags       u16, bit 0: salvaged, numbers may have holes
//! tenant len  u32
//! carry len   u32
//! epoch       u64
//! first       u64, the number of the first record
//! created     u64, ms since the Unix epoch
//! tenant      bytes
//! carry       bytes: what the records before this segment amount to (see `Fold`)
//! checksum    u32, CRC-32C of all of the above; every record's checksum begins with it
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, Decoded};

const MAGIC: &[u8; 8] = b"SWBDJRNL";
const VERSION: u16 = 1;
const FLAG_SALVAGED: u16 = 1;
const FIXED_BYTES: usize = 44;
const CHECKSUM_BYTES: usize = 4;

/// The largest carry-over, bytes; a greater length on disk is damage.
pub const CARRY_MAX: usize = 64 << 20;

/// How much of a segment is read at once, bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// Names a segment, and orders it among the others of its tenant: by epoch, then by the number of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentName {
    pub(super) epoch: u64,
    pub(super) first: u64,
}

impl SegmentName {
    /// `EPOCH-FIRST.seg`, with leading zeros so that a folder lists in order.
    pub(super) fn file_name(self) -> String {
        format!("{:010}-{:020}.seg", self.epoch, self.first)
    }

    pub(super) fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.file_name())
    }

    /// `None` for any file that is not a segment.
    pub(super) fn parse(file_name: &str) -> Option<Self> {
        let (epoch, first) = file_name.strip_suffix(".seg")?.split_once('-')?;
        let name = Self { epoch: epoch.parse().ok()?, first: first.parse().ok()? };
        (name.file_name() == file_name).then_some(name)
    }
}

/// What stands at the head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: SegmentName,
    pub(super) salvaged: bool,
    pub(super) created_ms: u64,
    pub(super) carry: Vec<u8>,
}

/// A header read or about to be written, as bytes: `seed` begins the checksum of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) seed: u32,
    pub(super) bytes: u64,
}

impl Header {
    /// The header as it stands on disk.
    pub(super) fn encode(&self, tenant: &str) -> (Vec<u8>, Sealed) {
        let mut out = Vec::with_capacity(FIXED_BYTES + tenant.len() + self.carry.len() + CHECKSUM_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(if self.salvaged { FLAG_SALVAGED } else { 0 }).to_le_bytes());
        out.extend_from_slice(&length(tenant.as_bytes()));
        out.extend_from_slice(&length(&self.carry));
        out.extend_from_slice(&self.name.epoch.to_le_bytes());
        out.extend_from_slice(&self.name.first.to_le_bytes());
        out.extend_from_slice(&self.created_ms.to_le_bytes());
        out.extend_from_slice(tenant.as_bytes());
        out.extend_from_slice(&self.carry);
        let seed = crc32c::crc32c(&out);
        out.extend_from_slice(&seed.to_le_bytes());
        let sealed = Sealed { seed, bytes: out.len() as u64 };
        (out, sealed)
    }

    /// Reads the header of the segment called `name`. `None` when it is torn, damaged, of another tenant or not what the file's
    /// name says.
    pub(super) fn read(file: &File, name: SegmentName, tenant: &str) -> io::Result<Option<(Self, Sealed)>> {
        let mut fixed = [0; FIXED_BYTES];
        if read_at_most(file, &mut fixed, 0)? < FIXED_BYTES || &fixed[..8] != MAGIC || number(&fixed[8..10]) != 1 {
            return Ok(None);
        }
        let (tenant_len, carry_len) = (number(&fixed[12..16]) as usize, number(&fixed[16..20]) as usize);
        if tenant_len != tenant.len() || carry_len > CARRY_MAX {
            return Ok(None);
        }
        let mut whole = vec![0; FIXED_BYTES + tenant_len + carry_len + CHECKSUM_BYTES];
        if read_at_most(file, &mut whole, 0)? < whole.len() {
            return Ok(None);
        }
        let (body, checksum) = whole.split_at(whole.len() - CHECKSUM_BYTES);
        let seed = crc32c::crc32c(body);
        let named = SegmentName { epoch: number(&body[20..28]), first: number(&body[28..36]) };
        let (tenant_read, carry) = body[FIXED_BYTES..].split_at(tenant_len);
        if seed.to_le_bytes() != checksum || named != name || tenant_read != tenant.as_bytes() {
            return Ok(None);
        }
        let salvaged = number(&body[10..12]) & u64::from(FLAG_SALVAGED) != 0;
        let header = Self { name, salvaged, created_ms: number(&body[36..44]), carry: carry.to_vec() };
        Ok(Some((header, Sealed { seed, bytes: whole.len() as u64 })))
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("a tenant and a carry-over are far below 4 GiB").to_le_bytes()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Fills `into` from `offset` on, less only at the end of the file.
pub(super) fn read_at_most(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A part of a segment in memory, moved along as its records are taken.
pub(super) struct Window {
    seed: u32,
    /// Where in the file `bytes[at]` stands.
    offset: u64,
    /// Room; what is read lies in `at..filled`.
    bytes: Vec<u8>,
    at: usize,
    filled: usize,
}

/// What stands next in a segment.
pub(super) enum Next<'a> {
    /// A record with its number.
    Record(u64, &'a [u8]),
    /// The file ends here, on a whole record.
    End,
    /// The file ends within a record, or this is none.
    Broken,
}

impl Window {
    /// Begins at the first record.
    pub(super) fn new(sealed: Sealed) -> Self {
        Self { seed: sealed.seed, offset: sealed.bytes, bytes: Vec::new(), at: 0, filled: 0 }
    }

    /// Where in the file the next record stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets what was read ahead: the file has grown since.
    pub(super) fn forget(&mut self) {
        (self.at, self.filled) = (0, 0);
    }

    fn left(&self) -> &[u8] {
        &self.bytes[self.at..self.filled]
    }

    /// True when the next record is in memory.
    pub(super) fn holds_next(&self) -> bool {
        let left = self.left();
        left.len() >= frame::HEADER_BYTES && left.len() >= frame::needed(left)
    }

    /// Takes the next record, reading on where needed.
    pub(super) fn next(&mut self, file: &File) -> io::Result<Next<'_>> {
        // Twice: a first look asks for a header, which then tells the payload's length.
        for _ in 0..2 {
            let needed = frame::needed(self.left());
            if self.left().len() < needed {
                self.fill(file, needed)?;
            }
        }
        match frame::decode(self.seed, &self.bytes[self.at..self.filled]) {
            Decoded::Whole { number, payload, bytes } => {
                self.at += bytes;
                self.offset += bytes as u64;
                Ok(Next::Record(number, payload))
            }
            Decoded::Short if self.filled == self.at => Ok(Next::End),
            Decoded::Short | Decoded::Damaged => Ok(Next::Broken),
        }
    }

    /// Reads on from the next record, at least `needed` bytes unless the file ends.
    fn fill(&mut self, file: &File, needed: usize) -> io::Result<()> {
        self.forget();
        if self.bytes.len() < needed.max(CHUNK_BYTES) {
            self.bytes = vec![0; needed.max(CHUNK_BYTES)];
        }
        self.filled = read_at_most(file, &mut self.bytes, self.offset)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn header(carry: &[u8]) -> Header {
        let name = SegmentName { epoch: 3, first: 100 };
        Header { name, salvaged: false, created_ms: 1_700_000_000_000, carry: carry.to_vec() }
    }

    #[test]
    fn names_sort_as_their_text_does() {
        let name = SegmentName { epoch: 12, first: 34 };
        assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        for other in ["lock", "1-2.seg", "0000000001-00000000000000000001.seg.torn", "x-y.seg"] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_header_is_read_as_written_and_refused_when_torn_or_changed() {
        let (bytes, sealed) = header(b"open calls").encode("default");
        let read = |bytes: &[u8], tenant: &str| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            Header::read(&file, SegmentName { epoch: 3, first: 100 }, tenant).unwrap()
        };
        assert_eq!(read(&bytes, "default"), Some((header(b"open calls"), sealed)));
        assert_eq!(read(&bytes, "another"), None);
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length], "default"), None, "{length}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&changed, "default"), None, "{bit}");
        }
    }
}
