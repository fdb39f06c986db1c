//! Reads a file that goes in: .xlsx or CSV, told by its content (GEN-16). The first row are the heads.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The first row.
    pub heads: Vec<String>,
    /// The others that are not empty, each with its number in the file; the heads are row 1.
    pub rows: Vec<(u64, Vec<String>)>,
}

/// A ZIP archive begins so (APPNOTE 4.3.7), and so does .xlsx.
const ZIP: &[u8] = b"PK\x03\x04";
/// UTF-8 with a byte order mark: Excel writes it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads it.
///
/// # Errors
/// What is wrong with the file, for who sent it.
pub fn read(bytes: &[u8]) -> Result<Table, String> {
    let rows = if bytes.starts_with(ZIP) { xlsx(bytes)? } else { csv(bytes)? };
    let mut rows = (1..).zip(rows);
    let Some((_, heads)) = rows.next().filter(|(_, heads)| heads.iter().any(|head| !head.is_empty())) else {
        return Err("the first row is empty: write the heads of the columns there".to_owned());
    };
    let rows = rows.filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())).collect();
    Ok(Table { heads, rows })
}

/// The first sheet.
fn xlsx(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let unreadable = |error| format!("the file is no .xlsx that can be read: {error}");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let sheet = book.worksheet_range_at(0).ok_or("the file has no sheet")?.map_err(unreadable)?;
    // A range begins at its first cell that is not empty; numbers of rows count from the first of the sheet.
    let (above, before) = sheet.start().unwrap_or_default();
    let mut rows: Vec<Vec<String>> = vec![Vec::new(); above as usize];
    rows.extend(sheet.rows().map(|row| {
        let blank = std::iter::repeat_n(String::new(), before as usize);
        blank.chain(row.iter().map(text)).collect()
    }));
    Ok(rows)
}

/// A number without a fraction as people write it: a telephone number is none with a point in it.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) => text.trim().to_owned(),
        other => other.to_string().trim().to_owned(),
    }
}

fn csv(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is neither .xlsx nor CSV in UTF-8".to_owned())?;
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    // The line of the place up to which lines are counted.
    let (mut line, mut passed) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|error| format!("the file is no CSV that can be read: {error}"))?;
        // The reader passes over empty lines, which count.
        let began = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(passed);
        let breaks = text.as_bytes().iter().skip(began).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let began = began + breaks;
        line += text.as_bytes().iter().take(began).skip(passed).filter(|byte| **byte == b'\n').count();
        passed = began;
        while rows.len() + 1 < line && rows.len() < EMPTY_LINES_MAX {
            rows.push(Vec::new());
        }
        rows.push(record.iter().map(|cell| cell.trim().to_owned()).collect());
    }
    Ok(rows)
}

/// Lines counted up to: a row with line breaks in it moves those after it, no further than this.
const EMPTY_LINES_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_keeps_the_numbers_of_its_rows() {
        let table =
            read(b"\xef\xbb\xbfnumber,note\r\n13800138000,\"a, \"\"b\"\"\"\r\n\r\n 139 , x ,y\r\n,\r\n").unwrap();
        assert_eq!(table.heads, ["number", "note"]);
        let row = |number, cells: &[&str]| (number, cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        assert_eq!(table.rows, [row(2, &["13800138000", "a, \"b\""]), row(4, &["139", "x", "y"])]);
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        assert!(read(b"").unwrap_err().contains("the first row is empty"));
        assert!(read(b"PK\x03\x04 and no more").unwrap_err().contains("no .xlsx"));
        assert!(read(&[0xff, 0xfe, 0x00]).unwrap_err().contains("neither .xlsx nor CSV"));
    }
}
