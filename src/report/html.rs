use std::io::Cursor;

use askama::Template;
use base64::Engine;
use image::{DynamicImage, GrayImage, ImageFormat, imageops::FilterType};

use super::InspectionJson;
use super::json::kind_name;
use crate::align::AlignMode;
use crate::frame::{Frame, Pixels, Rect};
use crate::inspect::{Inspection, Inspector};
use crate::spec::Kind;
use crate::verdict::{Thresholds, Verdict};

/// Pictures on a page are scaled down to this many pixels a side; a page stays mailable.
const MAX_SIDE: u32 = 1600;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture could not be encoded.
    #[error("{origin}: cannot be encoded as PNG: {source}")]
    Picture {
        /// The frame.
        origin: String,
        /// What the encoder said.
        source: image::ImageError,
    },
    /// The page could not be composed.
    #[error("the report page cannot be composed: {0}")]
    Page(#[from] askama::Error),
}

/// One inspection as one self-contained HTML file.
///
/// The file has no script and loads nothing; pictures are PNG inside it.
#[derive(Template)]
#[template(path = "inspection.html")]
pub struct Page {
    title: String,
    recipe: String,
    verdict: String,
    verdict_class: &'static str,
    symbol: &'static str,
    reason: String,
    pictures: Vec<Picture>,
    /// What the boxes on the pictures mean, by their class; only those that are there.
    legend: Vec<(&'static str, &'static str)>,
    findings: Vec<Finding>,
    sentences: Vec<SentenceRow>,
    facts: Vec<(&'static str, String)>,
}

struct Picture {
    caption: &'static str,
    width: u32,
    height: u32,
    data: String,
    boxes: Vec<Outline>,
    /// Size of the numbers, in pixels of the picture: the same on the page for every size.
    text: u32,
}

#[derive(Clone)]
struct Outline {
    rect: Rect,
    class: &'static str,
    number: String,
}

struct Finding {
    number: usize,
    text: String,
    kind: String,
    place: String,
    figures: String,
    reference: String,
    test: String,
}

struct SentenceRow {
    id: String,
    sentence: String,
    kind: &'static str,
    confidence: String,
    /// Percent of the bar.
    fill: f32,
    threshold: String,
    mark: f32,
    state: &'static str,
    state_class: &'static str,
}

/// The frames of a pair as they came in.
struct Pair<'a> {
    reference: &'a Frame,
    test: &'a Frame,
    map: Option<&'a GrayImage>,
    /// Whether `test` was brought into the reference's coordinates.
    is_registered: bool,
}

impl Page {
    /// Composes a page from an inspection, its frames and the difference map if there is one.
    ///
    /// # Errors
    /// [`Error::Picture`].
    pub fn new(
        inspector: &Inspector,
        inspection: &Inspection,
        [reference, test]: [&Frame; 2],
        map: Option<&GrayImage>,
    ) -> Result<Self, Error> {
        let json = InspectionJson::new(inspection, inspector);
        // Once aligned, the test frame is shown in the reference's coordinates, as it was judged.
        let test = inspection.measurement.as_ref().map_or(test, |measured| &measured.test);
        let is_registered = inspection
            .measurement
            .as_ref()
            .is_some_and(|measured| measured.registration.mode != AlignMode::None);
        let pair = Pair { reference, test, map, is_registered };
        let (verdict_class, symbol) = match json.verdict {
            Verdict::Conforming => ("conforming", "\u{2713}"),
            Verdict::Mismatch => ("mismatch", "\u{2715}"),
            Verdict::NotInspected => ("unknown", "?"),
        };
        Ok(Self {
            title: format!("{} against {}", test.origin(), reference.origin()),
            recipe: inspector.recipe().name.clone(),
            verdict: json.verdict.to_string(),
            verdict_class,
            symbol,
            reason: json.reason.clone().unwrap_or_default(),
            pictures: pair.pictures(&json)?,
            legend: legend(&json),
            findings: pair.findings(&json)?,
            sentences: sentence_rows(inspector, inspection),
            facts: facts(&json, inspection),
        })
    }

    /// The HTML text.
    ///
    /// # Errors
    /// [`Error::Page`].
    pub fn to_html(&self) -> Result<String, Error> {
        Ok(self.render()?)
    }
}

