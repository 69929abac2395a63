//! A region: where something is sold. Prices are by region, and plugins know it by its name.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::patch::given;
use crate::refusal::Refusal;
use crate::schema::DateTime;
use crate::tenant::read_name;
use crate::time::{self, Timestamp};

/// A region as the catalog holds it and as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// Never used again.
    pub id: u64,
    /// Unique in its tenant.
    pub name: String,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "time::rfc3339")]
    #[schema(value_type = DateTime)]
    pub updated_at: Timestamp,
}

/// A region as an admin asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionDraft {
    #[allow(missing_docs, reason = "documented on Region")]
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// What of a region is to change; what only an answer sets is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "documented on Region")]
pub struct RegionPatch {
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    #[schema(value_type = Value)]
    pub id: IgnoredAny,
    #[schema(value_type = Value)]
    pub created_at: IgnoredAny,
    #[schema(value_type = Value)]
    pub updated_at: IgnoredAny,
}

impl Region {
    /// The region that a draft asks for.
    ///
    /// # Errors
    /// Names `name` if it is no name.
    pub fn from_draft(id: u64, draft: &RegionDraft, now: Timestamp) -> Result<Self, Refusal> {
        let name = read_name(&draft.name).map_err(Refusal::unfit)?;
        Ok(Self { id, name, created_at: time::whole(now), updated_at: time::whole(now) })
    }

    /// The region with the changes made; the same one if nothing changes.
    ///
    /// # Errors
    /// As [`Region::from_draft`].
    pub fn patched(&self, patch: &RegionPatch, now: Timestamp) -> Result<Self, Refusal> {
        let Some(name) = &patch.name else { return Ok(self.clone()) };
        let name = read_name(name).map_err(Refusal::unfit)?;
        if name == self.name {
            return Ok(self.clone());
        }
        Ok(Self { name, updated_at: time::whole(now), ..self.clone() })
    }
}
