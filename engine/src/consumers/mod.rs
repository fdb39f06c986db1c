//! Consumers of the journal: each reads facts from its cursor and stores what they come to, the cursor in the same
//! transaction. A database that is away makes them late, nothing else.

pub mod agents;
pub mod call_records;
mod flows;
pub mod fold;
mod segments;
mod supervision;
mod voicemail;
#[cfg(test)]
mod voicemail_tests;

#[cfg(test)]
mod centre_tests;
#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod own_day_tests;
#[cfg(test)]
mod tests;
