//! What tokens are checked with: the secret, a public key, or a set of public keys by their ids.
//!
//! The configuration says which algorithm it is. What a token says of itself only finds the key: a token
//! that could choose would have a public key taken for a secret.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, crypto};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};

use crate::config::{AuthConfig, TokenAlgorithm};

/// A configuration of keys that cannot be used, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "auth.{setting} is for auth.algorithm RS256 and ES256. Set the algorithm, or leave the file out"
    )]
    NeedsAlgorithm { setting: &'static str },
    #[error(
        "auth.secret signs nothing where auth.algorithm is {algorithm}. Leave the secret out, or set \
         HS256"
    )]
    SecretUnused { algorithm: &'static str },
    #[error("auth.algorithm {algorithm} needs one of auth.public_key_file and auth.jwks_file")]
    NeedsOneFile { algorithm: &'static str },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
}

/// Where the configuration says the keys are.
#[derive(Debug, PartialEq, Eq)]
pub enum KeySource<'a> {
    /// This secret, or the data folder's own.
    Secret(Option<&'a str>),
    /// A file with one public key.
    PublicKey(&'a Path),
    /// A file with a set of them.
    Jwks(&'a Path),
}

impl AuthConfig {
    /// Where the keys are.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn key_source(&self) -> Result<KeySource<'_>, KeyError> {
        let algorithm = self.algorithm.as_str();
        let files = (self.public_key_file.as_deref(), self.jwks_file.as_deref());
        match (self.algorithm, self.secret.as_deref(), files) {
            (TokenAlgorithm::HS256, secret, (None, None)) => Ok(KeySource::Secret(secret)),
            (TokenAlgorithm::HS256, _, (Some(_), _)) => {
                Err(KeyError::NeedsAlgorithm { setting: "public_key_file" })
            }
            (TokenAlgorithm::HS256, _, (None, Some(_))) => {
                Err(KeyError::NeedsAlgorithm { setting: "jwks_file" })
            }
            (_, Some(_), _) => Err(KeyError::SecretUnused { algorithm }),
            (_, None, (Some(file), None)) => Ok(KeySource::PublicKey(file)),
            (_, None, (None, Some(file))) => Ok(KeySource::Jwks(file)),
            (_, None, (None, None) | (Some(_), Some(_))) => {
                Err(KeyError::NeedsOneFile { algorithm })
            }
        }
    }
}

/// The keys, and the one algorithm that they are used with.
pub struct TokenKeys {
    algorithm: Algorithm,
    keys: Keys,
}

enum Keys {
    One(DecodingKey),
    ById(HashMap<String, DecodingKey>),
}

impl TokenKeys {
    /// HS256 with a secret.
    #[must_use]
    pub fn secret(secret: &str) -> Self {
        let keys = Keys::One(DecodingKey::from_secret(secret.as_bytes()));
        Self { algorithm: Algorithm::HS256, keys }
    }

    /// What the configuration asks for; `own_secret` is the data folder's.
    ///
    /// # Errors
    /// Settings that do not go together, a file that cannot be read or holds no key that can be used.
    pub fn load(auth: &AuthConfig, own_secret: &str) -> Result<Self, KeyError> {
        let algorithm = match auth.algorithm {
            TokenAlgorithm::HS256 => Algorithm::HS256,
            TokenAlgorithm::RS256 => Algorithm::RS256,
            TokenAlgorithm::ES256 => Algorithm::ES256,
        };
        let (path, read): (_, Read) = match auth.key_source()? {
            KeySource::Secret(secret) => return Ok(Self::secret(secret.unwrap_or(own_secret))),
            KeySource::PublicKey(path) => (path, read_pem),
            KeySource::Jwks(path) => (path, read_jwks),
        };
        let text = fs::read_to_string(path)
            .map_err(|source| KeyError::Unreadable { path: path.to_owned(), source })?;
        let keys = read(&text, algorithm)
            .map_err(|reason| KeyError::Unusable { path: path.to_owned(), reason })?;
        Ok(Self { algorithm, keys })
    }

    /// What every token must be signed with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key for a token, if there is one. The header is read only where it is needed to find it.
    pub(crate) fn find(&self, token: &str) -> Option<&DecodingKey> {
        match &self.keys {
            Keys::One(key) => Some(key),
            Keys::ById(keys) => keys.get(&jsonwebtoken::decode_header(token).ok()?.kid?),
        }
    }
}

/// Reads the text of a file, or says why it does not do.
type Read = fn(&str, Algorithm) -> Result<Keys, String>;

fn read_pem(text: &str, algorithm: Algorithm) -> Result<Keys, String> {
    if text.contains("PRIVATE KEY") {
        return Err(
            "it holds a private key, which this server has no use for and should not see. Give \
                    it the public one: openssl pkey -pubout -in private.pem -out public.pem"
                .to_owned(),
        );
    }
    let is_public = ["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"]
        .iter()
        .any(|start| text.contains(start));
    let key = match algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_pem(text.as_bytes()),
        _ => DecodingKey::from_ec_pem(text.as_bytes()),
    };
    let key = key.ok().filter(|_| is_public).ok_or_else(|| {
        let kind = kind_of(algorithm);
        format!("it holds no {kind} in PEM, which auth.algorithm {algorithm:?} needs")
    })?;
    check(&key, algorithm)?;
    Ok(Keys::One(key))
}

fn read_jwks(text: &str, algorithm: Algorithm) -> Result<Keys, String> {
    let set: JwkSet = serde_json::from_str(text)
        .map_err(|error| format!("it is no JSON Web Key Set: {error}"))?;
    let mut keys = HashMap::new();
    for jwk in set.keys.iter().filter(|jwk| is_for(jwk, algorithm)) {
        // Without an id no token can name it.
        let Some(id) = &jwk.common.key_id else { continue };
        let key = DecodingKey::from_jwk(jwk)
            .map_err(|error| error.to_string())
            .and_then(|key| check(&key, algorithm).map(|()| key))
            .map_err(|reason| format!("the key '{id}' cannot be used: {reason}"))?;
        if keys.insert(id.clone(), key).is_some() {
            return Err(format!("two keys have the id (kid) '{id}'"));
        }
    }
    if keys.is_empty() {
        let kind = kind_of(algorithm);
        return Err(format!(
            "it holds no {kind} with an id (kid), which auth.algorithm {algorithm:?} needs"
        ));
    }
    Ok(Keys::ById(keys))
}

/// Whether a key of a set is meant for tokens of this algorithm. A set may hold others, for other uses.
fn is_for(jwk: &Jwk, algorithm: Algorithm) -> bool {
    let fits = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => algorithm == Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) => {
            algorithm == Algorithm::ES256 && key.curve == EllipticCurve::P256
        }
        _ => false,
    };
    let common = &jwk.common;
    let operations = common.key_operations.as_ref();
    fits && common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm))
        && common.public_key_use.as_ref().is_none_or(|named| *named == PublicKeyUse::Signature)
        && operations.is_none_or(|named| named.contains(&KeyOperations::Verify))
}

