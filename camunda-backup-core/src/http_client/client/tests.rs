use std::time::Duration;

use super::*;
use crate::Secret;
use crate::error::ErrorKind;
use crate::transport::script::ScriptedTransport;
use crate::transport::{Effect, TransportErrorKind};

const LINE: &str = "POST /prefix/x";

fn client(script: &ScriptedTransport) -> HttpClient {
    let endpoint = Endpoint::new("http://zeebe:9600/prefix/").unwrap();
    HttpClient::new(Arc::new(script.clone()), Component::Zeebe, endpoint).unwrap()
}

fn call(effect: Effect) -> Call {
    Call::post("test.post", effect, "/x")
}

fn ended(script: &ScriptedTransport) -> usize {
    script.finish().unwrap();
    script.asked().len()
}

#[tokio::test(start_paused = true)]
async fn once_never_leaves_again_unless_nothing_was_sent() {
    for kind in [
        TransportErrorKind::Timeout,
        TransportErrorKind::Broken,
        TransportErrorKind::BodyTooLarge,
        TransportErrorKind::Unsendable,
    ] {
        let script = ScriptedTransport::new().fail(LINE, kind);
        let error = client(&script).send(call(Effect::Once)).await.unwrap_err();
        let sent = kind != TransportErrorKind::Unsendable;
        assert_eq!(error.outcome(), if sent { Outcome::Unknown } else { Outcome::NotSent }, "{kind:?}");
        assert_eq!((ended(&script), error.retries()), (1, 0), "{kind:?}");
    }
    for status in [301, 400, 401, 403, 404, 408, 409, 429, 500, 501, 502, 503, 504] {
        let script = ScriptedTransport::new().answer(LINE, status, "{}");
        client(&script).send(call(Effect::Once)).await.unwrap_err();
        assert_eq!(ended(&script), 1, "{status}");
    }
    let script = ScriptedTransport::new().fail(LINE, TransportErrorKind::Connect).answer(LINE, 204, "");
    client(&script).send(call(Effect::Once)).await.unwrap();
    assert_eq!(ended(&script), 2);
}

