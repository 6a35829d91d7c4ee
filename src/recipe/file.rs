use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::golden::{Golden, Shows};
use super::{Error, GoldenList};
use crate::align::{AlignConfig, PhotoConfig};
use crate::capture::Controls;
use crate::drift::{DriftConfig, RawDrift};
use crate::files;
use crate::region::RegionConfig;
use crate::spec::{ClassList, Kind, Sheet};

const MAX_BYTES: u64 = 1 << 20;

/// All that is specific to one product.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// For people and for the journal.
    pub name: String,
    /// The folder of the model bundle, if the recipe names one.
    pub bundle: Option<PathBuf>,
    /// What is written about the product.
    pub sheet: Sheet,
    /// Where `sheet` was read.
    pub sheet_path: PathBuf,
    /// The text embeddings of `sheet`.
    pub cache_path: PathBuf,
    /// The thresholds; the file may not exist before the first calibration.
    pub thresholds_path: PathBuf,
    /// Which of several similar classes the part must be.
    pub variant: Option<Variant>,
    /// Stored frames: those that the recipe names itself, then those of the list beside it.
    pub goldens: Vec<Golden>,
    /// How a pair is registered.
    pub align: AlignConfig,
    /// What a photo must be like.
    pub photo: PhotoConfig,
    /// Where to look.
    pub region: RegionConfig,
    /// How drift is watched; not at all when absent. Verdicts and thresholds do not depend on it.
    pub drift: Option<DriftConfig>,
    /// What the cameras are set to for this product, over what the station sets: the test's, then the
    /// reference's.
    pub controls: [Controls; 2],
    content_sha256: String,
}

/// Which of several similar classes the part must be.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The classes.
    pub classes: ClassList,
    /// Where `classes` was read.
    pub classes_path: PathBuf,
    /// The text embeddings of `classes`.
    pub cache_path: PathBuf,
    /// Index of the class the part must be.
    pub expect: usize,
}

/// Exactly the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipe {
    name: String,
    bundle: Option<String>,
    specs: String,
    cache: Option<String>,
    thresholds: Option<String>,
    variant: Option<RawVariant>,
    #[serde(default)]
    golden: Vec<String>,
    #[serde(default)]
    align: AlignConfig,
    #[serde(default)]
    photo: PhotoConfig,
    #[serde(default)]
    region: RegionConfig,
    drift: Option<RawDrift>,
    #[serde(default)]
    camera: RawCameras,
}

/// What is set at the cameras for this product.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCameras {
    test: RawSettings,
    reference: RawSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSettings {
    controls: Controls,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariant {
    classes: String,
    cache: Option<String>,
    expect: String,
}

/// What decides where the model looks; thresholds are bound to it.
#[derive(Serialize)]
struct Sections<'a> {
    align: &'a AlignConfig,
    photo: &'a PhotoConfig,
    region: &'a RegionConfig,
}

impl Recipe {
    /// Reads a recipe, its spec sheet and its class list.
    ///
    /// Files named in it are relative to its folder and stay below it, except the bundle and the
    /// thresholds: several products share the one, and a set of the others is kept with its figures.
    ///
    /// # Errors
    /// Every variant of [`Error`] except [`Error::Stale`], each naming the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, MAX_BYTES)?;
        let raw = RawRecipe::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let drift = raw.check(path)?;
        let below = |name: &str| files::join_below(folder, name);
        let beside = |name: &Option<String>, source: &Path, extension: &str| match name {
            Some(name) => below(name),
            None => Ok(source.with_extension(extension)),
        };
        let sheet_path = below(&raw.specs)?;
        let variant = raw.variant.map(|variant| {
            let classes_path = below(&variant.classes)?;
            let cache_path = beside(&variant.cache, &classes_path, "cache")?;
            variant.resolve(path, classes_path, cache_path)
        });
        let variant = variant.transpose()?;
        let sheet = Sheet::open(&sheet_path)?;
        let goldens = raw.golden.iter().map(|name| {
            let (file, path) = (name.clone(), below(name)?);
            Ok(Golden { file, path, shows: Shows::Good, listed: None })
        });
        let mut goldens = goldens.collect::<Result<Vec<_>, Error>>()?;
        let list = GoldenList::beside(path)?;
        check_labels(&list, &sheet)?;
        goldens.extend_from_slice(list.goldens());
        let mut content = vec![text];
        content.push(files::read_text(&sheet_path, MAX_BYTES)?);
        if let Some(variant) = &variant {
            content.push(files::read_text(&variant.classes_path, MAX_BYTES)?);
        }
        if !list.goldens().is_empty() {
            content.push(files::read_text(list.path(), MAX_BYTES)?);
        }
        Ok(Self {
            bundle: raw.bundle.map(|bundle| folder.join(bundle)),
            cache_path: beside(&raw.cache, &sheet_path, "cache")?,
            thresholds_path: match &raw.thresholds {
                Some(name) => folder.join(name),
                None => path.with_extension("thresholds.toml"),
            },
            name: raw.name,
            sheet,
            sheet_path,
            variant,
            goldens,
            align: raw.align,
            photo: raw.photo,
            region: raw.region,
            drift,
            controls: [raw.camera.test.controls, raw.camera.reference.controls],
            content_sha256: files::sha256(content.join("\0").as_bytes()),
        })
    }

    /// Reads the text of a recipe without the files it names; `path` names it in messages.
    ///
    /// # Errors
    /// [`Error::Toml`] and [`Error::Invalid`].
    pub fn check_text(text: &str, path: &Path) -> Result<(), Error> {
        RawRecipe::parse(text, path)?.check(path).map(drop)
    }

    /// SHA-256 over the recipe, its sheet, its class list and its list of goldens.
    pub fn content_sha256(&self) -> &str {
        &self.content_sha256
    }

    /// The ids that a part can violate: those of faults and requirements, in the sheet's order.
    pub fn violable(&self) -> impl Iterator<Item = &str> {
        violable(&self.sheet)
    }

    /// SHA-256 over the align, photo and region sections with their defaults filled in: what
    /// decides which crops the model sees.
    pub fn sections_sha256(&self) -> String {
        let sections = Sections { align: &self.align, photo: &self.photo, region: &self.region };
        // Plain structs of numbers and names, which serde_json always writes.
        files::sha256(serde_json::to_string(&sections).unwrap_or_default().as_bytes())
    }
}

