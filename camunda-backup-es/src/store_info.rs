//! What a search store says about itself.

use serde::{Deserialize, Serialize};

use crate::flavor::StoreVersion;

/// What a search store says about itself on `GET /`. Holds no address and no secret, so it may be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// Flavour and version.
    pub version: StoreVersion,
    /// The cluster's name; empty when the build does not serve `GET /`.
    pub cluster_name: String,
    /// The cluster's uuid; `None` while it has no master (`_na_`) and on builds that do not serve `GET /`.
    pub cluster_uuid: Option<String>,
}
