//! As much of HTTP/1.1 as a proxy needs that looks at one request and passes bytes on as they are.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request or an answer, whole. Its connection ends with it.
pub struct Message {
    bytes: Vec<u8>,
    /// Where the body begins.
    body: usize,
}

impl Message {
    /// None if the connection ended before anything came.
    pub async fn read_request(socket: &mut TcpStream) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        let body = loop {
            if let Some(body) = end_of_head(&bytes) {
                break body;
            }
            if socket.read_buf(&mut bytes).await? == 0 {
                ensure!(bytes.is_empty(), "the head of a request ended half-way");
                return Ok(None);
            }
        };
        let head = head(&bytes[..body])?;
        ensure!(header(head, "transfer-encoding").is_none(), "the proxy takes no chunked requests");
        let length: usize = header(head, "content-length").map_or(Ok(0), str::parse)?;
        while bytes.len() < body + length {
            ensure!(socket.read_buf(&mut bytes).await? > 0, "the body of a request ended half-way");
        }
        Ok(Some(Self::with_close(&bytes, body)?))
    }

    /// Sends this to a server on a connection of its own and reads until that ends.
    pub async fn forward(&self, upstream: &str) -> Result<Self> {
        let address = upstream.strip_prefix("http://").context("servers speak plain HTTP")?;
        let mut server = TcpStream::connect(address).await?;
        server.write_all(&self.bytes).await?;
        let mut bytes = Vec::new();
        server.read_to_end(&mut bytes).await?;
        let Some(body) = end_of_head(&bytes) else { bail!("{address} gave no answer") };
        Self::with_close(&bytes, body)
    }

    pub async fn send(&self, socket: &mut TcpStream) -> Result<()> {
        write(socket, &self.bytes).await
    }

    /// The head and half of the body, or half of the head if there is no body.
    pub fn half(&self) -> &[u8] {
        let length = self.bytes.len() - self.body;
        let end = if length > 1 { self.body + length / 2 } else { self.body / 2 };
        &self.bytes[..end]
    }

    pub fn method_and_path(&self) -> Result<(String, String)> {
        let mut words = head(&self.bytes[..self.body])?.split(' ');
        let (method, path) = (words.next(), words.next());
        Ok((method.context("no method")?.to_owned(), path.context("no path")?.to_owned()))
    }

    /// The same message, which says that its connection ends with it.
    fn with_close(bytes: &[u8], body: usize) -> Result<Self> {
        let lines = head(&bytes[..body])?.trim_end().split("\r\n");
        let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let mut new = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
        new.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
        let new_body = new.len();
        new.extend_from_slice(&bytes[body..]);
        Ok(Self { bytes: new, body: new_body })
    }
}

/// Writes the last bytes of a connection.
pub async fn write(socket: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    socket.write_all(bytes).await?;
    Ok(socket.shutdown().await?)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|position| position + 4)
}

fn head(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).context("the head of a message is not text")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody";

    #[test]
    fn a_passed_message_ends_its_connection_and_is_the_same_otherwise() {
        let message = Message::with_close(ANSWER, end_of_head(ANSWER).unwrap()).unwrap();
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        assert_eq!(text, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nconnection: close\r\n\r\nbody");
        assert!(message.half().ends_with(b"\r\n\r\nbo"));
    }

    #[test]
    fn half_of_an_answer_without_a_body_is_half_a_head() {
        let bytes = b"HTTP/1.1 204 No Content\r\n\r\n";
        let message = Message::with_close(bytes, bytes.len()).unwrap();
        assert!(end_of_head(message.half()).is_none());
    }
}
