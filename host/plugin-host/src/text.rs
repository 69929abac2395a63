//! Text that a plugin wrote, before anybody reads it.

/// At most `max` bytes of a text, cut between characters and marked where it was cut, without control
/// characters: a plugin cannot forge a line of a log or move a terminal's cursor.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(max)];
    let mut clean: String =
        cut.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if cut.len() < text.len() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_has_no_control_characters() {
        for (text, max, expected) in [
            ("plain", 10, "plain"),
            ("a\nb\u{1b}[2Jc", 20, "a b [2Jc"),
            ("abcdef", 3, "abc…"),
            ("план", 5, "пл…"),
            ("", 5, ""),
        ] {
            assert_eq!(clean(text, max), expected, "{text:?}");
        }
    }
}
