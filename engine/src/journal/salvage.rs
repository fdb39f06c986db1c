//! Saving what is left of a damaged segment. Done by hand, with the engine stopped, when no backup has the segment.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::frame::{self, Decoded};
use super::segment::{Header, SegmentName};

/// What came out of [`salvage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// Records that are whole, and stand in the segment now.
    pub kept: u64,
    /// Bytes that were no part of a whole record.
    pub lost_bytes: u64,
    /// The damaged file as it was.
    pub original: PathBuf,
}

/// Writes the segment anew with every record that is still whole, under its old name, and keeps the damaged file beside it.
/// Numbers stay; there are holes where records were lost.
///
/// # Errors
/// The system's, and "invalid data" where the path is no segment of `tenant` or its header is damaged: then every checksum
/// in it is in doubt and only a backup helps.
pub fn salvage(path: &Path, tenant: &str) -> io::Result<Salvaged> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(SegmentName::parse);
    let name = name.ok_or_else(|| invalid("the file is no segment by its name"))?;
    let file = File::open(path)?;
    let Some((header, sealed)) = Header::read(&file, name, tenant)? else {
        return Err(invalid("the segment's header is damaged: only a backup helps"));
    };
    let bytes = fs::read(path)?;
    let body = bytes.get(usize::try_from(sealed.bytes).map_err(io::Error::other)?..).unwrap_or_default();
    let (mut out, new) = Header { salvaged: true, ..header }.encode(tenant);
    let (kept, lost_bytes) = keep_whole(body, sealed.seed, name.first, new.seed, &mut out);
    let original = path.with_extension("seg.damaged");
    let fresh = path.with_extension("seg.new");
    let mut file = File::create(&fresh)?;
    file.write_all(&out)?;
    file.sync_all()?;
    fs::hard_link(path, &original)?;
    fs::rename(&fresh, path)?;
    Ok(Salvaged { kept, lost_bytes, original })
}

/// Tries every byte as the start of a record: none passes its checksum by chance.
fn keep_whole(body: &[u8], seed: u32, first: u64, new_seed: u32, out: &mut Vec<u8>) -> (u64, u64) {
    let (mut at, mut next, mut kept, mut lost) = (0, first, 0, 0);
    while at < body.len() {
        match frame::decode(seed, &body[at..]) {
            Decoded::Whole { number, payload, bytes } if number >= next => {
                frame::encode(new_seed, number, payload, out);
                (at, next, kept) = (at + bytes, number + 1, kept + 1);
            }
            Decoded::Whole { .. } | Decoded::Short | Decoded::Damaged => (at, lost) = (at + 1, lost + 1),
        }
    }
    (kept, lost)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
