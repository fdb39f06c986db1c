//! `[sms]`: the gateway of short messages (SMS-10), with a section for each kind.

use std::path::PathBuf;

use reqwest::header::HeaderName;

use super::credential::{self, Credential};
use super::reader::{Reader, text_of};
use crate::sms::template::{Escape, Template};

/// `[sms]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsConfig {
    /// How messages leave.
    pub driver: SmsDriver,
    /// Also to servers of this machine and of networks that are not public, and without TLS.
    pub allow_private: bool,
    /// What numbers must begin with, E.164.
    pub prefixes: Vec<String>,
    /// The sender's name (短信签名) of codes.
    pub signature: String,
    /// What is said with a code: `{code}`, and for how many `{minutes}` it holds.
    pub code_text: String,
    /// The gateway's own template for codes.
    pub code_template: String,
}

/// How messages leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsDriver {
    /// Into a file, a line of JSON each: for tests, and for who tries it out.
    File(PathBuf),
    /// By one HTTP request each.
    Http(Box<HttpSms>),
    /// By Alibaba Cloud.
    Aliyun(AliyunSms),
    /// By a short message centre.
    Smpp(SmppSms),
}

/// `[sms.http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSms {
    /// Where to; its server holds no placeholder.
    pub url: Template,
    /// What is posted; none: it is a GET.
    pub body: Option<SmsBody>,
    /// More header fields.
    pub headers: Vec<(HeaderName, Template)>,
    /// What `{user}` is.
    pub user: String,
    /// What `{secret}` is.
    pub secret: Option<Credential>,
    /// Where an answer of 200 may be a refusal, by what it is none.
    pub success: Option<Success>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsBody {
    /// Its `Content-Type`.
    pub kind: &'static str,
    /// The body.
    pub template: Template,
    /// How values are written in it.
    pub escape: Escape,
}

/// When an answer says that the message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Where in the JSON (RFC 6901).
    pub pointer: String,
    /// What stands there then.
    pub values: Vec<String>,
}

/// `[sms.aliyun]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliyunSms {
    /// The endpoint, without a path.
    pub url: String,
    /// The ID of the access key.
    pub key_id: String,
    /// The access key.
    pub secret: Credential,
}

/// `[sms.smpp]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmppSms {
    /// The centre.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// It is spoken to over TLS.
    pub tls: bool,
    /// Who signs in, at most 15 characters.
    pub system_id: String,
    /// The password, at most 8 characters by the standard.
    pub password: Credential,
    /// What kind of system we are, as the centre has it; mostly empty.
    pub system_type: String,
    /// Who messages are from: a number or a name.
    pub source: String,
    /// The kind of that.
    pub source_ton: u8,
    /// Its numbering plan.
    pub source_npi: u8,
    /// What becomes of long messages.
    pub long: SmppLong,
}

/// What becomes of messages that are longer than one on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmppLong {
    /// They are sent in parts, each with a header.
    Udh,
    /// They are sent whole, and the centre parts them.
    Payload,
}

const PREFIX: &str = "+86";
const CODE_TEXT: &str = "您的验证码是 {code}，{minutes} 分钟内有效。";
const ALIYUN: &str = "https://dysmsapi.aliyuncs.com";
const SMPP_PORT: u16 = 2775;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Http,
    Aliyun,
    Smpp,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<SmsConfig> {
    let kinds = [("file", Kind::File), ("http", Kind::Http), ("aliyun", Kind::Aliyun), ("smpp", Kind::Smpp)];
    let kind = reader.word("driver", &kinds);
    let allow_private = reader.flag("allow_private").unwrap_or(false);
    let prefixes = reader.list("prefixes", prefix).unwrap_or_else(|| vec![PREFIX.to_owned()]);
    let signature = reader.text("signature").unwrap_or_default();
    let code_text = reader.text("code_text").unwrap_or_else(|| CODE_TEXT.to_owned());
    let code_template = reader.text("code_template").unwrap_or_default();
    let file = reader.text("outbox").filter(|path| !path.is_empty());
    // Each section is read whatever the driver, so that what stands in it is checked and its keys are known.
    let http = http(reader.section("http"), kind == Some(Kind::Http), allow_private);
    let aliyun = aliyun(reader.section("aliyun"), kind == Some(Kind::Aliyun), allow_private);
    let smpp = smpp(reader.section("smpp"), kind == Some(Kind::Smpp));
    let place = reader.place().clone();
    let wrong = |message: &str| reader.problem(place.clone(), message.to_owned());
    if !code_text.contains("{code}") {
        wrong("`sms.code_text` must hold {code}");
    }
    if kind == Some(Kind::Aliyun) && (signature.is_empty() || code_template.is_empty()) {
        wrong("`sms`: the driver \"aliyun\" needs `signature` and `code_template`, as Alibaba Cloud has approved them");
    }
    let driver = match kind {
        Some(Kind::File) => {
            if file.is_none() {
                wrong("`sms`: the driver \"file\" needs `outbox`, where messages are written");
            }
            file.map(|path| SmsDriver::File(PathBuf::from(path)))
        }
        Some(Kind::Http) => http.map(|http| SmsDriver::Http(Box::new(http))),
        Some(Kind::Aliyun) => aliyun.map(SmsDriver::Aliyun),
        Some(Kind::Smpp) => smpp.map(SmsDriver::Smpp),
        None => {
            if file.is_some() {
                wrong("`sms` needs a driver");
            }
            None
        }
    };
    reader.finish();
    Some(SmsConfig { driver: driver?, allow_private, prefixes, signature, code_text, code_template })
}

