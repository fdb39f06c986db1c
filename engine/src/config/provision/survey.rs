//! One `[[provision.survey]]`.

use dialplan::survey::Survey;
use hooks::id::TenantId;

use super::{needed, tenant};
use crate::config::reader::Reader;
use crate::store::surveys::{usual_question, usual_thanks};

/// One `[[provision.survey]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedSurvey {
    /// Whose.
    pub tenant: TenantId,
    /// What is asked.
    pub survey: Survey,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedSurvey> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let question = reader.value("question").unwrap_or_else(usual_question);
    let second = reader.value("second");
    let comment = reader.value("comment");
    let thanks = reader.value("thanks").unwrap_or_else(usual_thanks);
    let survey = name.map(|name| Survey { name, question, second, comment, thanks });
    if let Some(Err(error)) = survey.as_ref().map(Survey::check) {
        reader.problem(reader.place().clone(), error.to_string());
    }
    reader.finish();
    Some(ProvisionedSurvey { tenant, survey: survey? })
}
