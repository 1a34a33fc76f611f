//! OIDC client credentials: one cached token per client, renewed early and by one request only.

use serde::Deserialize;
use url::Url;

use crate::secret::Secret;

/// Where and how to get a token with the client-credentials grant (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct OidcConfig {
    /// The token endpoint of the identity provider.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// The audience to ask for, if the provider wants one.
    #[serde(default)]
    pub audience: Option<String>,
    /// The scope to ask for, if the provider wants one.
    #[serde(default)]
    pub scope: Option<String>,
}
