//! Names for people: what they may be made of.

/// Whether a name shows in one line what it is: it has something that is seen, and nothing that controls a terminal or
/// turns the text behind it round.
#[must_use]
pub fn is_readable(name: &str) -> bool {
    name.chars().any(is_seen) && !name.chars().any(is_control)
}

/// Control characters, the ends of lines that are none, and what turns text round.
#[must_use]
pub fn is_control(letter: char) -> bool {
    let ends_line = matches!(letter, '\u{2028}' | '\u{2029}');
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || ends_line || turns
}

/// Joiners and marks of no width are parts of words, and no word by themselves.
fn is_seen(letter: char) -> bool {
    let has_no_width =
        matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !letter.is_whitespace() && !has_no_width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_can_be_seen() {
        for (name, expected) in [
            ("Premium", true),
            ("\u{41f}\u{440}\u{435}\u{43c}\u{438}\u{443}\u{43c} 2", true),
            // Zero-width joiners make one picture, or letter, of several.
            ("\u{1f468}\u{200d}\u{1f469}", true),
            ("\u{915}\u{94d}\u{200c}\u{937}", true),
            ("", false),
            (" ", false),
            ("\u{200b}", false),
            ("\u{feff}\u{200d} ", false),
            ("a\u{0}b", false),
            ("a\nb", false),
            ("a\u{1b}[2Jb", false),
            ("a\u{85}b", false),
            ("a\u{2028}b", false),
            ("a\u{202e}b", false),
            ("\u{2066}a", false),
        ] {
            assert_eq!(is_readable(name), expected, "{name:?}");
        }
    }
}
