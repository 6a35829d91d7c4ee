use super::{fault, requirement};
use crate::describe::Meaning;
use crate::synth::Kind::Label;

/// What can be said of print on a label.
pub(super) const MEANINGS: &[Meaning] = &[
    fault(
        Label,
        "missing-print",
        &[
            "{the|a part of the|some} {print} is {missing|absent|gone|not there|not printed}",
            "{the|a} {label print|printed mark|printed line|code|logo|line of text|date|mark} is {missing|absent|not there}",
            "{missing|absent} {print}",
            "{there is no|no} {print} where the reference has {it|some}",
            "{something|a line|a mark|a code|a character} was not printed",
            "the label {is blank|is empty|is unprinted|has a blank area|lacks its print|lacks a line}",
            "the label {misses|lacks} {a printed line|a code|a mark|some text}",
            "{the|some} {print} {has disappeared|was left out|has been omitted}",
            "{characters|letters|digits} are {missing|absent} {on|from} the label",
            "the test frame shows {a blank|an unprinted} label where there should be {print}",
        ],
    ),
    requirement(
        Label,
        ("requires-print", "missing-print"),
        &[
            "the {print} is {present|there|complete}",
            "{all|the} {marks|lines of text|codes|characters} are {present|there|complete|on the label}",
            "the label is {printed|completely printed|fully printed}",
            "the printed mark is {present|there}",
            "nothing of the {print} is {missing|absent}",
            "the label {carries|bears|shows} {its|the whole|all its} {print}",
        ],
    ),
    fault(
        Label,
        "smeared-print",
        &[
            "{the|some} {print} is {smeared|smudged|wiped|blotted|streaked}",
            "{the|some} ink {is smeared|is smudged|is wiped|has run|was wiped before it was dry|has bled}",
            "{smeared|smudged|wiped|blotted} {print}",
            "there is {a smear|a smudge|a streak of ink} {on the label|in the print|in the text|in the printing}{new}",
            "the {print} has {run|bled|been wiped|been smeared}",
            "the {code} is {smeared|smudged|wiped}",
            "the letters are {smeared|smudged|blotted} {and hard to read|beyond reading|into each other}",
            "ink {has been dragged|is dragged|was rubbed} across the label",
            "the test frame shows {smeared|smudged|wiped} ink",
        ],
    ),
    requirement(
        Label,
        ("requires-crisp-print", "smeared-print"),
        &[
            "the {print} is {crisp|clear|legible|not smeared|cleanly printed}",
            "the {letters|characters} are {crisp|clear|legible|not smeared}",
            "the ink is {dry|clean|not smeared}",
            "there is no {smear|smudge|streak} {on the label|in the ink}",
            "the {print} can be read {clearly|easily|without doubt}",
        ],
    ),
    fault(
        Label,
        "wrong-print",
        &[
            "{the|some} {print} is {wrong|different|incorrect|another one}",
            "{wrong|incorrect|different} {print}",
            "{another|a different|a wrong} {text|mark|word|number|character|symbol} {is|was} printed",
            "the label {says|reads|shows} something {else|different|wrong}",
            "{the text|a word|a number|a letter|a character|a digit|a symbol} {has changed|was changed|was replaced|differs from the reference}",
            "{some letters|some characters|some digits|the letters} are {wrong|different|incorrect}",
            "the label {is of another product|belongs to another product|is the wrong one}",
            "the {print} does not {match|agree with} the reference",
            "{a misprint|a wrong character|a typing error} {in|on} the label",
            "the test frame shows {other|different|wrong} {text|letters|marks}",
        ],
    ),
    requirement(
        Label,
        ("requires-right-print", "wrong-print"),
        &[
            "the {print} is {right|correct|the right one|as it should be}",
            "the label {says|reads} {what it should|what the reference says|the same as the reference}",
            "{all|the} {letters|characters|digits} are {right|correct|the same as in the reference}",
            "the {print} {matches|agrees with} the reference",
            "{right|correct} {text|print|label}",
        ],
    ),
    fault(
        Label,
        "shifted-print",
        &[
            "{the|some} {print} is {misplaced|displaced|out of place|out of position|off its place|printed in the wrong place|shifted on the label}",
            "{shifted|misplaced|displaced|misaligned} {print}",
            "the {print} is {shifted|misaligned|offset|crooked} {on the label|against the label}",
            "the {print} {sits|stands|lies} {in the wrong place|off its place|too far from its place|out of line}",
            "{a line of text|the code|a mark|the logo} has {moved|slipped|shifted} {on the label|out of its place|from its place}",
            "the {print} is {too close to|over|running off} the edge of the label",
            "the {print} is not {where it should be|in its place|in position|aligned}",
            "the {print} {has slipped|has moved out of place|is misregistered}",
            "the test frame shows {misplaced|displaced} {print}",
        ],
    ),
    requirement(
        Label,
        ("requires-print-in-place", "shifted-print"),
        &[
            "the {print} is {in its place|in place|in position|where it should be|aligned|well aligned}",
            "the {print} {sits|stands|lies} {in its place|where it should}",
            "{every line|every mark|the code|the logo} is {in its place|in position|aligned}",
            "the {print} is {centred|centered} on the label",
            "nothing on the label is {misplaced|displaced|out of position}",
        ],
    ),
    fault(
        Label,
        "wrong-code",
        &[
            "the {code} is {wrong|different|incorrect|not the right one|that of another product|another one}",
            "{wrong|incorrect|different} {code}",
            "{another|a different|a wrong} {code} {is printed|was printed|is on the label}{| now}",
            "the {bars|modules|cells|dots} of the code {differ from the reference|are different|are wrong|have changed}",
            "the {code} {has changed|does not match the reference|was exchanged|was swapped}",
            "the code {encodes|stands for|holds} {something else|another number|the wrong number|another product}",
            "the pattern of the {code} {is different|has changed|is wrong}",
            "the test frame shows {another|a different|a wrong} {code}",
        ],
    ),
    requirement(
        Label,
        ("requires-right-code", "wrong-code"),
        &[
            "the {code} is {right|correct|the right one|that of the reference}",
            "the {code} {matches|agrees with} {the reference|the product}",
            "{right|correct} {code}",
            "the {bars|modules|cells} of the code are {right|correct|unchanged}",
            "the label carries the {right|correct} code",
        ],
    ),
];
