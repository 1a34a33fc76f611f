//! What connecting to a Zeebe may be given beside the gateway's address.

use std::collections::BTreeMap;
use std::sync::Arc;

use camunda_backup_core::{BrokerId, CamundaVersion, Endpoint, Transport};

/// What [`Zeebe::connect_with`](crate::Zeebe::connect_with) may be given. Everything has a default, but the transport
/// without the `reqwest` feature.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ZeebeOptions {
    /// The management address of each broker: only brokers know what they export.
    pub brokers: BTreeMap<BrokerId, Endpoint>,
    /// The application address that serves `/v1` (8.5) or `/v2` (8.6+): the topology, and on 8.10 everything.
    pub rest: Option<Endpoint>,
    /// The version where the gateway does not tell it, up to 8.3.
    pub version: Option<CamundaVersion>,
    /// On 8.10 use the actuators also where the REST address is known.
    pub prefer_actuators: bool,
    /// Sends the requests. Default: reqwest with rustls and the system's certificates.
    pub transport: Option<Arc<dyn Transport>>,
}

impl ZeebeOptions {
    /// With the management address of one more broker.
    #[must_use]
    pub fn with_broker(mut self, id: BrokerId, endpoint: Endpoint) -> Self {
        self.brokers.insert(id, endpoint);
        self
    }

    /// With the REST address.
    #[must_use]
    pub fn with_rest(mut self, endpoint: Endpoint) -> Self {
        self.rest = Some(endpoint);
        self
    }

    /// With a declared version.
    #[must_use]
    pub fn with_version(mut self, version: CamundaVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// With a transport of the caller's: an own CA, a proxy, or a simulated Camunda.
    #[must_use]
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }
}
