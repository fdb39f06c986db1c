//! The days of the tenants: at midnight of its zone nobody of a tenant has answered anything today, and no queue has had a caller.

use std::collections::BTreeMap;

use dialplan::hours::Zone;
use hooks::id::TenantId;

use crate::desk::Desk;
use crate::queue::QueueId;

/// When the day of each tenant is over.
#[derive(Debug, Default)]
pub(crate) struct Days {
    zones: BTreeMap<TenantId, Day>,
    /// The first of them, ms since the Unix epoch.
    next_ms: Option<u64>,
}

#[derive(Debug)]
struct Day {
    zone: Zone,
    over_ms: u64,
}

impl Days {
    /// A tenant's clocks are those of that zone.
    pub(crate) fn set(&mut self, tenant: &TenantId, zone: &Zone, now_ms: u64) {
        let over_ms = over(zone, now_ms);
        self.zones.insert(tenant.clone(), Day { zone: zone.clone(), over_ms });
        self.find_next();
    }

    fn find_next(&mut self) {
        self.next_ms = self.zones.values().map(|day| day.over_ms).min();
    }

    /// A tenant whose day is over; another one lasts from now on.
    fn pop(&mut self, now_ms: u64) -> Option<TenantId> {
        self.next_ms.filter(|next_ms| *next_ms <= now_ms)?;
        let (tenant, day) = self.zones.iter_mut().find(|(_, day)| day.over_ms <= now_ms)?;
        day.over_ms = over(&day.zone, now_ms);
        let tenant = tenant.clone();
        self.find_next();
        Some(tenant)
    }
}

fn over(zone: &Zone, now_ms: u64) -> u64 {
    let (_, over) = zone.day(i64::try_from(now_ms).unwrap_or(i64::MAX));
    u64::try_from(over).unwrap_or(u64::MAX)
}

impl Desk {
    /// Looks whether a day is over. Called with each input: nobody is asked anything between them.
    pub(crate) fn turn_the_page(&mut self) {
        while let Some(tenant) = self.floor.days.pop(self.now.unix_ms) {
            let agents = self.floor.agents_of(&tenant);
            let queues: Vec<QueueId> = self.floor.queues_in(&tenant);
            self.floor.distribution.new_day(&agents, &queues);
            self.floor.changed.queues.extend(queues);
        }
    }
}

impl super::Floor {
    fn queues_in(&self, tenant: &TenantId) -> Vec<QueueId> {
        self.queues.iter().filter(|(_, (of, _))| of == tenant).map(|(id, _)| *id).collect()
    }
}
