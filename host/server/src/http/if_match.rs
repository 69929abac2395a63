//! What a change rests on: the tags in the header `If-Match`.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use super::problem::Problem;

/// The tags that a caller has read, each as it was shown; `*` is whatever is there. Nothing where none is said.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Vec<String>>, Problem> {
    if !headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let mut tags = Vec::new();
    for line in headers.get_all(IF_MATCH) {
        let listed = line.to_str().ok().and_then(tags_of).ok_or_else(|| {
            let message = "If-Match must be `*`, or one or more tags as ETag shows them, in quotes and with commas between.";
            Problem::field("If-Match", "invalid_tag", message)
        })?;
        tags.extend(listed);
    }
    Ok(Some(tags))
}

fn tags_of(line: &str) -> Option<Vec<String>> {
    if line.trim() == "*" {
        return Some(vec!["*".to_owned()]);
    }
    let mut tags = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let strong = rest.strip_prefix("W/").unwrap_or(rest);
        let (inside, behind) = strong.strip_prefix('"')?.split_once('"')?;
        if inside.contains(char::is_whitespace) {
            return None;
        }
        let weak = &rest[..rest.len() - strong.len()];
        // A weak one is none of ours, and so matches nothing.
        tags.push(format!("{weak}\"{inside}\""));
        rest = match behind.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.trim().is_empty() => "",
            None => return None,
        };
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_one_by_one() {
        for (line, expected) in [
            ("*", Some(vec!["*"])),
            (" * ", Some(vec!["*"])),
            ("\"0-1\"", Some(vec!["\"0-1\""])),
            ("\"a\",\"b\" , \"c\"", Some(vec!["\"a\"", "\"b\"", "\"c\""])),
            ("\"a,b\"", Some(vec!["\"a,b\""])),
            ("W/\"a\", \"b\",", Some(vec!["W/\"a\"", "\"b\""])),
            ("\"\"", Some(vec!["\"\""])),
            ("", None),
            ("1", None),
            ("\"a", None),
            ("\"a\" \"b\"", None),
            ("\"a b\"", None),
            ("\"a\", *", None),
            ("a\"", None),
        ] {
            let tags = tags_of(line);
            let tags = tags.as_ref().map(|tags| tags.iter().map(String::as_str).collect());
            assert_eq!(tags, expected, "{line}");
        }
    }
}
