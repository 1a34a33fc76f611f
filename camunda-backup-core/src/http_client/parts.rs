//! Credentials and endpoints from separate strings, as environment variables and Kubernetes secrets hold them.

use serde::Deserialize;

use super::{Auth, Endpoint, OidcConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::transport::TlsConfig;

/// The parts that credentials are made of. Those of one kind must be complete and those of all others missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AuthParts {
    /// Basic: the user's name.
    pub user: Option<String>,
    /// Basic: the password.
    pub password: Option<Secret>,
    /// A bearer token.
    pub token: Option<Secret>,
    /// An Elasticsearch API key, encoded.
    pub api_key: Option<Secret>,
    /// OIDC: the token endpoint.
    pub oidc_token_url: Option<String>,
    /// OIDC: the client's id.
    pub oidc_client_id: Option<String>,
    /// OIDC: the client's secret.
    pub oidc_client_secret: Option<Secret>,
    /// OIDC: the audience, if the provider wants one.
    pub oidc_audience: Option<String>,
    /// OIDC: the scope, if the provider wants one.
    pub oidc_scope: Option<String>,
}

impl AuthParts {
    /// Asks `lookup` for `{prefix}_USER`, `_PASSWORD`, `_TOKEN`, `_API_KEY`, `_OIDC_TOKEN_URL`, `_OIDC_CLIENT_ID`,
    /// `_OIDC_CLIENT_SECRET`, `_OIDC_AUDIENCE` and `_OIDC_SCOPE`. Empty values count as missing.
    pub fn from_lookup(prefix: &str, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| lookup(&format!("{prefix}_{name}")).filter(|value| !value.is_empty());
        let secret = |name: &str| text(name).map(Secret::new);
        Self {
            user: text("USER"),
            password: secret("PASSWORD"),
            token: secret("TOKEN"),
            api_key: secret("API_KEY"),
            oidc_token_url: text("OIDC_TOKEN_URL"),
            oidc_client_id: text("OIDC_CLIENT_ID"),
            oidc_client_secret: secret("OIDC_CLIENT_SECRET"),
            oidc_audience: text("OIDC_AUDIENCE"),
            oidc_scope: text("OIDC_SCOPE"),
        }
    }

    /// The kinds of which at least one part is there.
    fn kinds(&self) -> Vec<&'static str> {
        let oidc = [&self.oidc_token_url, &self.oidc_client_id, &self.oidc_audience, &self.oidc_scope];
        [
            ("user and password", self.user.is_some() || self.password.is_some()),
            ("token", self.token.is_some()),
            ("API key", self.api_key.is_some()),
            ("OIDC", self.oidc_client_secret.is_some() || oidc.iter().any(|part| part.is_some())),
        ]
        .into_iter()
        .filter_map(|(kind, is_there)| is_there.then_some(kind))
        .collect()
    }
}

impl Auth {
    /// Credentials from their parts; [`Auth::None`] when there are none.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when parts of two kinds are there or a part is missing; it names parts, never values.
    pub fn from_parts(parts: AuthParts) -> Result<Self> {
        let kinds = parts.kinds();
        if kinds.len() > 1 {
            let kinds = kinds.join(" and ");
            return Err(bad(format!("credentials of more than one kind are configured: {kinds}")));
        }
        if let Some(token) = parts.token {
            return Ok(Self::Bearer(token));
        }
        if let Some(key) = parts.api_key {
            return Ok(Self::ApiKey(key));
        }
        if kinds == ["OIDC"] {
            let mut config = OidcConfig::new(
                &part("OIDC token URL", parts.oidc_token_url)?,
                &part("OIDC client id", parts.oidc_client_id)?,
                part("OIDC client secret", parts.oidc_client_secret)?,
            )?;
            config.audience = parts.oidc_audience;
            config.scope = parts.oidc_scope;
            return Ok(Self::Oidc(config));
        }
        if kinds.is_empty() {
            return Ok(Self::None);
        }
        Ok(Self::Basic { user: part("user", parts.user)?, password: part("password", parts.password)? })
    }
}

