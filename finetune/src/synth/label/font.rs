use crate::synth::raster::{Point, Shape};

/// Columns and rows of the grid that glyphs are drawn on.
const GRID: (f32, f32) = (4.0, 6.0);

/// The characters of labels, in pieces of line; two digits are a column and a row of the grid.
const GLYPHS: [(char, &str); 37] = [
    ('-', "1333"),
    ('0', "103041453616050110 4105"),
    ('1', "112026 1636"),
    ('2', "0110304142 0646 4206"),
    ('3', "00402232434536 361605"),
    ('4', "36300444"),
    ('5', "400002324345361605"),
    ('6', "40200205163645443303"),
    ('7', "004016"),
    ('8', "10304142331302 02011010 1304051636454433"),
    ('9', "06364441301001021343"),
    ('A', "06022042 4246 0444"),
    ('B', "003041423303 334445360600"),
    ('C', "4130100105163645"),
    ('D', "0030414536 360600"),
    ('E', "40000646 0333"),
    ('F', "400006 0333"),
    ('G', "41301001051636454323"),
    ('H', "0006 4046 0343"),
    ('I', "2026 1030 1636"),
    ('J', "4045361605"),
    ('K', "0006 400346"),
    ('L', "000646"),
    ('M', "0600234046"),
    ('N', "06004640"),
    ('O', "103041453616050110"),
    ('P', "06003041423303"),
    ('Q', "103041453616050110 2446"),
    ('R', "06003041423303 2346"),
    ('S', "4130100102133344453616 1605"),
    ('T', "0040 2026"),
    ('U', "000516364540"),
    ('V', "002640"),
    ('W', "0016233640"),
    ('X', "0046 4006"),
    ('Y', "002340 2326"),
    ('Z', "00400646"),
];

/// The characters that can be printed.
pub(crate) fn characters() -> impl Iterator<Item = char> {
    GLYPHS.iter().map(|glyph| glyph.0)
}

/// The lines of one character, its top left corner at `corner`; nothing for those not known.
pub(crate) fn glyph(character: char, corner: Point, height: f32, weight: f32) -> Vec<Shape> {
    let Some((_, pieces)) = GLYPHS.iter().find(|glyph| glyph.0 == character) else {
        return Vec::new();
    };
    let unit = (height - weight) / GRID.1;
    let at = |digits: &[u8]| {
        let value = |digit: u8| f32::from(digit - b'0') * unit + weight / 2.0;
        Point::new(corner.x + value(digits[0]), corner.y + value(digits[1]))
    };
    let mut shapes = Vec::new();
    for piece in pieces.split(' ') {
        let points: Vec<Point> = piece.as_bytes().chunks_exact(2).map(at).collect();
        for ends in points.windows(2) {
            shapes.push(Shape::capsule(ends[0], ends[1], weight));
        }
    }
    shapes
}

/// From one character to the next, pixels.
pub(crate) fn advance(height: f32, weight: f32) -> f32 {
    (height - weight) / GRID.1 * GRID.0 + weight * 1.2 + height * 0.16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_differ_and_stay_on_their_grid() {
        let mut seen = Vec::new();
        for character in characters() {
            let mut field = crate::synth::raster::DepthField::new(50, 70, false);
            let shapes = glyph(character, Point::new(5.0, 5.0), 60.0, 6.0);
            shapes.iter().for_each(|shape| field.add(shape));
            let mask = field.mask();
            assert!(mask.count() > 60, "{character} is empty");
            let outside = (0..50).any(|x| mask.at(x, 3) || mask.at(x, 67)) || mask.at(2, 30);
            assert!(!outside, "{character} leaves its grid");
            assert!(!seen.contains(&mask), "{character} looks like another");
            seen.push(mask);
        }
    }
}
