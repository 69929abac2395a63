//! What several commands read from their arguments.

use clap::ValueEnum;
use planwright_domain::tenant::caller::TenantId;

/// What somebody may do.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum RoleName {
    User,
    Service,
    Admin,
    Operator,
}

impl RoleName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }
}

/// A tenant by its id.
pub(super) fn parse_tenant(text: &str) -> Result<TenantId, String> {
    TenantId::new(text).ok_or_else(|| format!("'{text}' is no tenant's id: a-z, 0-9 and '-'"))
}

/// A friendly duration as seconds.
pub(super) fn parse_ttl(text: &str) -> Result<i64, String> {
    let wrong = || format!("'{text}' is no duration; write it like 10m, 1h or 30d");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let day_is_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(day_is_24_hours).map_err(|_| wrong())?;
    let seconds = duration.as_secs();
    if seconds <= 0 { Err(wrong()) } else { Ok(seconds) }
}

/// Says how far something long has come, and not too often.
#[derive(Default)]
pub(super) struct Milestones(u64);

impl Milestones {
    const EVERY: u64 = 100_000;

    /// How many rows are done, when it is time to say so again.
    pub(super) fn reached(&mut self, rows: u64) -> Option<u64> {
        let reached = rows / Self::EVERY;
        (reached > self.0).then(|| {
            self.0 = reached;
            reached * Self::EVERY
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_people_write_it() {
        for (text, expected) in [
            ("1h", Some(3_600)),
            ("10m", Some(600)),
            ("30d", Some(2_592_000)),
            ("1h30m", Some(5_400)),
            ("90 seconds", Some(90)),
            ("0s", None),
            ("-1h", None),
            ("1 month", None),
            ("soon", None),
            ("60", None),
        ] {
            assert_eq!(parse_ttl(text).ok(), expected, "{text}");
        }
    }
}
