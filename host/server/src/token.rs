//! Tokens: JWTs signed with HS256, or with a public key's RS256 or ES256.

use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use planwright_domain::caller::{Caller, Role, TenantId};
use planwright_domain::time::Timestamp;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::token_keys::TokenKeys;

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// A role; what is not one is refused when it is used.
    pub role: String,
    /// `default` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it ends, in Unix seconds.
    pub exp: i64,
    /// From when it holds, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Claims {
    /// No more than a token must say; `exp` in Unix seconds.
    #[must_use]
    pub fn new(sub: &str, role: &str, exp: i64) -> Self {
        Self {
            sub: sub.to_owned(),
            role: role.to_owned(),
            tenant: None,
            exp,
            nbf: None,
            iss: None,
            aud: None,
            email: None,
            name: None,
            group: None,
        }
    }
}

/// Why a token is not taken, in a sentence for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("The token is not a JWT signed for this server.")]
    Unknown,
    #[error("The token does not name (kid) a key that this server knows.")]
    UnknownKey,
    #[error("The token has expired. Ask for a new one.")]
    Expired,
    #[error("The token is not valid yet.")]
    NotYet,
    #[error(
        "The token's user id (sub) must have 1 to 255 characters, none of them a control character."
    )]
    BadUser,
    #[error("The token's role gives no access. Roles are user, service, admin and operator.")]
    BadRole,
    #[error("The token's tenant does not exist.")]
    NoSuchTenant,
}

/// Signs tokens with HS256.
///
/// # Errors
/// When the claims cannot be written as JSON, which does not happen to text.
pub fn issue(secret: &str, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
}

/// How many tokens are remembered, and up to how many bytes one may have: 8 MiB of them at most.
const REMEMBERED: usize = 4_096;
const REMEMBERED_BYTES: usize = 2_048;

/// Checks tokens.
pub struct Verifier {
    keys: TokenKeys,
    validation: Validation,
    /// Tokens whose signature was good. The keys do not change while the server runs, so it still is; only the
    /// time is looked at each time. A client sends the same token over and over.
    good: Cache<String, Good>,
}

/// What a token with a good signature says.
#[derive(Clone)]
struct Good {
    caller: Caller,
    exp: i64,
    nbf: Option<i64>,
}

impl Verifier {
    /// Takes tokens that fit the keys, and from this issuer and for this audience where one is named.
    #[must_use]
    pub fn new(keys: TokenKeys, issuer: Option<&str>, audience: Option<&str>) -> Self {
        let mut validation = Validation::new(keys.algorithm());
        // Times are held against the clock that is passed in, without leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.leeway = 0;
        let mut needed = vec!["exp", "sub"];
        match audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                needed.push("aud");
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            needed.push("iss");
        }
        validation.set_required_spec_claims(&needed);
        Self { keys, validation, good: Cache::new(REMEMBERED) }
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    /// A token that is not ours, not valid now, or that names nobody who may ask.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, TokenError> {
        if let Some(good) = self.good.get(token) {
            return good.at(now);
        }
        let key = self.keys.find(token).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|_| TokenError::Unknown)?
            .claims;
        let good = Good { exp: claims.exp, nbf: claims.nbf, caller: caller(claims)? };
        if token.len() <= REMEMBERED_BYTES {
            self.good.insert(token.to_owned(), good.clone());
        }
        good.at(now)
    }
}

