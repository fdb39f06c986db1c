//! A satisfaction survey (满意度): asks, plays again, ends in a result (SURVEY-02, 03, 05).
//!
//! A machine of its own, since a survey is started by Evaluate (SURVEY-01) more often than by a flow. It says what to play and what
//! to record, and is told keys, ends of playing and time. Each invitation ends in exactly one [`Outcome`] (SURVEY-04).

use serde::{Deserialize, Serialize};

use crate::flow::name::{Key, SurveyName};
use crate::flow::template::Spoken;
use crate::say::Part;

/// A survey of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// Its name.
    pub name: SurveyName,
    /// Asked first.
    pub question: Question,
    /// Asked of who answered the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Question>,
    /// Said before the tone after which the caller may say something; without it nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Vec<Spoken>>,
    /// Said at the end.
    #[serde(default)]
    pub thanks: Vec<Spoken>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked, and what the keys mean.
    pub prompt: Vec<Spoken>,
    /// What may be answered, in order, [`OPTIONS_MIN`] to [`OPTIONS_MAX`].
    pub options: Vec<Choice>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its key.
    pub key: Key,
    /// Its name for people.
    pub label: String,
}

/// What is wrong with a survey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    /// Too few or too many options.
    #[error("a question has {OPTIONS_MIN} to {OPTIONS_MAX} options, this one has {0}")]
    Options(usize),
    /// One key, two options.
    #[error("the key {0} stands for two options, change one")]
    Twice(Key),
    /// A label that says nothing, or too much.
    #[error("the label of key {0} is 1 to {LABEL_MAX} characters")]
    Label(Key),
    /// Nothing is asked.
    #[error("a question without a prompt is not understood, write `prompt`")]
    Silent,
}

/// Options of a question, at least.
pub const OPTIONS_MIN: usize = 2;
/// Options of a question, at most.
pub const OPTIONS_MAX: usize = 9;
/// Characters of a label.
pub const LABEL_MAX: usize = 64;
/// How often a question is played in all (SURVEY-03).
pub const PLAYS: u8 = 3;
/// How long a key is waited for after each play (SURVEY-03).
pub const WAIT_MS: i64 = 5_000;
/// The longest comment.
pub const COMMENT_MAX_MS: i64 = 60_000;
/// So long a silence ends a comment.
pub const COMMENT_SILENCE_MS: i64 = 5_000;

/// What came of an invitation. Labels are kept as they were (SURVEY-05): later changes of the survey change no result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The first answer; none is "not rated" (未评价).
    pub answer: Option<Choice>,
    /// The second.
    pub second: Option<Choice>,
    /// Whether a comment was spoken, which is kept.
    pub comment: bool,
}

/// What a run wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Play this once.
    Play(Vec<Part>),
    /// Stop what is played.
    StopPlaying,
    /// Record the caller, and tell when he speaks and falls silent.
    Record,
    /// The comment is over; what there is of it is kept if the result says so.
    StopRecording,
    /// The result, once: bind it to call and agent.
    Result(Outcome),
    /// End the call, or go on with what comes after the survey. Nothing follows.
    End,
}

/// What a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was played has ended.
    Played,
    /// A key.
    Digit(Key),
    /// The time of [`Run::poll_timeout`] has come.
    TimedOut,
    /// The caller began to speak.
    Speech,
    /// He has fallen silent.
    Silence,
    /// The caller hung up.
    CallerGone,
}

/// One invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    survey: Survey,
    doing: Doing,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Doing {
    Asking { which: Which, plays: u8, until_ms: Option<i64> },
    Inviting,
    Recording { until_ms: i64, silent_since_ms: Option<i64> },
    Thanking,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Which {
    First,
    Second,
}

impl Survey {
    /// The five answers of the report, which every enterprise begins with (SURVEY-02).
    #[must_use]
    pub fn default_options() -> Vec<Choice> {
        let labels = ["非常满意", "一般", "不满意", "对服务不满意", "对处理不满意"];
        let keys = ['1', '2', '3', '4', '5'].into_iter().filter_map(Key::new);
        keys.zip(labels).map(|(key, label)| Choice { key, label: label.to_owned() }).collect()
    }

    /// Checks what its types do not.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn check(&self) -> Result<(), SurveyError> {
        [Some(&self.question), self.second.as_ref()].into_iter().flatten().try_for_each(Question::check)
    }
}

