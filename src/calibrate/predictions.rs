use std::io::{self, Write};
use std::path::Path;

use super::Error;
use super::table::Table;
use crate::files;
use crate::frame::Rect;

/// A million rows of ordinary length.
const MAX_FILE_BYTES: u64 = 128 << 20;
/// The columns, in the order they are written.
const COLUMNS: [&str; 7] = ["pair_id", "x1", "y1", "x2", "y2", "confidence", "spec"];

/// One row of a table of predictions: a judged region with one spec, before any threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// Name of the pair as in the manifest.
    pub pair_id: String,
    /// The tight box, in pixels of the test frame; `x2` and `y2` of the table are exclusive.
    pub rect: Rect,
    /// Above 0, at most 1.
    pub confidence: f32,
    /// The spec's id.
    pub spec: String,
}

/// Writes `pair_id,x1,y1,x2,y2,confidence,spec`, the whole file or nothing.
///
/// # Errors
/// [`Error::File`].
pub fn write_predictions<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a PredictionRow>,
) -> Result<(), Error> {
    Ok(files::write_with(path, |out| write_rows(out, rows))?)
}

/// Reads a table of predictions; columns may be in any order and among others.
///
/// # Errors
/// [`Error::File`], and [`Error::Table`] naming the line of an empty box or a confidence outside its
/// range.
pub fn read_predictions(path: &Path) -> Result<Vec<PredictionRow>, Error> {
    rows_in(&files::read_text(path, MAX_FILE_BYTES)?, &path.display().to_string())
}

fn write_rows<'a>(
    out: &mut dyn Write,
    rows: impl IntoIterator<Item = &'a PredictionRow>,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for row in rows {
        let Rect { x, y, .. } = row.rect;
        let corners = [x, y, row.rect.right(), row.rect.bottom()].map(|corner| corner.to_string());
        let confidence = row.confidence.to_string();
        let [x1, y1, x2, y2] = &corners;
        writer.write_record([&row.pair_id, x1, y1, x2, y2, &confidence, &row.spec])?;
    }
    writer.flush()
}

fn rows_in(text: &str, origin: &str) -> Result<Vec<PredictionRow>, Error> {
    let mut table = Table::open(text, origin, COLUMNS)?;
    let mut rows = Vec::new();
    while table.advance()? {
        let [x1, y1, x2, y2]: [u32; 4] =
            [table.number(1)?, table.number(2)?, table.number(3)?, table.number(4)?];
        let rect = Rect::from_corners(x1, y1, x2, y2);
        if rect.is_empty() {
            return Err(table.refusal(format!("box {x1} {y1} {x2} {y2} is empty")));
        }
        let confidence: f32 = table.number(5)?;
        if !(confidence > 0.0 && confidence <= 1.0) {
            let reason = format!("confidence {confidence}, expected above 0, at most 1");
            return Err(table.refusal(reason));
        }
        let (pair_id, spec) = (table.text(0).to_owned(), table.text(6).to_owned());
        rows.push(PredictionRow { pair_id, rect, confidence, spec });
    }
    Ok(rows)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    fn rows() -> Vec<PredictionRow> {
        let row = |pair_id: &str, confidence, spec: &str| PredictionRow {
            pair_id: pair_id.to_owned(),
            rect: Rect::new(10, 20, 30, 40),
            confidence,
            spec: spec.to_owned(),
        };
        vec![
            row("a", 0.1, "open"),
            row("b, \"c\"", f32::MIN_POSITIVE, "pin-hole"),
            row("a", 1.0, "open"),
        ]
    }

    #[test]
    fn a_table_reads_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        write_predictions(&path, &rows()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("pair_id,x1,y1,x2,y2,confidence,spec\na,10,20,40,60,0.1,open\n"));
        assert_eq!(read_predictions(&path).unwrap(), rows());
    }

    #[test]
    fn a_bad_row_is_refused_with_its_line() {
        let refusal = |row: &str| {
            let text = format!("{}\n{row}\n", COLUMNS.join(","));
            rows_in(&text, "p.csv").unwrap_err().to_string()
        };
        assert!(refusal("a,1,1,1,5,0.5,open").starts_with("p.csv: line 2: box"));
        assert!(refusal("a,1,1,2,5,NaN,open").contains("confidence NaN"));
        assert!(refusal("a,1,1,2,5,0,open").contains("confidence 0"));
        assert!(refusal("a,1,1,2,99999999999,0.5,open").contains("not a number"));
    }

    #[test]
    fn a_cut_or_altered_table_never_panics() {
        let mut text = Vec::new();
        write_rows(&mut text, &rows()).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(22);
        for _ in 0..2_000 {
            let mut bytes = text.clone();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random_range(9..127);
            }
            bytes.truncate(random.random_range(0..bytes.len() * 2));
            if let Ok(read) = rows_in(std::str::from_utf8(&bytes).unwrap(), "p.csv") {
                assert!(read.iter().all(|row| row.confidence > 0.0 && !row.rect.is_empty()));
            }
        }
    }
}
