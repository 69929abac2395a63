//! Endpoints of a tenant's own, that are told what happened.

pub mod address;
pub mod delivery;
pub mod event;
pub mod webhook_refusal;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};
use utoipa::ToSchema;

use self::address::is_public;
use self::event::EventType;
use crate::refusal::{FieldError, Refusal};
use crate::schema::UnixSeconds;
use crate::time::{self, Timestamp};

/// How long an old secret signs beside the new one, where nobody says otherwise.
pub const OVERLAP_HOURS: u32 = 24;
const LONGEST_OVERLAP_HOURS: u32 = 168;
const LONGEST_URL: usize = 2_000;
const LONGEST_DESCRIPTION: usize = 200;
const MOST_PATTERNS: usize = 50;

/// Where calls may go, as the operator has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// To addresses that are not on the open internet.
    pub private_networks: bool,
    /// Without TLS.
    pub http: bool,
}

/// An endpoint, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct Endpoint {
    /// Unique.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// What it listens to: names such as `plan.created`, and `plan.*` for all of a group. Everything, if there is none.
    pub events: Vec<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why it was switched off, where the server did it.
    #[schema(required = true)]
    pub disabled_reason: Option<String>,
    /// Until when the secret before the last change of it signs, too.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub old_secret_until: Option<Timestamp>,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub created_at: Timestamp,
    /// Unix seconds.
    #[serde(with = "time::seconds")]
    #[schema(value_type = UnixSeconds)]
    pub updated_at: Timestamp,
}

/// An endpoint, and how it fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookEndpointReport)]
pub struct EndpointReport {
    /// As it was asked for.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// Since when it has taken nothing, by the real clock; null while it takes what it is sent.
    #[serde(with = "time::optional_seconds")]
    #[schema(value_type = Option<UnixSeconds>, required = true)]
    pub failing_since: Option<Timestamp>,
    /// How many deliveries wait for it.
    pub pending: u64,
    /// How many events it was not told, since too many deliveries waited.
    pub missed: u64,
}

/// An endpoint as an admin asks for it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointDraft, examples(json!({"url": "https://shop.example/webhooks", "events": ["subscription.*"]})))]
pub struct EndpointDraft {
    /// It begins with `https://`, and leads out into the internet, unless the operator allows more.
    #[schema(min_length = 1, max_length = 2000)]
    pub url: String,
    #[allow(missing_docs, reason = "documented on Endpoint")]
    #[serde(default)]
    #[schema(max_length = 200)]
    pub description: String,
    #[allow(missing_docs, reason = "documented on Endpoint")]
    #[serde(default)]
    #[schema(max_items = 50)]
    pub events: Vec<String>,
}

/// What an admin wants changed of an endpoint: what is absent stays. What only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on Endpoint")]
#[schema(as = WebhookEndpointPatch, examples(json!({"events": ["plan.created", "subscription.*"], "enabled": true})))]
pub struct EndpointPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    pub url: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, max_length = 200)]
    pub description: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Vec<String>, max_items = 50)]
    pub events: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    pub enabled: Option<bool>,

    #[schema(value_type = serde_json::Value)]
    pub id: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub disabled_reason: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub old_secret_until: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub created_at: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub updated_at: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub failing_since: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub pending: IgnoredAny,
    #[schema(value_type = serde_json::Value)]
    pub missed: IgnoredAny,
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// How a secret is changed.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = WebhookRotation, examples(json!({"overlap_hours": 24})))]
pub struct Rotation {
    /// How long the secret that there was signs, too. 0 where it is known to somebody who should not know it.
    #[schema(value_type = u32, maximum = 168, default = 24)]
    pub overlap_hours: Option<u32>,
}

impl Rotation {
    /// When the secret that there was signs no more.
    ///
    /// # Errors
    /// Names `overlap_hours` if there are too many.
    pub fn end_of_old(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        let hours = self.overlap_hours.unwrap_or(OVERLAP_HOURS);
        let end = now.as_second().saturating_add(i64::from(hours) * 3_600);
        match Timestamp::from_second(end) {
            Ok(end) if hours <= LONGEST_OVERLAP_HOURS => Ok(end),
            _ => {
                let message = format!("overlap_hours must be at most {LONGEST_OVERLAP_HOURS}.");
                let error = FieldError::new("overlap_hours", "out_of_range", &message);
                Err(Refusal::Invalid(vec![error]))
            }
        }
    }
}

