use super::super::layout::Layout;
use crate::dice::Dice;
use crate::synth::raster::{Point, Shape};

/// Wide bars side by side, with cuts, jogs and small holes.
pub(crate) fn bars(dice: &mut Dice, extent: usize) -> Layout {
    let mut layout = Layout::new(dice, extent, false);
    layout.note("wide copper bars");
    let side = extent as f32;
    let (width, gap) = (dice.between(30.0, 110.0), dice.between(22.0, 60.0));
    let corner = dice.between(2.0, 14.0);
    let cut = dice.chance(0.7).then(|| (dice.between(0.1, 0.9) * side, dice.between(30.0, 80.0)));
    let mut x = dice.between(-width, 0.0);
    let mut previous: Option<f32> = None;
    while x < side + width {
        let this = width * dice.between(0.8, 1.3);
        bar(dice, &mut layout, (x, this), (cut, corner));
        if let Some(before) = previous.filter(|_| dice.chance(0.35)) {
            let y = dice.between(0.0, side);
            let tall = dice.between(25.0, 90.0);
            let middle = Point::new((before + x) / 2.0, y);
            let size = (x - before + 30.0, tall);
            layout.add(&Shape::rectangle(middle, size, 0.0, 2.0));
        }
        previous = Some(x + this);
        x += this + gap * dice.between(0.9, 1.1);
    }
    layout
}

/// One bar in two pieces when there is a cut, with bumps, notches and holes.
fn bar(
    dice: &mut Dice,
    layout: &mut Layout,
    (x, width): (f32, f32),
    (cut, corner): (Option<(f32, f32)>, f32),
) {
    let side = layout.extent();
    let pieces = match cut {
        Some((y, gap)) => vec![(-60.0, y - gap / 2.0), (y + gap / 2.0, side + 60.0)],
        None => vec![(-60.0, side + 60.0)],
    };
    let middle = x + width / 2.0;
    for (top, bottom) in pieces {
        let ends = (Point::new(middle, top), Point::new(middle, bottom));
        layout.put(&Shape::line(ends, width, 0.0, corner));
        if bottom - top < 60.0 {
            continue;
        }
        for _ in 0..dice.whole(0, 2) {
            let y = dice.between(top + 20.0, bottom - 20.0);
            let edge = if dice.chance(0.5) { x } else { x + width };
            let size = (dice.between(8.0, 30.0), dice.between(30.0, 120.0));
            let patch = Shape::rectangle(Point::new(edge, y), size, 0.0, corner);
            if dice.chance(0.5) { layout.add(&patch) } else { layout.cut(&patch) }
        }
        for _ in 0..dice.whole(0, 2) {
            let place =
                Point::new(middle + dice.between(-0.3, 0.3) * width, dice.between(top, bottom));
            layout.drill(place, dice.between(4.0, 9.0));
            layout.note("small holes");
        }
    }
}
