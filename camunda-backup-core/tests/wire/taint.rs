//! No secret is ever seen: each kind of credential carries a marker, everything that can be printed is printed, every
//! library underneath logs at TRACE, and the marker must not be in any of it.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use camunda_backup_core::http_client::OidcConfig;
use camunda_backup_core::transport::reqwest::ReqwestTransport;
use camunda_backup_core::transport::{Request, TlsConfig, TransportConfig};
use camunda_backup_core::{Auth, Call, Component, Effect, Endpoint, Error, HttpClient, Secret};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::once;
use crate::server::{OK, Server, nobody};
use crate::tls::Authority;

const MARKER: &str = "TAINT-7f3a9c";

/// Everything that anybody logs in this process, through `tracing` or `log`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn of_this_process() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
                .with_writer(log.clone())
                .finish()
                .init();
            log
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The marker as it is, and as Basic credentials and forms write it.
fn assert_clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for form in [MARKER, "VEFJTlQtN2YzYTlj", "RBSU5ULTdmM2E5Y", "UQUlOVC03ZjNhOW"] {
        if let Some(at) = lower.find(&form.to_lowercase()) {
            let before: String = lower[..at].chars().rev().take(300).collect();
            panic!("{what} holds the marker after: {}", before.chars().rev().collect::<String>());
        }
    }
}

fn printed(error: &Error) -> String {
    format!("{error} {error:?} {error:#?} {} {:?} {:?}", error.report(), error.advice(), error.server_said())
}

fn every_auth(token_url: &str) -> Vec<Auth> {
    let secret = || Secret::new(format!("{MARKER}-secret"));
    let mut oidc = OidcConfig::new(token_url, "me", secret()).unwrap();
    oidc.token_url.set_username("u").unwrap();
    oidc.token_url.set_password(Some(MARKER)).unwrap();
    vec![
        Auth::basic("jo", &format!("{MARKER}-password")),
        Auth::Bearer(secret()),
        Auth::ApiKey(secret()),
        Auth::Oidc(oidc),
    ]
}

/// Repeats the whole request in an error, as debugging proxies do; `/ok` is fine, `/number` is no map.
async fn talkative_server() -> Server {
    Server::start(|_, mut connection| async move {
        while let Some(request) = connection.request().await {
            let body = serde_json::json!({"message": request, "error": {"type": request}}).to_string();
            let (status, body) = match request.split(' ').nth(1) {
                Some("/ok") => ("200 OK", "{}".to_owned()),
                Some("/repeat") => ("200 OK", serde_json::Value::from(request).to_string()),
                Some("/redirect") => ("302 Found", body),
                Some("/text") => ("400 Bad Request", request.replace("\r\n", " ")),
                _ => ("503 Service Unavailable", body),
            };
            let location = format!("http://{MARKER}@127.0.0.1:1/?token={MARKER}");
            let head = format!("HTTP/1.1 {status}\r\nlocation: {location}\r\nset-cookie: s={MARKER}");
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write(answer).await;
        }
    })
    .await
}

