//! OIDC client credentials: who we are to an identity provider, and the tokens it hands out.

mod tokens;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::without_credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::settings::Strict;
use crate::transport::TlsConfig;

pub(super) use tokens::Tokens;

/// Where and how to get a token with the client-credentials grant (RFC 6749, section 4.4).
///
/// The client's id and secret are sent in the form body (`client_secret_post`), as Camunda's own clients do.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
#[non_exhaustive]
pub struct OidcConfig {
    /// The token endpoint of the identity provider, e.g.
    /// `https://keycloak/realms/camunda-platform/protocol/openid-connect/token`.
    #[serde(deserialize_with = "token_url")]
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
    /// Trust and client certificate of the provider's address, in the place of the transport's.
    #[serde(default)]
    pub tls: Option<Box<TlsConfig>>,
}

impl<'de> Deserialize<'de> for OidcConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl OidcConfig {
    /// A client at a token endpoint, without audience and scope.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the URL is not an absolute `http` or `https` URL. The URL is not repeated.
    pub fn new(token_url: &str, client_id: &str, client_secret: Secret) -> Result<Self> {
        let token_url = parsed(token_url)?;
        let client_id = client_id.to_owned();
        Ok(Self { token_url, client_id, client_secret, audience: None, scope: None, tls: None })
    }

    /// The body of the token request.
    fn form(&self) -> Bytes {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose());
        for (name, value) in [("audience", &self.audience), ("scope", &self.scope)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        Bytes::from(form.finish())
    }
}

/// By hand, because serde's own message repeats the text, and it may hold a password.
fn token_url<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Url, D::Error> {
    parsed(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn parsed(token_url: &str) -> Result<Url> {
    let url = Url::parse(token_url.trim()).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
        Error::new(ErrorKind::Config, "the OIDC token URL must begin with http:// or https://")
    })
}

impl fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcConfig")
            .field("token_url", &without_credentials(&self.token_url).as_str())
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("audience", &self.audience)
            .field("scope", &self.scope)
            .field("tls", &self.tls)
            .finish()
    }
}

/// A secret, and how it looks in a form.
pub(super) fn secrets(secret: &Secret) -> [Secret; 2] {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.expose().as_bytes()).collect();
    [secret.clone(), Secret::new(encoded)]
}
