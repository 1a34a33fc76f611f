//! How connections are made: trust, client certificate, proxy. Plain data, so it exists without any HTTP library.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::http_client::Endpoint;
use crate::secret::Secret;
use crate::settings::Strict;

/// How a transport makes its connections. The default trusts the system's certificate authorities, shows no client
/// certificate and uses no proxy; proxy variables of the environment are ignored.
///
/// `Debug` never shows the key or the proxy's credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", default, rename_all = "kebab-case")]
pub struct TransportConfig {
    /// Trust and client certificate for `https`.
    pub tls: TlsConfig,
    /// An HTTP proxy for every request, e.g. `http://user:password@proxy:3128`. Only Basic credentials are possible.
    pub proxy: Option<Endpoint>,
    /// Hosts that are reached without the proxy, as in `NO_PROXY`: `localhost,10.0.0.0/8,.svc.cluster.local`.
    pub no_proxy: Option<String>,
}

impl<'de> Deserialize<'de> for TransportConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

/// Whom to trust and who we are, all in PEM.
///
/// `Debug` says only what is there: files that hold a certificate and its key together are common.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", default, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// Certificates of additional authorities to trust, one or more PEM blocks.
    pub ca_pem: Option<String>,
    /// Trust the authorities in `ca_pem` only, not the system's.
    pub only_given_ca: bool,
    /// Our client certificate (mTLS), leaf first, then its intermediates. Needs `client_key_pem`.
    pub client_cert_pem: Option<String>,
    /// The private key of the client certificate: PKCS#8, PKCS#1 or SEC1, not encrypted. Needs `client_cert_pem`.
    pub client_key_pem: Option<Secret>,
}

impl<'de> Deserialize<'de> for TlsConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("ca_pem", &self.ca_pem.is_some())
            .field("only_given_ca", &self.only_given_ca)
            .field("client_cert_pem", &self.client_cert_pem.is_some())
            .field("client_key_pem", &self.client_key_pem.is_some())
            .finish()
    }
}
