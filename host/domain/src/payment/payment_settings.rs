//! With which credentials a tenant's payments are taken.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// A text that is shown nowhere: not in answers, not in the audit log, not in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// How a tenant takes payments, without the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PaymentSettings {
    /// The tenant's own shop with YooKassa; the host's, if it has one, where there is none.
    #[schema(required = true)]
    pub yookassa: Option<Shop>,
}

/// A shop with a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shop {
    /// As the provider calls it.
    pub shop_id: String,
    /// When its secret key was set, which is not shown again.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub secret_key_set_at: Timestamp,
}

/// Payment settings as an admin sends them: what is absent stays, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentSettingsPatch {
    #[allow(missing_docs, reason = "documented on PaymentSettings")]
    #[serde(deserialize_with = "crate::patch::given")]
    #[schema(value_type = Option<ShopDraft>, default = json!(null))]
    pub yookassa: Option<Option<ShopDraft>>,
}

/// A shop as an admin names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopDraft {
    #[allow(missing_docs, reason = "documented on Shop")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z_-]+$")]
    pub shop_id: String,
    /// What the provider gave for it. It stays where it is absent and the shop is the same.
    #[schema(min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    pub secret_key: Option<Secret>,
    /// Answers have it; it is not read.
    #[serde(default, rename = "secret_key_set_at")]
    #[schema(value_type = Option<UnixSeconds>)]
    pub ignored: Option<i64>,
}

/// What a provider knows a shop by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// As the provider calls the shop.
    pub shop_id: String,
    /// What it gave for it.
    pub secret_key: Secret,
}

/// Payment settings and their secret, which are kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentSetup {
    /// What is shown.
    pub settings: PaymentSettings,
    /// The shop's secret key.
    pub secret_key: Option<Secret>,
    /// Shops that there were before, the last one first: what was begun with them is heard of still.
    pub earlier: Vec<Credentials>,
}

impl PaymentSetup {
    /// How many shops of before are kept.
    pub const MOST_EARLIER: usize = 10;