impl Good {
    fn at(self, now: Timestamp) -> Result<Caller, TokenError> {
        if self.exp <= now.as_second() {
            return Err(TokenError::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf > now.as_second()) {
            return Err(TokenError::NotYet);
        }
        Ok(self.caller)
    }
}

fn caller(claims: Claims) -> Result<Caller, TokenError> {
    if !planwright_domain::caller::is_user_id(&claims.sub) {
        return Err(TokenError::BadUser);
    }
    let role = Role::from_name(&claims.role).ok_or(TokenError::BadRole)?;
    // Whether there is such a tenant, the store knows.
    let tenant = match claims.tenant.as_deref() {
        None => TenantId::default(),
        Some(text) => TenantId::new(text).ok_or(TokenError::NoSuchTenant)?,
    };
    Ok(Caller {
        email: claims.email,
        name: claims.name,
        group: claims.group,
        ..Caller::new(tenant, &claims.sub, role)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789012345678901234567890123456789";

    fn claims() -> Claims {
        Claims::new("alice", "admin", 1_000)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_token_is_taken_only_while_it_holds_and_for_who_it_names() {
        type Edit = fn(&mut Claims);
        let cases: [(&str, Edit, Result<(), TokenError>); 10] = [
            ("as issued", |_| {}, Ok(())),
            ("default tenant by name", |claims| claims.tenant = Some("default".into()), Ok(())),
            ("over", |claims| claims.exp = 500, Err(TokenError::Expired)),
            ("not yet", |claims| claims.nbf = Some(501), Err(TokenError::NotYet)),
            ("from now", |claims| claims.nbf = Some(500), Ok(())),
            ("nobody", |claims| claims.sub = String::new(), Err(TokenError::BadUser)),
            ("line break", |claims| claims.sub = "a\nb".into(), Err(TokenError::BadUser)),
            ("pending", |claims| claims.role = "pending".into(), Err(TokenError::BadRole)),
            ("another tenant", |claims| claims.tenant = Some("x".into()), Ok(())),
            ("no tenant", |claims| claims.tenant = Some("X".into()), Err(TokenError::NoSuchTenant)),
        ];
        for (case, edit, expected) in cases {
            let mut claims = claims();
            edit(&mut claims);
            let token = issue(SECRET, &claims).unwrap();
            let verifier = Verifier::new(TokenKeys::secret(SECRET), None, None);
            for time in ["first", "second"] {
                let verified = verifier.verify(&token, at(500));
                assert_eq!(verified.map(|_| ()), expected, "{case}, the {time} time");
            }
        }
    }

    #[test]
    fn a_token_that_was_good_once_still_ends_and_covers_no_other() {
        let verifier = Verifier::new(TokenKeys::secret(SECRET), None, None);
        let alice = issue(SECRET, &Claims { nbf: Some(400), ..claims() }).unwrap();
        let bob = issue(SECRET, &Claims { sub: "bob".to_owned(), ..claims() }).unwrap();
        for (now, expected) in [
            (500, Ok("alice")),
            (999, Ok("alice")),
            (1_000, Err(TokenError::Expired)),
            (399, Err(TokenError::NotYet)),
        ] {
            let verified = verifier.verify(&alice, at(now));
            assert_eq!(
                verified.as_ref().map(|caller| caller.user_id.as_str()),
                expected.as_ref().copied(),
                "{now}"
            );
        }
        assert_eq!(verifier.verify(&bob, at(500)).unwrap().user_id, "bob");
        let (alices, signature) =
            (alice.rsplit_once('.').unwrap().0, bob.rsplit_once('.').unwrap().1);
        let mixed = format!("{alices}.{signature}");
        assert_eq!(verifier.verify(&mixed, at(500)), Err(TokenError::Unknown));
    }

    #[test]
    fn the_algorithm_and_the_secret_are_ours() {
        let verifier = Verifier::new(TokenKeys::secret(SECRET), None, None);
        let other = issue("another secret that is as long as ours", &claims()).unwrap();
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let stronger =
            jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims(), &key).unwrap();
        // {"alg":"none","typ":"JWT"} with the payload of a real one and no signature.
        let real = issue(SECRET, &claims()).unwrap();
        let payload = real.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        for token in [other.as_str(), &stronger, &unsigned, "", "a.b.c", &real[1..]] {
            assert_eq!(verifier.verify(token, at(500)), Err(TokenError::Unknown), "{token}");
        }
    }

    #[test]
    fn issuer_and_audience_are_checked_where_they_are_configured() {
        let verifier = Verifier::new(TokenKeys::secret(SECRET), Some("me"), Some("you"));
        for (iss, aud, expected) in [
            (Some("me"), Some("you"), true),
            (Some("me"), Some("them"), false),
            (Some("it"), Some("you"), false),
            (None, Some("you"), false),
            (Some("me"), None, false),
        ] {
            let (iss, aud) = (iss.map(str::to_owned), aud.map(serde_json::Value::from));
            let token = issue(SECRET, &Claims { iss, aud, ..claims() }).unwrap();
            assert_eq!(verifier.verify(&token, at(500)).is_ok(), expected);
        }
    }
}
