use std::fmt::Display;
use std::str::FromStr;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

use super::Error;

/// More rows than any study has.
const MAX_ROWS: u64 = 1_000_000;

/// A CSV table read row by row, of which `N` named columns are wanted.
pub(crate) struct Table<'a, const N: usize> {
    origin: &'a str,
    reader: Reader<&'a [u8]>,
    columns: [usize; N],
    row: StringRecord,
    line: u64,
    rows: u64,
}

impl<'a, const N: usize> Table<'a, N> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Table`] when a column is missing or named twice.
    pub(crate) fn open(text: &'a str, origin: &'a str, names: [&str; N]) -> Result<Self, Error> {
        let reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
        let row = StringRecord::new();
        let mut table = Self { origin, reader, columns: [0; N], row, line: 1, rows: 0 };
        let header = table.reader.headers().cloned().map_err(|error| table.refusal(error))?;
        for (column, name) in table.columns.iter_mut().zip(names) {
            let mut found = header.iter().enumerate().filter(|(_, title)| *title == name);
            let reason = match (found.next(), found.next()) {
                (Some((index, _)), None) => {
                    *column = index;
                    continue;
                }
                (None, _) => format!("no column {name:?}, found {:?}", header.as_slice()),
                _ => format!("two columns {name:?}"),
            };
            return Err(Error::Table { origin: origin.to_owned(), line: 1, reason });
        }
        Ok(table)
    }

    /// Goes to the next row; false after the last.
    ///
    /// # Errors
    /// [`Error::Table`] when the row has more or fewer fields than the header, or there are too many.
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        match self.reader.read_record(&mut self.row) {
            Err(error) => {
                self.line = error.position().map_or(self.line + 1, csv::Position::line);
                return Err(self.refusal(error));
            }
            Ok(false) => return Ok(false),
            Ok(true) => {}
        }
        self.line = self.row.position().map_or(self.line + 1, csv::Position::line);
        self.rows += 1;
        match self.rows > MAX_ROWS {
            true => Err(self.refusal(format!("more than {MAX_ROWS} rows"))),
            false => Ok(true),
        }
    }

    /// A field of the current row, by the place of its column among those wanted.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.columns.get(column).and_then(|column| self.row.get(*column)).unwrap_or_default()
    }

    /// A field of the current row as a number.
    ///
    /// # Errors
    /// [`Error::Table`] when it is none.
    pub(crate) fn number<T: FromStr>(&self, column: usize) -> Result<T, Error> {
        let text = self.text(column);
        let range = std::any::type_name::<T>();
        text.parse().map_err(|_| self.refusal(format!("{text:?} is not a number ({range})")))
    }

    /// An error that names the current row.
    pub(crate) fn refusal(&self, reason: impl Display) -> Error {
        let (origin, line) = (self.origin.to_owned(), self.line);
        Error::Table { origin, line, reason: reason.to_string() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let mut table = Table::open("b,x,a\n1,2, 3\n", "t.csv", ["a", "b"]).unwrap();
        assert!(table.advance().unwrap());
        assert_eq!((table.number(0).ok(), table.text(1)), (Some(3_u32), "1"));
        assert!(!table.advance().unwrap());
    }

    #[test]
    fn a_column_named_twice_is_refused() {
        let refusal = Table::open("a,b,a\n", "t.csv", ["a", "b"]).map(|_| ()).unwrap_err();
        assert_eq!(refusal.to_string(), "t.csv: line 1: two columns \"a\"");
    }
}
