//! Alibaba Cloud's short messages: `SendSms` of 2017-05-25, signed by ACS3-HMAC-SHA256 (its "V3" request structure and signature).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use dialplan::flow::template::url_escaped;
use reqwest::header;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::http::ANSWER_MAX;
use super::{Gateway, Message, Sending, SmsError, national};
use crate::config::AliyunSms;
use crate::secrets::{random_bytes, to_hex};
use crate::web_client::{self, Answer, WebClient, WebError};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const ACTION: &str = "SendSms";
const VERSION: &str = "2017-05-25";

/// Sends by Alibaba Cloud.
pub(super) struct Aliyun {
    config: AliyunSms,
    web: WebClient,
}

/// What is signed of a request without a body. Its headers are the host and all of `x-acs-`.
struct Request<'a> {
    method: &'a str,
    query: &'a str,
    /// By name, in small letters.
    headers: BTreeMap<&'static str, String>,
}

impl Request<'_> {
    /// The value of `Authorization`.
    fn authorization(&self, key_id: &str, secret: &str) -> String {
        let names = self.headers.keys().copied().collect::<Vec<_>>().join(";");
        let mut lines = String::new();
        for (name, value) in &self.headers {
            let _ = writeln!(lines, "{name}:{}", value.trim());
        }
        let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{}", self.method, self.query, sha256(""));
        let signed = format!("{ALGORITHM}\n{}", sha256(&canonical));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        format!("{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={}", to_hex(tag.as_ref()))
    }
}

fn sha256(text: &str) -> String {
    to_hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The query in the order and the writing in which it is signed.
fn query(parameters: &BTreeMap<&str, String>) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", url_escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Aliyun {
    pub(super) fn new(config: AliyunSms, web: WebClient) -> Self {
        Self { config, web }
    }

    async fn post(&self, message: &Message) -> Result<(), SmsError> {
        let secret = self.config.secret.read().await?;
        let parameters = BTreeMap::from([
            ("PhoneNumbers", national(&message.to)),
            ("SignName", message.signature.clone()),
            ("TemplateCode", message.template.clone()),
            ("TemplateParam", json!(message.parameters).to_string()),
        ]);
        let query = query(&parameters);
        let url = self.web.url(&format!("{}/?{query}", self.config.url))?;
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).ok();
        let date = now.and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default();
        let headers = BTreeMap::from([
            ("host", host),
            ("x-acs-action", ACTION.to_owned()),
            ("x-acs-content-sha256", sha256("")),
            ("x-acs-date", date),
            ("x-acs-signature-nonce", to_hex(&random_bytes::<16>())),
            ("x-acs-version", VERSION.to_owned()),
        ]);
        let request = Request { method: "POST", query: &query, headers };
        let authorization = request.authorization(&self.config.key_id, &secret);
        let mut sent = self.web.client()?.post(url).header(header::AUTHORIZATION, authorization);
        for (name, value) in request.headers.into_iter().filter(|(name, _)| *name != "host") {
            sent = sent.header(name, value);
        }
        verdict(&web_client::read(sent.send().await.map_err(WebError::from)?, ANSWER_MAX).await?)
    }
}

/// It answers `Code: OK`, or an error's code: with 200 those of the message, with 400 and above those of the request.
fn verdict(answer: &Answer) -> Result<(), SmsError> {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    // A code of theirs is letters and dots; whatever else stands there is not told on.
    let code = json["Code"].as_str().filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_graphic()));
    let said = code.map_or_else(|| answer.status.to_string(), |code| format!("{} {code}", answer.status));
    match code {
        Some("OK") if answer.status == 200 => Ok(()),
        Some(code) if code.starts_with("Throttling") || code.starts_with("ServiceUnavailable") => {
            Err(SmsError::Unreachable(said))
        }
        _ if answer.status >= 500 => Err(SmsError::Unreachable(said)),
        _ => Err(SmsError::Refused(said)),
    }
}

impl Gateway for Aliyun {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.post(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that Alibaba Cloud publishes with the signature ("V3 request structure and signature": `RunInstances`).
    #[test]
    fn a_request_is_signed_as_the_published_example_is() {
        let parameters = BTreeMap::from([
            ("RegionId", "cn-shanghai".to_owned()),
            ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd".to_owned()),
        ]);
        let headers = BTreeMap::from([
            ("host", "ecs.cn-shanghai.aliyuncs.com".to_owned()),
            ("x-acs-action", "RunInstances".to_owned()),
            ("x-acs-content-sha256", sha256("")),
            ("x-acs-date", "2023-10-26T10:22:32Z".to_owned()),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d".to_owned()),
            ("x-acs-version", "2014-05-26".to_owned()),
        ]);
        let request = Request { method: "POST", query: &query(&parameters), headers };
        assert_eq!(
            request.authorization("YourAccessKeyId", "YourAccessKeySecret"),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;\
             x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }

    #[test]
    fn what_it_answers_is_understood() {
        let says = |status, body: &str| {
            let told = verdict(&Answer { status, body: body.into() });
            told.err().map(|error| error.to_string())
        };
        assert_eq!(says(200, r#"{"Code":"OK","Message":"OK","BizId":"1^0"}"#), None);
        let refused = "the gateway refused the message: 200 isv.BUSINESS_LIMIT_CONTROL";
        assert_eq!(says(200, r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL"}"#).as_deref(), Some(refused));
        let later = "the gateway cannot be reached: 400 Throttling.User";
        assert_eq!(says(400, r#"{"Code":"Throttling.User"}"#).as_deref(), Some(later));
        assert_eq!(says(502, "<html>").as_deref(), Some("the gateway cannot be reached: 502"));
        assert_eq!(says(200, "{}").as_deref(), Some("the gateway refused the message: 200"));
    }
}
