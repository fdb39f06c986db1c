//! `[sms]`: the gateway of short messages.

use std::path::PathBuf;

use super::reader::Reader;

/// `[sms]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsConfig {
    /// How messages leave.
    pub driver: SmsDriver,
    /// What numbers must begin with, E.164.
    pub prefixes: Vec<String>,
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
}

const PREFIX: &str = "+86";
const CODE_TEXT: &str = "您的验证码是 {code}，{minutes} 分钟内有效。";

pub(super) fn read(mut reader: Reader<'_>) -> Option<SmsConfig> {
    let drivers = [("file", ())];
    let driver = reader.word("driver", &drivers);
    let prefixes = reader.list("prefixes", prefix).unwrap_or_else(|| vec![PREFIX.to_owned()]);
    let code_text = reader.text("code_text").unwrap_or_else(|| CODE_TEXT.to_owned());
    let code_template = reader.text("code_template").unwrap_or_default();
    let file = reader.text("outbox").filter(|path| !path.is_empty());
    let place = reader.place().clone();
    let wrong = |message: &str| reader.problem(place.clone(), message.to_owned());
    if !code_text.contains("{code}") {
        wrong("`sms.code_text` must hold {code}");
    }
    let driver = match (driver, file) {
        (None, None) => None,
        (Some(()), Some(path)) => Some(SmsDriver::File(PathBuf::from(path))),
        (Some(()), None) => {
            wrong("`sms`: the driver \"file\" needs `outbox`, where messages are written");
            None
        }
        (None, Some(_)) => {
            wrong("`sms` needs a driver");
            None
        }
    };
    reader.finish();
    Some(SmsConfig { driver: driver?, prefixes, code_text, code_template })
}

fn prefix(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_one = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { Ok(text.to_owned()) } else { Err("write the beginning of numbers as +86".to_owned()) }
}
