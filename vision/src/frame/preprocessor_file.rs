use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::preprocess::{Normalize, OPENAI_MEAN, OPENAI_STD, Resize, Steps};
use super::resample::Filter;
use super::{Error, Preprocess};

/// Edge of the images that `CLIPImageProcessor` makes when its file says nothing.
const DEFAULT_EDGE: u32 = 224;
/// Larger edges are a mistake: the largest published CLIP takes 448.
const MAX_EDGE: u32 = 4096;
/// Names under which transformers has saved this processor.
const PROCESSORS: [&str; 4] = [
    "CLIPImageProcessor",
    "CLIPImageProcessorFast",
    "CLIPImageProcessorPil",
    "CLIPFeatureExtractor",
];

/// The keys of `preprocessor_config.json` that decide about pixels; absent and null are one.
#[derive(Debug, Default, Deserialize)]
struct RawPreprocessor {
    /// `processor_config.json` keeps the image processor's keys one level down.
    image_processor: Option<Box<RawPreprocessor>>,
    image_processor_type: Option<String>,
    feature_extractor_type: Option<String>,
    do_resize: Option<bool>,
    size: Option<Value>,
    resample: Option<Value>,
    do_center_crop: Option<bool>,
    crop_size: Option<Value>,
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
    image_mean: Option<Value>,
    image_std: Option<Value>,
    do_pad: Option<bool>,
}

/// What [`Preprocess::to_json`] writes: every key, none left to a default.
#[derive(Serialize)]
struct WrittenPreprocessor {
    image_processor_type: &'static str,
    do_convert_rgb: bool,
    do_resize: bool,
    size: Value,
    resample: u8,
    do_center_crop: bool,
    crop_size: Value,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f64; 3],
    image_std: [f64; 3],
}

impl Preprocess {
    /// Reads a Hugging Face `preprocessor_config.json`, or the `image_processor` part of a
    /// `processor_config.json`; `name` names the file in messages.
    ///
    /// Absent keys mean what they mean to `CLIPImageProcessor`; keys that decide nothing about
    /// pixels are not looked at. Frames always become three channels, so `do_convert_rgb` is one
    /// of those.
    ///
    /// # Errors
    /// [`Error::Preprocessor`] for what is not JSON, for values of the wrong kind and for values
    /// that are not supported, each with its key.
    pub fn from_json(bytes: &[u8], name: &str) -> Result<Self, Error> {
        parse(bytes).map_err(|reason| Error::Preprocessor { origin: name.to_owned(), reason })
    }

    /// The `preprocessor_config.json` that [`Preprocess::from_json`] and transformers read back.
    pub fn to_json(&self) -> String {
        let steps = self.steps();
        let (width, height) = self.size();
        let Normalize { mean, std } =
            steps.normalize.unwrap_or(Normalize { mean: OPENAI_MEAN, std: OPENAI_STD });
        let size = match steps.resize {
            Some(Resize::ShortestEdge(edge)) => serde_json::json!({ "shortest_edge": edge }),
            Some(Resize::Exact(width, height)) => size_value(width, height),
            None => size_value(self.size().0, self.size().1),
        };
        let (crop_width, crop_height) = steps.crop.unwrap_or((width, height));
        let file = WrittenPreprocessor {
            image_processor_type: PROCESSORS[0],
            do_convert_rgb: true,
            do_resize: steps.resize.is_some(),
            size,
            resample: match steps.filter {
                Filter::Bicubic => 3,
                Filter::Bilinear => 2,
            },
            do_center_crop: steps.crop.is_some(),
            crop_size: size_value(crop_width, crop_height),
            do_rescale: steps.rescale.is_some(),
            rescale_factor: steps.rescale.unwrap_or(1.0 / 255.0),
            do_normalize: steps.normalize.is_some(),
            image_mean: mean,
            image_std: std,
        };
        serde_json::to_string_pretty(&file).expect("numbers, flags and names are always JSON")
            + "\n"
    }
}

