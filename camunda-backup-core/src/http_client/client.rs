//! The client handle: resolves a [`Call`] against its endpoint, sends it, and repeats it when its effect allows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::failure;
use super::{Call, Endpoint};
use crate::component::Component;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::transport::{Effect, Request, Response, Transport};

/// A cheap-clone handle that sends [`Call`]s to one component.
///
/// # Guarantees
/// * A call with [`Effect::Once`] leaves a second time only when the first certainly did not (no connection).
/// * Reads and idempotent calls are sent again after transport errors, 429, 502, 503 and 504, at most
///   [`Call::max_retries`] times; a 500 is an answer and is never repeated.
/// * Every request has a tracing span with component, operation, status and attempt, never with a secret.
///
/// # Cancellation
/// Dropping the future of a mutating call leaves its effect unknown.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    component: Component,
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
}

impl HttpClient {
    /// A client for `component` at `endpoint` over `transport`. Sends nothing.
    pub fn new(transport: Arc<dyn Transport>, component: Component, endpoint: Endpoint) -> Result<Self> {
        let authorization =
            endpoint.auth.static_header().map_err(|error| error.with_component(component.clone()))?;
        Ok(Self { shared: Arc::new(Shared { transport, component, endpoint, authorization }) })
    }

    /// The component that is asked.
    pub fn component(&self) -> &Component {
        &self.shared.component
    }

    /// The base URL without credentials, without a trailing `/`.
    pub fn base(&self) -> &str {
        self.shared.endpoint.base()
    }

    /// Sends a call and returns a 2xx answer; any other status is an error.
    pub async fn send(&self, call: Call) -> Result<Response> {
        let retry = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(call.max_retries as usize);
        let attempt = std::sync::atomic::AtomicU32::new(0);
        let once = || async {
            let number = attempt.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.attempt(&call, number).await
        };
        let result = once.retry(retry).when(|error| may_send_again(call.effect, error)).await;
        result.map_err(|error| {
            error.with_retries(attempt.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(1))
        })
    }

    /// Sends a call and decodes the JSON of a 2xx answer.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let (operation, subject) = (call.operation, call.subject.clone());
        let response = self.send(call).await?;
        self.decode(operation, subject.as_deref(), &response)
    }

    /// Decodes an answer's JSON; the error says what answered instead.
    pub fn decode<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        subject: Option<&str>,
        response: &Response,
    ) -> Result<T> {
        serde_json::from_slice(&response.body).map_err(|source| {
            let html = failure::looks_like_html(response);
            let (kind, message) = if html {
                (
                    ErrorKind::WrongComponent,
                    "an HTML page came back: a login form, a proxy or another application",
                )
            } else {
                (ErrorKind::Decode, "the answer is not what this endpoint sends")
            };
            let error = Error::new(kind, message)
                .with_component(self.component().clone())
                .with_operation(operation)
                .with_status(response.status)
                .with_outcome(Outcome::Unknown)
                .with_source(source)
                .with_advice(format!("check that {} is the base URL of {}", self.base(), self.component()));
            match subject {
                Some(subject) => error.with_subject(subject),
                None => error,
            }
        })
    }

    /// The line that sends a call by hand, for advice: no secret is in it, `$AUTH` stands for the credentials.
    pub fn curl(&self, call: &Call) -> String {
        let mut line = format!("curl -X {} '{}{}'", call.method, self.base(), call.path_and_query());
        if self.shared.endpoint.auth != super::Auth::None {
            line.push_str(" -H \"Authorization: $AUTH\"");
        }
        if let Some(body) = &call.body {
            line.push_str(" -H 'Content-Type: application/json' -d '");
            line.push_str(&String::from_utf8_lossy(body).replace('\'', "'\\''"));
            line.push('\'');
        }
        line
    }

    async fn attempt(&self, call: &Call, number: u32) -> Result<Response> {
        let span = tracing::debug_span!(
            "camunda_backup.request",
            component = %self.component(),
            operation = call.operation,
            attempt = number,
            status = tracing::field::Empty,
        );
        self.exchange(call).instrument(span).await
    }

    async fn exchange(&self, call: &Call) -> Result<Response> {
        let request = self.request(call)?;
        match self.shared.transport.send(request).await {
            Ok(response) => {
                tracing::Span::current().record("status", response.status.as_u16());
                tracing::trace!(bytes = response.body.len(), "answered");
                if response.status.is_success() {
                    Ok(response)
                } else {
                    Err(failure::from_response(self.component(), call, &response))
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no complete answer");
                Err(failure::from_transport(self.component(), call, error))
            }
        }
    }

    fn request(&self, call: &Call) -> Result<Request> {
        let url = self.shared.endpoint.join(&call.path_and_query())?;
        let mut request =
            Request::new(self.component().clone(), call.operation, call.effect, call.method.clone(), url);
        request.headers = self.headers(call);
        request.body = call.body.clone().unwrap_or_default();
        request.timeouts = call.timeouts;
        request.max_body = call.max_body;
        Ok(request)
    }

    fn headers(&self, call: &Call) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, json.clone());
        if call.body.is_some() {
            headers.insert(header::CONTENT_TYPE, json);
        }
        if let Some(authorization) = &self.shared.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        headers
    }
}

fn may_send_again(effect: Effect, error: &Error) -> bool {
    match effect {
        Effect::Read | Effect::Idempotent => error.kind().is_transient(),
        Effect::Once => error.kind() == ErrorKind::Connect && error.outcome() == Outcome::NotSent,
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("component", self.component()).field("base", &self.base()).finish()
    }
}
