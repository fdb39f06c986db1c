//! The API's way to the writer.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hooks::fact::SettingsChanged;
use hooks::id::TenantId;
use switch::config::TenantConfig;
use switch::input::Command;
use switch::output::Done;

use super::{Inbox, InboxError};
use crate::live::{CommandError, SwitchHandle};

impl SwitchHandle for Inbox {
    fn command(&self, tenant: TenantId, command: Command) -> BoxFuture<'_, Result<Done, CommandError>> {
        async move { Ok(Inbox::command(self, tenant, command).await??) }.boxed()
    }

    fn settings(
        &self,
        settings: Arc<TenantConfig>,
        changed: Vec<SettingsChanged>,
    ) -> BoxFuture<'_, Result<(), CommandError>> {
        async move { Ok(self.tenant(settings, changed).await?) }.boxed()
    }
}

impl From<InboxError> for CommandError {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Full => Self::Busy,
            InboxError::Stopped => Self::Stopping,
        }
    }
}
