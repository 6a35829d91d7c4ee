use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::Serialize;

use super::auroc::{Auroc, Scored};
use super::table::Table;
use super::{Error, Prediction, Proportion};
use crate::files;
use crate::frame::Rect;

/// Edge length of a tile where neither file name nor argument say otherwise, in pixels.
pub const TILE_SIZE: u32 = 224;
/// A million tiles and more.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A labelled square of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Name of the pair as in the manifest.
    pub pair_id: String,
    /// Where, in pixels of the test frame.
    pub rect: Rect,
    /// What the label says.
    pub label: TileLabel,
}

/// What the label of a tile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TileLabel {
    /// Nothing wrong in it.
    Ok,
    /// At least one fault, with the classes of all of them.
    Ng(BTreeSet<String>),
    /// Cuts a fault: left out.
    Edge,
}

/// How well tiles were told apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TileFigures {
    /// Tiles without a fault.
    pub ok: usize,
    /// Tiles with a fault.
    pub ng: usize,
    /// Tiles of pairs that were not inspected; in none of the other figures.
    pub not_inspected: usize,
    /// Faulty against other tiles by the highest confidence of a box centred in them.
    pub auroc: Option<Auroc>,
    /// The same by the plain pixel difference, where it was counted.
    pub baseline: Option<Auroc>,
    /// Faulty tiles of a single class whose most confident box has that class.
    pub kind: Proportion,
}

/// Reads a table with the columns `pair_id,x0,y0,label,classes`, in any order and among others.
///
/// Labels are `ok`, `ng` and `edge`, classes are separated by `|`. The edge length is `size`, or the
/// number at the end of the file's name (`tiles_224.csv`), or [`TILE_SIZE`].
///
/// # Errors
/// [`Error::File`], [`Error::Table`] naming the line, [`Error::TileSize`].
pub fn read_tiles(path: &Path, size: Option<u32>) -> Result<Vec<Tile>, Error> {
    let text = files::read_text(path, MAX_FILE_BYTES)?;
    let size = size.map(u64::from).or_else(|| size_in_name(path)).unwrap_or(TILE_SIZE.into());
    match u16::try_from(size) {
        Ok(size) if size > 0 => tiles_in(&text, &path.display().to_string(), size.into()),
        _ => Err(Error::TileSize { path: path.to_owned(), size }),
    }
}

/// Figures of the tiles of `pairs` (name and index of every pair that was inspected); boxes are
/// [`Prediction`]s of classes `spec_ids`.
///
/// A tile's score is the highest confidence of a box whose centre lies in it, 0 without one.
/// `baseline` gives a tile's score by another judge.
///
/// # Errors
/// [`Error::Count`] for a box of a class beyond `spec_ids`.
pub fn judge_tiles(
    tiles: &[Tile],
    pairs: &HashMap<String, usize>,
    (predictions, spec_ids): (&[Prediction], &[String]),
    baseline: Option<&dyn Fn(usize, Rect) -> Option<f64>>,
) -> Result<TileFigures, Error> {
    let boxes = by_pair(predictions, spec_ids.len())?;
    let (mut scored, mut compared) = (Vec::new(), Vec::new());
    let (mut right, mut single, mut not_inspected) = (0, 0, 0);
    for tile in tiles.iter().filter(|tile| tile.label != TileLabel::Edge) {
        let Some(&cluster) = pairs.get(&tile.pair_id) else {
            not_inspected += 1;
            continue;
        };
        let best = boxes.get(&cluster).and_then(|boxes| most_confident(boxes, tile.rect));
        let bad = tile.label != TileLabel::Ok;
        let score = best.map_or(0.0, |best| f64::from(best.confidence));
        scored.push(Scored { cluster, bad, score });
        let other = baseline.and_then(|baseline| baseline(cluster, tile.rect));
        compared.extend(other.map(|score| Scored { cluster, bad, score }));
        if let TileLabel::Ng(classes) = &tile.label
            && classes.len() == 1
        {
            single += 1;
            right += usize::from(best.is_some_and(|best| classes.contains(&spec_ids[best.class])));
        }
    }
    let ng = scored.iter().filter(|tile| tile.bad).count();
    Ok(TileFigures {
        ok: scored.len() - ng,
        ng,
        not_inspected,
        auroc: Auroc::of(&scored),
        baseline: Auroc::of(&compared),
        kind: Proportion::new(right, single),
    })
}

fn by_pair(
    predictions: &[Prediction],
    expected: usize,
) -> Result<HashMap<usize, Vec<Prediction>>, Error> {
    let mut boxes: HashMap<usize, Vec<Prediction>> = HashMap::new();
    for prediction in predictions {
        if prediction.class >= expected {
            let what = format!("pair {}: index of the spec of a box", prediction.pair);
            return Err(Error::Count { what, found: prediction.class, expected });
        }
        boxes.entry(prediction.pair).or_default().push(*prediction);
    }
    Ok(boxes)
}

/// The first of the most confident boxes centred in `tile`.
fn most_confident(boxes: &[Prediction], tile: Rect) -> Option<&Prediction> {
    let centred = boxes.iter().filter(|found| tile.contains(found.rect.centre()));
    centred.reduce(|best, next| if next.confidence > best.confidence { next } else { best })
}

