//! The four machines of RFC 3261 §17 as corrected by RFC 6026, as pure tables: a state and an event give the next state and
//! what is to be done. They know no time, no addresses and no bytes; the drivers beside them do what they say.
//!
//! A timer whose length is zero on the transport at hand (D, I, J and K on reliable ones) fires at once, so the tables are the
//! same for every transport; A, E and G are never started on reliable ones.

pub(crate) mod client_invite;
pub(crate) mod client_non_invite;
pub(crate) mod server_invite;
pub(crate) mod server_non_invite;

/// The lines of one machine's whole state × event table, for its snapshot.
#[cfg(test)]
pub(crate) fn print_table<S: Copy + std::fmt::Debug, E: Copy + std::fmt::Debug, A: std::fmt::Debug + 'static>(
    states: &[S],
    events: &[E],
    next: fn(S, E) -> (S, &'static [A]),
) -> String {
    use std::fmt::Write;
    let mut table = String::new();
    for state in states {
        writeln!(table, "{state:?}").unwrap();
        for event in events {
            let (to, actions) = next(*state, *event);
            let actions = actions.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>().join(", ");
            writeln!(table, "  {:<16} -> {:<14} {actions}", format!("{event:?}"), format!("{to:?}")).unwrap();
        }
    }
    table
}