impl Pair<'_> {
    fn pictures(&self, json: &InspectionJson) -> Result<Vec<Picture>, Error> {
        let outlines = outlines(json);
        let caption = match self.is_registered {
            true => "Part under test, registered",
            false => "Part under test, as it was photographed",
        };
        let mut pictures = vec![
            picture("Reference", self.reference, outlines.clone())?,
            picture(caption, self.test, outlines.clone())?,
        ];
        if let Some(map) = self.map {
            let image = DynamicImage::ImageLuma8(map.clone());
            let data = encoded(&image, "difference map")?;
            let (width, height) = map.dimensions();
            let caption = "Difference (brighter: further apart)";
            let text = text_size(width);
            pictures.push(Picture { caption, width, height, data, boxes: outlines, text });
        }
        Ok(pictures)
    }

    fn findings(&self, json: &InspectionJson) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for violation in &json.violations {
            let figures = format!(
                "score {:.3}, threshold {:.3}, cosine {:+.3}",
                violation.score, violation.threshold, violation.cosine
            );
            let text = format!("{}: {}", violation.spec, violation.sentence);
            findings.push((violation.region, violation.kind, text, figures));
        }
        for unexplained in &json.unexplained {
            let figures = format!(
                "size {:.3}, best cosine {:+.3}",
                unexplained.size, unexplained.best_cosine
            );
            let text = "a difference that no sentence explains".to_owned();
            findings.push((unexplained.region, "unexplained", text, figures));
        }
        findings
            .into_iter()
            .enumerate()
            .map(|(index, (region, kind, text, figures))| {
                let Rect { x, y, width, height } = region;
                Ok(Finding {
                    number: index + 1,
                    text,
                    kind: kind.to_owned(),
                    place: format!("{width} x {height} px at ({x}, {y})"),
                    figures,
                    reference: detail(self.reference, region)?,
                    test: detail(self.test, region)?,
                })
            })
            .collect()
    }
}

/// The meaning of each kind of box that the pictures have.
fn legend(json: &InspectionJson) -> Vec<(&'static str, &'static str)> {
    let drawn = outlines(json);
    let known = [
        ("bad", "violates a sentence; the number is that of the finding"),
        ("odd", "differs, and no sentence explains it; numbered likewise"),
        ("plain", "differs, was judged, and violates nothing"),
    ];
    let is_drawn = |class: &str| drawn.iter().any(|outline| outline.class == class);
    known.into_iter().filter(|(class, _)| is_drawn(class)).collect()
}

/// Findings first, so that their numbers stand above the plain regions.
fn outlines(json: &InspectionJson) -> Vec<Outline> {
    let violated = json.violations.iter().map(|violation| (violation.region, "bad"));
    let unexplained = json.unexplained.iter().map(|unexplained| (unexplained.region, "odd"));
    let found: Vec<_> = violated.chain(unexplained).collect();
    let plain =
        json.regions.iter().filter(|region| found.iter().all(|(rect, _)| *rect != region.region));
    let plain =
        plain.map(|region| Outline { rect: region.region, class: "plain", number: String::new() });
    let numbered = found.iter().enumerate().map(|(index, &(rect, class))| Outline {
        rect,
        class,
        number: (index + 1).to_string(),
    });
    plain.chain(numbered).collect()
}

fn picture(caption: &'static str, frame: &Frame, boxes: Vec<Outline>) -> Result<Picture, Error> {
    let data = encoded(&dynamic(frame), frame.origin())?;
    let (width, height) = (frame.width(), frame.height());
    Ok(Picture { caption, width, height, data, boxes, text: text_size(width) })
}

fn text_size(width: u32) -> u32 {
    (width / 22).max(1)
}

/// The surroundings of a finding, enlarged without smoothing so that pixels can be told apart.
fn detail(frame: &Frame, region: Rect) -> Result<String, Error> {
    let margin = (region.width.max(region.height) / 2).max(12);
    let Ok(crop) = frame.crop(region.grown(margin)) else { return Ok(String::new()) };
    let image = dynamic(&crop);
    let zoom = (160 / image.width().max(image.height()).max(1)).clamp(1, 8);
    let (width, height) = (image.width() * zoom, image.height() * zoom);
    encoded(&image.resize_exact(width, height, FilterType::Nearest), frame.origin())
}

