use std::path::{Path, PathBuf};

use super::super::sampler::{Sampler, Source};
use super::super::tune::{Split, Tuning, tune};
use super::super::vocabulary::Vocabulary;
use super::super::{Report, Session, Settings, Symmetry};
use super::{QUIET, config, scratch, tensors, values, weights};
use crate::crops::{CropPair, Pool};
use crate::describe::{OwnMeanings, topics};
use crate::evaluate::{Question, evaluate};
use crate::export::{self, Card};
use crate::model::{Clip, LOGIT_SCALE, Trained};
use crate::synth::{self, Kind, Renderer};

/// A base and labelled pairs to tune it on.
struct Bench {
    folder: tempfile::TempDir,
    base: PathBuf,
    manifest: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = scratch(&config(), &folder.path().join("base"), QUIET).unwrap().model;
        let synth = synth::Config { size: 256, ..synth::Config::default() };
        let renderer = Renderer::new(9, synth).unwrap();
        let manifest = synth::write(&renderer, 8, &folder.path().join("pairs"), &|| ()).unwrap();
        Self { folder, base, manifest }
    }

    fn tuning(&self) -> Tuning {
        let mut settings = Settings::default();
        settings.schedule.steps = 4;
        settings.schedule.warm_up = 1;
        settings.batch.pairs = 4;
        settings.checkpoint_every = 1;
        Tuning {
            base: self.base.clone(),
            manifest: self.manifest.clone(),
            groups: Vec::new(),
            held_out: Vec::new(),
            split: Split::Pairs,
            product: "board".to_owned(),
            symmetry: Symmetry::All,
            is_colour: false,
            rank: None,
            settings,
            peak: None,
            average: 1.0,
            micro: None,
            seed: 1,
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The pairs with every box made into what `change` says of its class; without a box if nothing.
    fn relabelled(&self, name: &str, change: &dyn Fn(&str) -> Option<&'static str>) -> PathBuf {
        let mut text = "pair_id,ref_path,test_path,boxes\n".to_owned();
        let folder = self.manifest.parent().unwrap();
        for pair in pairspec::manifest::open(&self.manifest).unwrap() {
            let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
            let boxes: Vec<String> = pair
                .boxes
                .unwrap_or_default()
                .iter()
                .filter_map(|it| {
                    let (rect, class) = (it.rect, change(&it.class)?);
                    let [right, bottom] = [rect.right(), rect.bottom()];
                    Some(format!("{} {} {right} {bottom} {class}", rect.x, rect.y))
                })
                .collect();
            let (reference, test) = (name(&pair.reference), name(&pair.test));
            text += &format!("{},{reference},{test},{}\n", pair.id, boxes.join("|"));
        }
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn tuned(tuning: &Tuning, folder: &Path) -> anyhow::Result<Report> {
    tune(tuning, &OwnMeanings::default(), folder, QUIET)
}

fn message(result: anyhow::Result<Report>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn tuning_changes_a_model_by_all_or_by_a_low_rank_and_resumes_to_the_bit() {
    let bench = Bench::new();
    let run = |name: &str, rank| {
        let tuning = Tuning { rank, ..bench.tuning() };
        let (whole, cut) = (bench.place(name), bench.place(&format!("{name}-cut")));
        let report = tuned(&tuning, &whole).unwrap();
        assert_eq!(report.base.len(), 1, "the base is validated, too");
        let half = Session { until: Some(2), ..QUIET };
        tune(&tuning, &OwnMeanings::default(), &cut, half).unwrap();
        assert_ne!(weights(&whole), weights(&cut));
        // The second sitting has the base's figures from the first.
        let again = tuned(&tuning, &cut).unwrap();
        assert_eq!(weights(&whole), weights(&cut));
        assert_eq!(format!("{:?}", again.base), format!("{:?}", report.base));
        weights(&whole)
    };
    let base = tensors(&std::fs::read(bench.base.join("model.safetensors")).unwrap());
    let (all, low) = (run("all", None), run("low", Some(2)));
    let count = |tuned: &[u8], what: &str| {
        let changed = |(name, data): &(&String, &Vec<u8>)| base.get(*name) != Some(*data);
        let tuned = tensors(tuned);
        tuned.iter().filter(changed).filter(|(name, _)| name.contains(what)).count()
    };
    assert!(count(&all, "patch_embedding") == 1 && count(&all, "q_proj.weight") == 3);
    assert_eq!(count(&low, "embedding"), 0, "a low-rank change leaves embeddings as they are");
    assert_eq!(count(&low, "q_proj.weight"), 3);
}

#[test]
fn half_of_the_trained_weights_is_written_where_half_is_asked() {
    let bench = Bench::new();
    let folder = bench.place("run");
    let written = |rank, average| {
        let tuning = Tuning { rank, average, ..bench.tuning() };
        let folder = bench.place(if rank.is_some() { "low rank" } else { "all" });
        let report = tune(&tuning, &OwnMeanings::default(), &folder, QUIET).unwrap();
        (values(&weights(&folder)), report.validations)
    };
    let base = values(&std::fs::read(bench.base.join("model.safetensors")).unwrap());
    for rank in [None, Some(2)] {
        let (trained, of_trained) = written(rank, 1.0);
        let (mixed, of_mixed) = written(rank, 0.5);
        assert_ne!(trained, mixed);
        assert_ne!(of_trained, of_mixed, "figures are of what is written");
        for ((mixed, base), trained) in mixed.iter().zip(&base).zip(&trained) {
            let expected = 0.5 * (base + trained);
            assert!((mixed - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{mixed}");
        }
    }
    let error =
        tune(&Tuning { average: 1.5, ..bench.tuning() }, &OwnMeanings::default(), &folder, QUIET);
    assert!(format!("{:#}", error.unwrap_err()).contains("average: 1.5, expected 0 to 1"));
}

#[test]
fn a_checkpoint_belongs_to_contents_wherever_they_lie() {
    let bench = Bench::new();
    let folder = bench.place("run");
    let half = Session { until: Some(2), ..QUIET };
    let tuning = bench.tuning();
    tune(&tuning, &OwnMeanings::default(), &folder, half).unwrap();
    let copied = bench.place("copied base");
    std::fs::create_dir(&copied).unwrap();
    for entry in bench.base.read_dir().unwrap().flatten() {
        std::fs::copy(entry.path(), copied.join(entry.file_name())).unwrap();
    }
    let refused = |tuning: &Tuning, own: &OwnMeanings| {
        let error = message(tune(tuning, own, &folder, QUIET));
        assert!(error.contains("other settings"), "{error}");
    };
    let mut own = OwnMeanings::default();
    own.add_class("open=it is cut").unwrap();
    refused(&tuning, &own);
    let manifest = bench.relabelled("other.csv", &|_| Some("open"));
    refused(&Tuning { manifest, ..tuning.clone() }, &OwnMeanings::default());
    let moved = Tuning { base: copied.clone(), ..tuning };
    tuned(&moved, &folder).unwrap();
    let path = copied.join("model.safetensors");
    let mut content = std::fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    std::fs::write(&path, content).unwrap();
    refused(&moved, &OwnMeanings::default());
}

#[test]
fn one_class_of_faults_is_enough_and_sound_pairs_alone_are_refused() {
    let bench = Bench::new();
    let manifest = bench.relabelled("one.csv", &|_| Some("open"));
    let report = tuned(&Tuning { manifest, ..bench.tuning() }, &bench.place("one")).unwrap();
    assert_eq!(report.validations[0].kind, 1.0, "there is no other kind");
    let manifest = bench.relabelled("sound.csv", &|_| None);
    let folder = bench.place("sound");
    let error = message(tuned(&Tuning { manifest, ..bench.tuning() }, &folder));
    assert!(error.contains("none shows a fault"), "{error}");
    assert!(!folder.join("model").exists());
    let error = message(tuned(&Tuning { product: "bord".to_owned(), ..bench.tuning() }, &folder));
    assert!(error.contains("\"bord\"") && error.contains("--class"), "{error}");
}

#[test]
fn boxes_of_allowed_differences_are_learned_as_no_fault() {
    let bench = Bench::new();
    let own = bench.place("own.toml");
    let text = "[[meaning]]\nkey = 'dusty'\nsense = 'allowed'\nphrasings = ['there is dust']\n";
    std::fs::write(&own, text).unwrap();
    let own = OwnMeanings::open(&own).unwrap();
    let dusty = |class: &str| Some(if class == "open" { "dusty" } else { "open" });
    let tuning = Tuning {
        manifest: bench.relabelled("dusty.csv", &dusty),
        split: Split::Crops,
        ..bench.tuning()
    };
    let report = tune(&tuning, &own, &bench.place("dusty"), QUIET).unwrap();
    assert_eq!(report.validations[0].kind, 1.0, "open is the only fault");

    let topics = topics(&[Kind::Board], &own);
    let mut pool = Pool::new(40, false);
    for class in [Some("open"), Some("dusty"), None] {
        let pixels = [vec![0; 1600], vec![9; 1600]];
        let class = class.map(str::to_owned);
        pool.extend(vec![CropPair { pixels, class, centre: [0.5; 2], group: 0 }], "");
    }
    let source = Source::new(("board", Symmetry::None, 1.0), pool, &topics).unwrap();
    let dusty = topics.iter().position(|topic| topic.key == "dusty").unwrap() as u32;
    let model = Clip::open(&bench.base).unwrap();
    let vocabulary = Vocabulary::new(model.tokenizer.clone(), model.text.context);
    let sampler = Sampler::new(vec![source], topics, Settings::default().batch, (&model, 1));
    let drawn = sampler.batch(1, &vocabulary).unwrap();
    assert!(drawn.pairs.contains(&Some(dusty)) && !sampler.is_fault(dusty));
    let pair = drawn.pairs.iter().position(|pair| *pair == Some(dusty)).unwrap();
    assert!(drawn.broken[pair].iter().all(|broken| !broken), "it breaks no requirement");
}

#[test]
#[allow(clippy::print_stdout)]
fn a_disk_that_fills_ends_a_run_and_keeps_its_checkpoint() {
    if !Path::new("/dev/full").exists() {
        println!("SKIP a_disk_that_fills_ends_a_run_and_keeps_its_checkpoint: no /dev/full");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let half = Session { until: Some(2), ..QUIET };
    scratch(&config(), folder.path(), half).unwrap();
    let checkpoint = folder.path().join("checkpoint.safetensors");
    let (log, kept) = (folder.path().join("losses.csv"), std::fs::read(&checkpoint).unwrap());
    let lines = std::fs::read(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    let error = message(scratch(&config(), folder.path(), QUIET));
    assert!(error.contains("losses.csv") && error.contains("No space left"), "{error}");
    assert_eq!(std::fs::read(&checkpoint).unwrap(), kept);
    std::fs::remove_file(&log).unwrap();
    // A kill may have cut the last line.
    std::fs::write(&log, &lines[..lines.len() - 3]).unwrap();
    scratch(&config(), folder.path(), QUIET).unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().any(|line| line.starts_with("2,")), "{text}");
}

#[test]
fn a_half_written_validation_or_no_plot_keeps_no_model_from_being_written() {
    let folder = tempfile::tempdir().unwrap();
    scratch(&config(), folder.path(), Session { until: Some(2), ..QUIET }).unwrap();
    std::fs::remove_dir_all(folder.path().join("model")).unwrap();
    let log = folder.path().join("validations.jsonl");
    let line = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, &line[..line.len() / 2]).unwrap();
    // What takes the place of a plot cannot be replaced by one.
    let plot = folder.path().join("training-board.png");
    std::fs::remove_file(&plot).unwrap();
    std::fs::create_dir_all(plot.join("taken")).unwrap();
    scratch(&config(), folder.path(), QUIET).unwrap();
    assert!(folder.path().join("model/model.safetensors").exists());
    let text = std::fs::read_to_string(&log).unwrap();
    let last = text.lines().last().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(last).is_ok(), "{text}");
}

#[test]
fn a_scale_at_its_limit_still_moves() {
    let bench = Bench::new();
    let mut model = Clip::open(&bench.base).unwrap();
    model.parameters.train(Trained::All, 1).unwrap();
    model.parameters.move_scalar(LOGIT_SCALE, 100_f32.ln()).unwrap();
    let base = bench.place("stock");
    let card = Card { name: "x", license: "x", provenance: "x", vocabulary: None, half: false };
    export::write(&base, &model, &card).unwrap();
    let folder = bench.place("run");
    let tuning = Tuning { base, peak: Some(1e-3), ..bench.tuning() };
    let report = tuned(&tuning, &folder).unwrap();
    let scale = Clip::open(&report.model).unwrap().parameters.scalar(LOGIT_SCALE).unwrap();
    assert!(scale < 100_f32.ln() - 1e-4, "{scale}");
    let config = std::fs::read_to_string(report.model.join("config.json")).unwrap();
    assert!(!config.contains("training_vocabulary"), "the base had none");
    let rates = std::fs::read_to_string(folder.join("losses.csv")).unwrap();
    assert!(rates.lines().nth(1).unwrap().ends_with(",0.001"), "{rates}");
    // What is not asked for depends on where the base came from.
    let rate = |tuning: Tuning, name: &str| {
        let folder = bench.place(name);
        let once = Session { until: Some(1), ..QUIET };
        tune(&tuning, &OwnMeanings::default(), &folder, once).unwrap();
        let log = std::fs::read_to_string(folder.join("losses.csv")).unwrap();
        log.lines().nth(1).unwrap().rsplit(',').next().unwrap().parse::<f64>().unwrap()
    };
    let stock = Tuning { peak: None, ..tuning };
    assert_eq!(rate(stock.clone(), "all"), 1e-5);
    assert_eq!(rate(Tuning { rank: Some(2), ..stock }, "low"), 3e-4);
    assert_eq!(rate(bench.tuning(), "own"), 3e-4);
}

#[test]
fn a_tuned_model_is_imported_and_measured_by_every_protocol() {
    let bench = Bench::new();
    let report = tuned(&bench.tuning(), &bench.place("run")).unwrap();
    let bundle = bench.place("bundle");
    let options = pairspec::clip::ImportOptions::default();
    pairspec::clip::import(&report.model, &bundle, &options).unwrap();
    let question = |manifest: &Path| Question {
        bundle: bundle.clone(),
        manifest: manifest.to_owned(),
        groups: Vec::new(),
        product: "board".to_owned(),
        is_colour: false,
        precision: None,
    };
    let own = OwnMeanings::default();
    let found = evaluate(&question(&bench.manifest), &own, &|_| ()).unwrap();
    assert!(found.faults > 0 && found.sound > 0, "{found:?}");
    assert_eq!(found.kind.of() as usize, found.faults);
    assert!((0.0..=1.0).contains(&found.auroc.unwrap().value));
    let pairs = pairspec::manifest::open(&bench.manifest).unwrap();
    let boxes = pairs.iter().flat_map(|pair| pair.boxes.clone().unwrap_or_default());
    let mut classes: Vec<String> = boxes.map(|it| it.class).collect();
    classes.sort_unstable();
    classes.dedup();
    assert!(found.classes.iter().all(|it| classes.contains(&it.class)));
    let unlabelled = bench.manifest.with_file_name("unlabelled.csv");
    let text = std::fs::read_to_string(&bench.manifest).unwrap();
    let named = |name: &&str| ["pair_id", "ref_path", "test_path"].contains(name);
    let kept: Vec<bool> = text.lines().next().unwrap().split(',').map(|it| named(&it)).collect();
    let row = |line: &str| {
        let cells = line.split(',').zip(&kept).filter(|(_, is_kept)| **is_kept);
        cells.map(|(cell, _)| cell).collect::<Vec<_>>().join(",")
    };
    let rows: Vec<String> = text.lines().map(row).collect();
    std::fs::write(&unlabelled, rows.join("\n")).unwrap();
    let error = evaluate(&question(&unlabelled), &own, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("no label and no boxes"), "{error}");
}
