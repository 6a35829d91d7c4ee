use super::Style;

/// How many features of a product a caption names.
const FEATURES: usize = 3;

/// What a frame shows, in one sentence: the camera, the product, its first features and its state.
pub(crate) fn caption(style: Style, product: &str, features: &[&str], faults: &[&str]) -> String {
    let mut sentence = format!("a {} frame of {product}", style.name());
    let features = &features[..features.len().min(FEATURES)];
    if !features.is_empty() {
        sentence += &format!(" with {}", list(features));
    }
    if faults.is_empty() {
        sentence + ", without faults"
    } else {
        sentence + &format!(", showing {}", list(faults))
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_name_the_camera_the_product_and_its_state() {
        let features = ["fine traces", "round pads", "vias", "rings"];
        assert_eq!(
            caption(Style::Binary, "a copper board", &features, &["a pin-hole"]),
            "a binary frame of a copper board with fine traces, round pads and vias, \
             showing a pin-hole"
        );
        assert_eq!(
            caption(Style::Grey, "a cap", &[], &[]),
            "a grey frame of a cap, without faults"
        );
    }
}
