//! The HTTP API as a client of `contract` sees it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// Beyond this a test's list was not meant to be read whole.
const PAGES_MAX: usize = 100;

/// A client, signed in or not.
#[derive(Clone, Debug)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Its `Content-Range`, if it has one.
    pub content_range: Option<String>,
    /// Its `Retry-After`, if it has one.
    pub retry_after: Option<String>,
    /// Its `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Api {
    /// A client of nobody.
    #[must_use]
    pub fn new(server: SocketAddr) -> Self {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        Self { agent: config.build().into(), base: format!("http://{server}"), token: None }
    }

    /// The client, signed in.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn sign_in(self, login: &str, password: &str) -> Result<Self> {
        self.signed_in(&json!({"login": login, "password": password}))
    }

    /// [`Self::sign_in`] to one of several tenants.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn sign_in_to(self, tenant: &str, login: &str, password: &str) -> Result<Self> {
        self.signed_in(&json!({"tenant": tenant, "login": login, "password": password}))
    }

    fn signed_in(mut self, who: &Value) -> Result<Self> {
        let answer = self.post("session", who)?;
        let token = answer.json()["token"].as_str().map(str::to_owned);
        self.token = Some(token.with_context(|| format!("no token in {}: {}", answer.status, answer.json()))?);
        Ok(self)
    }

    /// The client of a program that has this token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// True when `/readyz` says so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/readyz", self.base)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// Any path of the server as text, such as `/metrics`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn text(&self, path: &str) -> Result<String> {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call()?;
        answer.body_mut().read_to_string().context("the body is no text")
    }

    /// A gauge or counter of `/metrics` that has no labels.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let text = self.text("/metrics")?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).with_context(|| format!("no metric {name}"))
    }

    /// What stands at a path of the server itself, such as `/readyz`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn at_root(&self, path: &str) -> Result<Answer> {
        read(
            self.agent
                .get(format!("{}{path}", self.base))
                .call()
                .with_context(|| format!("no answer to GET {path}"))?,
        )
    }

    /// A resource that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.fetch(path, None)?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.json());
        Ok(answer.json())
    }

    /// A resource as it comes, perhaps only `range` of it (`bytes=0-99`).
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn fetch(&self, path: &str, range: Option<&str>) -> Result<Answer> {
        let mut request = self.agent.get(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        read(request.call().with_context(|| format!("no answer to GET {path}"))?)
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// When a page is missing.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut query = format!("{path}?limit=100");
        for _ in 0..PAGES_MAX {
            let page = self.get(&query)?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("{path}?limit=100&cursor={cursor}"),
                None => return Ok(items),
            }
        }
        anyhow::bail!("{path} has more than {PAGES_MAX} pages")
    }

    /// Every event that is kept, in order.
    ///
    /// # Errors
    /// When a page is missing.
    pub fn events(&self) -> Result<Vec<Value>> {
        let (mut events, mut query) = (Vec::new(), "events?limit=200".to_owned());
        loop {
            let page = self.get(&query)?;
            let items = page["items"].as_array().context("no page")?;
            if items.is_empty() {
                return Ok(events);
            }
            events.extend(items.iter().cloned());
            query = format!("events?limit=200&after={}", page["next_cursor"].as_str().context("no cursor")?);
        }
    }

    /// Uploads a file and gives what it became.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn upload(&self, path: &str, content_type: &str, file: &[u8]) -> Result<Value> {
        let mut request = self.agent.post(self.url(path)).header("Content-Type", content_type);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = read(request.send(file).with_context(|| format!("no answer to POST {path}"))?)?;
        ensure!(answer.status == 201, "POST {path}: {} {}", answer.status, answer.json());
        Ok(answer.json())
    }

    /// Makes or does something.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let mut request = self.agent.post(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.send_json(body).with_context(|| format!("no answer to POST {path}"))?)
    }

    /// Puts something in its place.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        let mut request = self.agent.put(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.send_json(body).with_context(|| format!("no answer to PUT {path}"))?)
    }

    /// Changes something that is there.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let mut request = self.agent.patch(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = read(request.send_json(body).with_context(|| format!("no answer to PATCH {path}"))?)?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.json());
        Ok(answer.json())
    }

    /// Takes something away.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        let mut request = self.agent.delete(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.call().with_context(|| format!("no answer to DELETE {path}"))?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_range, content_type) = (header("content-range"), header("content-type").unwrap_or_default());
    let retry_after = header("retry-after");
    let status = answer.status().as_u16();
    // A recording of a test is a few megabytes; the client's own limit is 10.
    let body = answer.body_mut().with_config().limit(100 << 20).read_to_vec().context("the body broke off")?;
    Ok(Answer { status, content_range, retry_after, content_type, body })
}
