//! Answers that are not complete, and servers that take their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, ErrorKind, Outcome};

use crate::server::{OK, Server, nobody};
use crate::{SHORT, client, get, once};

#[tokio::test]
async fn nothing_was_sent_when_nobody_listens() {
    for call in [get(), once().max_retries(0)] {
        let error = client(&nobody().await).send(call).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
        assert!(error.report().contains("refused"), "{}", error.report());
    }
}

#[tokio::test]
async fn nothing_was_sent_when_the_name_is_unknown() {
    let error = client("http://no-such-host.invalid:9600").send(get()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
}

#[tokio::test]
async fn nothing_was_sent_when_the_handshake_never_ends() {
    let server = Server::start(|_, connection| async move {
        let _held_open = connection;
        std::future::pending::<()>().await;
    })
    .await;
    let url = server.url().replace("http://", "https://");
    let limits = Timeouts { connect: Duration::from_millis(200), ..SHORT };
    let error = client(&url).send(get().timeouts(limits)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
    assert_eq!(server.seen.connections(), 1);
}

/// Every way in which an answer can end too early, after the request has arrived.
#[tokio::test]
async fn the_outcome_is_unknown_when_the_answer_breaks_off() {
    for beginning in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\"",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        "nonsense that is not HTTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad\0header: 1\r\n\r\n",
    ] {
        for with_reset in [false, true] {
            let server = Server::start(move |_, mut connection| async move {
                connection.request().await;
                connection.write(beginning).await;
                if with_reset {
                    connection.reset();
                }
            })
            .await;
            let error = client(&server.url()).send(once()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Transport, Outcome::Unknown),
                "{beginning:?} {with_reset}: {}",
                error.report()
            );
            assert_eq!(server.seen.requests().len(), 1, "{beginning:?}");
            assert!(!error.report().contains("127.0.0.1:0/x"), "{}", error.report());
        }
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    for beginning in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"] {
        let server = Server::start(move |_, mut connection| async move {
            connection.request().await;
            connection.write(beginning).await;
            // Until the client gives up.
            connection.request().await;
        })
        .await;
        let limits = Timeouts { connect: Duration::from_millis(300), ..SHORT };
        let error = client(&server.url()).send(once().timeouts(limits)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown), "{beginning:?}");
        assert_eq!(server.seen.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_drip_that_never_pauses_long_ends_at_the_total_limit() {
    let server = Server::start(|_, mut connection| async move {
        connection.request().await;
        connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        while connection.write(" ").await {
            tokio::time::sleep(Duration::from_millis(20)).await; // the slow drip itself, what is under test
        }
    })
    .await;
    let limits = Timeouts { total: Duration::from_millis(500), read: Duration::from_secs(5), ..SHORT };
    let error = client(&server.url()).send(get().timeouts(limits)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Refused));
    assert!(error.report().contains("no complete answer within 500ms"), "{}", error.report());
}

#[tokio::test]
async fn an_endless_body_is_not_read_beyond_the_limit() {
    let written = Arc::new(AtomicUsize::new(0));
    let (closed, mut is_closed) = tokio::sync::mpsc::channel(1);
    let counter = Arc::clone(&written);
    let server = Server::start(move |_, mut connection| {
        let (written, closed) = (Arc::clone(&counter), closed.clone());
        async move {
            connection.request().await;
            connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            while connection.write(&chunk).await {
                written.fetch_add(0x10000, Ordering::SeqCst);
            }
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let error = client(&server.url()).send(get().max_body(1_000_000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
    is_closed.recv().await.unwrap();
    // What the sockets' buffers hold comes on top of what was read.
    let written = written.load(Ordering::SeqCst);
    assert!((900_000..64_000_000).contains(&written), "{written}");
}

#[tokio::test]
async fn ten_gigabytes_are_refused_when_they_are_announced() {
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n{").await;
    let error = client(&server.url()).send(get()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
    assert!(error.advice().is_some_and(|advice| advice.contains("base URL")));
}

#[tokio::test]
async fn a_broken_answer_to_a_read_is_asked_for_again() {
    let server = Server::start(|number, mut connection| async move {
        connection.request().await;
        connection
            .write(if number == 1 { "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{" } else { OK })
            .await;
    })
    .await;
    client(&server.url()).send(Call::get("test.get", "/x")).await.unwrap();
    assert_eq!(server.seen.requests().len(), 2);
}
