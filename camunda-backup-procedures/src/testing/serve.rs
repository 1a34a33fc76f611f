//! The simulated cluster on loopback sockets, so that `curl` and other languages' tests can talk to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::{Effect, Endpoint, Request, Result, Transport};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::cluster::{STORE_URL, misuse};
use super::{SimulatedCluster, operations};
use crate::connection::config::ClusterConfig;

/// The longest request body that the simulation takes.
const MAX_REQUEST: usize = 16 * 1024 * 1024;
/// How long the simulation waits for itself: the sender on the other side of the socket has time-outs of its own.
const NO_LIMIT: Duration = Duration::from_secs(3600);

/// A simulated cluster that listens on loopback, one port for each of its addresses. Dropping it closes the ports.
#[derive(Debug)]
pub struct ServedCluster {
    addresses: BTreeMap<String, SocketAddr>,
    config: ClusterConfig,
    _servers: JoinSet<()>,
}

impl ServedCluster {
    /// The configuration with the real, listening addresses.
    pub fn config(&self) -> ClusterConfig {
        self.config.clone()
    }

    /// The listening address of each simulated one, such as `http://operate.sim:9600`.
    pub fn addresses(&self) -> &BTreeMap<String, SocketAddr> {
        &self.addresses
    }
}

impl SimulatedCluster {
    /// Listens on loopback ports chosen by the system. Faults apply as to [`SimulatedCluster::transport`]: component and
    /// operation are recognised by method and path, and a request that none of the clients makes is `unknown`. A lost
    /// connection is a connection closed without an answer. One address may serve two components (from 8.8 on Zeebe and
    /// the web applications): reads of `/actuator` and `/actuator/info` there count as Zeebe's.
    ///
    /// # Errors
    /// `Config` when no port can be opened.
    ///
    /// # Cancellation
    /// Dropping the future opens nothing that stays.
    pub async fn serve(&self) -> Result<ServedCluster> {
        let mut config = self.config()?;
        let mut servers = JoinSet::new();
        let mut addresses = BTreeMap::new();
        let simulated = self.inner.camunda.addresses();
        let mut urls = vec![STORE_URL.to_owned(), simulated.gateway, simulated.rest];
        urls.extend(
            [simulated.operate, simulated.tasklist, simulated.webapps, simulated.optimize]
                .into_iter()
                .flatten(),
        );
        urls.extend(simulated.brokers.into_iter().map(|(_, url)| url));
        for url in urls {
            if addresses.contains_key(&url) {
                continue;
            }
            let listener =
                TcpListener::bind("127.0.0.1:0").await.map_err(|error| misuse(&error.to_string()))?;
            let address = listener.local_addr().map_err(|error| misuse(&error.to_string()))?;
            let base = Url::parse(&url).map_err(|_| misuse("a simulated address is not a URL"))?;
            servers.spawn(listen(self.clone(), listener, Arc::new(base)));
            addresses.insert(url, address);
        }
        readdress(&mut config, &addresses)?;
        Ok(ServedCluster { addresses, config, _servers: servers })
    }
}

/// Replaces the simulated addresses in a configuration by the listening ones.
fn readdress(config: &mut ClusterConfig, addresses: &BTreeMap<String, SocketAddr>) -> Result<()> {
    let real = |endpoint: &Endpoint| -> Result<Endpoint> {
        let address =
            addresses.get(endpoint.base()).ok_or_else(|| misuse("a simulated address is not served"))?;
        Ok(Endpoint::new(&format!("http://{address}"))?.with_auth(endpoint.auth.clone()))
    };
    config.zeebe = real(&config.zeebe)?;
    let optional = [
        &mut config.rest,
        &mut config.operate,
        &mut config.tasklist,
        &mut config.webapps,
        &mut config.optimize,
        &mut config.store,
    ];
    for endpoint in optional.into_iter().flatten().chain(config.brokers.values_mut()) {
        *endpoint = real(endpoint)?;
    }
    Ok(())
}

async fn listen(cluster: SimulatedCluster, listener: TcpListener, base: Arc<Url>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(cluster.clone(), stream, Arc::clone(&base)));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(cluster: SimulatedCluster, stream: TcpStream, base: Arc<Url>) {
    let service = hyper::service::service_fn(move |request| {
        let (cluster, base) = (cluster.clone(), Arc::clone(&base));
        async move { answer(&cluster, &base, request).await }
    });
    // An error means that the peer went away or that a fault closed the connection.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulated connection is lost")
    }
}

impl std::error::Error for Lost {}

async fn answer(
    cluster: &SimulatedCluster,
    base: &Url,
    incoming: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Lost> {
    let (head, body) = incoming.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect().await.map_err(|_| Lost)?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let url = base.join(path).map_err(|_| Lost)?;
    let (component, operation) = operations::recognise(&head.method, &url);
    let mut request = Request::new(component, operation, Effect::Once, head.method, url);
    request.headers = head.headers;
    request.body = body;
    request.timeouts = Timeouts { read: NO_LIMIT, total: NO_LIMIT, ..Timeouts::DEFAULT };
    // In a task of its own: a request that has arrived takes effect also when its sender gives up and hangs up.
    let cluster = cluster.clone();
    let answered = tokio::spawn(async move { cluster.send(request).await });
    let response = answered.await.map_err(|_| Lost)?.map_err(|error| {
        debug_assert!(error.kind != TransportErrorKind::Unsendable);
        Lost
    })?;
    let mut outgoing = http::Response::new(Full::new(response.body));
    *outgoing.status_mut() = response.status;
    *outgoing.headers_mut() = response.headers;
    Ok(outgoing)
}
