//! Two lines of JSON: the content, and a checksum over it. A person and `jq` can read it; any damage shows.

use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MAX_BODY;

/// Writes `content` as one line of JSON and its CRC-32 as the second.
pub(super) fn encode(content: &impl Serialize) -> Result<Bytes> {
    let mut text = serde_json::to_vec(content).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a journal record cannot be written as JSON")
            .with_component(Component::Journal)
            .with_source(cause)
    })?;
    text.push(b'\n');
    if text.len() + 64 > MAX_BODY {
        let message = format!("a journal record of {} bytes is too long", text.len());
        return Err(Error::new(ErrorKind::InvalidInput, message).with_component(Component::Journal));
    }
    let checksum = checksum_line(&text);
    text.extend_from_slice(checksum.as_bytes());
    Ok(Bytes::from(text))
}

/// Reads what [`encode`] wrote; the error says in words what is wrong with it.
///
/// The checksum line must be there to the last byte, so whatever was cut off, were it one newline, is noticed.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let Some(end) = body.iter().position(|b| *b == b'\n') else {
        return Err(format!("the first line is not complete ({} bytes)", body.len()));
    };
    let (content, checksum) = body.split_at(end + 1);
    if checksum != checksum_line(content).as_bytes() {
        return Err(if checksum.len() < CHECKSUM_LINE {
            "the checksum line is not complete".to_owned()
        } else {
            "the checksum does not match".to_owned()
        });
    }
    serde_json::from_slice(content).map_err(|cause| format!("not the expected content: {cause}"))
}

const CHECKSUM_LINE: usize = "{\"crc32\":\"00000000\"}\n".len();

fn checksum_line(content: &[u8]) -> String {
    format!("{{\"crc32\":\"{:08x}\"}}\n", crc32fast::hash(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        assert_eq!(checksum_line(b"123456789"), "{\"crc32\":\"cbf43926\"}\n");
    }

    #[test]
    fn every_line_is_json_and_readable() {
        let body = encode(&json!({"event": "pause\nexporting"})).unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], r#"{"event":"pause\nexporting"}"#);
        assert!(lines[1].starts_with(r#"{"crc32":""#) && lines.len() == 2, "{text}");
        assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        assert_eq!(text.lines().nth(1).unwrap().len() + 1, CHECKSUM_LINE);
    }

    #[test]
    fn nested_and_foreign_content_is_an_error_not_a_crash() {
        for content in [format!("{}\n", "[".repeat(100_000)), "\n".into(), "\u{0}\n".into()] {
            let body = format!("{content}{}", checksum_line(content.as_bytes()));
            assert!(decode::<Value>(body.as_bytes()).is_err());
        }
        assert!(decode::<Value>(b"").is_err());
    }

    #[test]
    fn too_long_content_is_refused_before_it_is_written() {
        assert_eq!(encode(&"x".repeat(MAX_BODY)).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode::<Value>(&body).is_err());
        }
    }
}
