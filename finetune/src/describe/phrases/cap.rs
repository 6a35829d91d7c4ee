use super::{fault, requirement};
use crate::describe::Meaning;
use crate::synth::Kind::Cap;

/// What can be said of a cap or gasket on its housing.
pub(super) const MEANINGS: &[Meaning] = &[
    fault(
        Cap,
        "missing-part",
        &[
            "{the|a} {part} is {missing|absent|gone|not there|not mounted|not fitted}",
            "{missing|absent} {part}",
            "{the|a} {seat|socket|place of the part|housing} is {empty|vacant|open}",
            "there is no {part} {on the housing|in the seat|where the reference has one}",
            "{the|a} {part} {has not been mounted|was not mounted|was left out|was forgotten|has fallen off}",
            "{an empty seat|an empty place|a bare seat} {where the part should be|instead of the part|on the housing}",
            "the housing {lacks|misses|is without} its {part}",
            "no {part} {was mounted|is mounted|was fitted}",
            "the test frame shows {an empty|a bare} {seat|housing}",
        ],
    ),
    requirement(
        Cap,
        ("requires-part", "missing-part"),
        &[
            "the {part} is {present|there|mounted|fitted|in place}",
            "there is a {part} {on the housing|in the seat}",
            "the {seat|housing} {holds|has|carries} its {part}",
            "the {seat|place} is {occupied|taken|not empty}",
            "no {part} is {missing|absent}",
        ],
    ),
    fault(
        Cap,
        "crooked-part",
        &[
            "{the|a} {part} is {crooked|tilted|askew|skewed|slanted|not level|not seated|mounted askew}",
            "{crooked|tilted|askew|skewed|slanted} {part}",
            "{the|a} {part} {sits|stands|lies} {crooked|tilted|askew|unevenly|beside its seat|out of its seat}",
            "{the|a} {part} is not {level|straight|flat|fully seated|in its seat}{| any more}",
            "{the|a} {part} {leans|is raised on one side|is lifted on one side|stands up on one side}",
            "{the|a} {part} {was mounted|has been mounted} {crookedly|askew|at an angle}",
            "{the|a} {part} {has tilted|has come out of its seat|has slipped out of its seat|is jammed}",
            "the test frame shows a {crooked|tilted|slanted} {part}",
        ],
    ),
    requirement(
        Cap,
        ("requires-straight-part", "crooked-part"),
        &[
            "the {part} is {straight|level|flat|fully seated|well seated|upright}",
            "the {part} {sits|lies} {straight|level|flat|flush|well in its seat|squarely}",
            "the {part} is mounted {straight|level|flush|squarely}",
            "the {part} is {flush|parallel} with the housing",
            "the {part} is not {crooked|tilted|askew}",
        ],
    ),
    fault(
        Cap,
        "scratch",
        &[
            "{the|a} {part|surface} is {scratched|scored|scraped}",
            "{a scratch|a scrape|a score mark|a scratch mark|a fine scratch|a long scratch|a thin scratch} {on|across|in} the {part|surface}{new}",
            "there is {a scratch|a scrape|a score mark|a scratch line} {on|across} the {part|surface}{new}",
            "{the|a} {part|surface} {has|shows} {a scratch|scratches|a scrape|scratch marks}",
            "a {thin|fine|bright|dark|long} line is scratched into the {part|surface}",
            "{scratch|scratches|scratched surface|scratched part|scored surface}",
            "something {has scratched|has scraped|has scored} the {part|surface}",
            "the test frame shows {a scratch|scratches} on the {part}",
        ],
    ),
    requirement(
        Cap,
        ("requires-unscratched-surface", "scratch"),
        &[
            "the {surface} is {unscratched|flawless|unmarked|smooth|undamaged|without scratches}",
            "the {part} is {unscratched|free of scratches|without scratches|flawless|undamaged}",
            "there is no {scratch|scrape|score mark} on the {part}",
            "{no scratch|no scrape} {crosses|marks} the {surface}",
            "{smooth|flawless|unscratched} {surface}",
        ],
    ),
    fault(
        Cap,
        "foreign-body",
        &[
            "{a foreign body|a foreign object|a foreign particle|a particle|a fibre|a fiber|a hair|a chip|a crumb|a drop|debris|dirt|swarf} {lies on|is on|sticks to} the {part|surface|housing}{new}",
            "there is {a foreign body|a foreign object|a particle|a fibre|a fiber|a hair|a chip|a drop|debris|dirt} on the {part|housing}{new}",
            "something {foreign|else|that does not belong there} {lies on|is on|sticks to} the {part|housing}",
            "{foreign body|foreign object|foreign particle|contamination|debris|foreign material}{| on the part| on the cap| on the gasket}",
            "the {part|surface|housing} is {contaminated|dirty|soiled|littered}",
            "{contamination|foreign material|debris} on the {part|housing|surface}",
            "{a fibre|a chip|a particle|a drop|a crumb} has {fallen|landed|settled} on the {part|housing}",
            "the test frame shows {a foreign body|a foreign object|a particle|debris}",
        ],
    ),
    requirement(
        Cap,
        ("requires-clean-part", "foreign-body"),
        &[
            "the {part|surface|housing} is {clean|free of debris|free of dirt|spotless|not contaminated}",
            "there is {no foreign body|no foreign object|nothing foreign|no debris|no dirt} on the {part}",
            "nothing {foreign lies|lies|sticks} on the {part|housing}",
            "only the {part} is {on|in} the {housing|seat}",
            "{clean|spotless} {part|housing}",
        ],
    ),
];
