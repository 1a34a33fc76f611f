//! How a request proves who sends it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::oidc::OidcConfig;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::settings::{self, Strict};

/// The credentials for one endpoint. As data it is `none`, or a map of one kind to its values: `{bearer: …}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    ApiKey(Secret),
    /// OIDC client credentials: one cached token, renewed before it expires and by one request only.
    Oidc(OidcConfig),
}

/// HTTP Basic as data.
#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
struct Basic {
    user: String,
    password: Secret,
}

impl<'de> Deserialize<'de> for Basic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

const KINDS: &str = "write `none`, or one of `basic`, `bearer`, `api-key` and `oidc` with its values";

/// By hand, because serde's own messages repeat the value: `unknown variant` and then the token.
impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kinds = match settings::anything(deserializer)? {
            Value::String(word) if word == "none" => return Ok(Self::None),
            Value::Object(kinds) if kinds.len() == 1 => kinds,
            Value::Object(kinds) if kinds.len() > 1 => {
                return Err(D::Error::custom(format!(
                    "there are {} kinds of credentials: {KINDS}",
                    kinds.len()
                )));
            }
            _ => return Err(D::Error::custom(KINDS)),
        };
        let (kind, values) = kinds.into_iter().next().unwrap_or_default();
        let within = |error: serde_json::Error| D::Error::custom(format!("{kind}: {error}"));
        match kind.replace('_', "-").as_str() {
            "basic" if values.is_object() => {
                let Basic { user, password } = <Basic as Deserialize>::deserialize(values).map_err(within)?;
                Ok(Self::Basic { user, password })
            }
            "basic" => Err(D::Error::custom("basic: write `user` and `password`, each with its value")),
            "bearer" => Secret::deserialize(values).map(Self::Bearer).map_err(within),
            "api-key" => Secret::deserialize(values).map(Self::ApiKey).map_err(within),
            "oidc" if values.is_object() => {
                <OidcConfig as Deserialize>::deserialize(values).map(Self::Oidc).map_err(within)
            }
            "oidc" => Err(D::Error::custom("oidc: write `token-url`, `client-id` and `client-secret`")),
            other => {
                let shown = crate::text::one_line(other);
                Err(D::Error::custom(format!("there is no kind of credentials `{shown}`: {KINDS}")))
            }
        }
    }
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
