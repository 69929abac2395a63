//! What signs the calls to an endpoint, as Standard Webhooks has it: `whsec_` and the key in base64; a signature is
//! `v1,` and HMAC-SHA256 over id, time and body in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const START: &str = "whsec_";

/// A secret of 256 bits that nobody can guess.
pub(crate) fn from_entropy(drawn: [u8; 32]) -> String {
    format!("{START}{}", BASE64_STANDARD.encode(drawn))
}

/// Whether a text is a secret of ours.
pub(crate) fn is_secret(text: &str) -> bool {
    key(text).is_some()
}

fn key(secret: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(secret.strip_prefix(START)?).ok().filter(|key| key.len() == 32)
}

/// The header `webhook-signature`: a signature by each secret, with a space between. Nothing if one is no secret.
pub(crate) fn sign<'a>(
    secrets: impl Iterator<Item = &'a str>,
    id: &str,
    timestamp: i64,
    body: &str,
) -> Option<String> {
    let signatures: Option<Vec<String>> = secrets
        .map(|secret| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
        })
        .collect();
    Some(signatures?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_any_library_makes_it_and_one_comes_for_each_secret() {
        // Made with Python's hmac: a key of bytes 0 to 31.
        let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let expected = "v1,+mcuc1KIW3qcsk6STrtB4f4yEdGlA5w7Ht+44SG5cZM=";
        let body = r#"{"type":"plan.created"}"#;
        let one = sign([secret].into_iter(), "msg_1", 1_738_742_400, body);
        assert_eq!(one.as_deref(), Some(expected));
        let both = sign([secret, secret].into_iter(), "msg_1", 1_738_742_400, body).unwrap();
        assert_eq!(both, format!("{expected} {expected}"));
        for (id, at, body) in [
            ("msg_2", 1_738_742_400, body),
            ("msg_1", 1_738_742_401, body),
            ("msg_1", 1_738_742_400, "{}"),
        ] {
            assert_ne!(sign([secret].into_iter(), id, at, body).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_secret_carries_all_of_its_entropy() {
        let secret = from_entropy([7; 32]);
        assert_eq!(key(&secret), Some(vec![7; 32]));
        for text in ["", "whsec_", "whsec_AAAA", &secret[6..], &format!("{secret}=")] {
            assert!(!is_secret(text), "{text}");
            assert_eq!(sign([text].into_iter(), "a", 1, "b"), None, "{text}");
        }
    }
}
