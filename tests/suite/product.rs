//! A rendered product: a tiny model, a recipe with a sheet, and frames of parts.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use pairspec::clip::TextEncoder;
use pairspec::inspect::{Inspector, Opening};
use pairspec::recipe::{MadeWith, Recipe, ThresholdFile};
use pairspec::spec::{Cache, ClassList, Prompt, Sheet, embed};
use pairspec::verdict::{Thresholds, UnexplainedLimits};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::harness::Folder;
use crate::shared::tiny;

pub(crate) const WIDTH: u32 = 192;
pub(crate) const HEIGHT: u32 = 160;
/// Where [`part`] has its fault: x, y, width, height.
pub(crate) const FAULT: [u32; 4] = [96, 64, 20, 14];

const RECIPE: &str = "name = \"plate\"\nbundle = \"bundle\"\nspecs = \"specs.toml\"\n\n\
    [region]\ncrop_px = 32\ntile_stride_px = 24\n";
const SHEET: &str = "[[spec]]\nid = \"scratch\"\nkind = \"fault\"\n\
    sentence = \"the surface is scratched\"\nlabel = { en = \"Scratch\" }\n\n\
    [[spec]]\nid = \"mark\"\nkind = \"requirement\"\nsentence = \"the mark is there\"\n\n\
    [[spec]]\nid = \"brighter\"\nkind = \"allowed\"\nsentence = \"the picture is brighter\"\n";
/// Two classes of which a random model prefers one.
pub(crate) const CLASSES: &str = "margin = 0.0\n[[class]]\nid = \"left\"\nsentence = \"a left bracket\"\n\
    [[class]]\nid = \"right\"\nsentence = \"the other bracket is what this shows\"\n";

/// What every product starts from, made once for all tests.
struct Master {
    files: Vec<(String, Vec<u8>)>,
    made_with: MadeWith,
}

impl Folder {
    /// A folder with `recipe.toml`, its sheet, cache and bundle, and the frames `reference.png`,
    /// `good.png` (another photo of a good part) and `scratched.png`; no thresholds yet.
    pub(crate) fn with_product() -> Self {
        let folder = Self::new();
        for (name, content) in &master().files {
            folder.write(name, content);
        }
        folder
    }

    /// Writes thresholds for the recipe by hand: faults and requirements count from `limit` on.
    pub(crate) fn armed_from(&self, limit: f32) -> &Self {
        let armed = ["scratch", "mark"].map(|id| (id.to_owned(), limit)).into();
        self.thresholds(Thresholds { armed, ..Thresholds::default() })
    }

    /// Thresholds by which nothing but an unexplained difference counts.
    pub(crate) fn armed_for_unexplained(&self) -> &Self {
        let armed = ["scratch", "mark"].map(|id| (id.to_owned(), 1.0)).into();
        let unexplained = Some(UnexplainedLimits { size: 1e-6, cosine: 1.0 });
        self.thresholds(Thresholds { armed, unexplained, ..Thresholds::default() })
    }

    fn thresholds(&self, thresholds: Thresholds) -> &Self {
        let made_with = master().made_with.clone();
        let file = ThresholdFile::new(made_with, thresholds, toml::Table::new());
        file.save(&self.path("recipe.thresholds.toml")).unwrap();
        self
    }

    /// Writes `manifest.csv`: the three columns every manifest has, `more` of them, and these rows.
    pub(crate) fn manifest(&self, more: &str, rows: &[&str]) -> &Self {
        let text = format!("pair_id,ref_path,test_path{more}\n{}\n", rows.join("\n"));
        self.write("manifest.csv", text)
    }

    /// Adds a class list with its cache to the recipe, which then expects `class`.
    pub(crate) fn expecting(&self, class: &str) -> &Self {
        self.write("classes.toml", CLASSES);
        let list = ClassList::parse(CLASSES, "classes").unwrap();
        cache(&self.path("bundle"), &list.prompts()).save(&self.path("classes.cache")).unwrap();
        let variant =
            format!("[variant]\nclasses = \"classes.toml\"\nexpect = \"{class}\"\n\n[region]");
        self.edit("recipe.toml", "[region]", &variant)
    }
}

fn master() -> &'static Master {
    static MASTER: OnceLock<Master> = OnceLock::new();
    MASTER.get_or_init(|| {
        let folder = Folder::new();
        tiny::bundle(&folder.path("bundle"), 1);
        folder.write("recipe.toml", RECIPE).write("specs.toml", SHEET);
        let sheet = Sheet::parse(SHEET, "sheet").unwrap();
        cache(&folder.path("bundle"), &sheet.prompts()).save(&folder.path("specs.cache")).unwrap();
        folder
            .write("reference.png", png(&part(1, false)))
            .write("good.png", png(&part(2, false)))
            .write("scratched.png", png(&part(3, true)));
        let recipe = Recipe::open(&folder.path("recipe.toml")).unwrap();
        let inspector = Inspector::open(recipe, &Opening::default()).unwrap();
        Master { files: files_below(&folder), made_with: inspector.made_with().clone() }
    })
}

fn files_below(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let bundled = folder.names("bundle").into_iter().map(|name| format!("bundle/{name}"));
    let beside = folder.names(".").into_iter().filter(|name| name != "bundle");
    bundled.chain(beside).map(|name| (name.clone(), folder.read(&name))).collect()
}

fn cache(bundle: &Path, prompts: &[&Prompt]) -> Cache {
    let bundle = pairspec::clip::Bundle::open(bundle).unwrap();
    let encoder = TextEncoder::open(&bundle, None).unwrap();
    let vectors = embed(prompts, |text| {
        let embedding = encoder.encode(&[text]).unwrap().remove(0);
        Ok::<_, pairspec::spec::Error>(embedding.into_values())
    });
    let tokenizer = bundle.sha256(pairspec::clip::FileName::Tokenizer).unwrap().to_owned();
    Cache::new(prompts, &vectors.unwrap(), [encoder.sha256().to_owned(), tokenizer]).unwrap()
}

/// A photo of a plate with pads and lines where every plate has them; `photo` seeds the noise.
pub(crate) fn part(photo: u64, is_scratched: bool) -> GrayImage {
    let mut image = GrayImage::from_pixel(WIDTH, HEIGHT, Luma([70]));
    let mut random = ChaCha8Rng::seed_from_u64(99);
    for _ in 0..40 {
        let at = [random.random_range(0..WIDTH - 30), random.random_range(0..HEIGHT - 24)];
        let size = [random.random_range(4..30), random.random_range(4..24)];
        fill(&mut image, [at[0], at[1], size[0], size[1]], random.random_range(40..220));
    }
    fill(&mut image, [FAULT[0] - 12, FAULT[1] - 12, 44, 38], 90);
    if is_scratched {
        fill(&mut image, FAULT, 235);
    }
    let mut random = ChaCha8Rng::seed_from_u64(photo);
    for pixel in image.pixels_mut() {
        pixel.0[0] = pixel.0[0].saturating_add_signed(random.random_range(-2..=2));
    }
    image
}

fn fill(image: &mut GrayImage, [left, top, width, height]: [u32; 4], value: u8) {
    for y in top..top + height {
        for x in left..left + width {
            image.put_pixel(x, y, Luma([value]));
        }
    }
}

/// The bytes of a PNG file.
pub(crate) fn png(image: &GrayImage) -> Vec<u8> {
    encoded(&DynamicImage::from(image.clone()), ImageFormat::Png)
}

/// The bytes of an image file.
pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Copies a folder of files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
