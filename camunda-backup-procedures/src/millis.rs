//! Durations in reports and events: a number of milliseconds in a field that ends with `_ms`. What earlier versions have stored
//! (`{secs, nanos}`) is read.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Millis(u64),
    Parts(Duration),
}

impl From<Stored> for Duration {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Millis(millis) => Self::from_millis(millis),
            // What is finer was never meant, and would not be written again.
            Stored::Parts(duration) => Self::from_millis(of(duration)),
        }
    }
}

fn of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(of(*duration))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Stored::deserialize(deserializer).map(Duration::from)
}

/// The same for one that may be absent.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, Stored, of};

    #[allow(clippy::ref_option)] // serde's signature
    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Stored>::deserialize(deserializer)?.map(Duration::from))
    }
}
