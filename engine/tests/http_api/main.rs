//! The API from outside, over a real database and journal and a switch that only notes what it is told.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

mod blocks;
mod callers;
mod centre;
mod documents;
mod events;
mod fixture;
mod flows;
mod guards;
mod hours;
mod prompts;
mod recordings;
mod rooms;
mod sessions;
mod settings;
mod staffing;
mod surveys;
mod tls;
mod trunks;
mod views;
mod voicemails;
mod wallboard;
mod writes;