fn http(mut reader: Reader<'_>, is_used: bool, allow_private: bool) -> Option<HttpSms> {
    let url = reader.get("url", |node| server(text_of(node)?, allow_private));
    let methods = [("POST", true), ("GET", false)];
    let is_post = reader.word("method", &methods).unwrap_or(true);
    let kinds = [
        ("application/json", ("application/json", Escape::Json)),
        ("application/x-www-form-urlencoded", ("application/x-www-form-urlencoded", Escape::Percent)),
    ];
    let (kind, escape) = reader.word("content_type", &kinds).unwrap_or(kinds[0].1);
    let template = reader.get("body", |node| Template::parse(text_of(node)?));
    let headers = reader.texts("headers", header).unwrap_or_default();
    let user = reader.text("user").unwrap_or_default();
    let secret = credential::read(&mut reader, ["secret", "secret_file"]);
    let pointer = reader.get("success_pointer", |node| match text_of(node)? {
        text if text.is_empty() || text.starts_with('/') => Ok(text.to_owned()),
        text => Err(format!("`{text}` is no JSON pointer, write it as /code")),
    });
    let values = reader.list("success_values", |text| Ok(text.to_owned())).unwrap_or_default();
    let place = reader.place().clone();
    let wrong = |message: &str| reader.problem(place.clone(), message.to_owned());
    if is_used && url.is_none() {
        wrong("`sms`: the driver \"http\" needs `http.url`");
    }
    if is_used && is_post && template.is_none() {
        wrong("`sms`: the driver \"http\" needs `http.body`, or method = \"GET\"");
    }
    if template.is_some() && !is_post {
        wrong("`sms.http`: a GET has no body");
    }
    let pointer = pointer.filter(|pointer| !pointer.is_empty());
    if pointer.is_some() == values.is_empty() {
        wrong("`sms.http` needs both success_pointer and success_values, or none of them");
    }
    let names: Vec<&str> = url.iter().chain(&template).flat_map(Template::names).collect();
    if is_used && !names.iter().any(|name| ["text", "code", "parameters"].contains(name)) {
        wrong("`sms.http`: neither url nor body holds {text}, {parameters} or {code}: nothing would be said");
    }
    reader.finish();
    let body = template.filter(|_| is_post).map(|template| SmsBody { kind, template, escape });
    let success = pointer.map(|pointer| Success { pointer, values });
    Some(HttpSms { url: url?, body, headers, user, secret, success })
}

fn aliyun(mut reader: Reader<'_>, is_used: bool, allow_private: bool) -> Option<AliyunSms> {
    let url = reader.get("url", |node| {
        let url = text_of(node)?.trim_end_matches('/').to_owned();
        server(&format!("{url}/"), allow_private).map(|_| url)
    });
    let key_id = reader.text("access_key_id").filter(|id| !id.is_empty());
    let secret = credential::read(&mut reader, ["access_key_secret", "access_key_secret_file"]);
    if is_used && (key_id.is_none() || secret.is_none()) {
        let place = reader.place().clone();
        let mend = "`sms`: the driver \"aliyun\" needs `aliyun.access_key_id`, and `aliyun.access_key_secret` or a file with it";
        reader.problem(place, mend.to_owned());
    }
    reader.finish();
    Some(AliyunSms { url: url.unwrap_or_else(|| ALIYUN.to_owned()), key_id: key_id?, secret: secret? })
}

