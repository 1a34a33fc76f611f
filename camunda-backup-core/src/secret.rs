//! Values that must never be seen: no `Display`, a `Debug` without the value, no `Serialize`.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

/// A password, token, key or API key.
///
/// It can be read from a configuration but never written: there is no `Serialize`, no `Display`, and `Debug` prints
/// `Secret(…)`. The value is reached by [`Secret::expose`] only, so every use can be found by name.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret value.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(Arc::from(value.as_ref()))
    }

    /// The value itself. Never log, print or store what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
