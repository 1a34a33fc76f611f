//! The simulated installation as a transport, for clients that know nothing of it.

use async_trait::async_trait;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::{Request, Response, Transport, TransportError};

use crate::testing::fake::FakeCamunda;

/// Answers when a real installation would; it waits by tokio's clock. Nobody listens at addresses that are not in
/// [`FakeCamunda::addresses`].
#[async_trait]
impl Transport for FakeCamunda {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let Some((delay, response)) = self.answer(&request).settle() else {
            return Err(TransportError::new(TransportErrorKind::Connect, "nobody listens there"));
        };
        if delay >= request.timeouts.total {
            tokio::time::sleep(request.timeouts.total).await;
            return Err(TransportError::new(TransportErrorKind::Timeout, "the simulated server still works"));
        }
        tokio::time::sleep(delay).await;
        Ok(response)
    }
}