fn size_value(width: u32, height: u32) -> Value {
    serde_json::json!({ "height": height, "width": width })
}

fn parse(bytes: &[u8]) -> Result<Preprocess, String> {
    let mut raw: RawPreprocessor = serde_json::from_slice(bytes)
        .map_err(|error| format!("not a preprocessor file: {error}"))?;
    if let Some(inner) = raw.image_processor.take() {
        raw = *inner;
    }
    check_processor(&raw)?;
    let steps = Steps {
        resize: resize(&raw)?,
        filter: filter(raw.resample.as_ref())?,
        crop: crop(&raw)?,
        rescale: rescale(&raw)?,
        normalize: normalize(&raw)?,
    };
    let output = match (steps.crop, steps.resize) {
        (Some(size), _) => size,
        (None, Some(Resize::Exact(width, height))) => (width, height),
        (None, _) => {
            let reason = "do_center_crop is false and size gives no height and width: \
                the tensor's shape would depend on the frame";
            return Err(reason.to_owned());
        }
    };
    Ok(Preprocess::new(steps, output))
}

fn check_processor(raw: &RawPreprocessor) -> Result<(), String> {
    for name in [&raw.image_processor_type, &raw.feature_extractor_type].into_iter().flatten() {
        if !PROCESSORS.contains(&name.as_str()) {
            return Err(format!("image_processor_type {name:?}: only {} is known", PROCESSORS[0]));
        }
    }
    if raw.do_pad == Some(true) {
        return Err("do_pad true: only false is supported".to_owned());
    }
    Ok(())
}

fn resize(raw: &RawPreprocessor) -> Result<Option<Resize>, String> {
    if raw.do_resize == Some(false) {
        return Ok(None);
    }
    let Some(size) = &raw.size else {
        return Ok(Some(Resize::ShortestEdge(DEFAULT_EDGE)));
    };
    if size.is_number() {
        return Ok(Some(Resize::ShortestEdge(edge("size", size)?)));
    }
    if let Some(shortest) = sole_entry(size, "shortest_edge") {
        return Ok(Some(Resize::ShortestEdge(edge("size.shortest_edge", shortest)?)));
    }
    let (width, height) = width_and_height("size", size)?;
    Ok(Some(Resize::Exact(width, height)))
}

fn crop(raw: &RawPreprocessor) -> Result<Option<(u32, u32)>, String> {
    if raw.do_center_crop == Some(false) {
        return Ok(None);
    }
    match &raw.crop_size {
        None => Ok(Some((DEFAULT_EDGE, DEFAULT_EDGE))),
        Some(size) if size.is_number() => edge("crop_size", size).map(|edge| Some((edge, edge))),
        Some(size) => width_and_height("crop_size", size).map(Some),
    }
}

fn filter(resample: Option<&Value>) -> Result<Filter, String> {
    match resample {
        None => Ok(Filter::Bicubic),
        Some(value) if value.as_u64() == Some(3) => Ok(Filter::Bicubic),
        Some(value) if value.as_u64() == Some(2) => Ok(Filter::Bilinear),
        Some(value) => {
            Err(format!("resample {value}: only 3 (bicubic) and 2 (bilinear) are supported"))
        }
    }
}

fn rescale(raw: &RawPreprocessor) -> Result<Option<f64>, String> {
    if raw.do_rescale == Some(false) {
        return Ok(None);
    }
    let factor = raw.rescale_factor.unwrap_or(1.0 / 255.0);
    // Also what f32 makes of it must be usable.
    if !(factor as f32).is_normal() {
        return Err(format!("rescale_factor {factor}: a number that f32 can hold is expected"));
    }
    Ok(Some(factor))
}

