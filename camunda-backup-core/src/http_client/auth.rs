//! How a request proves who sends it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Deserialize;

use super::oidc::OidcConfig;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// The credentials for one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// None. The actuators of Camunda need none unless a proxy is in front.
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A bearer token that somebody else renews.
    Bearer(Secret),
    /// An Elasticsearch API key, encoded as Elasticsearch hands it out (base64 of `id:key`).
    #[serde(alias = "api_key")]
    ApiKey(Secret),
    /// OIDC client credentials: one cached token, renewed before it expires and by one request only.
    Oidc(OidcConfig),
}

impl Auth {
    /// HTTP Basic.
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.to_owned(), password: Secret::new(password) }
    }

    /// The `Authorization` header of the kinds that need no request of their own.
    pub(super) fn static_header(&self) -> Result<Option<HeaderValue>, Error> {
        match self {
            Self::None | Self::Oidc(_) => Ok(None),
            Self::Basic { user, password } => {
                authorization("Basic", &STANDARD.encode(format!("{user}:{}", password.expose()))).map(Some)
            }
            Self::Bearer(token) => authorization("Bearer", token.expose()).map(Some),
            Self::ApiKey(key) => authorization("ApiKey", key.expose()).map(Some),
        }
    }

    /// Everything that must not be shown when a server repeats it, in the forms in which it was sent.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Basic { user, password } => {
                let sent = STANDARD.encode(format!("{user}:{}", password.expose()));
                vec![password.clone(), Secret::new(sent)]
            }
            Self::Bearer(secret) | Self::ApiKey(secret) => vec![secret.clone()],
            Self::Oidc(config) => super::oidc::secrets(&config.client_secret).into(),
        }
    }
}

/// An `Authorization` value that is marked as sensitive, so that no HTTP library prints it.
pub(super) fn authorization(scheme: &str, credentials: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {credentials}")).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("the {scheme} credentials hold a character that no header may hold"),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
