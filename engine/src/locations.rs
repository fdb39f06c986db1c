//! Where numbers are at home (归属地, CDR-09): prefixes of landlines and mobiles of China with province and city.
//!
//! The table in the binary is made from libphonenumber's (`engine/data/locations.txt`); a file of the same prefixes in libphonenumber's
//! own form, `PREFIX|PLACE` with the country code, takes its place (`[numbers] locations`), also while the process runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use dialplan::caller::remembered;

/// The table as it is shipped.
const SHIPPED: &str = include_str!("../data/locations.txt");
/// The country of the shipped table, E.164.
const CHINA: &str = "86";
/// Digits of a prefix, country code not counted.
const PREFIX_MAX: usize = 9;
/// The largest file, bytes: ten times today's.
const FILE_MAX: u64 = 64 << 20;

/// The table in force.
#[derive(Debug, Default)]
pub struct Locations(RwLock<Arc<Table>>);

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocationsError {
    /// It cannot be read.
    #[error("cannot read the locations of numbers in {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is too large to be such a table.
    #[error("{} is larger than {FILE_MAX} bytes: that is no table of locations", path.display())]
    Large {
        /// Which.
        path: PathBuf,
    },
    /// A line is none of `PREFIX|PLACE`.
    #[error("{}:{line}: write PREFIX|PLACE, such as 8610|北京市", path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

/// Prefixes by their number of digits, in order, each with its place.
#[derive(Debug, Default)]
struct Table {
    places: Vec<String>,
    prefixes: [Vec<(u32, u16)>; PREFIX_MAX + 1],
}

impl Locations {
    /// The table of `file`, or the shipped one.
    ///
    /// # Errors
    /// [`LocationsError`].
    pub fn open(file: Option<&Path>) -> Result<Self, LocationsError> {
        let locations = Self::default();
        locations.replace(file)?;
        Ok(locations)
    }

    /// The same in the place of what is in force; where it fails that stays.
    ///
    /// # Errors
    /// [`LocationsError`].
    pub fn replace(&self, file: Option<&Path>) -> Result<(), LocationsError> {
        let table = file.map_or_else(|| Ok(shipped()), |path| read(path).map(Arc::new))?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = table;
        Ok(())
    }

    /// Where a number in any form is at home (GEN-06); empty as below.
    #[must_use]
    pub fn of_any(&self, number: &str) -> String {
        remembered(number).map_or_else(String::new, |number| self.of(number.as_str()))
    }

    /// Where a number in E.164 with its `+` is at home; empty for all others, and where that is not known.
    #[must_use]
    pub fn of(&self, e164: &str) -> String {
        let Some(national) = e164.strip_prefix('+').and_then(|digits| digits.strip_prefix(CHINA)) else {
            return String::new();
        };
        let table = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        table.of(national).unwrap_or_default().to_owned()
    }
}

/// Read once for all: it takes some milliseconds.
fn shipped() -> Arc<Table> {
    static TABLE: OnceLock<Arc<Table>> = OnceLock::new();
    Arc::clone(TABLE.get_or_init(|| Arc::new(unpack(SHIPPED))))
}

impl Table {
    fn of(&self, national: &str) -> Option<&str> {
        let longest = national.len().min(PREFIX_MAX);
        (1..=longest).rev().find_map(|length| {
            let prefix: u32 = national.get(..length)?.parse().ok()?;
            let prefixes = &self.prefixes[length];
            let at = prefixes.binary_search_by_key(&prefix, |(prefix, _)| *prefix).ok()?;
            self.places.get(usize::from(prefixes[at].1)).map(String::as_str)
        })
    }
}

/// Reads the form that `cargo xtask locations` writes. What does not fit is left out: a test reads the whole of it.
fn unpack(text: &str) -> Table {
    let mut table = Table::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('\t');
        let (Some(place), Some(length), Some(steps)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let Some(prefixes) = length.parse().ok().and_then(|length: usize| table.prefixes.get_mut(length)) else {
            continue;
        };
        if table.places.last().is_none_or(|last| last != place) {
            table.places.push(place.to_owned());
        }
        let place = u16::try_from(table.places.len() - 1).unwrap_or(u16::MAX);
        let mut last: u32 = 0;
        for step in steps.split(' ') {
            let (step, run) = step.split_once(':').unwrap_or((step, "1"));
            let (Ok(step), Ok(run)) = (step.parse::<u32>(), run.parse::<u32>()) else { continue };
            let first = last + step;
            last = first + run.saturating_sub(1);
            prefixes.extend((first..=last).map(|prefix| (prefix, place)));
        }
    }
    table.prefixes.iter_mut().for_each(|prefixes| prefixes.sort_unstable());
    table
}

fn read(path: &Path) -> Result<Table, LocationsError> {
    let io = |source| LocationsError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(io)?.len() > FILE_MAX {
        return Err(LocationsError::Large { path: path.to_owned() });
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    let mut table = Table::default();
    let mut places: BTreeMap<&str, u16> = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        let wrong = || LocationsError::Line { path: path.to_owned(), line: at + 1 };
        let (prefix, place) = line.split_once('|').ok_or_else(wrong)?;
        let Some(national) = prefix.strip_prefix(CHINA) else { return Err(wrong()) };
        let prefixes = table.prefixes.get_mut(national.len()).filter(|_| !national.is_empty()).ok_or_else(wrong)?;
        let number = national.parse().map_err(|_| wrong())?;
        let next = u16::try_from(places.len()).map_err(|_| wrong())?;
        let place = *places.entry(place.trim()).or_insert_with_key(|name| {
            table.places.push((*name).to_owned());
            next
        });
        prefixes.push((number, place));
    }
    table.prefixes.iter_mut().for_each(|prefixes| prefixes.sort_unstable());
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves CDR-09 (mobile and landline of China, unknown blank). The places are those that the numbering plan gives these area codes
    /// and mobile segments.
    #[test]
    fn mobiles_and_landlines_of_china_are_at_home_somewhere() {
        let locations = Locations::open(None).unwrap();
        let expected = [
            ("+861012345678", "北京市"),
            ("+862112345678", "上海市"),
            ("+8675512345678", "广东省深圳市"),
            ("+8657112345678", "浙江省杭州市"),
            ("+8613800138000", "北京市"),
            ("+8613800091234", "广东省广州市"),
            ("+12025550123", ""),
            ("1001", ""),
            ("95588", ""),
            ("", ""),
        ];
        for (number, place) in expected {
            assert_eq!(locations.of(number), place, "{number}");
        }
        let table = shipped();
        assert_eq!(table.prefixes.iter().map(Vec::len).sum::<usize>(), 130_146, "as many as the source has");
    }

    /// Proves CDR-09 (updatable by file).
    #[test]
    fn a_file_takes_the_place_of_the_table_and_one_that_is_wrong_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("86.txt");
        std::fs::write(&file, "# new segments\n8610|京\n861999999|某省某市\n").unwrap();
        let locations = Locations::open(Some(&file)).unwrap();
        assert_eq!(locations.of("+8619999991234"), "某省某市");
        assert_eq!(locations.of("+861012345678"), "京");
        assert_eq!(locations.of("+862112345678"), "");
        std::fs::write(&file, "8610|京\n8510|金边\n").unwrap();
        let error = locations.replace(Some(&file)).unwrap_err().to_string();
        assert!(error.ends_with("86.txt:2: write PREFIX|PLACE, such as 8610|北京市"), "{error}");
        assert_eq!(locations.of("+861012345678"), "京");
        locations.replace(None).unwrap();
        assert_eq!(locations.of("+861012345678"), "北京市");
    }
}
