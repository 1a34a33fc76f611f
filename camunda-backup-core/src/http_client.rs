//! The cheap-clone handle around a [`Transport`](crate::Transport): base URL with prefix, credentials, the one retry loop, one span
//! per request, the body cap.

mod advice;
mod auth;
mod call;
mod client;
mod endpoint;
mod failure;
mod html;
mod oidc;
mod parts;
mod redact;
mod retry;
mod server_message;

pub use auth::Auth;
pub use call::{Call, path_segment};
pub use client::HttpClient;
pub use endpoint::Endpoint;
pub(crate) use endpoint::{adopted, without_credentials};
pub use oidc::OidcConfig;
pub use parts::AuthParts;
pub use server_message::server_message;

/// The longest answer that is accepted unless the call says otherwise: 16 MiB.
pub const DEFAULT_MAX_BODY: usize = 16 * 1024 * 1024;
