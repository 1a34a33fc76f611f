//! Kept connections, and what happens to a request when one of them dies.

use camunda_backup_core::{Call, Effect, ErrorKind, Outcome};

use crate::server::{OK, Server};
use crate::{client, once};

/// Answers one request on its first connection, takes a second one there and dies; later connections are healthy.
async fn restarting_broker() -> Server {
    Server::start(|number, mut connection| async move {
        if number == 1 {
            connection.request().await;
            connection.write(OK).await;
            connection.request().await;
            connection.reset();
        } else {
            while connection.request().await.is_some() {
                connection.write(OK).await;
            }
        }
    })
    .await
}

fn read() -> Call {
    Call::get("test.get", "/x")
}

#[tokio::test]
async fn reads_share_a_connection_and_survive_its_death() {
    let server = restarting_broker().await;
    let client = client(&server.url());
    client.send(read()).await.unwrap();
    client.send(read()).await.unwrap();
    client.send(read()).await.unwrap();
    // The second was sent on the dying connection and again on the next, which the third shares.
    assert_eq!((server.seen.requests().len(), server.seen.connections()), (4, 2));
}

/// A pause, a resume or an order must not have an unknown outcome only because its connection had been idle for long.
#[tokio::test]
async fn what_changes_something_uses_no_connection_that_may_be_dying() {
    for effect in [Effect::Once, Effect::Idempotent] {
        let server = restarting_broker().await;
        let client = client(&server.url());
        let change = || Call::post("test.post", effect, "/x").max_retries(0);
        client.send(read()).await.unwrap();
        client.send(change()).await.unwrap();
        client.send(change()).await.unwrap();
        let requests = server.seen.requests();
        assert_eq!(requests.iter().filter(|request| request.starts_with("post")).count(), 2, "{effect:?}");
        assert_eq!((requests.len(), server.seen.connections()), (3, 3), "{effect:?}");
    }
}

#[tokio::test]
async fn once_is_sent_once_when_its_connection_dies() {
    let server = Server::start(|_, mut connection| async move {
        connection.request().await;
        connection.reset();
    })
    .await;
    let error = client(&server.url()).send(once()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Transport, Outcome::Unknown));
    assert_eq!((server.seen.requests().len(), server.seen.connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_request() {
    let (closed, mut is_closed) = tokio::sync::mpsc::channel(1);
    let server = Server::start(move |number, mut connection| {
        let closed = closed.clone();
        async move {
            connection.request().await;
            connection.write(OK).await;
            if number == 1 {
                drop(connection);
                closed.send(()).await.unwrap();
            } else {
                connection.request().await;
            }
        }
    })
    .await;
    let client = client(&server.url());
    client.send(read()).await.unwrap();
    is_closed.recv().await.unwrap();
    client.send(read()).await.unwrap();
    assert_eq!((server.seen.requests().len(), server.seen.connections()), (2, 2));
}
