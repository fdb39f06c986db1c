//! Writes .xlsx row by row: memory does not grow with them, and no cell is a formula, whatever is in it.

use std::path::Path;

use hooks::task::Cell;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// A text that a spreadsheet would take for a formula were it typed; Excel keeps it a text when the cell is edited.
const LOOKS_LIKE_A_FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// Excel's rows of a sheet, without the heads.
const SHEET_ROWS: u32 = 1_048_575;
/// Excel's characters of a cell; the rest is cut.
const CELL_CHARACTERS: usize = 32_767;

/// A file on its way.
pub struct Xlsx {
    workbook: Workbook,
    heads: Vec<String>,
    sheet: usize,
    next: u32,
    quoted: Format,
}

impl Xlsx {
    /// With these heads on each of its sheets.
    ///
    /// # Errors
    /// The disk is full.
    pub fn new<S: AsRef<str>>(heads: &[S]) -> Result<Self, XlsxError> {
        let heads = heads.iter().map(|head| head.as_ref().to_owned()).collect();
        let quoted = Format::new().set_quote_prefix();
        let mut file = Self { workbook: Workbook::new(), heads, sheet: 0, next: 1, quoted };
        file.add_sheet()?;
        Ok(file)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, row: &[Cell]) -> Result<(), XlsxError> {
        if self.next > SHEET_ROWS {
            self.sheet += 1;
            self.next = 1;
            self.add_sheet()?;
        }
        let (sheet, at) = (self.workbook.worksheet_from_index(self.sheet)?, self.next);
        for (column, cell) in (0..).zip(row) {
            match cell {
                // Times and durations come as texts: see [`Cell::shown`].
                Cell::Empty | Cell::Time(_) | Cell::Lasted(_) => {}
                Cell::Number(number) => {
                    sheet.write_number(at, column, *number)?;
                }
                Cell::Text(text) => {
                    let text: String = text.chars().take(CELL_CHARACTERS).collect();
                    if text.starts_with(LOOKS_LIKE_A_FORMULA) {
                        sheet.write_string_with_format(at, column, text, &self.quoted)?;
                    } else {
                        sheet.write_string(at, column, text)?;
                    }
                }
            }
        }
        self.next += 1;
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The disk is full.
    pub fn save(mut self, path: &Path) -> Result<(), XlsxError> {
        self.workbook.save(path)
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        for (column, head) in (0..).zip(&self.heads) {
            sheet.write_string(0, column, head)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const NASTY: [&str; 9] = [
        "=1+1",
        "+8613800138000",
        "-5",
        "@SUM(A1)",
        "\tx",
        "\r=x",
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "雪 & <b> \"🦀\"",
        "007",
    ];

    /// Proves GEN-11 (one .xlsx; texts stay texts): read back by calamine, and by openpyxl where Python has it.
    #[test]
    fn no_text_becomes_a_formula_or_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.xlsx");
        let mut file = Xlsx::new(&["text", "number", "nothing"]).unwrap();
        for text in NASTY {
            file.write(&[Cell::Text(text.to_owned()), Cell::Number(-2.5), Cell::Empty]).unwrap();
        }
        file.write(&[Cell::Text("é".repeat(40_000))]).unwrap();
        file.save(&path).unwrap();
        let table = super::super::table::read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(table.heads, ["text", "number", "nothing"]);
        for ((_, row), text) in table.rows.iter().zip(NASTY) {
            // What is taken in is trimmed.
            assert_eq!((row[0].as_str(), row[1].as_str()), (text.trim(), "-2.5"));
        }
        assert_eq!(table.rows[NASTY.len()].1[0].chars().count(), CELL_CHARACTERS);
        let script = "import sys, openpyxl\n\
             cells = [row[0] for row in openpyxl.load_workbook(sys.argv[1]).active.iter_rows(min_row=2)]\n\
             assert all(c.data_type == 's' for c in cells), [(c.value, c.data_type) for c in cells]\n\
             print(len(cells))";
        let run = Command::new("python3").arg("-c").arg(script).arg(&path).output();
        if let Ok(run) = run
            && !String::from_utf8_lossy(&run.stderr).contains("ModuleNotFoundError")
        {
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        }
    }
}
