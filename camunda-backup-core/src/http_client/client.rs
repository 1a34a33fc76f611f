//! The client handle: resolves a [`Call`] against its endpoint, sends it, and repeats it when its effect allows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::failure::{self, Asked};
use super::html::looks_like_html;
use super::oidc::Tokens;
use super::redact::Redactor;
use super::{Auth, Call, Endpoint, adopted, retry};
use crate::component::Component;
use crate::error::{Outcome, Result};
use crate::transport::{Effect, Request, Response, TlsConfig, Transport};

/// A cheap-clone handle that sends [`Call`]s to one component.
///
/// # Guarantees
/// * A call with [`Effect::Once`] leaves a second time only when the first certainly did nothing:
///   no connection could be made, or the server answered 401 and an OIDC token was renewed (once).
/// * Reads and idempotent calls are sent again after transport errors, 429, 502, 503 and 504, at most
///   [`Call::max_retries`] times, after 0.1 s, 0.2 s, 0.4 s … 2 s, or what `Retry-After` says, up to 10 s; a 500 is an
///   answer and is never repeated.
/// * A 2xx answer that is an HTML page is an error: no endpoint of ours sends one.
/// * Every request has a tracing span with component, operation, status and attempt, never with a header or a secret,
///   and what a server says is shown without the credentials it was sent.
/// * Clones share one OIDC token.
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
    credentials: Credentials,
    tls: Option<Arc<TlsConfig>>,
}

enum Credentials {
    Fixed(Option<HeaderValue>),
    Oidc(Box<Tokens>),
}

impl HttpClient {
    /// A client for `component` at `endpoint` over `transport`. Reads the files of the endpoint's TLS settings, sends
    /// nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for credentials that no header can hold, and for TLS settings that
    /// cannot be used, are there for an `http://` address or for a transport that knows none for single addresses.
    pub fn new(transport: Arc<dyn Transport>, component: Component, endpoint: Endpoint) -> Result<Self> {
        let tls = endpoint.tls.as_ref().map(|tls| adopted(&transport, tls, endpoint.url())).transpose();
        let tls = tls.map_err(|error| error.with_component(component.clone()))?;
        let credentials = match &endpoint.auth {
            Auth::Oidc(config) => {
                let tokens = Tokens::new(config.clone(), Arc::clone(&transport), component.clone())?;
                Credentials::Oidc(Box::new(tokens))
            }
            other => Credentials::Fixed(
                other.static_header().map_err(|error| error.with_component(component.clone()))?,
            ),
        };
        Ok(Self { shared: Arc::new(Shared { transport, component, endpoint, credentials, tls }) })
    }

    /// The component that is asked.
    pub fn component(&self) -> &Component {
        &self.shared.component
    }

    /// The base URL without credentials, without a trailing `/`.
    pub fn base(&self) -> &str {
        self.shared.endpoint.base()
    }

    /// Whether credentials are configured: a refusal means something else then.
    pub fn has_credentials(&self) -> bool {
        self.shared.endpoint.auth != Auth::None
    }

    /// Sends a call and returns a 2xx answer; any other status is an error.
    pub async fn send(&self, call: Call) -> Result<Response> {
        let renewed = AtomicBool::new(false);
        retry::repeat(
            call.max_retries,
            |error| retry::may_send_again(call.effect, error),
            |number| self.attempt(&call, number, &renewed),
        )
        .await
    }

