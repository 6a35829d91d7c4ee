use super::allowed;
use crate::describe::Meaning;

/// What may happen to a frame of any product without its being a fault.
pub(super) const MEANINGS: &[Meaning] = &[
    allowed(
        "brighter",
        &[
            "the {picture|product} is {brighter|lighter|slightly brighter|a little brighter}",
            "the {light|lighting|illumination} is {stronger|brighter}",
            "{brighter|lighter|more light|stronger light}",
            "{more exposure|a longer exposure|overexposed a little}",
        ],
    ),
    allowed(
        "darker",
        &[
            "the {picture|product} is {darker|dimmer|slightly darker|a little darker}",
            "the {light|lighting|illumination} is {weaker|dimmer|darker}",
            "{darker|dimmer|less light|weaker light}",
            "{less exposure|a shorter exposure|underexposed a little}",
        ],
    ),
    allowed(
        "more-contrast",
        &[
            "the {picture} has {more|higher|stronger} contrast",
            "the contrast is {higher|stronger|harder}",
            "{more|higher|stronger} contrast",
        ],
    ),
    allowed(
        "less-contrast",
        &[
            "the {picture} has {less|lower|weaker} contrast",
            "the contrast is {lower|weaker|softer}",
            "{less|lower|weaker} contrast",
        ],
    ),
    allowed(
        "gradient",
        &[
            "the {light|lighting|illumination} is {uneven|less even|not the same everywhere}",
            "the {picture} is {unevenly lit|lit unevenly|brightest toward one side|darkest toward one side}",
            "{uneven light|uneven lighting|a gradient of the light|shading}",
            "one side of the {picture} is {better lit|lit less well} than the other",
        ],
    ),
    allowed(
        "shifted",
        &[
            "the {product|whole frame|whole picture} is {shifted slightly|slightly shifted|shifted a little|shifted by a pixel|moved a little}",
            "the {product} has {moved|shifted} {slight}",
            "everything is {shifted|moved|displaced} {slight}",
            "{a small shift|a slight shift|shifted slightly|a slight offset} of the {whole frame|whole picture|product}",
        ],
    ),
    allowed(
        "turned",
        &[
            "the {product|whole frame|whole picture} is {turned|rotated} {slight}",
            "the {product} is {slightly turned|slightly rotated|rotated by a small angle}",
            "{a small|a slight} {rotation|turn}{| of the whole frame| of the product}",
        ],
    ),
    allowed(
        "blurred",
        &[
            "the {picture} is {blurred|blurrier|less sharp|softer|out of focus|slightly blurred|a little less sharp}",
            "the focus is {softer|worse|a little off}",
            "{slightly|a little} {out of focus|less sharp|blurred}",
        ],
    ),
    allowed(
        "sharper",
        &[
            "the {picture} is {sharper|better focused|less blurred|more in focus|slightly sharper}",
            "the focus is {better|sharper}",
            "{slightly|a little} {sharper|better focused}",
        ],
    ),
    allowed(
        "noisier",
        &[
            "the {picture} is {noisier|grainier|more noisy|speckled|slightly noisier}",
            "there is {more noise|more grain|more pixel noise}{| in the picture| in the image}",
            "{more noise|more grain|sensor noise}",
            "single pixels {flicker|are noisy}",
        ],
    ),
    allowed(
        "ripple",
        &[
            "the {edges|contours|outlines} are {slight} {rougher|rippled|more ragged|jagged|uneven|wavier}",
            "the {edges|contours|outlines} {ripple|waver} {slight}",
            "{a slight|a small} {ripple|roughness} {along|of} {all|the} {edges|contours|outlines}",
            "{all|the} {edges|contours|outlines} {differ|move|vary} by {a pixel|less than a pixel|a fraction of a pixel}",
        ],
    ),
    allowed(
        "unchanged",
        &[
            "{nothing|nothing at all} {has changed|changed|is different|differs}",
            "the {product|picture} {is unchanged|has not changed|looks the same|is the same as before|is as in the reference}",
            "there is no {difference|change}{| to the reference| between the two}",
            "{both frames|the two frames} {are the same|are alike|show the same}",
            "{no difference|no change|unchanged|the same as the reference}",
        ],
    ),
];
