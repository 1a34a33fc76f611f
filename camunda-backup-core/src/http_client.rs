//! The cheap-clone handle around a [`Transport`]: base URL with prefix, credentials, the one retry loop, one span
//! per request, the body cap.

mod auth;
mod call;
mod client;
mod endpoint;
mod failure;
mod oidc;

pub use auth::Auth;
pub use call::{Call, path_segment};
pub use client::HttpClient;
pub use endpoint::Endpoint;
pub use failure::server_words;
pub use oidc::OidcConfig;

/// The longest answer that is accepted unless the call says otherwise: 16 MiB.
pub const DEFAULT_MAX_BODY: usize = 16 * 1024 * 1024;
