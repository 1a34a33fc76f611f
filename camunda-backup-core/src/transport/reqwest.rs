//! The transport over reqwest and rustls. The only file that names reqwest.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, header};
use tokio::time::timeout;

use super::config::TransportConfig;
use super::reason::{self, Setup};
use super::tls::TlsConfig;
use super::{Effect, Request, Response, Timeouts, Transport, TransportError, TransportErrorKind};
use crate::error::{Error, ErrorKind};
use crate::http_client::{Auth, Endpoint};

/// Distinct connect limits for which connections are kept. A program has one or two; the bound is for odd callers.
const MAX_CLIENTS: usize = 16;

/// TLS settings for which connections are kept. A program has a handful; the bound is for one that renews certificates for
/// years.
const MAX_SETTINGS: usize = 32;

/// HTTP/1.1 over TCP or TLS (rustls), with kept connections and gzip.
///
/// # Guarantees
/// * A request is sent at most once: no redirect is followed, and reqwest's own retries are off. What remains is
///   hyper's renewal of a kept connection that was closed before the first byte of the request was written.
/// * Only reads use kept connections. A request that changes something gets a connection of its own: on a kept one that
///   the server closes at the same moment, or that a firewall has forgotten meanwhile, its outcome would be unknown without
///   need, and a pause of exporting would have to be waited for as if it could come late.
/// * The body is counted after decompression while it arrives; at [`Request::max_body`] the connection is dropped.
/// * No environment variable is read: no hidden proxy.
///
/// # Cancellation
/// Dropping the future closes the request's connection; whether the server acts on what it got is unknown.
pub struct ReqwestTransport {
    config: TransportConfig,
    /// The clients of each TLS setting; the first is the transport's own.
    clients: Mutex<Vec<Clients>>,
}

struct Clients {
    /// With the contents of its files.
    tls: Arc<TlsConfig>,
    pools: BTreeMap<Pool, reqwest::Client>,
}

/// reqwest fixes the connect limit per client, so there is one client for each limit, and one that keeps nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pool {
    connect: Duration,
    keeps_connections: bool,
}

impl ReqwestTransport {
    /// A transport for `config`. Reads the system's certificates and the configured files; connects to nobody.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a certificate, key or proxy cannot be used.
    pub fn new(config: TransportConfig) -> Result<Self, Error> {
        let own = clients_for(&config, &config.tls)?;
        Ok(Self { config, clients: Mutex::new(vec![own]) })
    }

    fn client(&self, request: &Request) -> Result<reqwest::Client, TransportError> {
        let pool =
            Pool { connect: request.timeouts.connect, keeps_connections: request.effect == Effect::Read };
        let unsendable = |error: Error| TransportError::new(TransportErrorKind::Unsendable, error.message());
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match &request.tls {
            None => 0,
            Some(tls) => self.place_of(&mut clients, tls).map_err(unsendable)?,
        };
        let Clients { tls, pools } = &mut clients[place];
        if let Some(client) = pools.get(&pool) {
            return Ok(client.clone());
        }
        let client = build(&self.config, tls, pool).map_err(unsendable)?;
        if pools.len() >= MAX_CLIENTS {
            pools.clear();
        }
        pools.insert(pool, client.clone());
        Ok(client)
    }

    /// Where the clients for these settings are; made if they are new, or were given up for newer ones.
    fn place_of(&self, clients: &mut Vec<Clients>, tls: &TlsConfig) -> Result<usize, Error> {
        let same = |known: &Clients| known.tls.as_ref() == tls;
        if let Some(place) = clients.iter().position(same) {
            return Ok(place);
        }
        keep(clients, clients_for(&self.config, tls)?);
        Ok(clients.len() - 1)
    }

    fn setup_of(&self, request: &Request) -> Setup {
        let tls = request.tls.as_deref().unwrap_or(&self.config.tls);
        Setup {
            https: request.url.scheme() == "https",
            with_ca: tls.ca_pem.is_some() || tls.ca_file.is_some(),
            with_system_ca: !tls.only_given_ca,
            with_client_certificate: tls.client_cert_pem.is_some() || tls.client_cert_file.is_some(),
        }
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let client = self.client(&request)?;
        let total = request.timeouts.total;
        let setup = self.setup_of(&request);
        match timeout(total, exchange(&client, request)).await {
            Ok(result) => result.map_err(|error| explained(error, setup)),
            Err(_) => Err(timed_out("no complete answer", total)),
        }
    }

