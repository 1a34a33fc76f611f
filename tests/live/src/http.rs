//! A small HTTP client for JSON.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// Longer than the longest answer of Camunda 8.6: a web application waits 30 s for a hanging store.
const TIME_OUT: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Http {
    client: Client,
}

/// Status and body; a body that is no JSON is kept as a string.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with a 2xx status.
    pub fn success(self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.short());
        }
        Ok(self.body)
    }

    /// The beginning of the body; Camunda's errors can be 20 kB of stack trace.
    pub fn short(&self) -> String {
        self.body.to_string().chars().take(300).collect()
    }
}

impl Http {
    pub fn new() -> Result<Self> {
        Ok(Self { client: Client::builder().timeout(TIME_OUT).no_proxy().build()? })
    }

    pub async fn get(&self, url: &str) -> Result<Answer> {
        answer(self.client.get(url)).await.with_context(|| format!("GET {url}"))
    }

    pub async fn post(&self, url: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, url, body).await
    }

    pub async fn put(&self, url: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PUT, url, body).await
    }

    pub async fn delete(&self, url: &str) -> Result<Answer> {
        answer(self.client.delete(url)).await.with_context(|| format!("DELETE {url}"))
    }

    pub async fn post_form(&self, url: &str, form: reqwest::multipart::Form) -> Result<Answer> {
        answer(self.client.post(url).multipart(form)).await.with_context(|| format!("POST {url}"))
    }

    async fn send(&self, method: Method, url: &str, body: &Value) -> Result<Answer> {
        let request = self.client.request(method.clone(), url).json(body);
        answer(request).await.with_context(|| format!("{method} {url}"))
    }
}

async fn answer(request: RequestBuilder) -> Result<Answer> {
    let response = request.header("accept", "application/json").send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}
