use crate::dice::Dice;
use crate::synth::Style;
use crate::synth::photo::Colour;

/// Colours of bare board and copper: solder masks, bare metal, inner layers.
const COLOURS: [(Colour, Colour); 8] = [
    ([20.0, 82.0, 46.0], [62.0, 140.0, 78.0]),
    ([14.0, 60.0, 36.0], [205.0, 150.0, 92.0]),
    ([22.0, 42.0, 98.0], [66.0, 100.0, 170.0]),
    ([96.0, 22.0, 24.0], [170.0, 66.0, 54.0]),
    ([30.0, 30.0, 32.0], [86.0, 84.0, 80.0]),
    ([122.0, 104.0, 66.0], [226.0, 168.0, 116.0]),
    ([188.0, 178.0, 140.0], [128.0, 74.0, 40.0]),
    ([18.0, 70.0, 42.0], [214.0, 212.0, 204.0]),
];

/// Bare board and copper as one product shows them.
pub(crate) fn materials(dice: &mut Dice, style: Style) -> (Colour, Colour) {
    match style {
        Style::Binary => ([255.0; 3], [0.0; 3]),
        Style::Grey => {
            let dark = dice.between(12.0, 90.0);
            let bright = dice.between(dark + 60.0, 235.0);
            // Incident light shows bright copper, light from below dark copper.
            if dice.chance(0.65) { ([dark; 3], [bright; 3]) } else { ([bright; 3], [dark; 3]) }
        }
        Style::Colour => {
            let (ground, copper) = dice.pick(&COLOURS);
            let mut vary = |colour: &Colour| colour.map(|value| value * dice.between(0.85, 1.15));
            (vary(ground), vary(copper))
        }
    }
}
