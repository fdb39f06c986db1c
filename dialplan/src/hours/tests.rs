use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const CASES: &str = include_str!("../../tests/hours_cases.toml");
const EXPECTED: &str = include_str!("../../tests/hours_expected.txt");

#[derive(Deserialize)]
struct Case {
    hours: Hours,
}

fn cases() -> BTreeMap<String, Case> {
    toml::from_str(CASES).unwrap()
}

fn opening(word: &str) -> Opening {
    match word {
        "open" => Opening::Open,
        "closed" => Opening::Closed,
        "holiday" => Opening::Holiday,
        other => panic!("{other}"),
    }
}

/// The oracle: Python's zoneinfo over days painted minute by minute (tests/hours_oracle.py).
#[test]
fn it_is_open_when_the_oracle_says_so() {
    let cases = cases();
    let mut tried = 0;
    for line in EXPECTED.lines() {
        let [name, moment, expected] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(cases[name].hours.at(moment.parse().unwrap()), opening(expected), "{line}");
        tried += 1;
    }
    assert!(tried > 900, "{tried}");
}

/// The oracle lists every change of its days: between two of them nothing changes.
#[test]
fn the_next_change_is_the_oracles_next() {
    let cases = cases();
    let mut changes = 0;
    let lines: Vec<&str> = EXPECTED.lines().collect();
    for pair in lines.windows(2) {
        let [(a, at, before), (b, then, after)] = [pair[0], pair[1]].map(|line| {
            let [name, moment, state] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            (name, moment.parse::<i64>().unwrap(), state)
        });
        if a == b && before != after {
            assert_eq!(cases[a].hours.next_change(at), Some(then), "{a} after {at}");
            changes += 1;
        }
    }
    assert!(changes > 100, "{changes}");
}

#[test]
fn what_is_always_so_never_changes() {
    let mut hours = Hours { weekly: BTreeMap::new(), ..Hours::office(zone("UTC"), span("09:00-18:00")) };
    assert_eq!(hours.next_change(0), None);
    let days = [WeekDay::Mon, WeekDay::Tue, WeekDay::Wed, WeekDay::Thu, WeekDay::Fri, WeekDay::Sat, WeekDay::Sun];
    hours.weekly = days.map(|day| (day, vec![span("00:00-24:00")])).into();
    assert_eq!((hours.at(0), hours.next_change(0)), (Opening::Open, None));
    assert_eq!((hours.at(i64::MAX), hours.next_change(i64::MIN)), (Opening::Closed, None));
}

#[test]
fn what_is_wrong_is_said_with_how_to_write_it() {
    let zone = |text: &str| text.parse::<Zone>().unwrap_err().to_string();
    assert_eq!(
        zone("Asia/Shangai"),
        "`Asia/Shangai` is no time zone, did you mean `Asia/Shanghai`?; write it as Asia/Shanghai"
    );
    assert_eq!(zone("+08:00"), "`+08:00` is no time zone; write it as Asia/Shanghai");
    for text in ["", "9-18", "09:00", "24:00-06:00", "09:60-18:00", "09:00-24:01", "9:0-10:00", "-1:00-02:00"] {
        assert_eq!(text.parse::<Span>(), Err(HoursError::Span(text.into())), "{text}");
    }
    for text in ["", "2026-02-30", "13-01", "2026-10-01..", "10.01", "26-10-01", "2026-10-01..x"] {
        assert_eq!(text.parse::<DayRange>(), Err(HoursError::Day(text.into())), "{text}");
    }
    for text in ["2026-10-07..2026-10-01", "2026-10-07..10-01", "10-01..2026-10-07"] {
        assert_eq!(text.parse::<DayRange>(), Err(HoursError::Range(text.into())), "{text}");
    }
    assert_eq!("10-01".parse::<Day>(), Err(HoursError::Date("10-01".into())));
    let both = toml::from_str::<MakeUp>("date = \"2026-10-10\"\nlike = \"mon\"\ntimes = []").unwrap_err().to_string();
    assert!(both.contains("takes either `like`"), "{both}");
    let mut hours = Hours::office("UTC".parse().unwrap(), span("09:00-18:00"));
    hours.weekly.insert(WeekDay::Sat, vec![span("09:00-18:00"); SPANS_MAX + 1]);
    assert_eq!(hours.check().unwrap_err().to_string(), "there are 17 spans of a day, at most 16 are kept");
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn span(text: &str) -> Span {
    text.parse().unwrap()
}

proptest! {
    #[test]
    fn hours_are_read_as_they_are_written(
        spans in prop::collection::vec((0..1440_u16, 0..=1440_u16), 0..4),
        days in prop::collection::vec(("202[0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", any::<bool>()), 0..4),
        moment in -10_000_000_000_000..10_000_000_000_000_i64,
    ) {
        let text = |(from, to): &(u16, u16)| format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
        let spans: Vec<Span> = spans.iter().map(|pair| span(&text(pair))).collect();
        let mut hours = Hours::office(zone("Europe/Berlin"), span("00:00-24:00"));
        hours.weekly.insert(WeekDay::Wed, spans.clone());
        for (day, yearly) in &days {
            hours.holidays.push(if *yearly { &day[5..] } else { day.as_str() }.parse().unwrap());
            hours.make_up.push(MakeUp { date: day.parse().unwrap(), times: MakeUpTimes::Times(spans.clone()) });
        }
        let again: Hours = serde_json::from_value(serde_json::to_value(&hours).unwrap()).unwrap();
        prop_assert_eq!(&again, &hours);
        if let Some(next) = hours.next_change(moment) {
            prop_assert!(next > moment);
            prop_assert_eq!(hours.at(next - 1), hours.at(moment));
            prop_assert_ne!(hours.at(next), hours.at(moment));
        }
    }

    #[test]
    fn texts_never_panic(text in "[0-9:.\\- ]{0,24}") {
        let _ = text.parse::<Span>();
        let _ = text.parse::<DayRange>();
        let _ = text.parse::<Day>();
    }
}

#[test]
fn a_day_begins_at_midnight_of_the_zone_or_when_the_clock_first_shows_it() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let day = |zone: &str, moment: &str| zone.parse::<Zone>().unwrap().day(at(moment));
    let shanghai = (at("2026-11-25T16:00:00Z"), at("2026-11-26T16:00:00Z"));
    for moment in ["2026-11-25T16:00:00Z", "2026-11-26T15:59:59.999Z"] {
        assert_eq!(day("Asia/Shanghai", moment), shanghai);
    }
    // 25 hours in Berlin, and in Beirut a day that begins at 01:00.
    assert_eq!(day("Europe/Berlin", "2026-10-25T12:00:00Z"), (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")));
    assert_eq!(day("Asia/Beirut", "2026-03-29T12:00:00Z"), (at("2026-03-28T22:00:00Z"), at("2026-03-29T21:00:00Z")));
}
