//! Tokens that somebody else signs: checked with a public key, or one of a set.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use planwright_server::config::{Config, TokenAlgorithm};
use serde_json::{Value, json};

use super::ADMIN_PLANS;
use crate::harness::{Actor, App, claims};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("keys").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).unwrap()
}

fn rsa(name: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(&bytes(name)).unwrap()
}

fn ec(name: &str) -> EncodingKey {
    EncodingKey::from_ec_pem(&bytes(name)).unwrap()
}

fn sign(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, &claims("root", "admin"), key).unwrap()
}

async fn is_taken(app: &App, token: String) -> bool {
    let answer = Actor::new(app.address(), Some(token)).get(ADMIN_PLANS).await;
    if answer.status == 200 {
        return true;
    }
    answer.problem(401);
    false
}

fn with_public_key(algorithm: TokenAlgorithm, path: PathBuf) -> impl FnOnce(&mut Config) {
    move |config| {
        config.auth.algorithm = algorithm;
        config.auth.public_key_file = Some(path);
    }
}

#[tokio::test]
async fn only_the_private_key_of_the_public_one_signs_and_only_with_the_configured_algorithm() {
    use Algorithm::{ES256, HS256, RS256, RS512};
    // The oldest trick: what everybody knows, the public key, as the secret of HS256.
    let public = |name| EncodingKey::from_secret(&bytes(name));
    for (algorithm, key) in [
        (TokenAlgorithm::RS256, "rsa.public.pem"),
        (TokenAlgorithm::RS256, "rsa-pkcs1.public.pem"),
        (TokenAlgorithm::ES256, "ec.public.pem"),
    ] {
        let app = App::with(with_public_key(algorithm, file(key))).await;
        let is_rsa = algorithm == TokenAlgorithm::RS256;
        for (case, token, taken) in [
            ("rsa", sign(RS256, None, &rsa("rsa.private.pem")), is_rsa),
            ("an id", sign(RS256, Some("x"), &rsa("rsa.private.pem")), is_rsa),
            ("another rsa", sign(RS256, None, &rsa("rsa-other.private.pem")), false),
            ("longer rsa", sign(RS512, None, &rsa("rsa.private.pem")), false),
            ("ec", sign(ES256, None, &ec("ec.private.pem")), !is_rsa),
            ("another ec", sign(ES256, None, &ec("ec-other.private.pem")), false),
            ("the public key", sign(HS256, None, &public(key)), false),
            ("our own secret", app.admin().token().to_owned(), false),
        ] {
            assert_eq!(is_taken(&app, token).await, taken, "{key}: {case}");
        }
    }
}

fn jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    jwk
}

/// A set such as a login service publishes, with keys for other uses among them.
fn key_set() -> Value {
    let (rsa, other_rsa) = (rsa("rsa.private.pem"), rsa("rsa-other.private.pem"));
    let ec = ec("ec.private.pem");
    let mut without_algorithm = jwk(&other_rsa, Algorithm::RS256, "r2");
    without_algorithm.common.key_algorithm = None;
    without_algorithm.common.public_key_use = Some(PublicKeyUse::Signature);
    let mut to_encrypt = jwk(&rsa, Algorithm::RS256, "encrypts");
    to_encrypt.common.public_key_use = Some(PublicKeyUse::Encryption);
    let mut to_wrap = jwk(&rsa, Algorithm::RS256, "wraps");
    to_wrap.common.key_operations = Some(vec![KeyOperations::WrapKey]);
    let mut nameless = jwk(&rsa, Algorithm::RS256, "");
    nameless.common.key_id = None;
    let secret = jwk(&EncodingKey::from_secret(&[7; 32]), Algorithm::HS256, "secret");
    let keys = [
        jwk(&rsa, Algorithm::RS256, "r1"),
        without_algorithm,
        jwk(&rsa, Algorithm::RS512, "longer"),
        jwk(&ec, Algorithm::ES256, "e1"),
        to_encrypt,
        to_wrap,
        nameless,
        secret,
    ];
    let mut set = json!({ "keys": keys });
    let strange = json!({"kty": "new", "kid": "new", "n": 1, "exp": 1_738_742_400});
    set["keys"].as_array_mut().unwrap().push(strange);
    set
}

