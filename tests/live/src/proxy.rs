//! A proxy on loopback between a program and the servers of a stack. It forwards every request, keeps a log of them, and
//! can do to one of them what networks, load balancers and dying servers do.

mod wire;

use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use camunda_backup::ClusterConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::stack::LiveStack;
use wire::Message;

/// Longer than what the library gives a question to a server, shorter than what it gives an order.
pub const DELAY: Duration = Duration::from_secs(10);

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 20\r\n\
    connection: close\r\n\r\nno healthy upstream\n";

/// One request that came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `broker-0` (whose gateway is the cluster's if there is no `gateway`), `rest-0`, `operate`, `tasklist` or `store`.
    pub server: String,
    pub method: String,
    /// With the query.
    pub path: String,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server answers, and the connection ends without a word.
    AnswerDropped,
    /// The connection ends, and the server never hears of the request.
    ClosedBefore,
    /// The answer comes [`DELAY`] late.
    Delayed,
    /// The connection ends in the middle of the answer.
    Truncated,
    /// The proxy itself answers 503; the server never hears of the request.
    Unavailable,
    /// The server gets the request twice; the second answer is passed on, as by a proxy that repeats.
    Replayed,
    /// Nothing is forwarded until [`Armed::release`].
    HeldBefore,
    /// The server answers, and the answer is kept until [`Armed::release`].
    HeldAfter,
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnswerDropped => "answer dropped",
            Self::ClosedBefore => "closed before",
            Self::Delayed => "answer 10 s late",
            Self::Truncated => "answer truncated",
            Self::Unavailable => "503",
            Self::Replayed => "replayed",
            Self::HeldBefore => "before it is forwarded",
            Self::HeldAfter => "after it was answered",
        })
    }
}

/// Which request a fault strikes.
pub type Matches = Box<dyn Fn(&Asked) -> bool + Send>;

/// A fault that waits for its request.
pub struct Armed {
    struck: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
}

impl Armed {
    /// Waits until the request has come, and for [`Fault::HeldAfter`] until it was answered.
    pub async fn struck(&mut self, limit: Duration) -> Result<()> {
        let struck = timeout(limit, &mut self.struck).await;
        struck.with_context(|| format!("the request did not come within {limit:?}"))?.context("not answered")
    }

    /// Lets a held request or answer go on. Without this, dropping ends its connection.
    pub fn release(self) {
        let _ = self.go.send(());
    }
}

struct Rule {
    matches: Matches,
    /// How many matching requests still pass unharmed.
    skip: usize,
    fault: Fault,
    struck: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

#[derive(Default)]
struct Shared {
    rule: Mutex<Option<Rule>>,
    log: Mutex<Vec<Asked>>,
}

/// One listening port per server. Everything ends when this is dropped.
pub struct Proxy {
    doors: Vec<Door>,
    shared: Arc<Shared>,
    _listeners: JoinSet<()>,
}

#[derive(Clone)]
struct Door {
    server: String,
    upstream: String,
    /// As the program is told it.
    url: String,
}

impl Proxy {
    /// Opens a port for each server that the library talks to.
    pub async fn start(stack: &LiveStack) -> Result<Self> {
        let mut servers = vec![("store".to_owned(), stack.store().to_owned())];
        for (name, urls) in [("broker", stack.zeebe_management()), ("rest", stack.zeebe_rest())] {
            servers.extend(urls.into_iter().enumerate().map(|(node, url)| (format!("{name}-{node}"), url)));
        }
        if stack.gateway.is_some() {
            servers.push(("gateway".to_owned(), stack.gateway_management()));
            servers.push(("gateway-rest".to_owned(), stack.gateway_rest()));
        }
        servers.extend(stack.operate_management().map(|url| ("operate".to_owned(), url.to_owned())));
        servers.extend(stack.tasklist_management().map(|url| ("tasklist".to_owned(), url.to_owned())));

        let (shared, mut listeners) = (Arc::new(Shared::default()), JoinSet::new());
        let mut doors = Vec::new();
        for (server, upstream) in servers {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the proxy")?;
            let url = format!("http://{}", listener.local_addr()?);
            let door = Door { server, upstream, url };
            doors.push(door.clone());
            listeners.spawn(listen(listener, door, shared.clone()));
        }
        Ok(Self { doors, shared, _listeners: listeners })
    }

