//! Where a text may go on in a new line.
//!
//! Latin breaks at spaces and after hyphens, Chinese characters and kana anywhere but where kinsoku
//! forbids it: no line begins with a closing bracket, a small kana or a full stop, none ends
//! with an opening bracket (JIS X 4051, the characters of its classes 1 to 4 and 9 to 11).

/// May not begin a line. The last row holds small kana and the mark of a long vowel.
const NOT_FIRST: &str = "!%),.:;?]}\u{a2}\u{b0}\u{2019}\u{201d}\u{2030}\u{2032}\u{2033}\u{2103}\
    \u{3001}\u{3002}\u{3005}\u{3009}\u{300b}\u{300d}\u{300f}\u{3011}\u{3015}\u{301f}\u{309b}\u{309c}\
    \u{309d}\u{309e}\u{30fb}\u{30fd}\u{30fe}\u{ff01}\u{ff05}\u{ff09}\u{ff0c}\u{ff0e}\u{ff1a}\u{ff1b}\
    \u{ff1f}\u{ff3d}\u{ff5d}\u{ff61}\u{ff63}\u{ff64}\u{ff65}\u{2026}\
    \u{3041}\u{3043}\u{3045}\u{3047}\u{3049}\u{3063}\u{3083}\u{3085}\u{3087}\u{308e}\
    \u{30a1}\u{30a3}\u{30a5}\u{30a7}\u{30a9}\u{30c3}\u{30e3}\u{30e5}\u{30e7}\u{30ee}\u{30f5}\u{30f6}\
    \u{30fc}\u{ff67}\u{ff68}\u{ff69}\u{ff6a}\u{ff6b}\u{ff6c}\u{ff6d}\u{ff6e}\u{ff6f}\u{ff70}";

/// May not end a line.
const NOT_LAST: &str = "([{$\u{a3}\u{a5}\u{2018}\u{201c}\u{3008}\u{300a}\u{300c}\u{300e}\u{3010}\
    \u{3014}\u{301d}\u{ff08}\u{ff3b}\u{ff5b}\u{ff62}\u{ff04}";

/// Breaks a text into lines of at most `width`, each without spaces at its ends.
///
/// `advance` gives the width of a character. A word that is wider than a line is broken within; a
/// character that is, stands alone. Control characters other than line breaks are drawn as spaces.
pub(super) fn wrap(text: &str, width: f32, advance: impl Fn(char) -> f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let characters: Vec<char> =
            paragraph.trim().chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        let mut rest = characters.as_slice();
        while !rest.is_empty() {
            let end = line_end(rest, width, &advance);
            let line: String = rest[..end].iter().collect();
            lines.push(line.trim().to_owned());
            rest = &rest[end..];
            let spaces = rest.iter().take_while(|it| it.is_whitespace()).count();
            rest = &rest[spaces..];
        }
    }
    lines
}

/// How many characters the first line takes: at least 1.
fn line_end(rest: &[char], width: f32, advance: &impl Fn(char) -> f32) -> usize {
    let mut used = 0.0;
    let mut fitting = 0;
    for character in rest {
        used += advance(*character);
        // A space at the end takes no room.
        if used > width && !character.is_whitespace() {
            break;
        }
        fitting += 1;
    }
    if fitting == rest.len() {
        return fitting;
    }
    let break_at = (1..=fitting).rev().find(|&end| may_break(rest[end - 1], rest[end]));
    break_at.unwrap_or(fitting.max(1))
}

/// Whether a line may end between two characters.
fn may_break(before: char, after: char) -> bool {
    if before.is_whitespace() || after.is_whitespace() {
        return !after.is_whitespace();
    }
    if NOT_FIRST.contains(after) || NOT_LAST.contains(before) {
        return false;
    }
    is_wide(before) || is_wide(after) || matches!(before, '-' | '/')
}

/// Whether a character is one that stands in Japanese text without spaces around it.
fn is_wide(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character is as wide as 1, those of Japanese as 2.
    fn lines(text: &str, width: f32) -> Vec<String> {
        wrap(text, width, |it| if is_wide(it) { 2.0 } else { 1.0 })
    }

    #[test]
    fn latin_breaks_at_spaces_and_loses_them() {
        assert_eq!(lines("two traces are joined", 10.0), ["two traces", "are joined"]);
        assert_eq!(lines("  a   b  ", 3.0), ["a", "b"]);
        assert_eq!(lines("pin-hole", 5.0), ["pin-", "hole"]);
    }

    #[test]
    fn a_long_word_is_broken_and_nothing_is_lost() {
        assert_eq!(lines("abcdefghij kl", 4.0), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(lines("abc", 0.0), ["a", "b", "c"]);
    }

    #[test]
    fn japanese_breaks_anywhere_but_not_before_a_full_stop() {
        // Eight kanji and a full stop: the last kanji goes with the stop.
        let text = "\u{56de}\u{8def}\u{306e}\u{7dda}\u{304c}\u{5207}\u{308c}\u{305f}\u{3002}";
        let broken = lines(text, 8.0);
        assert_eq!(broken.iter().map(|it| it.chars().count()).collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!(broken.concat(), text);
    }

    #[test]
    fn small_kana_and_brackets_stay_with_their_neighbours() {
        // "katto (open bracket) A": the small tsu does not begin a line, the bracket does not end one.
        assert_eq!(lines("\u{30ab}\u{30ab}\u{30c3}\u{30c8}", 4.0).len(), 3);
        assert_eq!(lines("\u{30ab}\u{30ab}\u{30c3}\u{30c8}", 4.0)[0], "\u{30ab}");
        assert_eq!(lines("\u{30ab}\u{300c}\u{30ab}\u{300d}", 4.0)[0], "\u{30ab}");
    }

    #[test]
    fn line_breaks_are_kept_and_other_controls_are_spaces() {
        assert_eq!(lines("a\nb\tc\r\nd", 10.0), ["a", "b c", "d"]);
        assert!(lines("", 10.0).is_empty() && lines(" \n ", 10.0).is_empty());
    }

    #[test]
    fn no_line_is_wider_than_asked_where_characters_fit() {
        let text =
            "A very long sentence, with \u{6f22}\u{5b57}\u{3068}\u{304b}\u{306a}(x) mixed in. "
                .repeat(9);
        for width in 2..40 {
            for line in lines(&text, width as f32) {
                let found: usize = line.chars().map(|it| 1 + usize::from(is_wide(it))).sum();
                assert!(found <= width, "{line:?} in {width}");
            }
        }
    }
}