fn size_in_name(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    stem[stem.len() - digits..].parse().ok()
}

fn tiles_in(text: &str, origin: &str, size: u32) -> Result<Vec<Tile>, Error> {
    let mut table = Table::open(text, origin, ["pair_id", "x0", "y0", "label", "classes"])?;
    let mut tiles = Vec::new();
    while table.advance()? {
        let classes = table.text(4).split('|').filter(|class| !class.is_empty());
        let label = match table.text(3) {
            "ok" => TileLabel::Ok,
            "ng" => TileLabel::Ng(classes.map(str::to_owned).collect()),
            "edge" => TileLabel::Edge,
            other => return Err(table.refusal(format!("label {other:?}, expected ok, ng or edge"))),
        };
        let rect = Rect::new(table.number(1)?, table.number(2)?, size, size);
        tiles.push(Tile { pair_id: table.text(0).to_owned(), rect, label });
    }
    Ok(tiles)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    const TABLE: &str = "pair_id,split,x0,y0,label,classes
a,train,0,0,ng,open|open
a,train,0,100,ng,open|short
a,train,100,0,ok,
b,train,0,0,ng,short
b,train,100,0,edge,short
c,train,0,0,ok,
";

    fn found(pair: usize, x: u32, confidence: f32, class: usize) -> Prediction {
        Prediction { pair, rect: Rect::new(x, 10, 20, 20), confidence, class, region: None }
    }

    fn figures(predictions: &[Prediction]) -> TileFigures {
        let tiles = tiles_in(TABLE, "t.csv", 100).unwrap();
        let pairs = HashMap::from([("a".to_owned(), 0), ("b".to_owned(), 1)]);
        let ids = ["open".to_owned(), "short".to_owned()];
        let left = |_: usize, tile: Rect| Some(-f64::from(tile.x));
        judge_tiles(&tiles, &pairs, (predictions, &ids), Some(&left)).unwrap()
    }

    #[test]
    fn a_tile_scores_as_the_most_confident_box_centred_in_it() {
        let figures = figures(&[found(0, 10, 0.3, 0), found(0, 20, 0.9, 1), found(0, 90, 0.4, 0)]);
        assert_eq!((figures.ok, figures.ng, figures.not_inspected), (1, 3, 1));
        // The tile of the short is 0, one ng tile is 0: of three comparisons with 0.4 one is won.
        assert!((figures.auroc.unwrap().value - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(figures.baseline.unwrap().value, 1.0);
        assert_eq!((figures.kind.count(), figures.kind.of()), (0, 2), "0.9 says short");
    }

    #[test]
    fn the_kind_of_a_tile_with_one_class_is_that_of_its_best_box() {
        let figures = figures(&[found(0, 10, 0.9, 0), found(1, 20, 0.2, 1)]);
        assert_eq!((figures.kind.count(), figures.kind.of()), (2, 2));
        assert_eq!(figures.auroc.unwrap().value, (1.0 + 1.0 + 0.5) / 3.0);
    }

    #[test]
    fn the_size_is_in_the_name_or_given() {
        assert_eq!(size_in_name(Path::new("a/tiles_128.csv")), Some(128));
        assert_eq!(size_in_name(Path::new("a1/tiles.csv")), None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiles_0.csv");
        std::fs::write(&path, TABLE).unwrap();
        assert!(matches!(read_tiles(&path, None), Err(Error::TileSize { size: 0, .. })));
        assert_eq!(read_tiles(&path, Some(64)).unwrap()[0].rect, Rect::new(0, 0, 64, 64));
    }

    #[test]
    fn a_bad_row_is_refused_with_its_line() {
        let refusal = |text: &str| tiles_in(text, "t.csv", 9).unwrap_err().to_string();
        assert!(refusal(&TABLE.replace(",edge,", ",bad,")).starts_with("t.csv: line 6: label"));
        assert!(refusal(&TABLE.replace("b,train,0,0", "b,train,-1,0")).contains("line 5: \"-1\""));
        assert!(refusal(&TABLE.replace("x0", "x")).starts_with("t.csv: line 1: no column \"x0\""));
        assert!(refusal(&TABLE.replace("a,train,100,0,ok,", "a,100")).starts_with("t.csv: line 4"));
        assert!(refusal("").contains("no column"));
    }

    #[test]
    fn a_cut_or_altered_table_never_panics() {
        let mut random = ChaCha8Rng::seed_from_u64(21);
        for _ in 0..2_000 {
            let mut bytes = TABLE.as_bytes().to_vec();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random_range(9..127);
            }
            bytes.truncate(random.random_range(0..bytes.len() * 2));
            if let Ok(tiles) = tiles_in(std::str::from_utf8(&bytes).unwrap(), "t.csv", u32::MAX) {
                let ids = ["open".to_owned()];
                let pairs = HashMap::from([("a".to_owned(), 0)]);
                judge_tiles(&tiles, &pairs, (&[found(0, 1, 0.5, 0)], &ids), None).unwrap();
            }
        }
    }
}
