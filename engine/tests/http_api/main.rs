//! The API from outside, over a real database and journal and a switch that only notes what it is told.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

mod audit;
mod blocks;
mod callers;
mod centre;
mod desk;
mod documents;
mod events;
mod fields;
mod fixture;
mod flows;
mod guards;
mod hours;
mod oidc;
mod people;
mod phonebook;
mod plugins;
mod prompts;
mod recordings;
mod rights;
mod rooms;
mod sessions;
mod settings;
mod sms_login;
mod staffing;
mod strangers;
mod surveys;
mod system;
mod tasks;
mod tls;
mod trunks;
mod views;
mod voicemails;
mod wallboard;
mod webhooks;
mod writes;