/// Hands out a tainted token, or refuses and repeats the request.
async fn provider(refuses: bool) -> Server {
    Server::start(move |_, mut connection| async move {
        while let Some(request) = connection.request().await {
            let body = if refuses {
                serde_json::json!({"error": request, "error_description": request}).to_string()
            } else {
                serde_json::json!({"access_token": format!("{MARKER}-token"), "expires_in": 60}).to_string()
            };
            let status = if refuses { "401 Unauthorized" } else { "200 OK" };
            connection
                .write(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
                .await;
        }
    })
    .await
}

/// Answers plain requests itself and refuses to open a tunnel for the others.
async fn proxy_without_tunnels() -> Server {
    Server::start(|_, mut connection| async move {
        while let Some(request) = connection.request().await {
            let refused = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            connection.write(if request.starts_with("CONNECT") { refused } else { OK }).await;
        }
    })
    .await
}

/// Sends every kind of request with `client` and prints everything that comes of it.
async fn use_and_print(client: &HttpClient, shown: &mut String) {
    write!(shown, "{client:?} {} {}", client.base(), client.curl(&once())).unwrap();
    for path in ["/ok", "/repeat", "/redirect", "/text", "/other"] {
        let call = Call::post("test.post", Effect::Once, path).max_retries(0);
        let call = call.json(&serde_json::json!({"a": 1})).unwrap();
        match client.send(call).await {
            Ok(response) => write!(shown, "{response:?}").unwrap(),
            Err(error) => shown.push_str(&printed(&error)),
        }
        let call = Call::get("test.get", path).max_retries(0);
        match client.json::<serde_json::Map<String, Value>>(call).await {
            Ok(body) => write!(shown, "{body:?}").unwrap(),
            Err(error) => shown.push_str(&printed(&error)),
        }
    }
}

#[tokio::test]
async fn no_secret_is_seen_whatever_happens() {
    let log = Log::of_this_process();
    let (server, good, bad) = (talkative_server().await, provider(false).await, provider(true).await);
    let secure = Authority::new();
    let (mtls, silent) = (secure.server("127.0.0.1", true).await, nobody().await);
    let proxy = proxy_without_tunnels().await;
    let proxied = proxy.url().replace("http://", &format!("http://jo:{MARKER}@"));
    let (plain, through_proxy) = (
        TransportConfig { tls: secure.identified(), ..TransportConfig::default() },
        TransportConfig { proxy: Some(Endpoint::new(&proxied).unwrap()), ..TransportConfig::default() },
    );
    let key = plain.tls.client_key_pem.clone().unwrap();

    let mut shown = String::new();
    for config in [plain, through_proxy] {
        let transport = Arc::new(ReqwestTransport::new(config.clone()).unwrap());
        write!(shown, "{config:?} {transport:?}").unwrap();
        for base in [server.url(), silent.clone(), mtls.url().replace("http://", "https://")] {
            for auth in every_auth(&good.url()).into_iter().chain(every_auth(&bad.url()).into_iter().skip(3))
            {
                let with_user = base.replace("://", &format!("://jo:{MARKER}@"));
                let endpoint = Endpoint::new(&with_user).unwrap();
                write!(shown, "{endpoint:?} {auth:?}").unwrap();
                let endpoint = endpoint.with_auth(auth);
                let client = HttpClient::new(transport.clone(), Component::Rest, endpoint).unwrap();
                use_and_print(&client, &mut shown).await;
            }
        }
    }
    assert_clean("what was printed", &shown);
    let logged = log.text();
    assert_clean("the log", &logged);
    let key_lines = key.expose().lines().filter(|line| !line.starts_with("-----"));
    for line in key_lines {
        assert!(!shown.contains(line) && !logged.contains(line), "a line of the client's key is shown");
    }
    // The witnesses: the secrets were really sent, and everybody was really logging.
    assert!(server.seen.requests().iter().any(|request| request.contains("bearer taint-7f3a9c-token")));
    assert!(bad.seen.requests().iter().any(|request| request.contains("client_secret=TAINT-7f3a9c-secret")));
    assert!(proxy.seen.requests().iter().any(|request| request.contains("proxy-authorization")));
    assert!(!mtls.seen.requests().is_empty());
    for target in ["reqwest::", "hyper_util::", "rustls::", "camunda_backup.request"] {
        assert!(logged.contains(target), "nothing from {target} was logged");
    }
}

#[test]
fn a_request_made_by_hand_hides_what_its_url_holds() {
    let url = format!("http://jo:{MARKER}@zeebe:9600/x").parse().unwrap();
    let mut request = Request::new(Component::Zeebe, "test.get", Effect::Read, "GET".parse().unwrap(), url);
    request.headers.insert("authorization", MARKER.parse().unwrap());
    request.body = MARKER.into();
    assert_clean("Request", &format!("{request:?}"));
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_repeated() {
    for (text, is_tls) in [
        (format!(r#"{{"client-key-pem":["{MARKER}"]}}"#), true),
        (format!(r#"{{"client-key-pem":{{"{MARKER}":1}}}}"#), true),
        (format!(r#"{{"url":"{MARKER}","auth":{{"bearer":"{MARKER}"}}}}"#), false),
        (format!(r#"{{"url":"http://h","auth":{{"bearer":["{MARKER}"]}}}}"#), false),
        (format!(r#""http://u:{MARKER}@""#), false),
    ] {
        let message = if is_tls {
            serde_json::from_str::<TlsConfig>(&text).unwrap_err().to_string()
        } else {
            serde_json::from_str::<Endpoint>(&text).unwrap_err().to_string()
        };
        assert_clean(&text, &message);
    }
}
