//! The seam through which every byte leaves: one object-safe trait, one request and one response type.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::component::Component;
use crate::error::{Error, ErrorKind};

pub mod config;
#[cfg(feature = "reqwest")]
mod reason;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(any(test, feature = "testing"))]
pub mod script;
mod tls;

pub use config::TransportConfig;
pub use tls::TlsConfig;

/// What sending a request twice would do. Set by the endpoint's builder, obeyed by the one retry loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Changes nothing. May be sent again at will.
    Read,
    /// Changes something, but sending it again leads to the same state. May be sent again.
    Idempotent,
    /// Starts something. Never sent again unless a read has proven that the first did not arrive.
    Once,
}

/// How long the parts of one exchange may take. A time-out means that the outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection is there (name resolution, TCP, TLS). Nothing has been sent when it strikes.
    pub connect: Duration,
    /// Between two bytes of the answer.
    pub read: Duration,
    /// From the first byte sent to the last byte received.
    pub total: Duration,
}

impl Timeouts {
    /// The default for most calls: 5 s to connect, 45 s between bytes, 60 s in all.
    ///
    /// Longer than the 15 s after which a Zeebe gateway gives up on a dead broker and the 30 s after which the web
    /// applications give up on a hanging store, so that the server's own answer is seen.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(45),
        total: Duration::from_secs(60),
    };

    /// For calls that wait behind a running upload in the store (verify, delete, restore): minutes.
    pub const PATIENT: Self = Self {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(300),
        total: Duration::from_secs(300),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// One HTTP request, complete: address, headers (with credentials), body, limits.
///
/// `Debug` shows method, URL without credentials, operation and effect; never headers or body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// Which component is asked.
    pub component: Component,
    /// The operation's stable name, such as `zeebe.backups.create`.
    pub operation: &'static str,
    /// What sending it twice would do.
    pub effect: Effect,
    /// The HTTP method.
    pub method: Method,
    /// The absolute URL. It never contains credentials.
    pub url: Url,
    /// All headers, credentials included.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The longest body that is accepted as answer, in bytes, after decompression.
    pub max_body: usize,
    /// What [`Transport::adopt_tls`] returned for the address: trust and certificate of this address in the place of the
    /// transport's.
    pub tls: Option<Arc<TlsConfig>>,
}

impl Request {
    /// A request with no headers, no body and default limits.
    pub fn new(
        component: Component,
        operation: &'static str,
        effect: Effect,
        method: Method,
        url: Url,
    ) -> Self {
        Self {
            component,
            operation,
            effect,
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeouts: Timeouts::DEFAULT,
            max_body: crate::http_client::DEFAULT_MAX_BODY,
            tls: None,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("component", &self.component)
            .field("operation", &self.operation)
            .field("effect", &self.effect)
            .field("method", &self.method)
            .field("url", &crate::http_client::without_credentials(&self.url).as_str())
            .finish_non_exhaustive()
    }
}

/// A complete answer, whatever its status.
///
/// `Debug` shows status and length only: headers and body may hold a cookie or a token.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status line's code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
}

impl Response {
    /// An answer without headers.
    pub fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why no complete answer arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection; nothing of the request has left.
    Connect,
    /// A time limit struck after the request may have left.
    Timeout,
    /// The connection broke after the request may have left, or the answer was malformed.
    Broken,
    /// The answer was longer than [`Request::max_body`]; the rest was not read.
    BodyTooLarge,
    /// The request cannot be sent at all (invalid header, unsupported scheme).
    Unsendable,
}

/// No complete answer arrived. Holds no URL and no header.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// What happened.
    pub kind: TransportErrorKind,
    /// The cause's words.
    pub message: String,
    /// What the transport makes of these words, where it knows them.
    pub reason: Option<Reason>,
}

/// A cause that a transport has recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong, in plain words.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl TransportError {
    /// A transport error with the cause's words; they must not hold a URL or a secret.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), reason: None }
    }

    /// Says what is wrong in plain words and what to do about it.
    #[must_use]
    pub fn because(mut self, what: impl Into<String>, advice: impl Into<String>) -> Self {
        self.reason = Some(Reason { what: what.into(), advice: advice.into() });
        self
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            TransportErrorKind::Connect => "no connection",
            TransportErrorKind::Timeout => "timed out",
            TransportErrorKind::Broken => "connection broken",
            TransportErrorKind::BodyTooLarge => "answer too long",
            TransportErrorKind::Unsendable => "cannot be sent",
        };
        write!(f, "{what}: {}", self.message)
    }
}

impl std::error::Error for TransportError {}

/// Sends one request and returns the complete answer.
///
/// # Guarantees
/// An implementation sends the request at most once, follows no redirect, and adds no credentials of its own. An
/// answer with any status is `Ok`; `Err` means that no complete answer arrived.
///
/// # Cancellation
/// Dropping the future may leave the effect unknown, exactly like a time-out.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends `request` once.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Takes the TLS settings of one address: reads their files, and refuses what cannot be used. What it returns comes
    /// with each request to that address, in [`Request::tls`]. Called when a client is made; connects to nobody.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for settings that cannot be used; by default always, so that a transport that knows
    /// nothing of them drops none in silence.
    fn adopt_tls(&self, tls: &TlsConfig) -> Result<Arc<TlsConfig>, Error> {
        let _ = tls;
        Err(Error::new(ErrorKind::Config, "this transport has no TLS settings for single addresses")
            .with_advice(
                "take `tls` away from the address and configure the transport, or use `ReqwestTransport`",
            ))
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        (**self).send(request).await
    }

    fn adopt_tls(&self, tls: &TlsConfig) -> Result<Arc<TlsConfig>, Error> {
        (**self).adopt_tls(tls)
    }
}