fn dynamic(frame: &Frame) -> DynamicImage {
    match frame.pixels() {
        Pixels::Gray(image) => DynamicImage::ImageLuma8(image.clone()),
        Pixels::Rgb(image) => DynamicImage::ImageRgb8(image.clone()),
    }
}

/// A PNG as base64.
fn encoded(image: &DynamicImage, origin: &str) -> Result<String, Error> {
    let large = image.width().max(image.height()) > MAX_SIDE;
    let small = if large { &image.thumbnail(MAX_SIDE, MAX_SIDE) } else { image };
    let mut png = Cursor::new(Vec::new());
    small
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|source| Error::Picture { origin: origin.to_owned(), source })?;
    Ok(base64::engine::general_purpose::STANDARD.encode(png.into_inner()))
}

/// Every sentence with its highest confidence anywhere in the part.
fn sentence_rows(inspector: &Inspector, inspection: &Inspection) -> Vec<SentenceRow> {
    let thresholds = inspector.thresholds().ok();
    let specs = &inspector.recipe().sheet.specs;
    let highest = |index: usize| {
        let regions = inspection.measurement.iter().flat_map(|measured| &measured.regions);
        regions
            .filter_map(|region| region.scores.scores.get(index).copied().flatten())
            .map(|score| score.confidence)
            .max_by(f32::total_cmp)
    };
    specs
        .iter()
        .enumerate()
        .map(|(index, spec)| {
            let found = highest(index);
            let limit = thresholds.and_then(|limits| limits.armed.get(&spec.prompt.id).copied());
            let (state, state_class) = state(spec.kind, found, limit);
            SentenceRow {
                id: spec.prompt.id.clone(),
                sentence: spec.prompt.sentences.first().cloned().unwrap_or_default(),
                kind: kind_name(spec.kind),
                confidence: found.map_or("-".to_owned(), |found| format!("{found:.3}")),
                fill: found.unwrap_or(0.0) * 100.0,
                threshold: limit.map_or("-".to_owned(), |limit| format!("{limit:.3}")),
                mark: limit.map_or(-1.0, |limit| limit * 100.0),
                state: unarmed_reason(thresholds, &spec.prompt.id).unwrap_or(state),
                state_class,
            }
        })
        .collect()
}

fn unarmed_reason<'a>(thresholds: Option<&'a Thresholds>, id: &str) -> Option<&'static str> {
    let unarmed: Option<&'a String> = thresholds?.unarmed.get(id);
    unarmed.map(|_| "not armed")
}

fn state(kind: Kind, found: Option<f32>, limit: Option<f32>) -> (&'static str, &'static str) {
    match (kind, found, limit) {
        (Kind::Allowed, ..) => ("allowed", "plain"),
        (_, Some(found), Some(limit)) if found >= limit => ("violated", "bad"),
        (_, _, Some(_)) => ("kept", "good"),
        (_, _, None) => ("no threshold", "odd"),
    }
}

fn facts(json: &InspectionJson, inspection: &Inspection) -> Vec<(&'static str, String)> {
    let timing = json.timing_ms;
    let mut facts = vec![
        ("Regions judged", json.regions.len().to_string()),
        ("Regions left out", json.omitted_regions.to_string()),
    ];
    if let Some(measured) = &inspection.measurement {
        let registration = &measured.registration;
        let [x, y] = registration.shift_px;
        facts.push(("Shift", format!("{x:+.2}, {y:+.2} px")));
        facts.push(("Rotation", format!("{:+.3} degrees", registration.rotation_deg)));
        facts.push(("Size", format!("{:.4} of the reference", registration.scale)));
        let residual =
            registration.residual.map_or("not measured".to_owned(), |it| format!("{it:.3}"));
        facts.push(("Residual (0 equal, 1 unrelated)", residual));
    }
    facts.push((
        "Time",
        format!(
            "{:.1} ms (decode {:.1}, align {:.1}, region {:.1}, encode {:.1}, verdict {:.1})",
            timing.total, timing.decode, timing.align, timing.region, timing.encode, timing.verdict
        ),
    ));
    facts.push(("Vision file SHA-256", json.model_sha256.clone()));
    facts.push(("Recipe SHA-256", json.recipe_sha256.clone()));
    facts
}
