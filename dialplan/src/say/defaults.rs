//! The default prompts, there in both languages in every installation. `conf/prompts` holds their words; the clips of numbers are
//! named by [`super::number`].

use super::PromptName;

macro_rules! prompts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: PromptName = PromptName::known($text);)*

        /// All of them, in order.
        pub const ALL: &[PromptName] = &[$($name),*];
    };
}

prompts! {
    /// "star".
    DIGIT_STAR = "digit_star";
    /// "pound".
    DIGIT_HASH = "digit_hash";
    /// "plus".
    DIGIT_PLUS = "digit_plus";
    /// "You are number".
    YOU_ARE = "you_are";
    /// "in line".
    IN_LINE = "in_line";
    /// "You are next in line".
    YOU_ARE_NEXT = "you_are_next";
    /// "The expected wait is".
    EXPECTED_WAIT = "expected_wait";
    /// "minutes".
    MINUTES = "minutes";
    /// "The expected wait is less than a minute".
    WAIT_UNDER_A_MINUTE = "wait_under_a_minute";
    /// "Thank you for calling. Your call will be answered by the next free agent".
    QUEUE_WELCOME = "queue_welcome";
    /// "All our agents are busy. Please stay on the line".
    QUEUE_BUSY = "queue_busy";
    /// "Thank you for waiting. Please stay on the line".
    QUEUE_THANKS = "queue_thanks";
    /// "Too many callers are waiting at the moment. Please call again later".
    QUEUE_FULL = "queue_full";
    /// "No agent is available at the moment. Please call again later".
    QUEUE_CLOSED = "queue_closed";
    /// "To leave a message instead of waiting, press 1".
    QUEUE_LEAVE_MESSAGE = "queue_leave_message";
    /// "To be called back instead of waiting, press 2".
    QUEUE_CALLBACK = "queue_callback";
    /// "You will be called back on the number that you call from, and you keep your place in line. Goodbye".
    QUEUE_CALLBACK_ACCEPTED = "queue_callback_accepted";
    /// "A call for", before the name of the queue; heard by the agent alone.
    QUEUE_CALL_FOR = "queue_call_for";
    /// "The number that you call from cannot be called back. Please stay on the line".
    QUEUE_CALLBACK_REFUSED = "queue_callback_refused";
    /// "Welcome to the conference".
    CONFERENCE_WELCOME = "conference_welcome";
    /// "Please enter the number of the conference, followed by the pound key".
    CONFERENCE_NUMBER = "conference_number";
    /// "Please enter the PIN, followed by the pound key".
    CONFERENCE_PIN = "conference_pin";
    /// "Somebody has joined the conference".
    CONFERENCE_JOINED = "conference_joined";
    /// "Somebody has left the conference".
    CONFERENCE_LEFT = "conference_left";
    /// "You are the only one in this conference".
    CONFERENCE_ALONE = "conference_alone";
    /// "There are".
    CONFERENCE_THERE_ARE = "conference_there_are";
    /// "people in this conference".
    CONFERENCE_PEOPLE = "conference_people";
    /// "You are muted".
    CONFERENCE_MUTED = "conference_muted";
    /// "You are no longer muted".
    CONFERENCE_UNMUTED = "conference_unmuted";
    /// "The conference is locked".
    CONFERENCE_LOCKED = "conference_locked";
    /// "The conference is no longer locked".
    CONFERENCE_UNLOCKED = "conference_unlocked";
    /// "The conference is full".
    CONFERENCE_FULL = "conference_full";
    /// "You have been removed from the conference".
    CONFERENCE_KICKED = "conference_kicked";
    /// "This conference is being recorded".
    CONFERENCE_RECORDING = "conference_recording";
    /// "This conference is no longer being recorded".
    CONFERENCE_NOT_RECORDING = "conference_not_recording";
    /// "The conference has ended".
    CONFERENCE_CLOSED = "conference_closed";
    /// "That PIN is not right. Please try again".
    WRONG_PIN = "wrong_pin";
    /// "The person you are calling cannot take your call".
    VOICEMAIL_GREETING = "voicemail_greeting";
    /// "Please leave a message after the tone. When you are done, hang up or press the pound key".
    VOICEMAIL_LEAVE_MESSAGE = "voicemail_leave_message";
    /// "Your message was too short and has not been kept".
    VOICEMAIL_TOO_SHORT = "voicemail_too_short";
    /// "Your message has been saved".
    VOICEMAIL_SAVED = "voicemail_saved";
    /// "The mailbox is full".
    VOICEMAIL_FULL = "voicemail_full";
    /// "You have".
    VOICEMAIL_YOU_HAVE = "voicemail_you_have";
    /// "new messages".
    VOICEMAIL_MESSAGES = "voicemail_messages";
    /// "You have no new messages".
    VOICEMAIL_NO_MESSAGES = "voicemail_no_messages";
    /// "The message has been deleted".
    VOICEMAIL_DELETED = "voicemail_deleted";
    /// "new message", where it is one.
    VOICEMAIL_MESSAGE = "voicemail_message";
    /// "To hear the message again, press 1. For the next one, press 2. To delete it, press 3. For the one before, press 4. To end, press the pound key".
    VOICEMAIL_KEYS = "voicemail_keys";
    /// "There are no further messages".
    VOICEMAIL_NO_MORE = "voicemail_no_more";
    /// "This message cannot be played".
    VOICEMAIL_UNPLAYABLE = "voicemail_unplayable";
    /// "Welcome".
    IVR_WELCOME = "ivr_welcome";
    /// "Please enter the extension, followed by the pound key".
    IVR_ENTER_EXTENSION = "ivr_enter_extension";
    /// "There is no such extension".
    IVR_UNKNOWN_EXTENSION = "ivr_unknown_extension";
    /// "That is not a valid choice".
    IVR_INVALID = "ivr_invalid";
    /// "We did not get your choice".
    IVR_NO_INPUT = "ivr_no_input";
    /// "Please hold while you are being connected".
    IVR_CONNECTING = "ivr_connecting";
    /// "Thank you for calling. Goodbye".
    IVR_GOODBYE = "ivr_goodbye";
    /// "We are closed at the moment. Please call during our business hours".
    IVR_CLOSED = "ivr_closed";
    /// "We are closed today for a holiday. Please call again on a business day".
    IVR_HOLIDAY = "ivr_holiday";
    /// "Please rate our service. Press 1 for very satisfied, 2 for average, 3 for dissatisfied, 4 for dissatisfied with the service, or 5 for dissatisfied with the handling".
    SURVEY_INVITE = "survey_invite";
    /// "That is not a valid rating".
    SURVEY_INVALID = "survey_invalid";
    /// "Thank you for your rating. Goodbye".
    SURVEY_THANKS = "survey_thanks";
    /// "To ensure the quality of our service, this call is recorded".
    RECORDING_ANNOUNCEMENT = "recording_announcement";
    /// "The recording has been paused".
    RECORDING_PAUSED = "recording_paused";
    /// "The recording goes on".
    RECORDING_RESUMED = "recording_resumed";
    /// "You have a call. Press 1 to take it".
    MOBILE_CONFIRM = "mobile_confirm";
    /// "Your agent's number is".
    AGENT_NUMBER = "agent_number";
    /// "The call could not be transferred. Please wait".
    TRANSFER_FAILED = "transfer_failed";
    /// "The number you have dialed is not available".
    CALL_UNAVAILABLE = "call_unavailable";
    /// "The number you have dialed does not exist. Please check the number".
    CALL_UNKNOWN = "call_unknown";
    /// "The number you have dialed is busy. Please call again later".
    CALL_BUSY = "call_busy";
    /// "Nobody answers at the number you have dialed. Please call again later".
    CALL_NO_ANSWER = "call_no_answer";
    /// "You are not allowed to dial this number".
    CALL_NOT_ALLOWED = "call_not_allowed";
    /// "Your call could not be completed. Please call again later".
    CALL_FAILED = "call_failed";
    /// "Your call cannot be taken".
    CALL_BLOCKED = "call_blocked";
    /// "minute": English only.
    MINUTE = "minute";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_name_is_well_formed_and_given_once() {
        let mut names: Vec<&str> = ALL.iter().map(PromptName::as_str).collect();
        for name in &names {
            assert_eq!(name.parse::<PromptName>().unwrap().as_str(), *name);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
