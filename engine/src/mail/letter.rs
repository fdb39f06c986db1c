//! The mail that tells of a message, in the tenant's language.

use dialplan::hours::Zone;
use dialplan::say::Language;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::store::tenants::Tenant;
use crate::store::voicemails::Voicemail;

/// What a mail is made of.
pub(super) struct Letter<'a> {
    pub(super) from: &'a Mailbox,
    pub(super) to: Address,
    pub(super) tenant: &'a Tenant,
    pub(super) message: &'a Voicemail,
    /// The message itself, WAV.
    pub(super) sound: Option<Vec<u8>>,
}

impl Letter<'_> {
    /// The mail. Headers are encoded as RFC 2047 has it, so nothing that a caller calls himself begins another.
    pub(super) fn write(self, host: &str) -> Result<Message, lettre::error::Error> {
        let (subject, text) = words(self.tenant, self.message);
        let id = self.message.voicemail;
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, self.to))
            .subject(subject)
            .message_id(Some(format!("<voicemail-{id}@{host}>")));
        let text = SinglePart::plain(text);
        let Some(sound) = self.sound else { return builder.singlepart(text) };
        let kind = ContentType::parse("audio/wav").expect("a media type");
        let file = Attachment::new(format!("{id}.wav")).body(sound, kind);
        builder.multipart(MultiPart::mixed().singlepart(text).singlepart(file))
    }
}

/// The subject and the text.
fn words(tenant: &Tenant, message: &Voicemail) -> (String, String) {
    let plain = |text: &str| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
    let (name, number) = (plain(&message.caller_name), plain(&message.caller));
    let zone: Zone = tenant.time_zone.parse().unwrap_or_else(|_| "UTC".parse().expect("a zone that there is"));
    let at = zone.text(i64::try_from(message.left_at_ms).unwrap_or(i64::MAX));
    let seconds = message.length_ms / 1_000;
    let length = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let named = |withheld: &str| match (number.as_str(), name.as_str()) {
        ("", "") => withheld.to_owned(),
        ("", name) => name.to_owned(),
        (number, "") => number.to_owned(),
        (number, name) => format!("{name} {number}"),
    };
    let (kind, whose) = message.mailbox.split_once(':').unwrap_or_default();
    match tenant.language {
        Language::ZhCn => {
            let caller = named("未知号码");
            let mailbox = if kind == "queue" { format!("技能组 {whose}") } else { format!("分机 {whose}") };
            let subject = format!("新留言：{caller}");
            let text = format!(
                "{mailbox} 有一条新留言。\n\n主叫号码：{caller}\n被叫号码：{}\n留言时间：{at}（{}）\n留言时长：{length}\n",
                plain(&message.callee),
                zone.name(),
            );
            (subject, text)
        }
        Language::En => {
            let caller = named("withheld");
            let mailbox = if kind == "queue" { format!("queue {whose}") } else { format!("extension {whose}") };
            let subject = format!("New message from {caller}");
            let text = format!(
                "There is a new message for {mailbox}.\n\nCaller: {caller}\nDialled: {}\nLeft at: {at} ({})\nLength: {length}\n",
                plain(&message.callee),
                zone.name(),
            );
            (subject, text)
        }
    }
}
