//! How connections are made: trust, client certificate, proxy. Plain data, so it exists without any HTTP library.

use serde::{Deserialize, Deserializer};

use crate::http_client::Endpoint;
use crate::settings::Strict;
use crate::transport::tls::TlsConfig;

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