    /// The shop with its secret, if there is one.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let (shop, secret_key) = (self.settings.yookassa.as_ref()?, self.secret_key.clone()?);
        Some(Credentials { shop_id: shop.shop_id.clone(), secret_key })
    }

    /// The shop of this id with its secret, if it is the one that there is or was.
    #[must_use]
    pub fn credentials_of(&self, shop_id: &str) -> Option<Credentials> {
        let all = self.credentials().into_iter().chain(self.earlier.iter().cloned());
        all.into_iter().find(|shop| shop.shop_id == shop_id)
    }

    /// The shops of before where this one is from now on: the one that there is goes among them.
    fn earlier_than(&self, shop_id: Option<&str>) -> Vec<Credentials> {
        let all = self.credentials().into_iter().chain(self.earlier.iter().cloned());
        let others = all.filter(|shop| Some(shop.shop_id.as_str()) != shop_id);
        others.take(Self::MOST_EARLIER).collect()
    }

    /// With the changes made.
    ///
    /// # Errors
    /// Names the field that is wrong or missing.
    pub fn patched(
        self,
        patch: Option<&PaymentSettingsPatch>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        match patch.and_then(|patch| patch.yookassa.as_ref()) {
            None => Ok(self),
            Some(None) => Ok(Self { earlier: self.earlier_than(None), ..Self::default() }),
            Some(Some(draft)) => {
                let earlier = self.earlier_than(Some(&draft.shop_id));
                Ok(Self { earlier, ..self.with_shop(draft, now)? })
            }
        }
    }

    fn with_shop(self, draft: &ShopDraft, now: Timestamp) -> Result<Self, Refusal> {
        let at = |field: &str| format!("payments.yookassa.{field}");
        let wrong = |field: &str, code: &str, message: &str| {
            Refusal::Invalid(vec![FieldError::new(&at(field), code, message)])
        };
        let is_shop_id = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !(1..=64).contains(&draft.shop_id.len()) || !draft.shop_id.bytes().all(is_shop_id) {
            let message = "shop_id must have 1 to 64 letters, digits, '_' or '-'.";
            return Err(wrong("shop_id", "invalid_shop_id", message));
        }
        let was = self.settings.yookassa.filter(|shop| shop.shop_id == draft.shop_id);
        let Some(given) = &draft.secret_key else {
            return match (was, self.secret_key) {
                (Some(shop), Some(secret_key)) => Ok(Self::of(shop, secret_key)),
                _ => {
                    let message = "secret_key is missing: the provider gave one with the shop.";
                    Err(wrong("secret_key", "missing_field", message))
                }
            };
        };
        let key = given.reveal();
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "secret_key must have 1 to 255 visible ASCII characters.";
            return Err(wrong("secret_key", "invalid_secret_key", message));
        }
        match (was, self.secret_key) {
            (Some(shop), Some(kept)) if kept == *given => Ok(Self::of(shop, kept)),
            _ => {
                let shop = Shop { shop_id: draft.shop_id.clone(), secret_key_set_at: now };
                Ok(Self::of(shop, given.clone()))
            }
        }
    }

    fn of(shop: Shop, secret_key: Secret) -> Self {
        let settings = PaymentSettings { yookassa: Some(shop) };
        Self { settings, secret_key: Some(secret_key), earlier: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn patched(before: PaymentSetup, json: &str, now: i64) -> Result<PaymentSetup, Refusal> {
        let patch: PaymentSettingsPatch = serde_json::from_str(json).unwrap();
        before.patched(Some(&patch), at(now))
    }

    #[test]
    fn a_shop_comes_with_its_key_keeps_it_and_changes_it() {
        let json = r#"{"yookassa":{"shop_id":"100","secret_key":"live_a"}}"#;
        let before = patched(PaymentSetup::default(), json, 1).unwrap();
        for (json, expected) in [
            ("{}", Some(("100", "live_a", 1))),
            (r#"{"yookassa":{"shop_id":"100"}}"#, Some(("100", "live_a", 1))),
            (r#"{"yookassa":{"shop_id":"100","secret_key_set_at":9}}"#, Some(("100", "live_a", 1))),
            (r#"{"yookassa":{"shop_id":"100","secret_key":"live_a"}}"#, Some(("100", "live_a", 1))),
            (r#"{"yookassa":{"shop_id":"100","secret_key":"live_b"}}"#, Some(("100", "live_b", 2))),
            (r#"{"yookassa":{"shop_id":"200","secret_key":"live_a"}}"#, Some(("200", "live_a", 2))),
            (r#"{"yookassa":null}"#, None),
        ] {
            let after = patched(before.clone(), json, 2).unwrap();
            let shop = after.settings.yookassa.as_ref();
            let key = after.secret_key.as_ref().map(Secret::reveal);
            let found = shop.map(|shop| {
                (shop.shop_id.as_str(), key.unwrap(), shop.secret_key_set_at.as_second())
            });
            assert_eq!(found, expected, "{json}");
        }
        for (json, field) in [
            (r#"{"yookassa":{"shop_id":"200"}}"#, "payments.yookassa.secret_key"),
            (r#"{"yookassa":{"shop_id":"","secret_key":"a"}}"#, "payments.yookassa.shop_id"),
            (r#"{"yookassa":{"shop_id":"a:b","secret_key":"a"}}"#, "payments.yookassa.shop_id"),
            (r#"{"yookassa":{"shop_id":"1","secret_key":" "}}"#, "payments.yookassa.secret_key"),
        ] {
            match patched(before.clone(), json, 2) {
                Err(Refusal::Invalid(errors)) => assert_eq!(errors[0].field, field, "{json}"),
                other => panic!("{json}: {other:?}"),
            }
        }
        let base_url = r#"{"yookassa":{"shop_id":"1","secret_key":"a","base_url":"http://x"}}"#;
        assert!(serde_json::from_str::<PaymentSettingsPatch>(base_url).is_err());
    }

    #[test]
    fn shops_of_before_are_known_still_the_last_ones_and_each_once() {
        let shop = |id: &str, key: &str| {
            format!(r#"{{"yookassa":{{"shop_id":"{id}","secret_key":"{key}"}}}}"#)
        };
        let mut setup = PaymentSetup::default();
        for (json, expected) in [
            (shop("1", "a"), &[][..]),
            // Another key of the same shop.
            (shop("1", "b"), &[]),
            (shop("2", "c"), &["1 b"]),
            (r#"{"yookassa":null}"#.to_owned(), &["2 c", "1 b"]),
            (r#"{"yookassa":null}"#.to_owned(), &["2 c", "1 b"]),
            // It is back, with another key.
            (shop("1", "d"), &["2 c"]),
            (shop("2", "c"), &["1 d"]),
            ("{}".to_owned(), &["1 d"]),
        ] {
            setup = patched(setup, &json, 1).unwrap();
            let shown =
                |shop: &Credentials| format!("{} {}", shop.shop_id, shop.secret_key.reveal());
            assert_eq!(setup.earlier.iter().map(shown).collect::<Vec<_>>(), expected, "{json}");
        }
        for (id, key) in [("1", Some("d")), ("2", Some("c")), ("3", None)] {
            let found = setup.credentials_of(id);
            assert_eq!(found.as_ref().map(|shop| shop.secret_key.reveal()), key, "{id}");
        }
        for id in 10..30 {
            setup = patched(setup, &shop(&id.to_string(), "x"), 1).unwrap();
        }
        let known = |id: &str| setup.credentials_of(id).is_some();
        assert!(known("29") && known("19") && !known("18") && !known("1"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("live_hidden".to_owned());
        let setup = PaymentSetup { secret_key: Some(secret), ..PaymentSetup::default() };
        assert!(!format!("{setup:?}").contains("hidden"));
    }
}