fn normalize(raw: &RawPreprocessor) -> Result<Option<Normalize>, String> {
    if raw.do_normalize == Some(false) {
        return Ok(None);
    }
    let mean = per_channel("image_mean", raw.image_mean.as_ref(), OPENAI_MEAN)?;
    let std = per_channel("image_std", raw.image_std.as_ref(), OPENAI_STD)?;
    if std.iter().any(|value| !(*value as f32).is_normal()) {
        return Err(format!("image_std {std:?}: three numbers other than 0 are expected"));
    }
    Ok(Some(Normalize { mean, std }))
}

/// One number for all channels, or three.
fn per_channel(key: &str, value: Option<&Value>, default: [f64; 3]) -> Result<[f64; 3], String> {
    let Some(value) = value else { return Ok(default) };
    let finite = |value: &Value| value.as_f64().filter(|number| (*number as f32).is_finite());
    let numbers = match value.as_array() {
        None => finite(value).map(|number| [number; 3]),
        Some(list) => {
            let numbers: Option<Vec<f64>> = list.iter().map(finite).collect();
            numbers.and_then(|numbers| <[f64; 3]>::try_from(numbers).ok())
        }
    };
    numbers.ok_or_else(|| format!("{key} {}: three numbers are expected", brief(value)))
}

fn width_and_height(key: &str, value: &Value) -> Result<(u32, u32), String> {
    let pair = match value {
        Value::Array(list) if list.len() == 2 => Some((&list[0], &list[1])),
        Value::Object(keys) if keys.len() == 2 => keys.get("height").zip(keys.get("width")),
        _ => None,
    };
    let (height, width) = pair.ok_or_else(|| {
        let value = brief(value);
        format!("{key} {value}: a number, shortest_edge, or height and width are expected")
    })?;
    Ok((edge(&format!("{key}.width"), width)?, edge(&format!("{key}.height"), height)?))
}

fn sole_entry<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_object().filter(|keys| keys.len() == 1)?.get(key)
}

fn edge(key: &str, value: &Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|edge| (1..=MAX_EDGE).contains(edge))
        .ok_or_else(|| format!("{key} {}: 1 to {MAX_EDGE} pixels are expected", brief(value)))
}

