//! Where a component is and how to authenticate there.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::Auth;
use crate::error::{Error, ErrorKind};
use crate::settings::Strict;
use crate::transport::{TlsConfig, Transport};

/// The full base URL of a component, any prefix included, the credentials for it and its TLS settings.
///
/// Credentials inside the URL (`https://user:password@host`) are moved into [`Auth::Basic`] and never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The base URL without credentials, query and fragment; its path has no trailing `/`.
    url: Url,
    /// How to authenticate.
    pub auth: Auth,
    /// Trust and client certificate of this address, in the place of the transport's.
    pub tls: Option<Box<TlsConfig>>,
}

/// An endpoint as data: its URL alone, or with credentials and TLS settings.
#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
struct RawEndpoint {
    url: String,
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    tls: Option<Box<TlsConfig>>,
}

impl<'de> Deserialize<'de> for RawEndpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UrlOrMap;

        impl<'de> Visitor<'de> for UrlOrMap {
            type Value = Endpoint;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or a map of `url`, `auth` and `tls`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<Endpoint, E> {
                Endpoint::new(url).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Endpoint, A::Error> {
                let raw = <RawEndpoint as Deserialize>::deserialize(MapAccessDeserializer::new(map))?;
                let mut endpoint = Endpoint::new(&raw.url).map_err(de::Error::custom)?;
                endpoint.tls = raw.tls;
                Ok(if raw.auth == Auth::None { endpoint } else { endpoint.with_auth(raw.auth) })
            }
        }

        deserializer.deserialize_any(UrlOrMap)
    }
}