#[tokio::test(start_paused = true)]
async fn once_stops_at_the_first_unknown_outcome_after_refused_connections() {
    let script = ScriptedTransport::new()
        .fail(LINE, TransportErrorKind::Connect)
        .fail(LINE, TransportErrorKind::Broken);
    let error = client(&script).send(call(Effect::Once)).await.unwrap_err();
    assert_eq!((error.outcome(), error.retries(), ended(&script)), (Outcome::Unknown, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn reads_and_idempotent_calls_leave_again_only_after_transient_errors() {
    for effect in [Effect::Read, Effect::Idempotent] {
        for status in [408, 429, 502, 503, 504] {
            let script = ScriptedTransport::new().answer(LINE, status, "").answer(LINE, 200, "{}");
            client(&script).send(call(effect)).await.unwrap();
            assert_eq!(ended(&script), 2, "{effect:?} {status}");
        }
        for kind in [TransportErrorKind::Connect, TransportErrorKind::Timeout, TransportErrorKind::Broken] {
            let script = ScriptedTransport::new().fail(LINE, kind).answer(LINE, 200, "{}");
            client(&script).send(call(effect)).await.unwrap();
            assert_eq!(ended(&script), 2, "{effect:?} {kind:?}");
        }
        for status in [302, 400, 401, 403, 404, 409, 413, 500, 501, 505] {
            let script = ScriptedTransport::new().answer(LINE, status, "");
            client(&script).send(call(effect)).await.unwrap_err();
            assert_eq!(ended(&script), 1, "{effect:?} {status}");
        }
        for kind in [TransportErrorKind::BodyTooLarge, TransportErrorKind::Unsendable] {
            let script = ScriptedTransport::new().fail(LINE, kind);
            client(&script).send(call(effect)).await.unwrap_err();
            assert_eq!(ended(&script), 1, "{effect:?} {kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_ends_waits_longer_each_time_and_counts() {
    let script =
        (0..4).fold(ScriptedTransport::new(), |script, _| script.answer(LINE, 503, r#"{"message":"no"}"#));
    let began = tokio::time::Instant::now();
    let error = client(&script).send(call(Effect::Read)).await.unwrap_err();
    assert_eq!((error.kind(), error.retries(), ended(&script)), (ErrorKind::Unavailable, 3, 4));
    assert_eq!(error.server_said(), Some("no"));
    let waited = began.elapsed();
    assert!((700..750).contains(&waited.as_millis()), "{waited:?}");

    let mut none = call(Effect::Read);
    none.max_retries = 0;
    let script = ScriptedTransport::new().answer(LINE, 503, "");
    assert_eq!(client(&script).send(none).await.unwrap_err().retries(), 0);
    assert_eq!(ended(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_up_to_a_bound() {
    /// Answers 503 with `Retry-After` first, then 200.
    #[derive(Debug)]
    struct Patient(&'static str, std::sync::atomic::AtomicBool);
    #[async_trait::async_trait]
    impl Transport for Patient {
        async fn send(&self, _: Request) -> Result<Response, crate::TransportError> {
            let first = !self.1.swap(true, Ordering::Relaxed);
            let mut response =
                Response::new(if first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, "");
            response.headers.insert(header::RETRY_AFTER, HeaderValue::from_static(self.0));
            Ok(response)
        }
    }
    for (asked, waited) in [("7", 7), ("86400", 10)] {
        let transport = Arc::new(Patient(asked, AtomicBool::new(false)));
        let client =
            HttpClient::new(transport, Component::Store, Endpoint::new("http://es").unwrap()).unwrap();
        let began = tokio::time::Instant::now();
        client.send(call(Effect::Read)).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), waited, "{asked}");
        assert!(began.elapsed() < Duration::from_secs(waited + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn every_bad_body_is_a_typed_error() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = "{\"a\":".repeat(100_000);
    let long = format!("\"{}\"", "x".repeat(2_000_000));
    for body in [
        deep.as_bytes(),
        deep_object.as_bytes(),
        long.as_bytes(),
        b"",
        b"\0\0\0",
        b"{\"a\":\"\0\"}",
        b"{\"a\":\"\xff\xfe\"}",
        b"{\"a\":1",
        b"{\"a\":1}x",
    ] {
        let script = ScriptedTransport::new().answer("GET /prefix/x", 200, body);
        let result =
            client(&script).json::<serde_json::Map<_, _>>(Call::get("test.get", "/x").subject(5)).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Decode, Some("5")));
        assert!(error.report().len() < 1500, "{}", error.report().len());

        let script = ScriptedTransport::new().answer("GET /prefix/x", 400, body);
        let error = client(&script).send(Call::get("test.get", "/x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.report().len() < 1500 && !error.report().contains('\0'), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_instead_of_an_answer_is_never_success() {
    for body in ["<!DOCTYPE html><title>Sign in</title>", "  <HTML>"] {
        let script = ScriptedTransport::new().answer(LINE, 200, body);
        let error = client(&script).send(call(Effect::Idempotent)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::WrongComponent, Outcome::Unknown));
        assert!(error.advice().is_some_and(|advice| advice.contains("http://zeebe:9600/prefix")));
        assert_eq!(ended(&script), 1);
    }
}

#[test]
fn the_line_to_send_by_hand_is_quoted_and_holds_no_secret() {
    let endpoint = Endpoint::new("https://jo:hunter2@zeebe:9600/it's").unwrap();
    let client = HttpClient::new(Arc::new(ScriptedTransport::new()), Component::Zeebe, endpoint).unwrap();
    let call = call(Effect::Once).json(&serde_json::json!({"a": "it's"})).unwrap();
    assert_eq!(
        client.curl(&call),
        r#"curl -X POST 'https://zeebe:9600/it'\''s/x' -H "Authorization: $AUTH" -H 'Content-Type: application/json' -d '{"a":"it'\''s"}'"#
    );
}

#[test]
fn credentials_that_no_header_can_hold_are_refused_without_being_shown() {
    let auth = Auth::Bearer(Secret::new("hunter2\nX-Evil: 1"));
    let endpoint = Endpoint::new("http://zeebe").unwrap().with_auth(auth);
    let error = HttpClient::new(Arc::new(ScriptedTransport::new()), Component::Zeebe, endpoint).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!format!("{error:?}").contains("hunter2"));
}
