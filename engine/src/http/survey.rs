//! `surveys`: what customers are asked after a talk (满意度, SURVEY-02). Calls that run keep what they began with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::check::Known;
use dialplan::flow::name::SurveyName;
use dialplan::flow::template::Spoken;
use dialplan::survey::{Question, Survey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{SURVEYS_READ, SURVEYS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::flow_check;
use crate::store::queues::Queue;
use crate::store::setting::Stored;
use crate::store::surveys::{StoredSurvey, usual_question, usual_thanks};

/// The operations on surveys.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(SURVEYS_READ), routes!(list_surveys))
        .add(Guard::Needs(SURVEYS_READ), routes!(read_survey))
        .add(Guard::Needs(SURVEYS_WRITE), routes!(create_survey))
        .add(Guard::Needs(SURVEYS_WRITE), routes!(replace_survey))
        .add(Guard::Needs(SURVEYS_WRITE), routes!(delete_survey))
}

/// A survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyShown {
    /// Its name, by which queues and flows ask for it.
    #[schema(example = "service")]
    pub name: String,
    /// What is asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What is asked. A question is played up to three times, and a key is waited for 5 s after each (SURVEY-03).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `{"prompt": [...], "options": [{"key": "1", "label": "..."}]}` with 2 to 9 options; left out: the usual five answers.
    #[serde(default = "usual_question")]
    #[schema(value_type = Object)]
    question: Question,
    /// Asked of who answered the first; nothing where it is null.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    second: Option<Question>,
    /// Said, with a tone, to who answered: he may speak for a minute then, until he is silent for 5 s or presses a key. Null: nobody is asked to.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    comment: Option<Vec<Spoken>>,
    /// Said at the end.
    #[serde(default = "usual_thanks")]
    #[schema(value_type = Vec<String>, example = json!(["survey_thanks"]))]
    thanks: Vec<Spoken>,
}

/// A new survey.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewSurvey {
    /// 1 to 64 characters of a-z, 0-9, _ and -.
    #[schema(example = "service")]
    name: String,
    /// As in an answer.
    #[serde(default = "usual_question")]
    #[schema(value_type = Object)]
    question: Question,
    /// As in an answer.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    second: Option<Question>,
    /// As in an answer.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    comment: Option<Vec<Spoken>>,
    /// As in an answer.
    #[serde(default = "usual_thanks")]
    #[schema(value_type = Vec<String>)]
    thanks: Vec<Spoken>,
}

impl From<Stored<StoredSurvey>> for SurveyShown {
    fn from(stored: Stored<StoredSurvey>) -> Self {
        let read_only = stored.is_read_only();
        let Survey { name, question, second, comment, thanks } = stored.value.0;
        Self {
            name: name.to_string(),
            asked: Asked { question, second, comment, thanks },
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The surveys of the tenant, by name.
#[utoipa::path(get, path = "/surveys", tag = "surveys", params(PageQuery),
    responses((status = 200, body = Listed<SurveyShown>)))]
async fn list_surveys(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<SurveyShown>>, Problem> {
    list::<StoredSurvey, _>(&api, &principal, &page).await
}

/// One survey.
#[utoipa::path(get, path = "/surveys/{name}", tag = "surveys", params(("name" = String, Path)),
    responses((status = 200, body = SurveyShown)))]
async fn read_survey(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<SurveyShown>, Problem> {
    read::<StoredSurvey, _>(&api, &principal, &name).await
}

/// Makes a survey.
#[utoipa::path(post, path = "/surveys", tag = "surveys", request_body = NewSurvey,
    responses((status = 201, body = SurveyShown)))]
async fn create_survey(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewSurvey>,
) -> Result<impl IntoResponse, Problem> {
    let NewSurvey { name, question, second, comment, thanks } = new;
    let mut faults = Faults::default();
    let name = faults.note("name", name.parse::<SurveyName>());
    faults.check()?;
    let name = name.expect("a name that is none was noted as a fault");
    let survey = Survey { name: name.clone(), question, second, comment, thanks };
    let mut edit = Edit::begin(&api, &principal).await?;
    check(&mut edit, &survey).await?;
    let stored = edit.tx.create(StoredSurvey(survey)).await?;
    edit.finish(&api).await?;
    Ok(Tagged::<SurveyShown>::from(stored).created("/api/v1/surveys", name.as_str()))
}

/// Replaces a survey by another of its name. What was answered before stays as it was said (SURVEY-05).
#[utoipa::path(put, path = "/surveys/{name}", tag = "surveys", params(("name" = String, Path)), request_body = Asked,
    responses((status = 200, body = SurveyShown)))]
async fn replace_survey(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(asked): Body<Asked>,
) -> Result<Tagged<SurveyShown>, Problem> {
    let Asked { question, second, comment, thanks } = asked;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (old, expect) = edit.found::<StoredSurvey>(&name, &if_match).await?;
    let survey = Survey { name: old.0.name, question, second, comment, thanks };
    check(&mut edit, &survey).await?;
    let stored = edit.tx.update(StoredSurvey(survey), expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a survey that no queue and no published flow asks for.
#[utoipa::path(delete, path = "/surveys/{name}", tag = "surveys", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_survey(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (survey, expect) = edit.found::<StoredSurvey>(&name, &if_match).await?;
    let asks = |queue: &Queue| queue.rules.survey.as_deref() == Some(name.as_str());
    if let Some(queue) = edit.tx.all::<Queue>().await?.iter().find(|queue| asks(&queue.value)) {
        return Err(Problem::new(Kind::InUse, format!("queue {} asks it; change that first", queue.value.name)));
    }
    for version in edit.tx.published_flows().await? {
        if Known::assumed(&[std::sync::Arc::new(version.definition)]).surveys.contains(survey.name()) {
            return Err(Problem::new(Kind::InUse, format!("flow {} asks it; change that first", version.flow)));
        }
    }
    edit.delete::<StoredSurvey>(&api, &name, expect).await
}

async fn check(edit: &mut Edit, survey: &Survey) -> Result<(), Problem> {
    let mut faults = Faults::default();
    faults.note("", survey.check());
    let prompts = flow_check::prompts(&mut edit.tx).await?;
    let said = [("question", &survey.question.prompt), ("thanks", &survey.thanks)];
    let second = survey.second.as_ref().map(|second| ("second", &second.prompt));
    let comment = survey.comment.as_ref().map(|comment| ("comment", comment));
    for (field, spoken) in said.into_iter().chain(second).chain(comment) {
        let there = spoken.iter().all(|part| match part {
            Spoken::Prompt(name) => prompts.contains(name),
            Spoken::Number(_) | Spoken::Digits(_) | Spoken::Tone(_) | Spoken::Silence(_) => true,
        });
        faults.require(field, there, "a prompt is not there; upload it first");
    }
    faults.check()
}
