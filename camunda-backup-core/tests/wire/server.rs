//! A TCP server whose every byte the test decides.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What has arrived, in order: each request's head in lower case, and its body.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Seen {
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) seen: Seen,
    task: AbortHandle,
}

impl Server {
    /// Listens on the loopback and runs `behave` for every connection, with its number from 1.
    pub(crate) async fn start<F, Fut>(behave: F) -> Self
    where
        F: Fn(usize, Connection<TcpStream>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let seen_by_task = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = seen_by_task.connections.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(behave(number, Connection { stream, seen: seen_by_task.clone() }));
            }
        });
        Self { address, seen, task: task.abort_handle() }
    }

    /// Answers every request of every connection with the same bytes.
    pub(crate) async fn always(answer: &'static str) -> Self {
        Self::start(move |_, mut connection| async move {
            while connection.request().await.is_some() {
                connection.write(answer).await;
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    pub(crate) seen: Seen,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Reads one request, notes it, and returns it as it came; `None` at the end of the connection.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(bytes).unwrap();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.stream.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8(body).unwrap();
        self.seen.requests.lock().unwrap().push(lower + &body);
        Some(head + &body)
    }

    /// Writes as much as the client takes; whether it takes all is the client's business.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }
}

impl Connection<TcpStream> {
    /// Closes with a TCP reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// A 200 with a JSON body.
pub(crate) const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
