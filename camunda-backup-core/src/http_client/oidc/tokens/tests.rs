use std::collections::VecDeque;
use std::sync::{Mutex as StdMutex, PoisonError};

use async_trait::async_trait;
use http::StatusCode;

use super::*;
use crate::transport::{TransportError, TransportErrorKind};
use crate::{Auth, Endpoint, HttpClient};

/// An identity provider that hands out `token-1`, `token-2` …, and an API that accepts the newest token only.
#[derive(Debug, Clone, Default)]
struct World {
    state: Arc<StdMutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Answers to give instead of a token: a status, a body; or no answer at all.
    scripted: VecDeque<Option<(u16, String)>>,
    expires_in: Option<Value>,
    tokens: u32,
    token_requests: u32,
    accepted: u32,
    /// The API refuses every token.
    locked: bool,
    api: Vec<(u16, String)>,
}

impl World {
    fn with(change: impl FnOnce(&mut State)) -> Self {
        let world = Self::default();
        change(&mut world.lock());
        world
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> HttpClient {
        let config = OidcConfig::new("http://idp/token", "me", Secret::new("s&cret")).unwrap();
        let endpoint = Endpoint::new("http://zeebe").unwrap().with_auth(Auth::Oidc(config));
        HttpClient::new(Arc::new(self.clone()), Component::Zeebe, endpoint).unwrap()
    }

    /// How often a token was asked for, and what the API answered.
    fn seen(&self) -> (u32, Vec<u16>) {
        let state = self.lock();
        (state.token_requests, state.api.iter().map(|(status, _)| *status).collect())
    }

    fn api_statuses(&self) -> Vec<u16> {
        self.seen().1
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // A network takes time; this is where fifty callers meet.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut state = self.lock();
        if request.url.host_str() == Some("idp") {
            state.token_requests += 1;
            assert_eq!(request.body, "grant_type=client_credentials&client_id=me&client_secret=s%26cret");
            return match state.scripted.pop_front() {
                Some(Some((status, body))) => Ok(Response::new(StatusCode::from_u16(status).unwrap(), body)),
                Some(None) => Err(TransportError::new(TransportErrorKind::Connect, "refused")),
                None => {
                    state.tokens += 1;
                    state.accepted = state.tokens;
                    let mut answer = serde_json::json!({"access_token": format!("token-{}", state.tokens)});
                    if let Some(expires_in) = &state.expires_in {
                        answer["expires_in"] = expires_in.clone();
                    }
                    Ok(Response::new(StatusCode::OK, answer.to_string()))
                }
            };
        }
        let sent = request.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
        assert!(request.headers[header::AUTHORIZATION].is_sensitive());
        let good = !state.locked && sent == format!("Bearer token-{}", state.accepted);
        let status = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        state.api.push((status.as_u16(), sent));
        Ok(Response::new(status, "{}"))
    }
}

fn get() -> Call {
    Call::get("test.get", "/x")
}

fn once() -> Call {
    Call::post("test.post", Effect::Once, "/x")
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_one_token_request() {
    let world = World::default();
    let client = world.client();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { client.send(get()).await.map(drop) });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(world.seen(), (1, vec![200; 50]));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires_and_not_earlier() {
    for (expires_in, reused_at, renewed_at) in [
        (Some(Value::from(3600)), 3560, 3575),
        (Some(Value::from("3600")), 3560, 3575),
        (Some(Value::from(100)), 85, 95),
        (None, 50, 56),
        (Some(Value::from("soon")), 50, 56),
        (Some(Value::from(1e300)), 86_000, 86_390),
    ] {
        let world = World::with(|state| state.expires_in.clone_from(&expires_in));
        let client = world.client();
        let began = Instant::now();
        client.send(get()).await.unwrap();
        tokio::time::sleep_until(began + Duration::from_secs(reused_at)).await;
        client.send(get()).await.unwrap();
        assert_eq!(world.lock().token_requests, 1, "{expires_in:?}");
        tokio::time::sleep_until(began + Duration::from_secs(renewed_at)).await;
        client.send(get()).await.unwrap();
        assert_eq!(world.lock().token_requests, 2, "{expires_in:?}");
        assert_eq!(world.api_statuses(), [200, 200, 200]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_even_for_once() {
    for call in [get, once] {
        let world = World::default();
        let client = world.client();
        client.send(get()).await.unwrap();
        world.lock().accepted = 2; // as if the provider had revoked token-1
        client.send(call()).await.unwrap();
        assert_eq!(world.seen(), (2, vec![200, 401, 200]));
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_refusals_lead_to_one_renewal() {
    let world = World::default();
    let client = world.client();
    client.send(get()).await.unwrap();
    world.lock().accepted = 2;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { client.send(once()).await.map(drop) });
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    let (token_requests, statuses) = world.seen();
    assert_eq!((token_requests, statuses.len()), (2, 101));
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_the_answer() {
    let world = World::with(|state| state.locked = true);
    let error = world.client().send(once()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unauthorized, Outcome::Refused));
    assert_eq!(error.component(), Some(&Component::Zeebe));
    assert_eq!(world.seen(), (2, vec![401, 401]));
}

#[tokio::test(start_paused = true)]
async fn the_providers_refusals_are_ours_to_fix_and_nothing_else_is_sent() {
    for (status, body, kind) in [
        (400, r#"{"error":"invalid_client","error_description":"no s&cret here"}"#, ErrorKind::Unauthorized),
        (401, "", ErrorKind::Unauthorized),
        (404, "", ErrorKind::Unauthorized),
        (302, "", ErrorKind::WrongComponent),
        (200, "<html>", ErrorKind::WrongComponent),
        (200, "{}", ErrorKind::Decode),
        (200, r#""token-in-a-string""#, ErrorKind::Decode),
        (200, r#"{"access_token":""}"#, ErrorKind::Decode),
        (200, r#"{"access_token":"a\nb"}"#, ErrorKind::Decode),
        (200, r#"{"access_token":4711}"#, ErrorKind::Decode),
        (500, "", ErrorKind::Unavailable),
    ] {
        let world = World::with(|state| state.scripted.push_back(Some((status, body.to_owned()))));
        let error = world.client().send(once()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotSent), "{status} {body}");
        assert_eq!(error.component(), Some(&Component::IdentityProvider));
        assert_eq!(world.seen(), (1, vec![]), "{status} {body}");
        for secret in ["s&cret", "token-in", "4711"] {
            assert!(!format!("{error:?} {}", error.report()).contains(secret), "{error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_is_asked_four_times_for_all_who_wait() {
    let world = World::with(|state| state.scripted.extend(vec![None; 4]));
    let client = world.client();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        calls.spawn(async move { client.send(get()).await.unwrap_err() });
    }
    while let Some(error) = calls.join_next().await {
        let error = error.unwrap();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotSent));
    }
    assert_eq!(world.seen(), (4, vec![]));
    client.send(get()).await.unwrap();
    assert_eq!(world.lock().token_requests, 5);
}

#[tokio::test(start_paused = true)]
async fn the_old_token_serves_while_an_early_renewal_fails() {
    let world = World::with(|state| state.expires_in = Some(Value::from(100)));
    let client = world.client();
    client.send(get()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(92)).await;
    world.lock().scripted.push_back(Some((400, String::new())));
    client.send(get()).await.unwrap();
    client.send(get()).await.unwrap();
    assert_eq!(world.seen(), (2, vec![200, 200, 200]));
    tokio::time::sleep(Duration::from_secs(6)).await;
    client.send(get()).await.unwrap();
    assert_eq!(world.lock().token_requests, 3);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_the_renewal_to_the_next() {
    let world = World::default();
    let client = world.client();
    let gone = tokio::time::timeout(Duration::from_millis(5), client.send(get())).await;
    assert!(gone.is_err());
    client.send(get()).await.unwrap();
    assert_eq!(world.api_statuses(), [200]);
}

#[test]
fn nothing_secret_is_shown() {
    let mut config = OidcConfig::new("https://u:hunter2@idp/token", "me", Secret::new("hunter2")).unwrap();
    config.audience = Some("api".to_owned());
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    for bad in ["", "hunter2", "ftp://u:hunter2@idp"] {
        let error = OidcConfig::new(bad, "me", Secret::new("x")).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
