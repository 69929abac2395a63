//! Where a user comes back to after paying: a page of the web, on a host that the operator allows.

use url::Url;

use crate::refusal::{FieldError, Refusal};

/// The longest that a provider takes.
const LONGEST: usize = 2048;

/// Reads an address, and gives it as it is sent on. Where `hosts` names none, every host is allowed.
///
/// # Errors
/// Names `return_url`, and says what it must be.
pub fn read(text: &str, hosts: &[String]) -> Result<String, Refusal> {
    let wrong = |code: &str, message: &str| {
        Refusal::Invalid(vec![FieldError::new("return_url", code, message)])
    };
    let not_a_page = || {
        let message = "return_url must be an http or https address of at most 2048 characters, without a \
                       name or a password in it.";
        wrong("invalid_url", message)
    };
    let url = Url::parse(text).map_err(|_| not_a_page())?;
    let is_page = ["http", "https"].contains(&url.scheme()) && url.as_str().len() <= LONGEST;
    if !is_page || !url.username().is_empty() || url.password().is_some() {
        return Err(not_a_page());
    }
    let host = url.host_str().ok_or_else(not_a_page)?;
    if hosts.is_empty() || hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Ok(url.into());
    }
    let shown: String = host.chars().take(100).collect();
    let message = format!(
        "return_url must not lead to '{shown}'. Use one of the hosts that the operator allows \
         (payments.yookassa.return_hosts)."
    );
    Err(wrong("host_not_allowed", &message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_web_and_of_a_host_that_is_allowed() {
        let hosts = ["shop.example".to_owned(), "127.0.0.1".to_owned()];
        let long = format!("https://shop.example/{}", "a".repeat(2048));
        for (text, anywhere, here) in [
            ("https://shop.example/paid?n=1#top", true, true),
            ("http://127.0.0.1:3000/", true, true),
            ("https://SHOP.example", true, true),
            ("https://evil.example/shop.example", true, false),
            ("https://shop.example.evil.example", true, false),
            ("https://evil.example\\@shop.example/", true, false),
            ("https://shop.example@evil.example/", false, false),
            ("https://me:secret@shop.example/", false, false),
            ("javascript:alert(1)", false, false),
            ("ftp://shop.example/", false, false),
            ("//shop.example/", false, false),
            ("shop.example", false, false),
            ("https://", false, false),
            ("", false, false),
            (long.as_str(), false, false),
        ] {
            assert_eq!(read(text, &[]).is_ok(), anywhere, "{text}");
            assert_eq!(read(text, &hosts).is_ok(), here, "{text}");
        }
    }
}