    /// Sends a call and decodes the JSON of a 2xx answer.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let (operation, effect, subject) = (call.operation, call.effect, call.subject.clone());
        let response = self.send(call).await?;
        self.decode(operation, effect, subject.as_deref(), &response)
    }

    /// Decodes an answer's JSON; the error says what answered instead, and by the request's effect whether it may have
    /// changed something.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) for anything that is not the JSON of `T`: other fields, invalid
    /// UTF-8, or more than 127 levels of nesting.
    pub fn decode<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        effect: Effect,
        subject: Option<&str>,
        response: &Response,
    ) -> Result<T> {
        serde_json::from_slice(&response.body).map_err(|source| {
            let error =
                failure::undecodable(&self.asked(), effect, response, &source).with_operation(operation);
            match subject {
                Some(subject) => error.with_subject(subject),
                None => error,
            }
        })
    }

    /// The line that sends a call by hand, for advice: no secret is in it, `$AUTH` stands for the credentials.
    pub fn curl(&self, call: &Call) -> String {
        let quoted = |text: &str| text.replace('\'', "'\\''");
        let url = quoted(&format!("{}{}", self.base(), call.path_and_query()));
        let mut line = format!("curl -X {} '{url}'", call.method);
        if self.has_credentials() {
            line.push_str(" -H \"Authorization: $AUTH\"");
        }
        if let Some(body) = &call.body {
            line.push_str(" -H 'Content-Type: application/json' -d '");
            line.push_str(&quoted(&String::from_utf8_lossy(body)));
            line.push('\'');
        }
        line
    }

    /// One attempt, or two when the server refuses a token that can be renewed.
    async fn attempt(&self, call: &Call, number: u32, renewed: &AtomicBool) -> Result<Response> {
        let tokens = match &self.shared.credentials {
            Credentials::Fixed(header) => return self.traced(call, number, header.as_ref()).await,
            Credentials::Oidc(tokens) => tokens,
        };
        let token = tokens.current().await?;
        let first = self.traced(call, number, Some(&token.header)).await;
        let refused = first.as_ref().is_err_and(|error| error.status() == Some(StatusCode::UNAUTHORIZED));
        if !refused || renewed.swap(true, Ordering::Relaxed) {
            return first;
        }
        tracing::debug!(component = %self.component(), "the token was refused; getting another one");
        let token = tokens.instead_of(&token).await.map_err(|error| error.with_outcome(Outcome::Refused))?;
        self.traced(call, number, Some(&token.header)).await
    }

    async fn traced(
        &self,
        call: &Call,
        number: u32,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response> {
        let span = tracing::debug_span!(
            "camunda_backup.request",
            component = %self.component(),
            operation = call.operation,
            attempt = number,
            status = tracing::field::Empty,
        );
        self.exchange(call, authorization).instrument(span).await
    }

    async fn exchange(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Response> {
        let request = self.request(call, authorization)?;
        match self.shared.transport.send(request).await {
            Ok(response) => {
                tracing::Span::current().record("status", response.status.as_u16());
                tracing::trace!(bytes = response.body.len(), "answered");
                if !response.status.is_success() {
                    Err(failure::from_response(&self.asked(), call, &response))
                } else if looks_like_html(&response) {
                    Err(failure::from_page(&self.asked(), call, &response))
                } else {
                    Ok(response)
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no complete answer");
                Err(failure::from_transport(&self.asked(), call, error))
            }
        }
    }

    fn request(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Request> {
        let url = self.shared.endpoint.join(&call.path_and_query())?;
        let mut request =
            Request::new(self.component().clone(), call.operation, call.effect, call.method.clone(), url);
        request.headers = headers(call, authorization);
        request.body = call.body.clone().unwrap_or_default();
        request.timeouts = call.timeouts;
        request.max_body = call.max_body;
        request.tls.clone_from(&self.shared.tls);
        Ok(request)
    }

    fn asked(&self) -> Asked<'_> {
        let auth = &self.shared.endpoint.auth;
        let with_credentials = self.has_credentials();
        let tokens = match &self.shared.credentials {
            Credentials::Oidc(tokens) => tokens.issued(),
            Credentials::Fixed(_) => Vec::new(),
        };
        Asked {
            component: self.component(),
            base: self.base(),
            with_credentials,
            secrets: Redactor::new(auth.secrets().into_iter().chain(tokens)),
        }
    }
}

fn headers(call: &Call, authorization: Option<&HeaderValue>) -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, json.clone());
    if call.body.is_some() {
        headers.insert(header::CONTENT_TYPE, json);
    }
    if let Some(authorization) = authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    headers
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("component", self.component()).field("base", &self.base()).finish()
    }
}

#[cfg(test)]
mod tests;
