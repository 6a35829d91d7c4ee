/// The line of a TOML text that a key such as `capture.test.width` is written on, counted from 1, for
/// messages; that of its section where the key itself is not written.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let mut section = String::new();
    let mut of_section = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(|c| c == '[' || c == ']').trim().to_owned();
            if key == section {
                return Some(index + 1);
            }
            let is_above = key.strip_prefix(&section).is_some_and(|rest| rest.starts_with('.'));
            if is_above {
                of_section = Some(index + 1);
            }
            continue;
        }
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim();
        let full = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        let is_table = key.strip_prefix(&full).is_some_and(|rest| rest.starts_with('.'));
        if full == key || is_table {
            return Some(index + 1);
        }
    }
    of_section
}

#[cfg(test)]
mod tests {
    use super::line_of;

    const TEXT: &str = "name = 'x' # [a]\n\n[a]\nb = 1\n[a.c]\n d=2\ne = { f = 3 }\n";

    #[test]
    fn keys_are_found_in_their_section() {
        for (key, line) in
            [("name", 1), ("a", 3), ("a.b", 4), ("a.c.d", 6), ("a.c.e.f", 7), ("a.missing", 3)]
        {
            assert_eq!(line_of(TEXT, key), Some(line), "{key}");
        }
    }

    #[test]
    fn what_is_written_nowhere_has_no_line() {
        assert_eq!(line_of(TEXT, "b"), None);
        assert_eq!(line_of("", "a.b"), None);
    }
}
