//! The token cache: one token per client and its clones, renewed early and by one request only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::super::failure::{self, Asked};
use super::super::html::looks_like_html;
use super::super::redact::Redactor;
use super::super::{Call, adopted, auth, retry, without_credentials};
use super::{OidcConfig, secrets};
use crate::component::Component;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::secret::Secret;
use crate::transport::{Effect, Request, Response, Timeouts, TlsConfig, Transport};

const OPERATION: &str = "oidc.token";

/// A provider that does not say how long its token lives.
const LIFETIME_IF_UNTOLD: Duration = Duration::from_secs(60);

/// No provider's word is believed beyond this.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A token is renewed this long before it expires, or a tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(30);

/// After a failed early renewal the old token serves this long before the next try.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    read: Duration::from_secs(15),
    total: Duration::from_secs(20),
};

/// Requests with older tokens than these have long been answered.
const REMEMBERED: usize = 3;

/// A token answer is a few kilobytes.
const MAX_BODY: usize = 256 * 1024;

/// A token that is good for a while.
#[derive(Clone)]
pub(in crate::http_client) struct Token {
    pub(in crate::http_client) header: HeaderValue,
    value: Secret,
    renew_at: Instant,
    expires_at: Instant,
}

/// The cache of one [`HttpClient`](crate::HttpClient) and its clones. Whoever finds no good token fetches one while the
/// others wait at the lock; they then share its token or its failure.
pub(in crate::http_client) struct Tokens {
    config: OidcConfig,
    transport: Arc<dyn Transport>,
    tls: Option<Arc<TlsConfig>>,
    asked_by: Component,
    state: Mutex<State>,
    failures: AtomicU64,
    /// The newest tokens, to be taken out of what servers say. Apart, because errors are made without waiting.
    issued: std::sync::Mutex<Vec<Secret>>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    last_failure: Option<Error>,
}

impl Tokens {
    pub(in crate::http_client) fn new(
        config: OidcConfig,
        transport: Arc<dyn Transport>,
        asked_by: Component,
    ) -> Result<Self> {
        let tls = config.tls.as_ref().map(|tls| adopted(&transport, tls, &config.token_url));
        let tls = tls.transpose().map_err(|error| error.with_component(Component::IdentityProvider))?;
        Ok(Self {
            config,
            transport,
            tls,
            asked_by,
            state: Mutex::default(),
            failures: AtomicU64::new(0),
            issued: std::sync::Mutex::default(),
        })
    }

    /// The tokens that a server may have been sent lately.
    pub(in crate::http_client) fn issued(&self) -> Vec<Secret> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that has not expired, fetched if need be.
    pub(in crate::http_client) async fn current(&self) -> Result<Token> {
        self.token(None).await
    }

    /// Another token than `refused`, which a server has just answered with 401.
    pub(in crate::http_client) async fn instead_of(&self, refused: &Token) -> Result<Token> {
        self.token(Some(refused)).await
    }

