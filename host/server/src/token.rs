//! Tokens: JWTs signed with HS256, or with a public key's RS256 or ES256.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use planwright_domain::tenant::caller::{Caller, Role, TenantId, is_user_id};
use planwright_domain::time::Timestamp;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    pub aud: Option<Value>,
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
    #[error("The token must be understood in a way (crit) that this server does not know.")]
    Critical,
    #[error(
        "The token does not say its {0}. It must have sub (the user), role and exp (Unix seconds)."
    )]
    Missing(&'static str),
    #[error(
        "The token's {0} is not of the right kind: exp and nbf are whole Unix seconds, aud may be a list, the rest is text."
    )]
    WrongKind(&'static str),
    #[error("The token is not from the issuer (iss) that this server takes tokens of.")]
    WrongIssuer,
    #[error("The token is not for the audience (aud) that this server is.")]
    WrongAudience,
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
        // What a token must say else is looked at here, so that it can be told what it lacks.
        let mut needed = Vec::new();
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
        let said = jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation)
            .map_err(|error| unfit(&error))?;
        if said.header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let claims = read(said.claims)?;
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

/// What is wrong with a token. Whose signature is not ours is told nothing else.
fn unfit(error: &jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => TokenError::WrongIssuer,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::WrongAudience,
        _ => TokenError::Unknown,
    }
}

/// The claims of a token with a good signature.
fn read(mut said: Map<String, Value>) -> Result<Claims, TokenError> {
    // Null is as good as nothing.
    let mut take = |name: &str| said.remove(name).filter(|value| !value.is_null());
    let mut text = |name: &'static str| match take(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::WrongKind(name)),
    };
    let [sub, role, tenant, iss, email, name, group] = [
        text("sub")?,
        text("role")?,
        text("tenant")?,
        text("iss")?,
        text("email")?,
        text("name")?,
        text("group")?,
    ];
    let mut seconds = |name: &'static str| match take(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(TokenError::WrongKind(name)),
    };
    let (exp, nbf) = (seconds("exp")?, seconds("nbf")?);
    Ok(Claims {
        sub: sub.ok_or(TokenError::Missing("sub"))?,
        role: role.ok_or(TokenError::Missing("role"))?,
        exp: exp.ok_or(TokenError::Missing("exp"))?,
        tenant,
        nbf,
        iss,
        aud: take("aud"),
        email,
        name,
        group,
    })
}

fn caller(claims: Claims) -> Result<Caller, TokenError> {
    if !is_user_id(&claims.sub) {
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
        let (issuer, audience) = (Err(TokenError::WrongIssuer), Err(TokenError::WrongAudience));
        for (iss, aud, expected) in [
            (Some("me"), Some("you"), Ok(())),
            (Some("me"), Some("them"), audience),
            (Some("it"), Some("you"), issuer),
            (None, Some("you"), issuer),
            (Some("me"), None, audience),
        ] {
            let (iss, aud) = (iss.map(str::to_owned), aud.map(Value::from));
            let token = issue(SECRET, &Claims { iss, aud, ..claims() }).unwrap();
            assert_eq!(verifier.verify(&token, at(500)).map(|_| ()), expected);
        }
    }

    #[test]
    fn a_token_is_told_what_it_lacks() {
        use TokenError::{Critical, Missing, WrongKind};
        let verifier = Verifier::new(TokenKeys::secret(SECRET), None, None);
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let whole = serde_json::json!({"sub": "alice", "role": "user", "exp": 1_000});
        for (name, value, expected) in [
            ("email", Value::Null, Ok(())),
            ("aud", serde_json::json!(["a", "b"]), Ok(())),
            ("other", serde_json::json!({"a": 1}), Ok(())),
            ("sub", Value::Null, Err(Missing("sub"))),
            ("role", Value::Null, Err(Missing("role"))),
            ("exp", Value::Null, Err(Missing("exp"))),
            ("sub", 5.into(), Err(WrongKind("sub"))),
            ("exp", "1000".into(), Err(WrongKind("exp"))),
            ("exp", 1_000.5.into(), Err(WrongKind("exp"))),
            ("nbf", "0".into(), Err(WrongKind("nbf"))),
            ("tenant", 1.into(), Err(WrongKind("tenant"))),
        ] {
            let mut claims = whole.clone();
            claims[name] = value;
            let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
            assert_eq!(verifier.verify(&token, at(500)).map(|_| ()), expected, "{claims}");
        }
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove("exp");
        let token = jsonwebtoken::encode(&Header::default(), &without, &key).unwrap();
        assert_eq!(verifier.verify(&token, at(500)), Err(Missing("exp")));
        let critical = Header { crit: Some(vec!["x".to_owned()]), ..Header::default() };
        let token = jsonwebtoken::encode(&critical, &whole, &key).unwrap();
        assert_eq!(verifier.verify(&token, at(500)), Err(Critical));
    }
}