impl Question {
    fn check(&self) -> Result<(), SurveyError> {
        if self.prompt.is_empty() {
            return Err(SurveyError::Silent);
        }
        if !(OPTIONS_MIN..=OPTIONS_MAX).contains(&self.options.len()) {
            return Err(SurveyError::Options(self.options.len()));
        }
        for (at, option) in self.options.iter().enumerate() {
            if self.options[..at].iter().any(|other| other.key == option.key) {
                return Err(SurveyError::Twice(option.key));
            }
            if !(1..=LABEL_MAX).contains(&option.label.chars().count()) {
                return Err(SurveyError::Label(option.key));
            }
        }
        Ok(())
    }
}

impl Run {
    /// Invites a caller.
    #[must_use]
    pub fn start(survey: Survey) -> (Self, Vec<Action>) {
        let doing = Doing::Asking { which: Which::First, plays: 1, until_ms: None };
        let play = Action::Play(said(&survey.question.prompt));
        (Self { survey, doing, outcome: Outcome::default() }, vec![play])
    }

    /// Something happened. What does not fit is dropped.
    pub fn handle(&mut self, now_ms: i64, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match (self.doing, event) {
            (Doing::Over, _) => {}
            (Doing::Thanking, Event::CallerGone) => self.doing = Doing::Over,
            (_, Event::CallerGone) => {
                if matches!(self.doing, Doing::Recording { .. }) {
                    out.push(Action::StopRecording);
                }
                out.push(Action::Result(self.outcome.clone()));
                self.doing = Doing::Over;
            }
            (Doing::Asking { which, plays, until_ms: None }, Event::Played) => {
                let until_ms = Some(now_ms.saturating_add(WAIT_MS));
                self.doing = Doing::Asking { which, plays, until_ms };
            }
            (Doing::Asking { which, plays, until_ms }, Event::Digit(key)) => {
                if until_ms.is_none() {
                    out.push(Action::StopPlaying);
                }
                let option =
                    self.asked(which).and_then(|question| question.options.iter().find(|o| o.key == key)).cloned();
                match option {
                    Some(option) => self.answered(which, option, &mut out),
                    None => self.again(which, plays, &mut out),
                }
            }
            (Doing::Asking { which, plays, until_ms: Some(until_ms) }, Event::TimedOut) if now_ms >= until_ms => {
                self.again(which, plays, &mut out);
            }
            (Doing::Inviting, Event::Played) => {
                let until_ms = now_ms.saturating_add(COMMENT_MAX_MS);
                self.doing = Doing::Recording { until_ms, silent_since_ms: Some(now_ms) };
                out.push(Action::Record);
            }
            (Doing::Inviting, Event::Digit(_)) => {
                out.push(Action::StopPlaying);
                self.thank(&mut out);
            }
            (Doing::Recording { until_ms, .. }, Event::Speech) => {
                self.outcome.comment = true;
                self.doing = Doing::Recording { until_ms, silent_since_ms: None };
            }
            (Doing::Recording { until_ms, silent_since_ms }, Event::Silence) => {
                let silent_since_ms = Some(silent_since_ms.unwrap_or(now_ms));
                self.doing = Doing::Recording { until_ms, silent_since_ms };
            }
            (Doing::Recording { .. }, Event::Digit(_)) => {
                out.push(Action::StopRecording);
                self.thank(&mut out);
            }
            (Doing::Recording { .. }, Event::TimedOut)
                if self.poll_timeout().is_some_and(|due_ms| now_ms >= due_ms) =>
            {
                out.push(Action::StopRecording);
                self.thank(&mut out);
            }
            (Doing::Thanking, Event::Played) => {
                self.doing = Doing::Over;
                out.push(Action::End);
            }
            (Doing::Asking { .. }, Event::Played | Event::TimedOut | Event::Speech | Event::Silence)
            | (Doing::Inviting, Event::TimedOut | Event::Speech | Event::Silence)
            | (Doing::Recording { .. }, Event::Played | Event::TimedOut)
            | (Doing::Thanking, Event::Digit(_) | Event::TimedOut | Event::Speech | Event::Silence) => {}
        }
        out
    }

