use std::path::PathBuf;

use super::*;

/// Every so many of the 1,000 pairs.
const EVERY: usize = 25;

struct Row {
    group: String,
    reference: PathBuf,
    test: PathBuf,
}

fn rows() -> Option<Vec<Row>> {
    let folder = PathBuf::from(std::env::var_os("PAIRSPEC_DEEPPCB")?);
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).ok()?;
    let rows = manifest.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let path = |field: usize| folder.join(fields[field]);
        Row { group: fields[2].to_owned(), reference: path(4), test: path(5) }
    });
    Some(rows.collect())
}

#[test]
fn real_boards_align_and_mismatched_ones_never_do() {
    let Some(rows) = rows() else {
        println!("SKIP real_boards_align_and_mismatched_ones_never_do: PAIRSPEC_DEEPPCB not set");
        return;
    };
    let config = AlignConfig::default();
    for (i, row) in rows.iter().enumerate().step_by(EVERY) {
        let reference = Frame::open(&row.reference).unwrap();
        let test = Frame::open(&row.test).unwrap();
        let aligned = align(&reference, &test, &config).unwrap();
        let residual = aligned.registration.residual.unwrap();
        assert!(residual < 0.15, "{:?}: {residual}", row.test);
        let other = rows.iter().cycle().skip(7 * i).find(|other| other.group != row.group).unwrap();
        let wrong = align(&reference, &Frame::open(&other.test).unwrap(), &config);
        assert!(wrong.is_err(), "{:?} {:?}", row.reference, other.test);
    }
}