fn kind_of(algorithm: Algorithm) -> &'static str {
    if algorithm == Algorithm::RS256 { "RSA public key" } else { "public key on the curve P-256" }
}

/// Refuses now what would otherwise refuse every token without a word.
fn check(key: &DecodingKey, algorithm: Algorithm) -> Result<(), String> {
    if algorithm == Algorithm::RS256 {
        let bits = rsa_bits(key.kind()).ok_or("it is no RSA public key of up to 4096 bits")?;
        // RFC 7518, 3.3.
        return if bits >= 2048 {
            Ok(())
        } else {
            Err(format!("an RSA key must have at least 2048 bits, and it has {bits}"))
        };
    }
    // Whether it is a point on the curve shows when it is used.
    crypto::verify("", b"", key, algorithm)
        .map(drop)
        .map_err(|_| "it is no public key on the curve P-256".to_owned())
}

fn rsa_bits(kind: &DecodingKeyKind) -> Option<usize> {
    let key = match kind {
        DecodingKeyKind::SecretOrDer(der) => RsaPublicKey::from_pkcs1_der(der).ok()?,
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            RsaPublicKey::new(BigUint::from_bytes_be(n), BigUint::from_bytes_be(e)).ok()?
        }
    };
    Some(key.n().bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_go_together_are_refused() {
        use TokenAlgorithm::{ES256, HS256, RS256};
        let cases = [
            (HS256, "", "", "", Ok(KeySource::Secret(None))),
            (HS256, "s", "", "", Ok(KeySource::Secret(Some("s")))),
            (HS256, "", "p", "", Err("auth.public_key_file is for")),
            (HS256, "s", "", "j", Err("auth.jwks_file is for")),
            (RS256, "", "p", "", Ok(KeySource::PublicKey(Path::new("p")))),
            (ES256, "", "", "j", Ok(KeySource::Jwks(Path::new("j")))),
            (ES256, "", "p", "j", Err("ES256 needs one of")),
            (RS256, "", "", "", Err("RS256 needs one of")),
            (RS256, "s", "p", "", Err("auth.secret signs nothing")),
        ];
        for (algorithm, secret, public_key, jwks, expected) in cases {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let auth = AuthConfig {
                algorithm,
                secret: given(secret),
                public_key_file: given(public_key).map(PathBuf::from),
                jwks_file: given(jwks).map(PathBuf::from),
                ..AuthConfig::default()
            };
            match (auth.key_source(), expected) {
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{error}");
                }
                (found, expected) => assert_eq!(found.ok(), expected.ok(), "{auth:?}"),
            }
        }
    }
}
