//! Which part of a Camunda installation a request, a fact or an error is about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a Camunda 8 Self-Managed installation, as errors, spans, plans and reports name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Component {
    /// The Zeebe gateway (8.8+: the orchestration cluster) on its management port.
    Zeebe,
    /// One broker on its own management port.
    Broker(crate::BrokerId),
    /// The REST API on the application port (`/v1`, `/v2`).
    Rest,
    /// Operate, up to 8.7.
    Operate,
    /// Tasklist, up to 8.7.
    Tasklist,
    /// The combined web applications of 8.8+ (`backupHistory`).
    Webapps,
    /// Optimize.
    Optimize,
    /// Elasticsearch or OpenSearch.
    Store,
    /// The identity provider that hands out tokens.
    IdentityProvider,
    /// The journal of this library.
    Journal,
    /// This library itself.
    Library,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeebe => f.write_str("zeebe"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Rest => f.write_str("rest"),
            Self::Operate => f.write_str("operate"),
            Self::Tasklist => f.write_str("tasklist"),
            Self::Webapps => f.write_str("webapps"),
            Self::Optimize => f.write_str("optimize"),
            Self::Store => f.write_str("store"),
            Self::IdentityProvider => f.write_str("identity provider"),
            Self::Journal => f.write_str("journal"),
            Self::Library => f.write_str("camunda-backup"),
        }
    }
}