/// A value as JSON, cut to what fits a message.
fn brief(value: &Value) -> String {
    let mut text: String = value.to_string().chars().take(61).collect();
    if text.len() > 60 {
        text.truncate(text.floor_char_boundary(60));
        text.push_str("...");
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::mutation::{cuts, mutations};
    use super::*;

    /// As `save_pretrained` of transformers 4 writes it.
    const OPENAI: &str = r#"{
        "crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true,
        "do_normalize": true, "do_rescale": true, "do_resize": true, "feature_extractor_type":
        "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_processor_type": "CLIPImageProcessor", "image_std": [0.26862954, 0.26130258,
        0.27577711], "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": 224}}"#;

    fn read(text: &str) -> Result<Preprocess, String> {
        Preprocess::from_json(text.as_bytes(), "p.json").map_err(|error| error.to_string())
    }

    #[test]
    fn every_way_to_say_the_default_is_the_default() {
        let default = Preprocess::for_size(224);
        let nested =
            format!(r#"{{"image_processor": {OPENAI}, "processor_class": "CLIPProcessor"}}"#);
        for text in [
            OPENAI,
            &nested,
            "{}",
            r#"{"size": 224, "crop_size": 224}"#,
            r#"{"crop_size": [224, 224], "resample": null, "do_resize": null, "unknown": [1]}"#,
            r#"{"image_processor_type": "CLIPImageProcessorFast", "do_pad": false}"#,
        ] {
            assert_eq!(read(text).unwrap(), default, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        for text in [
            OPENAI,
            r#"{"size": {"height": 40, "width": 30}, "do_center_crop": false, "resample": 2}"#,
            r#"{"do_resize": false, "crop_size": {"height": 9, "width": 8}, "do_rescale": false}"#,
            r#"{"do_normalize": false, "rescale_factor": 0.5}"#,
            r#"{"image_mean": 0.5, "image_std": [0.1, 0.2, 0.3], "size": 100, "crop_size": 96}"#,
        ] {
            let first = read(text).unwrap();
            assert_eq!(read(&first.to_json()).unwrap(), first, "{text}");
        }
    }

    #[test]
    fn height_comes_before_width_in_lists() {
        let list = read(r#"{"size": [40, 30], "do_center_crop": false}"#).unwrap();
        assert_eq!(list.size(), (30, 40));
        assert_eq!(read(r#"{"crop_size": [40, 30]}"#).unwrap().size(), (30, 40));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_its_key() {
        for (text, says) in [
            (r#"{"resample": 1}"#, "p.json: resample 1: only 3 (bicubic) and 2 (bilinear)"),
            (r#"{"resample": "bicubic"}"#, "resample \"bicubic\":"),
            (
                r#"{"size": {"longest_edge": 9}}"#,
                "size {\"longest_edge\":9}: a number, shortest_edge",
            ),
            (
                r#"{"size": {"shortest_edge": 9, "longest_edge": 20}}"#,
                "a number, shortest_edge, or",
            ),
            (r#"{"size": 0}"#, "size 0: 1 to 4096 pixels"),
            (r#"{"size": -1}"#, "size -1: 1 to 4096 pixels"),
            (r#"{"size": 4294967297}"#, "size 4294967297: 1 to 4096 pixels"),
            (r#"{"size": 224.5}"#, "size 224.5: 1 to 4096 pixels"),
            (r#"{"crop_size": {"shortest_edge": 9}}"#, "crop_size {\"shortest_edge\":9}: a number"),
            (r#"{"crop_size": {"height": 9, "width": 5000}}"#, "crop_size.width 5000: 1 to 4096"),
            (r#"{"crop_size": "large"}"#, "crop_size \"large\": a number"),
            (r#"{"do_center_crop": false}"#, "would depend on the frame"),
            (r#"{"do_center_crop": false, "do_resize": false}"#, "would depend on the frame"),
            (r#"{"image_std": [0.1, 0.0, 0.1]}"#, "image_std [0.1, 0.0, 0.1]: three numbers other"),
            (r#"{"image_mean": [0.1, 0.1]}"#, "image_mean [0.1,0.1]: three numbers"),
            (r#"{"image_mean": [1e300, 0, 0]}"#, "image_mean"),
            (r#"{"rescale_factor": 0}"#, "rescale_factor 0: a number"),
            (r#"{"rescale_factor": 1e-300}"#, "rescale_factor"),
            (r#"{"do_pad": true}"#, "do_pad true: only false"),
            (r#"{"do_resize": "yes"}"#, "not a preprocessor file: invalid type"),
            (
                r#"{"image_processor_type": "ViTImageProcessor"}"#,
                "\"ViTImageProcessor\": only CLIP",
            ),
            ("[]", "not a preprocessor file"),
            ("", "not a preprocessor file: EOF"),
            ("\u{feff}{}", "not a preprocessor file"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(says), "{text} gave {message}");
        }
    }

    #[test]
    fn long_values_are_shortened_in_messages() {
        let text = format!(r#"{{"crop_size": "{}"}}"#, "\u{3042}".repeat(1000));
        assert!(read(&text).unwrap_err().len() < 200);
    }

    #[test]
    fn damaged_files_are_errors_or_usable() {
        assert!(cuts(OPENAI.as_bytes()).all(|cut| Preprocess::from_json(cut, "cut").is_err()));
        for bytes in mutations(OPENAI.as_bytes()) {
            if let Ok(preprocess) = Preprocess::from_json(&bytes, "mutation") {
                let (width, height) = preprocess.size();
                assert!((1..=MAX_EDGE).contains(&width) && (1..=MAX_EDGE).contains(&height));
            }
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let text = r#"{"image_processor":"#.repeat(100_000);
        assert!(read(&text).is_err());
        assert!(read(&"[".repeat(1_000_000)).is_err());
    }
}