    async fn token(&self, refused: Option<&Token>) -> Result<Token> {
        let failures_before = self.failures.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| refused.is_some_and(|bad| bad.value == token.value)) {
            state.token = None;
        }
        let now = Instant::now();
        let usable = state.token.clone().filter(|token| now < token.expires_at);
        if let Some(token) = usable.clone().filter(|token| now < token.renew_at) {
            return Ok(token);
        }
        // Somebody failed while this caller waited: asking again at once would keep fifty callers in a row waiting.
        let failed_meanwhile = self.failures.load(Ordering::Acquire) != failures_before;
        if let Some(failure) = state.last_failure.clone().filter(|_| failed_meanwhile) {
            return Err(failure);
        }
        match (self.fetch().await, usable) {
            (Ok(token), _) => {
                self.remember(&token);
                *state = State { token: Some(token.clone()), last_failure: None };
                Ok(token)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(%error, "the token could not be renewed early; the old one still serves");
                let renew_at = Instant::now() + PAUSE_AFTER_FAILURE;
                state.token = Some(Token { renew_at, ..old.clone() });
                Ok(old)
            }
            (Err(error), None) => {
                state.last_failure = Some(error.clone());
                self.failures.fetch_add(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    fn remember(&self, token: &Token) {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if issued.len() >= REMEMBERED {
            issued.remove(0);
        }
        issued.push(token.value.clone());
    }

    async fn fetch(&self) -> Result<Token> {
        let result = retry::repeat(3, |error| error.kind().is_transient(), |attempt| self.attempt(attempt));
        result.await.map_err(as_providers_failure)
    }

    async fn attempt(&self, attempt: u32) -> Result<Token> {
        let span = tracing::debug_span!(
            "camunda_backup.request",
            component = %Component::IdentityProvider,
            operation = OPERATION,
            attempt,
            status = tracing::field::Empty,
        );
        self.exchange().instrument(span).await
    }

    async fn exchange(&self) -> Result<Token> {
        let call = Call::post(OPERATION, Effect::Idempotent, "").subject(format!("for {}", self.asked_by));
        let base = without_credentials(&self.config.token_url);
        let asked = Asked {
            component: &Component::IdentityProvider,
            base: base.as_str(),
            with_credentials: true,
            secrets: Redactor::new(secrets(&self.config.client_secret)),
        };
        let asked_at = Instant::now();
        let answer = self.transport.send(self.request(base.clone())).await;
        let response = answer.map_err(|error| failure::from_transport(&asked, &call, error))?;
        tracing::Span::current().record("status", response.status.as_u16());
        if !response.status.is_success() {
            return Err(failure::from_response(&asked, &call, &response));
        }
        if looks_like_html(&response) {
            return Err(failure::from_page(&asked, &call, &response));
        }
        token_in(&response, asked_at).ok_or_else(|| failure::without_token(&asked, &call, &response))
    }

    fn request(&self, url: Url) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut request =
            Request::new(Component::IdentityProvider, OPERATION, Effect::Idempotent, Method::POST, url);
        request.headers = headers;
        request.body = self.config.form();
        request.timeouts = TIMEOUTS;
        request.max_body = MAX_BODY;
        request.tls.clone_from(&self.tls);
        request
    }
}

/// The answer of RFC 6749, section 5.1. No serde message is kept on failure: it might quote the token.
fn token_in(response: &Response, asked_at: Instant) -> Option<Token> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: Secret,
        #[serde(default)]
        expires_in: Value,
    }
    let answer: Answer = serde_json::from_slice(&response.body).ok()?;
    let header = auth::authorization("Bearer", answer.access_token.expose()).ok()?;
    if answer.access_token.expose().is_empty() {
        return None;
    }
    let lifetime = lifetime(&answer.expires_in);
    let expires_at = asked_at + lifetime;
    let renew_at = expires_at - MARGIN.min(lifetime / 10);
    Some(Token { header, value: answer.access_token, renew_at, expires_at })
}

/// A number of seconds; some providers send it as a string.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let told = seconds.map(|seconds: f64| seconds.clamp(0.0, LONGEST_LIFETIME.as_secs_f64()));
    // Not a number at all: NaN.
    told.and_then(|told| Duration::try_from_secs_f64(told).ok()).unwrap_or(LIFETIME_IF_UNTOLD)
}

/// To the caller the provider either is not there or does not accept us, and the caller's own request was not sent.
fn as_providers_failure(error: Error) -> Error {
    let kind = match error.kind() {
        kind if kind.is_transient() => ErrorKind::Unavailable,
        ErrorKind::ServerError => ErrorKind::Unavailable,
        ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Refused => {
            ErrorKind::Unauthorized
        }
        other => other,
    };
    let advice = match kind {
        ErrorKind::Unavailable => {
            "check that the identity provider is running and that the token URL is right"
        }
        ErrorKind::Unauthorized => {
            "check the client's id and secret, the audience, the scope and the token URL"
        }
        _ => "check that the configured token URL is the token endpoint of the identity provider",
    };
    error.with_kind(kind).with_outcome(Outcome::NotSent).with_advice(advice)
}

#[cfg(test)]
mod tests;