fn smpp(mut reader: Reader<'_>, is_used: bool) -> Option<SmppSms> {
    let host = reader.text("host").filter(|host| !host.is_empty());
    let port = reader.whole("port", 1..=65_535).and_then(|port| u16::try_from(port).ok()).unwrap_or(SMPP_PORT);
    let tls = reader.flag("tls").unwrap_or(false);
    let system_id = reader.get("system_id", |node| at_most(15, text_of(node)?)).filter(|id| !id.is_empty());
    let password = credential::read(&mut reader, ["password", "password_file"]);
    let system_type = reader.get("system_type", |node| at_most(12, text_of(node)?)).unwrap_or_default();
    let source = reader.get("source", |node| at_most(20, text_of(node)?)).unwrap_or_default();
    // SMPP 3.4 §5.2.5: international with +, a name with letters, else unknown; of a name there is no plan.
    let (digits, plus) = (source.trim_start_matches('+').to_owned(), source.starts_with('+'));
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let (ton, npi) = match (source.is_empty(), is_number, plus) {
        (true, ..) => (0, 0),
        (false, true, true) => (1, 1),
        (false, true, false) => (0, 1),
        (false, false, _) => (5, 0),
    };
    let mut byte = |key, default: u8| reader.whole(key, 0..=255).and_then(|n| u8::try_from(n).ok()).unwrap_or(default);
    let (source_ton, source_npi) = (byte("source_ton", ton), byte("source_npi", npi));
    let long = reader.word("long", &[("udh", SmppLong::Udh), ("payload", SmppLong::Payload)]).unwrap_or(SmppLong::Udh);
    if is_used && (host.is_none() || system_id.is_none() || password.is_none()) {
        let place = reader.place().clone();
        let mend =
            "`sms`: the driver \"smpp\" needs `smpp.host`, `smpp.system_id`, and `smpp.password` or a file with it";
        reader.problem(place, mend.to_owned());
    }
    reader.finish();
    let source = if is_number { digits } else { source };
    Some(SmppSms {
        host: host?,
        port,
        tls,
        system_id: system_id?,
        password: password?,
        system_type,
        source,
        source_ton,
        source_npi,
        long,
    })
}

/// An address whose server no placeholder can change, and which is spoken to over TLS unless private networks are allowed.
fn server(text: &str, allow_private: bool) -> Result<Template, String> {
    let template = Template::parse(text)?;
    let fixed = text.split('{').next().unwrap_or_default();
    let (is_secure, rest) = match (fixed.strip_prefix("https://"), fixed.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (true, ""),
    };
    if !rest.split_once(['/', '?']).is_some_and(|(host, _)| !host.is_empty() && !host.contains('@')) {
        return Err(format!("`{text}` is no address of a gateway, write it as https://sms.example/send"));
    }
    if !is_secure && !allow_private {
        return Err("messages and passwords are not sent in clear: write https://, or set sms.allow_private".to_owned());
    }
    Ok(template)
}

/// `Name: value`, where the value may hold what signs in.
fn header(text: &str) -> Result<(HeaderName, Template), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("write `{text}` as Name: value"))?;
    let name: HeaderName = name.trim().parse().map_err(|_| format!("`{name}` is no name of a header"))?;
    let value = Template::parse(value.trim())?;
    let other = value.names().find(|name| !["user", "secret", "basic", "id"].contains(name));
    match other {
        Some(other) => {
            Err(format!("{{{other}}} stands in the body or the URL; here only {{user}}, {{secret}}, {{basic}}, {{id}}"))
        }
        None => Ok((name, value)),
    }
}

fn at_most(characters: usize, text: &str) -> Result<String, String> {
    if text.is_ascii() && text.len() <= characters {
        Ok(text.to_owned())
    } else {
        Err(format!("at most {characters} characters of ASCII"))
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_one = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { Ok(text.to_owned()) } else { Err("write the beginning of numbers as +86".to_owned()) }
}
