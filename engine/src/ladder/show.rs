//! A call's messages as a ladder: a column for each leg's far end, Switchboard between those who called and those who were
//! called.

use std::collections::HashSet;
use std::net::SocketAddr;

use hooks::id::LegId;

use super::packet::{Captured, encode};
use super::segment::{GLOBAL_HEADER, write_record};
use super::{LADDER_MESSAGES_MAX, scan, svg};

/// What the record says of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderLeg {
    /// Which.
    pub leg: LegId,
    /// Its far end, as people call it.
    pub name: String,
    /// It called.
    pub caller_side: bool,
    /// The Call-ID of its dialog.
    pub call_id: String,
}

/// A message of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// Of which leg.
    pub leg: LegId,
    /// By Switchboard.
    pub sent: bool,
    /// Whom it came from.
    pub from: SocketAddr,
    /// Whom it went to.
    pub to: SocketAddr,
    /// What its Via says: `UDP`, `TCP`, `TLS`.
    pub transport: String,
    /// What it is, in a few words.
    pub label: String,
    /// The same message passed before: a retransmission.
    pub again: bool,
    /// All of it, without credentials.
    pub message: String,
}

/// The messages of a call, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The columns from left to right, Switchboard left out.
    pub legs: Vec<LadderLeg>,
    /// The messages.
    pub arrows: Vec<Arrow>,
    /// There were more than are shown.
    pub truncated: bool,
    captured: Vec<Captured>,
}

/// Characters of a label: it must fit between two columns.
const LABEL_MAX: usize = 30;
/// Between two columns of the text.
const WIDTH: usize = 36;

impl Ladder {
    /// Of what was captured of these legs' dialogs.
    #[must_use]
    pub fn new(mut legs: Vec<LadderLeg>, mut captured: Vec<Captured>) -> Self {
        // The sort is stable: legs of one side stay in the order in which they began.
        legs.sort_by_key(|leg| !leg.caller_side);
        let truncated = captured.len() > LADDER_MESSAGES_MAX;
        captured.truncate(LADDER_MESSAGES_MAX);
        let mut seen = HashSet::new();
        let mut arrows = Vec::with_capacity(captured.len());
        captured.retain(|captured| {
            let Some(head) = scan::head(&captured.message) else { return false };
            let Some(leg) = legs.iter().find(|leg| leg.call_id.as_bytes() == head.call_id) else { return false };
            let has_session = captured.message.windows(4).any(|four| four == b"\nv=0");
            arrows.push(Arrow {
                at_us: captured.at_us,
                leg: leg.leg,
                sent: captured.sent,
                from: captured.from,
                to: captured.to,
                transport: text(head.transport),
                label: label(&head, has_session),
                again: !seen.insert((captured.sent, captured.message.clone())),
                message: text(&captured.message),
            });
            true
        });
        Self { legs, arrows, truncated, captured }
    }

    /// For a terminal: the ladder, then every message.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let ours = self.ours();
        let names = self.columns().map(|name| format!("{:WIDTH$}", cut(name, WIDTH - 2))).collect::<String>();
        out.push_str(&format!("{:18}{}\n", self.day(), names.trim_end()));
        for arrow in &self.arrows {
            let (left, right) = self.span(arrow, ours);
            let points_right = (self.column(arrow) < ours) != arrow.sent;
            let mut row = String::new();
            for column in 0..=self.legs.len() {
                let filled = (left..right).contains(&column);
                row.push('|');
                row.push_str(&(if filled { "-" } else { " " }).repeat(WIDTH - 1));
            }
            let label = format!(" {}{} ", arrow.label, if arrow.again { " (again)" } else { "" });
            let (from, to) = (left * WIDTH + 1, right * WIDTH);
            let at = from + (to - from).saturating_sub(label.chars().count()) / 2;
            let mut row: Vec<char> = row.chars().collect();
            row.splice(at..(at + label.chars().count()).min(row.len()), label.chars());
            if points_right {
                row[to - 1] = '>';
            } else {
                row[from] = '<';
            }
            let row: String = row.into_iter().collect();
            out.push_str(&format!("{:18}{}\n", time_of_day(arrow.at_us), row.trim_end()));
        }
        if self.truncated {
            out.push_str(&format!("only the first {LADDER_MESSAGES_MAX} messages are shown\n"));
        }
        for (number, arrow) in self.arrows.iter().enumerate() {
            out.push_str(&format!(
                "\n--- {} {} {} {} -> {}\n{}\n",
                number + 1,
                time_of_day(arrow.at_us),
                arrow.transport,
                arrow.from,
                arrow.to,
                arrow.message.replace("\r\n", "\n").trim_end()
            ));
        }
        out
    }

    /// The day of the first message.
    fn day(&self) -> String {
        let at_s = self.arrows.first().map_or(0, |first| first.at_us / 1_000_000);
        let day = i64::try_from(at_s).ok().and_then(|at_s| time::OffsetDateTime::from_unix_timestamp(at_s).ok());
        day.map_or_else(String::new, |day| format!("{} UTC", day.date()))
    }

    /// For a browser.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }

    /// For Wireshark and its like.
    #[must_use]
    pub fn to_pcap(&self) -> Vec<u8> {
        let mut out = GLOBAL_HEADER.to_vec();
        let mut packet = Vec::new();
        for captured in &self.captured {
            packet.clear();
            encode(captured, &mut packet);
            write_record(captured.at_us, &packet, &mut out);
        }
        out
    }

    /// The names over the columns, Switchboard among them.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let (left, right) = self.legs.split_at(self.ours());
        fn names(legs: &[LadderLeg]) -> impl Iterator<Item = &str> {
            legs.iter().map(|leg| leg.name.as_str())
        }
        names(left).chain(["switchboard"]).chain(names(right))
    }

    /// The column of Switchboard.
    pub(super) fn ours(&self) -> usize {
        self.legs.iter().filter(|leg| leg.caller_side).count()
    }

    /// The column of a message's far end.
    pub(super) fn column(&self, arrow: &Arrow) -> usize {
        let leg = self.legs.iter().position(|leg| leg.leg == arrow.leg).unwrap_or(0);
        leg + usize::from(leg >= self.ours())
    }

    fn span(&self, arrow: &Arrow, ours: usize) -> (usize, usize) {
        let theirs = self.column(arrow);
        (theirs.min(ours), theirs.max(ours))
    }
}