    fn adopt_tls(&self, tls: &TlsConfig) -> Result<Arc<TlsConfig>, Error> {
        // By its own names first, so that an error tells the file that is wrong.
        let Clients { tls: loaded, pools } = clients_for(&self.config, tls)?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.iter().find(|known| known.tls == loaded) {
            return Ok(Arc::clone(&known.tls));
        }
        keep(&mut clients, Clients { tls: Arc::clone(&loaded), pools });
        Ok(loaded)
    }
}

async fn exchange(client: &reqwest::Client, request: Request) -> Result<Response, TransportError> {
    let Timeouts { connect, read, .. } = request.timeouts;
    let mut headers = request.headers;
    if request.body.is_empty() && matches!(request.method, Method::POST | Method::PUT) {
        // hyper leaves it out, and there are proxies that answer 411.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut outgoing = reqwest::Request::new(request.method, request.url);
    *outgoing.headers_mut() = headers;
    *outgoing.body_mut() = Some(request.body.into());
    // The connect limit comes first, so that a connection that cannot be made is never taken for a slow answer.
    let head_limit = connect.saturating_add(read);
    let mut answer = match timeout(head_limit, client.execute(outgoing)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(classified(error)),
        Err(_) => return Err(timed_out("no answer began", head_limit)),
    };
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let body = read_body(answer, request.max_body, read).await?;
    Ok(Response { status, headers, body })
}

async fn read_body(
    mut answer: reqwest::Response,
    max_body: usize,
    read: Duration,
) -> Result<Bytes, TransportError> {
    let too_large = || {
        TransportError::new(
            TransportErrorKind::BodyTooLarge,
            format!("more than {max_body} bytes are coming"),
        )
    };
    if answer.content_length().is_some_and(|length| length > max_body as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    loop {
        match timeout(read, answer.chunk()).await {
            Ok(Ok(Some(chunk))) if chunk.len() > max_body - body.len() => return Err(too_large()),
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => return Ok(body.freeze()),
            Ok(Err(error)) => return Err(classified_in_body(error)),
            Err(_) => return Err(timed_out("the answer stopped half-way", read)),
        }
    }
}

fn timed_out(what: &str, limit: Duration) -> TransportError {
    TransportError::new(TransportErrorKind::Timeout, format!("{what} within {limit:?}"))
}

/// The same error with what its words mean, where they are known.
fn explained(error: TransportError, setup: Setup) -> TransportError {
    match error.kind {
        TransportErrorKind::Connect | TransportErrorKind::Broken => {
            TransportError { reason: reason::of(&error.message, setup), ..error }
        }
        _ => error,
    }
}

/// An error before the answer's head was there.
fn classified(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let words = chain(&error);
    let kind = if error.is_builder() {
        TransportErrorKind::Unsendable
    } else if error.is_connect() || refused_our_certificate(&words) {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else {
        TransportErrorKind::Broken
    };
    TransportError::new(kind, words)
}

/// An error after the answer's head: the request has arrived, whatever the error says.
fn classified_in_body(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let kind = if error.is_timeout() { TransportErrorKind::Timeout } else { TransportErrorKind::Broken };
    TransportError::new(kind, chain(&error))
}

/// With TLS 1.3 the server judges our certificate after our side of the handshake is done and the request is on its
/// way, but before it reads any of it: such an alert proves that the handshake failed and nothing was executed.
fn refused_our_certificate(words: &str) -> bool {
    const ALERTS: [&str; 9] = [
        "CertificateRequired",
        "BadCertificate",
        "UnsupportedCertificate",
        "CertificateRevoked",
        "CertificateExpired",
        "CertificateUnknown",
        "UnknownCA",
        "AccessDenied",
        "DecryptError",
    ];
    let alert = words.split_once("received fatal alert: ").map_or("", |(_, alert)| alert);
    ALERTS.iter().any(|known| alert.starts_with(known))
}

/// The words of an error and of its causes, without reqwest's generic ones at the top.
fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause: Option<&dyn StdError> = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        cause = error.source();
    }
    let text = if words.is_empty() { error.to_string() } else { words.join(": ") };
    crate::text::one_line(&text)
}

/// Adds clients behind the transport's own; the oldest of the others go when there are too many.
fn keep(clients: &mut Vec<Clients>, made: Clients) {
    if clients.len() >= MAX_SETTINGS {
        clients.remove(1);
    }
    clients.push(made);
}

/// The clients that most requests need, for settings that may name files.
fn clients_for(config: &TransportConfig, tls: &TlsConfig) -> Result<Clients, Error> {
    let (loaded, mut pools) = (Arc::new(tls.loaded()?), BTreeMap::new());
    for keeps_connections in [true, false] {
        let pool = Pool { connect: Timeouts::DEFAULT.connect, keeps_connections };
        let client = build(config, &loaded, pool).map_err(|error| named(&error, tls))?;
        pools.insert(pool, client);
    }
    Ok(Clients { tls: loaded, pools })
}

/// The error with the files in the place of the settings that they were read into.
fn named(error: &Error, tls: &TlsConfig) -> Error {
    let names = ["ca", "cert", "key"].map(|what| (TlsConfig::default().name_of(what), tls.name_of(what)));
    bad(&names.iter().fold(error.message().to_owned(), |text, (plain, name)| text.replace(plain, name)))
}

fn build(config: &TransportConfig, tls: &TlsConfig, pool: Pool) -> Result<reqwest::Client, Error> {
    let strict = builder(config, tls, pool)?.build();
    match strict {
        Ok(client) => Ok(client),
        // A minimal container image has no certificate store. Plain http must work there, and https with a given CA.
        Err(_) if !tls.only_given_ca => {
            let given_only = TlsConfig { only_given_ca: true, ..tls.clone() };
            let client = builder(config, &given_only, pool)?.build().map_err(|_| unusable())?;
            tracing::warn!("the system's certificates cannot be used; https needs a configured CA");
            Ok(client)
        }
        Err(_) => Err(unusable()),
    }
}

fn unusable() -> Error {
    bad(
        "the TLS settings cannot be used (tls.ca-pem, tls.client-cert-pem, tls.client-key-pem): check that the PEM blocks are complete and that key and certificate belong together",
    )
}

fn builder(config: &TransportConfig, tls: &TlsConfig, pool: Pool) -> Result<reqwest::ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("camunda-backup/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .no_proxy()
        .connect_timeout(pool.connect);
    if !pool.keeps_connections {
        builder = builder.pool_max_idle_per_host(0);
    }
    if let Some(endpoint) = &config.proxy {
        builder = builder.proxy(proxy(endpoint, config.no_proxy.as_deref())?);
    }
    with_tls(builder, tls)
}

fn with_tls(builder: reqwest::ClientBuilder, tls: &TlsConfig) -> Result<reqwest::ClientBuilder, Error> {
    let authorities = match &tls.ca_pem {
        Some(pem) => reqwest::Certificate::from_pem_bundle(pem.as_bytes())
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| bad("tls.ca-pem holds no PEM certificate"))?,
        None => Vec::new(),
    };
    let builder = match (tls.only_given_ca, authorities.is_empty()) {
        (true, _) => builder.tls_certs_only(authorities),
        (false, true) => builder,
        (false, false) => builder.tls_certs_merge(authorities),
    };
    match (&tls.client_cert_pem, &tls.client_key_pem) {
        (None, None) => Ok(builder),
        (Some(certificate), Some(key)) => {
            let pem = format!("{}\n{certificate}", key.expose());
            // The cause is not kept: PEM errors repeat the line they stumbled over.
            let identity = reqwest::Identity::from_pem(pem.as_bytes()).map_err(|_| {
                bad("tls.client-cert-pem and tls.client-key-pem hold no usable certificate and key")
            })?;
            Ok(builder.identity(identity))
        }
        _ => Err(bad("tls.client-cert-pem and tls.client-key-pem need each other")),
    }
}

fn proxy(endpoint: &Endpoint, no_proxy: Option<&str>) -> Result<reqwest::Proxy, Error> {
    let proxy =
        reqwest::Proxy::all(endpoint.base()).map_err(|_| bad("the proxy's address cannot be used"))?;
    let proxy = match &endpoint.auth {
        Auth::None => proxy,
        Auth::Basic { user, password } => proxy.basic_auth(user, password.expose()),
        _ => return Err(bad("a proxy can have Basic credentials only")),
    };
    Ok(proxy.no_proxy(no_proxy.and_then(reqwest::NoProxy::from_string)))
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::Config, why)
}
