//! Passes: SIP credentials that live as long as a session of the console. A browser registers with one instead of the password
//! of its extension, which nobody gives to a page.

use std::collections::BTreeMap;

use dialplan::number::ExtensionNumber;
use hooks::id::TenantId;
use sip::digest::Ha1;

/// A SIP credential for an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The user name of the digest; not the extension's number, and unique in the node.
    pub username: String,
    /// The session that it ends with: any text that names one.
    pub session: String,
    /// Whose phone it makes of who shows it.
    pub extension: ExtensionNumber,
    /// Digest secrets of that user name.
    pub ha1: Ha1,
}

/// All passes of the node.
#[derive(Debug, Default)]
pub(crate) struct Passes {
    by_username: BTreeMap<String, Held>,
    made: u64,
}

#[derive(Debug)]
struct Held {
    tenant: TenantId,
    pass: Pass,
    /// The how-manieth it is.
    number: u64,
}

/// There are as many passes as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Passes {
    /// Takes a pass, and gives back the oldest of its session where that has too many.
    pub(crate) fn admit(&mut self, tenant: &TenantId, pass: Pass) -> Result<Option<(TenantId, Pass)>, Full> {
        let of_session = self.by_username.values().filter(|held| held.pass.session == pass.session);
        let (count, oldest) = of_session.fold((0, None), |(count, oldest): (usize, Option<&Held>), held| {
            (count + 1, Some(oldest.filter(|oldest| oldest.number < held.number).unwrap_or(held)))
        });
        let oldest = oldest.filter(|_| count >= PER_SESSION_MAX).map(|held| held.pass.username.clone());
        if oldest.is_none() && self.by_username.len() >= PASSES_MAX {
            return Err(Full);
        }
        let gone = oldest.and_then(|username| self.by_username.remove(&username));
        self.made += 1;
        let held = Held { tenant: tenant.clone(), pass, number: self.made };
        self.by_username.insert(held.pass.username.clone(), held);
        Ok(gone.map(|held| (held.tenant, held.pass)))
    }

    /// Takes back all passes of a session.
    pub(crate) fn revoke(&mut self, session: &str) -> Vec<(TenantId, Pass)> {
        let gone = self.by_username.extract_if(.., |_, held| held.pass.session == session);
        gone.map(|(_, held)| (held.tenant, held.pass)).collect()
    }

    /// The pass of that user name in a tenant.
    pub(crate) fn of(&self, tenant: &TenantId, username: &str) -> Option<&Pass> {
        let held = self.by_username.get(username)?;
        (held.tenant == *tenant).then_some(&held.pass)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_username.len()
    }
}

/// Passes of a session at a time, one for each page; beyond: the oldest ends.
const PER_SESSION_MAX: usize = 8;
/// Passes of the node at a time; beyond: none is made. Four for each of as many extensions as a tenant may have.
const PASSES_MAX: usize = 80_000;