fn violable(sheet: &Sheet) -> impl Iterator<Item = &str> {
    let specs = sheet.specs.iter().filter(|spec| spec.kind != Kind::Allowed);
    specs.map(|spec| spec.prompt.id.as_str())
}

/// A golden of a fault that the sheet does not know would be waited for in vain.
fn check_labels(list: &GoldenList, sheet: &Sheet) -> Result<(), Error> {
    for golden in list.goldens() {
        let Shows::Faults(ids) = &golden.shows else { continue };
        let known: Vec<&str> = violable(sheet).collect();
        if let Some(id) = ids.iter().find(|id| !known.contains(&id.as_str())) {
            return Err(Error::Invalid {
                path: list.path().display().to_string(),
                section: "golden",
                reason: format!(
                    "{:?}: label {id:?} is no fault or requirement of the sheet; known are {}",
                    golden.file,
                    known.join(", ")
                ),
            });
        }
    }
    Ok(())
}

impl RawRecipe {
    fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Toml {
            path: path.display().to_string(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// Checks what depends on no other file; gives what is made from it.
    fn check(&self, path: &Path) -> Result<Option<DriftConfig>, Error> {
        let invalid = |section, reason: String| Error::Invalid {
            path: path.display().to_string(),
            section,
            // The sections of other rooms name themselves in their messages.
            reason: [format!("[{section}] "), format!("{section}.")]
                .iter()
                .find_map(|own| reason.strip_prefix(own.as_str()))
                .unwrap_or(&reason)
                .to_owned(),
        };
        if self.name.trim().is_empty() {
            return Err(invalid("recipe", "name is empty".to_owned()));
        }
        self.align.validate().map_err(|error| invalid("align", error.to_string()))?;
        self.photo.validate().map_err(|error| invalid("photo", error.to_string()))?;
        self.region.validate().map_err(|error| invalid("region", error.to_string()))?;
        let RawCameras { test, reference } = &self.camera;
        for (section, settings) in [("test", test), ("reference", reference)] {
            let checked = settings.controls.check(section);
            checked.map_err(|error| invalid("camera", error.to_string()))?;
        }
        let drift = self.drift.as_ref().map(RawDrift::validate).transpose();
        drift.map_err(|error| invalid("drift", error.to_string()))
    }
}

impl RawVariant {
    fn resolve(
        self,
        recipe: &Path,
        classes_path: PathBuf,
        cache_path: PathBuf,
    ) -> Result<Variant, Error> {
        let classes = ClassList::open(&classes_path)?;
        let expected = classes.classes.iter().position(|class| class.prompt.id == self.expect);
        let expect = expected.ok_or_else(|| Error::Invalid {
            path: recipe.display().to_string(),
            section: "variant",
            reason: format!("expect = {:?} is no class of {}", self.expect, classes_path.display()),
        })?;
        Ok(Variant { classes, classes_path, cache_path, expect })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn recipe(rest: &str) -> Result<Recipe, Error> {
        let folder = tempfile::tempdir().unwrap();
        let sheet = "[[spec]]\nid = 'open'\nkind = 'fault'\nsentence = 'x'\n";
        std::fs::write(folder.path().join("s.toml"), sheet).unwrap();
        let path = folder.path().join("r.toml");
        std::fs::write(&path, format!("name = 'r'\nspecs = 's.toml'\n{rest}")).unwrap();
        Recipe::open(&path)
    }

    #[test]
    fn thresholds_hold_whatever_is_watched_for_drift() {
        let [without, with] = ["", "[drift]\nwarn_sigmas = 3.0"].map(|rest| recipe(rest).unwrap());
        assert_eq!(without.sections_sha256(), with.sections_sha256());
        assert_ne!(without.content_sha256(), with.content_sha256());
        assert_eq!(without.drift, None);
        assert_eq!(with.drift.unwrap().figures[0].unwrap().warn_sigmas, 3.0);
    }

    #[test]
    fn what_the_cameras_are_set_to_is_part_of_the_recipe() {
        let text = |us: u32| format!("[camera.test.controls]\nexposure_us = {us}");
        let [short, long] = [1_000, 2_000].map(|us| recipe(&text(us)).unwrap());
        assert_eq!(long.controls[0].exposure_us, Some(2_000.0));
        assert!(long.controls[1].is_empty());
        assert_ne!(short.content_sha256(), long.content_sha256());
        // Thresholds are made with photos, and photo checks look after these.
        assert_eq!(short.sections_sha256(), long.sections_sha256());
        let error = recipe("[camera.reference.controls]\nexposure_us = 5").unwrap_err().to_string();
        assert!(
            error.contains("[camera]: ") && error.contains("reference.controls.exposure_us"),
            "{error}"
        );
        assert!(recipe("[camera.test]\nexposure_us = 5").is_err());
    }

    #[test]
    fn drift_that_cannot_be_watched_is_refused_by_its_key() {
        let error = recipe("[drift]\nsmoothing = 2.0").unwrap_err().to_string();
        assert!(error.contains("r.toml: [drift]: smoothing = 2: 0.001 to 1"), "{error}");
    }
}