impl Endpoint {
    /// The endpoint that a draft asks for.
    ///
    /// # Errors
    /// Names the fields that are wrong in themselves.
    pub fn from_draft(
        id: String,
        draft: EndpointDraft,
        reach: Reach,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let endpoint = Self {
            id,
            url: draft.url,
            description: draft.description,
            events: draft.events,
            enabled: true,
            disabled_reason: None,
            old_secret_until: None,
            created_at: now,
            updated_at: now,
        };
        endpoint.checked(reach)
    }

    /// The endpoint with the changes made; the same one where nothing changes.
    ///
    /// # Errors
    /// Names the fields that are wrong in themselves.
    pub fn patched(
        &self,
        patch: EndpointPatch,
        reach: Reach,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let enabled = patch.enabled.unwrap_or(self.enabled);
        let patched = Self {
            url: patch.url.unwrap_or_else(|| self.url.clone()),
            description: patch.description.unwrap_or_else(|| self.description.clone()),
            events: patch.events.unwrap_or_else(|| self.events.clone()),
            enabled,
            disabled_reason: self.disabled_reason.clone().filter(|_| !enabled),
            ..self.clone()
        };
        let patched = patched.checked(reach)?;
        Ok(if patched == *self { patched } else { Self { updated_at: now, ..patched } })
    }

    /// Switched off by the server itself.
    #[must_use]
    pub fn disabled(&self, reason: &str, now: Timestamp) -> Self {
        let disabled_reason = Some(reason.to_owned());
        Self { enabled: false, disabled_reason, updated_at: now, ..self.clone() }
    }

    /// Whether it is to be told of an event.
    #[must_use]
    pub fn listens_to(&self, kind: EventType) -> bool {
        let is_meant = || self.events.iter().any(|pattern| kind.fits(pattern));
        self.enabled && (self.events.is_empty() || is_meant())
    }

    fn checked(self, reach: Reach) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let mut blame = |field: &str, code: &str, message: &str| {
            errors.push(FieldError::new(field, code, message));
        };
        let url = match read_url(&self.url, reach) {
            Ok(url) => url,
            Err(message) => {
                blame("url", "invalid_url", message);
                String::new()
            }
        };
        let description = self.description.trim().to_owned();
        if description.chars().count() > LONGEST_DESCRIPTION
            || description.chars().any(char::is_control)
        {
            let message = format!(
                "description must have at most {LONGEST_DESCRIPTION} characters, none of them a control character."
            );
            blame("description", "invalid_description", &message);
        }
        if self.events.len() > MOST_PATTERNS {
            let message = format!("events must be at most {MOST_PATTERNS}.");
            blame("events", "too_many", &message);
        }
        for (at, pattern) in self.events.iter().take(MOST_PATTERNS).enumerate() {
            if !told_types().any(|kind| kind.fits(pattern)) {
                let message = format!(
                    "'{}' is no event. There are {}, and a group such as plan.* for all of its events.",
                    pattern.chars().take(64).collect::<String>(),
                    told_types().map(EventType::as_str).collect::<Vec<_>>().join(", "),
                );
                blame(&format!("events[{at}]"), "unknown_event", &message);
            }
        }
        if errors.is_empty() {
            return Ok(Self { url, description, ..self });
        }
        Err(Refusal::Invalid(errors))
    }
}

/// What can be listened to; a test comes unasked.
fn told_types() -> impl Iterator<Item = EventType> {
    EventType::ALL.into_iter().filter(|kind| *kind != EventType::WebhookTest)
}

/// The URL as it is called, if it may be. Where a name leads is seen at each call.
fn read_url(text: &str, reach: Reach) -> Result<String, &'static str> {
    if text.len() > LONGEST_URL {
        return Err("url must have at most 2000 bytes.");
    }
    let Ok(url) = Url::parse(text.trim()) else {
        return Err("url must be one, such as https://shop.example/webhooks.");
    };
    match url.scheme() {
        "https" => {}
        "http" if reach.http => {}
        _ => return Err("url must begin with https://."),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("url must not hold a user or a password: calls are signed.");
    }
    if url.fragment().is_some() {
        return Err("url must not have a part behind #: it is never sent.");
    }
    if !reach.private_networks && leads_inside(&url) {
        return Err("url must not lead into a private network.");
    }
    Ok(url.into())
}

/// Whether a URL names an address that is not on the open internet. One with a name is none until it is resolved.
#[must_use]
pub fn leads_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

#[cfg(test)]
mod tests;