impl Endpoint {
    /// An endpoint from its base URL, e.g. `http://operate:9600/operate`. Only `http` and `https` are accepted.
    pub fn new(url: &str) -> Result<Self, Error> {
        // The URL may hold a password: no message repeats it.
        let bad = |why: &str| Error::new(ErrorKind::Config, format!("an endpoint's URL {why}"));
        let mut url = Url::parse(url.trim()).map_err(|_| bad("cannot be parsed"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad("must begin with http:// or https:// and name a host"));
        }
        let auth = match (url.username(), url.password()) {
            ("", None) => Auth::None,
            (user, password) => {
                Auth::basic(&percent_decoded(user)?, &percent_decoded(password.unwrap_or(""))?)
            }
        };
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        if cleared.is_err() {
            return Err(bad("cannot be cleared of its credentials"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { url, auth, tls: None })
    }

    /// The same endpoint with other credentials.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The same endpoint with TLS settings of its own.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(Box::new(tls));
        self
    }

    /// The base URL, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The base URL as text without a trailing `/`, to put a path behind.
    pub fn base(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The URL of a path below the base; `path_and_query` begins with `/`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] for a path with a segment `.` or `..`: it would silently become another path, and a
    /// `DELETE /_snapshot/r/..` another request.
    pub fn join(&self, path_and_query: &str) -> Result<Url, Error> {
        let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
        let url = Url::parse(&format!("{}{path_and_query}", self.base())).ok();
        url.filter(|_| path.starts_with('/') && !path.split(['/', '\\']).any(is_dot_segment)).ok_or_else(
            || {
                let shown = crate::text::one_line(path_and_query);
                Error::new(ErrorKind::Internal, format!("{shown:?} does not make a URL below the endpoint"))
            },
        )
    }
}

impl std::str::FromStr for Endpoint {
    type Err = Error;
    fn from_str(url: &str) -> Result<Self, Error> {
        Self::new(url)
    }
}

/// What URL parsers take for `.` or `..`, percent-encoded or not.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// The TLS settings of one address as its transport has taken them.
pub(crate) fn adopted(
    transport: &Arc<dyn Transport>,
    tls: &TlsConfig,
    url: &Url,
) -> Result<Arc<TlsConfig>, Error> {
    if url.scheme() != "https" {
        let clean = without_credentials(url);
        let message = format!("{clean} has TLS settings (`tls`) and begins with http://");
        return Err(Error::new(ErrorKind::Config, message).with_advice("write https://, or take `tls` away"));
    }
    transport.adopt_tls(tls)
}

/// The same URL without user name and password.
pub(crate) fn without_credentials(url: &Url) -> Url {
    let mut clean = url.clone();
    // Both fail only for URLs that cannot hold credentials at all.
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean
}

fn percent_decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|hex| first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::Config, "credentials in a URL must be UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_prefix_and_moves_credentials_out_of_the_url() {
        let endpoint = Endpoint::new("https://jo:p%40ss@host:9600/operate/?x=1#y").unwrap();
        assert_eq!(endpoint.base(), "https://host:9600/operate");
        assert_eq!(endpoint.auth, Auth::basic("jo", "p@ss"));
        assert!(!format!("{endpoint:?}").contains("p@ss"));
        assert_eq!(
            endpoint.join("/actuator/info").unwrap().as_str(),
            "https://host:9600/operate/actuator/info"
        );
        assert_eq!(Endpoint::new("http://h").unwrap().join("/").unwrap().as_str(), "http://h/");
    }

    #[test]
    fn no_path_leaves_its_place() {
        let endpoint = Endpoint::new("http://h/p").unwrap();
        for bad in ["", "x", "/a/..", "/a/.", "/a/%2E%2e/b", "/a/.%2e?q", "/a\\..\\b"] {
            assert_eq!(endpoint.join(bad).unwrap_err().kind(), ErrorKind::Internal, "{bad:?}");
        }
        for good in ["/a/..b", "/.tasks/x?y=..", "/a,b*/c"] {
            assert_eq!(endpoint.join(good).unwrap().as_str(), format!("http://h/p{good}"));
        }
    }

    #[test]
    fn as_data_it_is_a_url_or_a_map_and_errors_say_which_setting_is_wrong() {
        let read = |json: &str| serde_json::from_str::<Endpoint>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#""http://h:1/p""#).unwrap().base(), "http://h:1/p");
        let full = read(r#"{"url": "http://h", "auth": {"basic": {"user": "u", "password": "p"}}}"#).unwrap();
        assert_eq!(full.auth, Auth::basic("u", "p"));
        assert_eq!(read(r#"{"url": "http://u:p@h"}"#).unwrap().auth, Auth::basic("u", "p"));
        for key in ["api-key", "api_key"] {
            let json = format!(r#"{{"url": "http://h", "auth": {{"{key}": "k"}}}}"#);
            assert_eq!(read(&json).unwrap().auth, Auth::ApiKey(crate::Secret::new("k")));
        }
        for (json, words) in [
            (r#"{"ulr": "http://h"}"#, "did you mean `url`"),
            (r#"{"url": "http://h", "auht": "none"}"#, "did you mean `auth`"),
            (r#"{"url": "http://h", "auth": {"basic": {"user": "u", "pasword": "hunter2"}}}"#, "pasword"),
            (
                r#"{"url": "http://h", "auth": {"oidc": {"token-url": "http://t", "client-id": "c", "client_secrt": "hunter2"}}}"#,
                "did you mean `client-secret`",
            ),
            (r#"{"url": "http://h", "auth": "hunter2"}"#, "auth: write `none`, or one of `basic`"),
            (r#"{"url": "http://h", "auth": {"basic": "u:hunter2"}}"#, "basic: write `user` and `password`"),
            (r#"{"url": "http://h", "auth": {"bearer": {"token": "hunter2"}}}"#, "bearer: "),
            (r#"{"url": "http://h", "auth": {"hunter": "hunter2"}}"#, "no kind of credentials `hunter`"),
            (
                r#"{"url": "http://h", "auth": {"bearer": "hunter2", "api-key": "x"}}"#,
                "2 kinds of credentials",
            ),
            (
                r#"{"url": "http://h", "auth": {"oidc": {"token-url": "hunter2", "client-id": "c", "client-secret": "s"}}}"#,
                "oidc: token-url: the OIDC token URL must begin with",
            ),
            (r#"{"url": "http://h", "url": "http://hunter2"}"#, "given twice"),
            ("7", "a URL, or a map of `url`, `auth` and `tls`"),
            (
                r#"{"url": "http://h", "tls": {"ca-fiel": "hunter2"}}"#,
                "tls: there is no setting `ca-fiel`; did you mean `ca-file`?",
            ),
            (r#""no url""#, "cannot be parsed"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(words) && !error.contains("hunter2"), "{json}: {error}");
        }
    }

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        assert_eq!(percent_decoded("%41%zz%+5%4%").unwrap(), "A%zz%+5%4%");
        assert!(percent_decoded("%ff").is_err());
    }

    #[test]
    fn refuses_without_repeating_the_url() {
        for bad in ["", "host:9600", "ftp://u:hunter2@h", "http://", "not a url hunter2"] {
            let error = Endpoint::new(bad).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
