//! Webhooks: set by the API, delivered to endpoints of the test's own.

mod delivery;
mod receiver;
mod settings;
mod trouble;

use std::time::Duration;

use engine::webhooks;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fixture::{Client, Fixture};
use receiver::Receiver;

/// What delivers, as the process runs it.
struct Delivering {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Delivering {
    fn start(fixture: &Fixture) -> Self {
        let (stop, stopping) = watch::channel(false);
        Self { task: tokio::spawn(webhooks::run(fixture.api.clone(), stopping)), stop }
    }

    /// Ends as a process ends that is told to.
    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }

    /// Ends between two instructions, as a process does that is killed.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A webhook to the receiver that wants the tests' facts; its ID and secret.
async fn hook(admin: &Client<'_>, receiver: &Receiver) -> (String, String) {
    made(admin, json!({"url": receiver.url(), "allow_private": true, "types": ["source.*"]})).await
}

async fn made(admin: &Client<'_>, body: Value) -> (String, String) {
    let answer = admin.post("/webhooks", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let json = answer.json();
    (json["id"].as_str().unwrap().to_owned(), json["secret"].as_str().unwrap().to_owned())
}

/// Asks until what is shown is as wanted.
async fn until(admin: &Client<'_>, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let shown = admin.get(path).await.json();
            if wanted(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), asked).await {
        Ok(shown) => shown,
        Err(_) => panic!("{path} stays at {}", admin.get(path).await.json()),
    }
}