    /// When [`Event::TimedOut`] is due, milliseconds since 1970.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        match self.doing {
            Doing::Asking { until_ms, .. } => until_ms,
            Doing::Recording { until_ms, silent_since_ms } => Some(
                silent_since_ms.map_or(until_ms, |since_ms| until_ms.min(since_ms.saturating_add(COMMENT_SILENCE_MS))),
            ),
            Doing::Inviting | Doing::Thanking | Doing::Over => None,
        }
    }

    fn asked(&self, which: Which) -> Option<&Question> {
        match which {
            Which::First => Some(&self.survey.question),
            Which::Second => self.survey.second.as_ref(),
        }
    }

    fn answered(&mut self, which: Which, option: Choice, out: &mut Vec<Action>) {
        match which {
            Which::First => self.outcome.answer = Some(option),
            Which::Second => self.outcome.second = Some(option),
        }
        match (which, &self.survey.second) {
            (Which::First, Some(second)) => {
                out.push(Action::Play(said(&second.prompt)));
                self.doing = Doing::Asking { which: Which::Second, plays: 1, until_ms: None };
            }
            (Which::First, None) | (Which::Second, _) => self.invite(out),
        }
    }

    fn again(&mut self, which: Which, plays: u8, out: &mut Vec<Action>) {
        match self.asked(which).map(|question| said(&question.prompt)) {
            Some(prompt) if plays < PLAYS => {
                out.push(Action::Play(prompt));
                self.doing = Doing::Asking { which, plays: plays + 1, until_ms: None };
            }
            // Who does not rate is not asked to speak either.
            Some(_) | None => self.thank(out),
        }
    }

    fn invite(&mut self, out: &mut Vec<Action>) {
        match &self.survey.comment {
            Some(prompt) => {
                let mut parts = said(prompt);
                parts.push(Part::Tone(crate::say::ToneKind::Beep));
                out.push(Action::Play(parts));
                self.doing = Doing::Inviting;
            }
            None => self.thank(out),
        }
    }

    fn thank(&mut self, out: &mut Vec<Action>) {
        out.push(Action::Result(self.outcome.clone()));
        let parts = said(&self.survey.thanks);
        if parts.is_empty() {
            self.doing = Doing::Over;
            out.push(Action::End);
        } else {
            self.doing = Doing::Thanking;
            out.push(Action::Play(parts));
        }
    }
}