impl Endpoint {
    /// Asks `lookup` for `{prefix}_URL`, the credentials of [`AuthParts::from_lookup`] and the files of
    /// [`TlsConfig::from_lookup`]; `None` without a URL.
    ///
    /// Credentials of their own win over those inside the URL.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL or credentials that cannot be used, and for credentials or files without a URL.
    pub fn from_lookup(prefix: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let name = format!("{prefix}_URL");
        let auth = Auth::from_parts(AuthParts::from_lookup(prefix, &lookup))
            .map_err(|error| bad(format!("{prefix}: {}", error.message())))?;
        let tls = TlsConfig::from_lookup(prefix, &lookup);
        match (lookup(&name).filter(|url| !url.trim().is_empty()), auth) {
            (None, Auth::None) if tls.is_none() => Ok(None),
            (None, Auth::None) => Err(bad(format!("{prefix}: there are TLS files, but {name} is missing"))),
            (None, _) => Err(bad(format!("{prefix}: there are credentials, but {name} is missing"))),
            (Some(url), auth) => {
                let mut endpoint =
                    Self::new(&url).map_err(|error| bad(format!("{name}: {}", error.message())))?;
                endpoint.tls = tls.map(Box::new);
                Ok(Some(if auth == Auth::None { endpoint } else { endpoint.with_auth(auth) }))
            }
        }
    }
}

fn part<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| bad(format!("the {name} is missing")))
}

fn bad(why: String) -> Error {
    Error::new(ErrorKind::Config, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variables: &[(&str, &str)]) -> Result<Option<Endpoint>> {
        Endpoint::from_lookup("ZEEBE", |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_kind_comes_from_its_variables() {
        let url = ("ZEEBE_URL", "http://u:p@zeebe:9600");
        let auth = |variables: &[(&str, &str)]| endpoint(variables).unwrap().unwrap().auth;
        assert_eq!(auth(&[url]), Auth::basic("u", "p"));
        assert_eq!(auth(&[url, ("ZEEBE_TOKEN", "t")]), Auth::Bearer(Secret::new("t")));
        assert_eq!(auth(&[url, ("ZEEBE_API_KEY", "k")]), Auth::ApiKey(Secret::new("k")));
        assert_eq!(auth(&[url, ("ZEEBE_USER", "v"), ("ZEEBE_PASSWORD", "w")]), Auth::basic("v", "w"));
        let oidc = [
            url,
            ("ZEEBE_OIDC_TOKEN_URL", "https://idp/token"),
            ("ZEEBE_OIDC_CLIENT_ID", "id"),
            ("ZEEBE_OIDC_CLIENT_SECRET", "s"),
            ("ZEEBE_OIDC_SCOPE", "x"),
        ];
        let Auth::Oidc(config) = auth(&oidc) else { panic!("not OIDC") };
        assert_eq!((config.scope.as_deref(), config.audience), (Some("x"), None));
        let files = endpoint(&[url, ("ZEEBE_CA_FILE", "/ca.pem"), ("ZEEBE_CLIENT_KEY_FILE", "/key.pem")]);
        let tls = files.unwrap().unwrap().tls.unwrap();
        assert_eq!((tls.ca_file, tls.client_key_file), (Some("/ca.pem".into()), Some("/key.pem".into())));
        assert!(endpoint(&[url]).unwrap().unwrap().tls.is_none());
        assert_eq!(endpoint(&[]).unwrap(), None);
        assert_eq!(endpoint(&[("ZEEBE_URL", "")]).unwrap(), None);
    }

    #[test]
    fn incomplete_and_contradicting_parts_are_named_without_their_values() {
        let url = ("ZEEBE_URL", "http://zeebe");
        for (variables, words) in [
            (vec![url, ("ZEEBE_USER", "TAINT")], "the password is missing"),
            (vec![url, ("ZEEBE_PASSWORD", "TAINT")], "the user is missing"),
            (vec![url, ("ZEEBE_TOKEN", "TAINT"), ("ZEEBE_API_KEY", "TAINT")], "token and API key"),
            (vec![url, ("ZEEBE_OIDC_SCOPE", "TAINT")], "the OIDC token URL is missing"),
            (vec![("ZEEBE_TOKEN", "TAINT")], "ZEEBE_URL is missing"),
            (vec![("ZEEBE_CA_FILE", "TAINT")], "TLS files, but ZEEBE_URL is missing"),
            (vec![("ZEEBE_URL", "TAINT")], "ZEEBE_URL: an endpoint's URL cannot be parsed"),
        ] {
            let error = endpoint(&variables).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error:?}").contains("TAINT"), "{error:?}");
        }
    }
}