#[tokio::test]
async fn a_key_of_a_set_is_found_by_its_id_and_used_with_the_configured_algorithm() {
    use Algorithm::{ES256, HS256, RS256, RS512};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, key_set().to_string()).unwrap();
    let (r1, r2, e1) = (rsa("rsa.private.pem"), rsa("rsa-other.private.pem"), ec("ec.private.pem"));
    let secret = EncodingKey::from_secret(&[7; 32]);
    for algorithm in [TokenAlgorithm::RS256, TokenAlgorithm::ES256] {
        let app = App::with(|config| {
            config.auth.algorithm = algorithm;
            config.auth.jwks_file = Some(path.clone());
        })
        .await;
        let is_rsa = algorithm == TokenAlgorithm::RS256;
        for (kid, signed_with, key, taken) in [
            (Some("r1"), RS256, &r1, is_rsa),
            (Some("r2"), RS256, &r2, is_rsa),
            (Some("e1"), ES256, &e1, !is_rsa),
            (None, RS256, &r1, false),
            (None, ES256, &e1, false),
            (Some("nobody"), RS256, &r1, false),
            (Some("r2"), RS256, &r1, false),
            (Some("r1"), RS512, &r1, false),
            (Some("longer"), RS512, &r1, false),
            (Some("longer"), RS256, &r1, false),
            (Some("encrypts"), RS256, &r1, false),
            (Some("wraps"), RS256, &r1, false),
            (Some("e1"), RS256, &r1, false),
            (Some("r1"), ES256, &e1, false),
            (Some("secret"), HS256, &secret, false),
            (Some("r1"), HS256, &secret, false),
        ] {
            let token = sign(signed_with, kid, key);
            let case = format!("{algorithm:?}: {kid:?} {signed_with:?}");
            assert_eq!(is_taken(&app, token).await, taken, "{case}");
        }
        assert!(!is_taken(&app, app.admin().token().to_owned()).await);
        assert!(!is_taken(&app, "no token at all".to_owned()).await);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_keeps_the_server_from_starting_and_is_named() {
    use TokenAlgorithm::{ES256, RS256};
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (algorithm, path, part) in [
        (RS256, folder.path().join("missing.pem"), "cannot read"),
        (RS256, write("empty.pem", ""), "RSA public key"),
        (RS256, write("certificate.pem", certificate), "RSA public key"),
        (RS256, file("rsa.private.pem"), "private key"),
        (RS256, file("ec.public.pem"), "RSA public key"),
        (RS256, file("rsa-weak.public.pem"), "2048 bits"),
        (ES256, file("rsa.public.pem"), "P-256"),
        (ES256, file("rsa-pkcs1.public.pem"), "P-256"),
        (ES256, file("ec-p384.public.pem"), "P-256"),
    ] {
        let refused = App::try_with(with_public_key(algorithm, path.clone())).await;
        let said = refused.err().unwrap().to_string();
        assert!(said.contains(&path.display().to_string()) && said.contains(part), "{said}");
    }

    let r1 = serde_json::to_value(jwk(&rsa("rsa.private.pem"), Algorithm::RS256, "r1")).unwrap();
    let off_the_curve = json!({"kty": "EC", "crv": "P-256", "kid": "e1", "x": "AA", "y": "AA"});
    for (algorithm, name, set, part) in [
        (RS256, "a.json", json!([]), "no JSON Web Key Set"),
        (RS256, "b.json", json!({"keys": []}), "RSA public key with an id"),
        (ES256, "c.json", json!({"keys": [r1]}), "P-256 with an id"),
        (RS256, "d.json", json!({"keys": [r1, r1]}), "'r1'"),
        (ES256, "e.json", json!({"keys": [off_the_curve]}), "'e1' cannot be used"),
    ] {
        let path = write(name, &set.to_string());
        let refused = App::try_with(|config| {
            config.auth.algorithm = algorithm;
            config.auth.jwks_file = Some(path.clone());
        })
        .await;
        let said = refused.err().unwrap().to_string();
        assert!(said.contains(&path.display().to_string()) && said.contains(part), "{said}");
    }
}