/// A survey knows no variables.
fn said(spoken: &[Spoken]) -> Vec<Part> {
    spoken.iter().map(|part| part.part(&crate::flow::template::Variables::new())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn survey(text: &str) -> Survey {
        let survey: Survey = toml::from_str(text).unwrap();
        survey.check().unwrap();
        survey
    }

    const PLAIN: &str = r#"
name = "after"
thanks = ["thanks"]
[question]
prompt = ["rate_us"]
options = [{ key = "1", label = "满意" }, { key = "2", label = "不满意" }]
"#;

    fn shown(action: &Action) -> String {
        match action {
            Action::Play(parts) => format!("play {}", crate::flow::action::said(parts)),
            Action::StopPlaying => "stop playing".into(),
            Action::Record => "record".into(),
            Action::StopRecording => "stop recording".into(),
            Action::Result(outcome) => {
                let label =
                    |choice: &Option<Choice>| choice.as_ref().map_or("-".into(), |c| format!("{}={}", c.key, c.label));
                format!("result {} {} comment:{}", label(&outcome.answer), label(&outcome.second), outcome.comment)
            }
            Action::End => "end".into(),
        }
    }

    fn event(word: &str) -> Event {
        match word {
            "played" => Event::Played,
            "timeout" => Event::TimedOut,
            "speech" => Event::Speech,
            "silence" => Event::Silence,
            "gone" => Event::CallerGone,
            key => Event::Digit(key.parse().unwrap()),
        }
    }

    /// `at event → actions`, a line an event.
    fn check(survey: Survey, script: &str) {
        let (mut run, actions) = Run::start(survey);
        let told = |actions: &[Action]| actions.iter().map(shown).collect::<Vec<_>>().join("; ");
        let mut seen = vec![format!("0 start: {}", told(&actions))];
        let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for line in &lines[1..] {
            let (head, _) = line.split_once(':').unwrap();
            let (at, word) = head.split_once(' ').unwrap();
            let now: i64 = at.parse().unwrap();
            if word == "timeout" {
                assert_eq!(run.poll_timeout(), Some(now), "{line}");
            }
            run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
            let actions = run.handle(now, event(word));
            seen.push(format!("{head}: {}", told(&actions)).trim_end().to_owned());
        }
        assert_eq!(seen, lines);
    }

    #[test]
    fn a_key_rates_and_the_label_is_kept() {
        check(
            survey(PLAIN),
            "
            0 start: play [rate_us]
            900 2: stop playing; result 2=不满意 - comment:false; play [thanks]
            1000 1:
            2000 played: end
            3000 gone:
        ",
        );
    }

    #[test]
    fn three_plays_of_five_seconds_then_not_rated_thanks_and_hang_up() {
        check(
            survey(PLAIN),
            "
            0 start: play [rate_us]
            2000 played:
            7000 timeout: play [rate_us]
            9000 played:
            10000 7: play [rate_us]
            12000 played:
            17000 timeout: result - - comment:false; play [thanks]
            18000 played: end
        ",
        );
    }

    #[test]
    fn who_hangs_up_has_not_rated_but_was_invited() {
        check(
            survey(PLAIN),
            "
            0 start: play [rate_us]
            100 gone: result - - comment:false
            200 1:
        ",
        );
    }

    #[test]
    fn a_second_question_and_a_comment_follow_an_answer() {
        let full = PLAIN.replace("thanks = [\"thanks\"]", "comment = [\"say_more\"]")
            + "[second]\nprompt = [\"again\"]\noptions = [{ key = \"1\", label = \"会\" }, { key = \"0\", label = \"不会\" }]\n";
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [again]
            20 0: stop playing; play [say_more tone:beep]
            3000 played: record
            4000 speech:
            9000 #: stop recording; result 1=满意 0=不会 comment:true; end
        ",
        );
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [again]
            20 gone: result 1=满意 - comment:false
        ",
        );
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [again]
            20 1: stop playing; play [say_more tone:beep]
            3000 played: record
            3100 speech:
            9000 gone: stop recording; result 1=满意 1=会 comment:true
        ",
        );
    }

    #[test]
    fn a_comment_ends_by_silence_or_after_a_minute_and_is_none_if_nothing_was_said() {
        let full = PLAIN.replace("thanks = [\"thanks\"]", "comment = [\"say_more\"]");
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [say_more tone:beep]
            3000 played: record
            8000 timeout: stop recording; result 1=满意 - comment:false; end
        ",
        );
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [say_more tone:beep]
            3000 played: record
            5000 speech:
            9000 silence:
            10000 silence:
            11000 speech:
            12000 silence:
            17000 timeout: stop recording; result 1=满意 - comment:true; end
        ",
        );
        check(
            survey(&full),
            "
            0 start: play [rate_us]
            10 1: stop playing; play [say_more tone:beep]
            3000 played: record
            5000 speech:
            62000 silence:
            63000 timeout: stop recording; result 1=满意 - comment:true; end
        ",
        );
    }

    #[test]
    fn the_enterprise_chooses_two_to_nine_options_and_begins_with_five() {
        let with = |options: Vec<Choice>| {
            let mut survey = survey(PLAIN);
            survey.question.options = options;
            survey.check()
        };
        let choice = |key: char, label: &str| Choice { key: Key::new(key).unwrap(), label: label.into() };
        let defaults = Survey::default_options();
        let labels: Vec<String> = defaults.iter().map(|o| format!("{} {}", o.key, o.label)).collect();
        assert_eq!(labels, ["1 非常满意", "2 一般", "3 不满意", "4 对服务不满意", "5 对处理不满意"]);
        assert_eq!(with(defaults), Ok(()));
        assert_eq!(with("123456789".chars().map(|key| choice(key, "x")).collect()), Ok(()));
        assert_eq!(with(vec![choice('1', "x")]), Err(SurveyError::Options(1)));
        assert_eq!(with("1234567890".chars().map(|key| choice(key, "x")).collect()), Err(SurveyError::Options(10)));
        assert_eq!(with(vec![choice('1', "x"), choice('1', "y")]), Err(SurveyError::Twice(Key::new('1').unwrap())));
        assert_eq!(with(vec![choice('1', "x"), choice('2', "")]), Err(SurveyError::Label(Key::new('2').unwrap())));
    }

    proptest! {
        /// Whatever happens, an invitation has one result, and nothing comes after its end.
        #[test]
        fn each_invitation_has_one_result(events in prop::collection::vec(0..9_usize, 0..40)) {
            let asks = PLAIN.replace("thanks = [\"thanks\"]", "comment = [\"say_more\"]");
            let (mut run, _) = Run::start(survey(&asks));
            let (mut now, mut results, mut over) = (0, 0, false);
            let words = ["played", "timeout", "speech", "silence", "gone", "1", "2", "9", "#"];
            for at in events.into_iter().chain([4]) {
                now = run.poll_timeout().unwrap_or(now + 1);
                let actions = run.handle(now, event(words[at]));
                prop_assert!(!over || actions.is_empty());
                over |= words[at] == "gone" || actions.contains(&Action::End);
                results += actions.iter().filter(|action| matches!(action, Action::Result(_))).count();
            }
            prop_assert_eq!(results, 1);
        }
    }
}
