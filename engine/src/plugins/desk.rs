//! Where a plugin answers requests: on threads of its own, so many at a time, each within a time limit.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hooks::operation::{Problem, Request, Response};
use hooks::plugin::{Host, Plugin};
use recordings::failpoint::fail_point;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// Requests that one plugin answers at a time; a further one is refused at once. One that hangs keeps its place.
pub const REQUESTS_MAX: usize = 16;

/// One plugin's.
pub struct Desk {
    plugin: Arc<dyn Plugin>,
    host: Arc<dyn Host>,
    /// Always there but while it is dropped.
    runtime: Option<Runtime>,
    places: Arc<Semaphore>,
    limit: Duration,
}

/// Why a request has no answer of success.
#[derive(Debug)]
pub enum NoAnswer {
    /// The plugin says why.
    Problem(Problem),
    /// [`REQUESTS_MAX`] requests are being answered.
    Full,
    /// It took longer than the limit; the plugin may still be at it.
    Late,
    /// The plugin panicked.
    Panicked,
}

impl Desk {
    /// A desk at which each request is answered within `limit`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(plugin: Arc<dyn Plugin>, host: Arc<dyn Host>, limit: Duration) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(REQUESTS_MAX)
            .thread_name(format!("desk-{}", plugin.name()))
            .build()?;
        let places = Arc::new(Semaphore::new(REQUESTS_MAX));
        Ok(Self { plugin, host, runtime: Some(runtime), places, limit })
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Arc<dyn Plugin> {
        &self.plugin
    }

    /// What it sees.
    #[must_use]
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// Has a request answered.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn handle(&self, request: Request) -> Result<Response, NoAnswer> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return Err(NoAnswer::Full) };
        let (plugin, host) = (Arc::clone(&self.plugin), Arc::clone(&self.host));
        let runtime = self.runtime.as_ref().expect("it is there until it is dropped");
        let answered = runtime.spawn_blocking(move || {
            let _held = place;
            fail_point("plugin.handle");
            catch_unwind(AssertUnwindSafe(|| plugin.handle(&*host, &request)))
        });
        match tokio::time::timeout(self.limit, answered).await {
            Ok(Ok(Ok(answer))) => answer.map_err(NoAnswer::Problem),
            Ok(Ok(Err(_)) | Err(_)) => Err(NoAnswer::Panicked),
            Err(_elapsed) => Err(NoAnswer::Late),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // A plugin that hangs is left alone.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The desks of all plugins.
#[derive(Clone, Default)]
pub struct Desks(Vec<Arc<Desk>>);

impl Desks {
    /// These.
    #[must_use]
    pub fn new(desks: Vec<Arc<Desk>>) -> Self {
        Self(desks)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.0.iter()
    }

    /// The one of the plugin of that name.
    #[must_use]
    pub fn of(&self, plugin: &str) -> Option<&Arc<Desk>> {
        self.0.iter().find(|desk| desk.plugin.name() == plugin)
    }

    /// The plugins.
    #[must_use]
    pub fn plugins(&self) -> Vec<Arc<dyn Plugin>> {
        self.0.iter().map(|desk| Arc::clone(&desk.plugin)).collect()
    }
}