    /// Sets the one fault: it strikes the first matching request after `skip` others. Empties the log.
    pub fn arm(&self, matches: Matches, skip: usize, fault: Fault) -> Armed {
        let ((hit, struck), (go, wait)) = (oneshot::channel(), oneshot::channel());
        *locked(&self.shared.rule) = Some(Rule { matches, skip, fault, struck: hit, go: wait });
        locked(&self.shared.log).clear();
        Armed { struck, go }
    }

    /// What has come since the last [`Proxy::arm`], whatever became of it.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.shared.log).clone()
    }

    /// The environment of the stack with our addresses in the place of the servers'.
    pub fn environment(&self, stack: &LiveStack) -> Vec<(&'static str, String)> {
        let through = |value: String| {
            self.doors.iter().fold(value, |value, door| value.replace(&door.upstream, &door.url))
        };
        stack.environment().into_iter().map(|(name, value)| (name, through(value))).collect()
    }
}

impl LiveStack {
    /// The configuration of a program that reaches these servers only through the proxy.
    pub fn config_through(&self, proxy: &Proxy) -> Result<ClusterConfig> {
        let all = proxy.environment(self);
        let lookup = |name: &str| all.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        Ok(ClusterConfig::from_lookup(lookup)?)
    }
}

async fn listen(listener: TcpListener, door: Door, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let (door, shared) = (door.clone(), shared.clone());
        connections.spawn(async move {
            // A client or server that goes away in the middle is what this is for.
            let _ = one_request(socket, &door, &shared).await;
        });
    }
}

/// One connection carries one request: when it ends, nothing else is lost with it.
async fn one_request(mut socket: TcpStream, door: &Door, shared: &Shared) -> Result<()> {
    let Some(request) = Message::read_request(&mut socket).await? else { return Ok(()) };
    let (method, path) = request.method_and_path()?;
    let asked = Asked { server: door.server.clone(), method, path };
    locked(&shared.log).push(asked.clone());
    match shared.strike(&asked) {
        None => request.forward(&door.upstream).await?.send(&mut socket).await,
        Some(rule) => rule.strike(&request, &door.upstream, &mut socket).await,
    }
}

impl Shared {
    /// The rule if it is for this request; it is used up then.
    fn strike(&self, asked: &Asked) -> Option<Rule> {
        let mut slot = locked(&self.rule);
        let rule = slot.as_mut().filter(|rule| (rule.matches)(asked))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        slot.take()
    }
}

impl Rule {
    async fn strike(self, request: &Message, upstream: &str, socket: &mut TcpStream) -> Result<()> {
        let Self { fault, struck, go, .. } = self;
        match fault {
            Fault::HeldBefore => {
                let _ = struck.send(());
                go.await?;
                request.forward(upstream).await?.send(socket).await
            }
            Fault::HeldAfter => {
                let answer = request.forward(upstream).await?;
                let _ = struck.send(());
                go.await?;
                answer.send(socket).await
            }
            _ => {
                let _ = struck.send(());
                strike_at_once(fault, request, upstream, socket).await
            }
        }
    }
}

async fn strike_at_once(
    fault: Fault,
    request: &Message,
    upstream: &str,
    socket: &mut TcpStream,
) -> Result<()> {
    match fault {
        Fault::ClosedBefore => return Ok(()),
        Fault::Unavailable => return wire::write(socket, UNAVAILABLE).await,
        Fault::Replayed => {
            request.forward(upstream).await?;
        }
        _ => {}
    }
    let answer = request.forward(upstream).await?;
    match fault {
        Fault::AnswerDropped => Ok(()),
        Fault::Truncated => wire::write(socket, answer.half()).await,
        Fault::Delayed => {
            sleep(DELAY).await; // the fault itself
            answer.send(socket).await
        }
        _ => answer.send(socket).await,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
