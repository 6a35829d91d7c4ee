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
