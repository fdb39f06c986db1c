//! One `[[provision.flow]]`: a flow in a file of its own, or written in place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::flow::check::Known;
use hooks::id::TenantId;

use super::tenant;
use crate::config::flow_file::WrittenFlow;
use crate::config::problem::Problem;
use crate::config::reader::Reader;
use crate::flow_check;

/// One `[[provision.flow]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedFlow {
    /// Whose.
    pub tenant: TenantId,
    /// The flow.
    pub written: WrittenFlow,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedFlow> {
    let tenant = tenant(&mut reader);
    let place = reader.place_of("file");
    let file = reader.text("file").map(PathBuf::from);
    let mut table = BTreeMap::new();
    for key in ["name", "title", "start", "inputs", "nodes"] {
        if let Some(node) = reader.node(key) {
            table.insert(key.to_owned(), node.clone());
        }
    }
    let written = match file {
        Some(_) if !table.is_empty() => {
            let message =
                "a flow with a `file` is written there; take the other keys out here, or the `file`".to_owned();
            Err(vec![Problem { place, message }])
        }
        Some(file) => WrittenFlow::read(&file),
        None => WrittenFlow::of_table(&table, reader.place().clone()),
    };
    let written = written.map_err(|problems| report(&reader, problems)).ok();
    reader.finish();
    Some(ProvisionedFlow { tenant, written: written? })
}

/// Checks the flows of each tenant among themselves. What else they name may be made by the API: that is checked when they are
/// applied (see [`crate::provision`]).
pub(super) fn check(reader: &Reader<'_>, flows: &[ProvisionedFlow]) {
    let tenants: BTreeSet<&TenantId> = flows.iter().map(|it| &it.tenant).collect();
    for tenant in tenants {
        let own: Vec<&ProvisionedFlow> = flows.iter().filter(|it| it.tenant == *tenant).collect();
        let all: Vec<Arc<Flow>> = own.iter().map(|it| it.written.flow.clone()).collect();
        let known = Known::assumed(&all);
        for it in own {
            let problems = flow_check::problems(&it.written.flow, &known);
            report(reader, problems.iter().map(|problem| it.written.told(problem)));
        }
    }
}

fn report(reader: &Reader<'_>, problems: impl IntoIterator<Item = Problem>) {
    problems.into_iter().for_each(|problem| reader.problem(problem.place, problem.message));
}