/// A method with whom it asks, or a status with what it answers.
fn label(head: &scan::Head<'_>, has_session: bool) -> String {
    let start = text(head.start_line);
    let session = if has_session { " (SDP)" } else { "" };
    let words = match start.strip_prefix("SIP/2.0 ") {
        Some(status) => {
            format!("{} {}", cut(status, LABEL_MAX - head.method.len().min(12) - session.len()), text(head.method))
        }
        None => {
            let mut words = start.split(' ');
            let (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let user = uri.split_once(':').map_or(uri, |(_, rest)| rest);
            let user = user.split(['@', ';']).next().unwrap_or_default();
            cut(&format!("{method} {user}"), LABEL_MAX - session.len()).to_owned()
        }
    };
    words + session
}

/// The first characters.
pub(super) fn cut(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(at, _)| &text[..at])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `08:30:00.123456`, UTC.
pub(super) fn time_of_day(at_us: u64) -> String {
    let s = at_us / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:06}", s / 3_600 % 24, s / 60 % 60, s % 60, at_us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Ladder {
        let leg = |number: u8, caller_side| LadderLeg {
            leg: LegId::new(u64::from(number), 0),
            name: format!("100{number}"),
            caller_side,
            call_id: format!("c{number}"),
        };
        let passed = |at_us, sent, call: u8, start: &str, cseq: &str, body: &str| {
            let message = format!("{start}\r\nVia: SIP/2.0/UDP h\r\nCall-ID: c{call}\r\nCSeq: {cseq}\r\n\r\n{body}");
            let (us, them) = ("10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5060".parse().unwrap());
            let (from, to) = if sent { (us, them) } else { (them, us) };
            Captured { at_us, sent, from, to, message: message.into_bytes() }
        };
        let invite =
            |at_us, sent, call| passed(at_us, sent, call, "INVITE sip:1002@h SIP/2.0", "1 INVITE", "\r\nv=0\r\n");
        let captured = vec![
            invite(1_000_000, false, 1),
            passed(1_000_900, true, 1, "SIP/2.0 100 Trying", "1 INVITE", ""),
            invite(1_001_000, true, 2),
            invite(1_501_000, true, 2),
            passed(1_600_000, false, 2, "SIP/2.0 486 Busy <Here> & \u{1}gone", "1 INVITE", ""),
            passed(1_700_000, false, 9, "BYE sip:x SIP/2.0", "1 BYE", ""),
        ];
        Ladder::new(vec![leg(2, false), leg(1, true), leg(3, false)], captured)
    }

    #[test]
    fn the_ladder_for_a_terminal() {
        let text = ladder().to_text();
        let rows: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        let want = [
            "1970-01-01 UTC    1001                                switchboard                         1002                                1003",
            "00:00:01.000000   |-------- INVITE 1002 (SDP) ------->|                                   |                                   |",
            "00:00:01.000900   |<------- 100 Trying INVITE --------|                                   |                                   |",
            "00:00:01.001000   |                                   |-------- INVITE 1002 (SDP) ------->|                                   |",
            "00:00:01.501000   |                                   |---- INVITE 1002 (SDP) (again) --->|                                   |",
            "00:00:01.600000   |                                   |< 486 Busy <Here> & \u{1}gone INVITE --|                                   |",
        ];
        assert_eq!(rows, want);
        assert!(
            text.contains(
                "\n--- 1 00:00:01.000000 UDP 10.0.0.2:5060 -> 10.0.0.1:5060\nINVITE sip:1002@h SIP/2.0\nVia:"
            )
        );
        assert!(!text.contains("BYE"), "no dialog of this call");
    }

    #[test]
    fn the_drawing_is_xml_whatever_stands_in_a_message() {
        let svg = ladder().to_svg();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("486 Busy &lt;Here&gt; &amp; \u{fffd}gone"));
        assert_eq!(svg.matches("marker-end").count(), 5);
        assert!(!svg.contains('\u{1}'));
    }

    #[test]
    fn a_long_call_is_cut() {
        let one = ladder();
        let many = std::iter::repeat_n(one.captured[0].clone(), LADDER_MESSAGES_MAX + 1).collect();
        let ladder = Ladder::new(one.legs, many);
        assert!(ladder.truncated);
        assert_eq!(ladder.arrows.len(), LADDER_MESSAGES_MAX);
        assert!(ladder.to_text().contains("only the first 2000 messages"));
    }
}
