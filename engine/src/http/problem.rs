//! RFC 9457 problem details: the one shape of every error this API gives.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use switch::output::Refused;
use utoipa::ToSchema;

use crate::live::CommandError;
use crate::store::StoreError;

/// What went wrong. Its [`Kind::slug`] is the stable part of `type`: programs compare it, so it never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be read at all.
    Malformed,
    /// Nobody is signed in, or the credentials are not valid (any more).
    Unauthenticated,
    /// Another sign-in of the same employee ended the session (LOGIN-10).
    SessionReplaced,
    /// The principal lacks the operation's permission key.
    Forbidden,
    /// The request came from another site with this browser's cookie.
    CrossSite,
    /// There is no such thing in this tenant.
    NotFound,
    /// The path exists, this method on it does not.
    MethodNotAllowed,
    /// There is one of that name already.
    AlreadyExists,
    /// There are as many as there may be.
    LimitReached,
    /// Something else needs it.
    InUse,
    /// It comes from the configuration file and is changed there.
    Provisioned,
    /// The switch refuses the command in its present state.
    Refused,
    /// The recording is still being written.
    NotReady,
    /// It was there and is not any more.
    Gone,
    /// It is kept where or as it cannot be read: the configuration lacks a bucket or a key, or it was tampered with.
    Unreadable,
    /// `If-Match` names another version.
    VersionMismatch,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is not JSON by its `Content-Type`.
    UnsupportedMediaType,
    /// This is a WebSocket.
    UpgradeRequired,
    /// No byte of the file lies in the asked range.
    RangeNotSatisfiable,
    /// The request can be read, its content is not acceptable; see `errors`.
    Invalid,
    /// The key was used with another request.
    IdempotencyMismatch,
    /// The first request with this key is still running, or was cut off.
    IdempotencyUnfinished,
    /// Too many tries.
    TooMany,
    /// Our fault.
    Internal,
    /// Something we need is away for now.
    Unavailable,
    /// The request took too long.
    TimedOut,
}

impl Kind {
    /// Every kind, for the reference.
    pub const ALL: [Self; 27] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::SessionReplaced,
        Self::Forbidden,
        Self::CrossSite,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::AlreadyExists,
        Self::LimitReached,
        Self::InUse,
        Self::Provisioned,
        Self::Refused,
        Self::NotReady,
        Self::Gone,
        Self::Unreadable,
        Self::VersionMismatch,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::UpgradeRequired,
        Self::RangeNotSatisfiable,
        Self::Invalid,
        Self::IdempotencyMismatch,
        Self::IdempotencyUnfinished,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
        Self::TimedOut,
    ];

    /// The last part of `type`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.facts().1
    }

    /// The HTTP status it travels with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The same sentence for each occurrence (RFC 9457 §3.1.3).
    #[must_use]
    pub fn title(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "the request cannot be read"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "not signed in"),
            Self::SessionReplaced => (StatusCode::UNAUTHORIZED, "session-replaced", "signed in elsewhere"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "not permitted"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "asked by another site"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "no such thing"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "no such operation"),
            Self::AlreadyExists => (StatusCode::CONFLICT, "already-exists", "it exists already"),
            Self::LimitReached => (StatusCode::CONFLICT, "limit-reached", "there are as many as there may be"),
            Self::InUse => (StatusCode::CONFLICT, "in-use", "something else needs it"),
            Self::Provisioned => (StatusCode::CONFLICT, "provisioned", "it is set in the configuration file"),
            Self::Refused => (StatusCode::CONFLICT, "refused", "the switch refuses this now"),
            Self::NotReady => (StatusCode::CONFLICT, "not-ready", "it is not ready yet"),
            Self::Gone => (StatusCode::GONE, "gone", "it is not kept any more"),
            Self::Unreadable => (StatusCode::INTERNAL_SERVER_ERROR, "unreadable", "it cannot be read where it is kept"),
            Self::VersionMismatch => (StatusCode::PRECONDITION_FAILED, "version-mismatch", "it was changed meanwhile"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the request is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "the body is not JSON")
            }
            Self::UpgradeRequired => (StatusCode::UPGRADE_REQUIRED, "upgrade-required", "this is a WebSocket"),
            Self::RangeNotSatisfiable => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "no such part of the file")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "the content is not acceptable"),
            Self::IdempotencyMismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-mismatch", "the key belongs to another request")
            }
            Self::IdempotencyUnfinished => {
                (StatusCode::CONFLICT, "idempotency-unfinished", "the first request with this key has no answer")
            }
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "too many requests"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available now"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed-out", "it took too long"),
        }
    }
}

/// An error on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub kind: Kind,
    /// What to do about it, for people.
    pub detail: String,
    /// By field, where fields are at fault.
    pub errors: Vec<FieldError>,
    /// After how many seconds another try makes sense.
    pub retry_after_s: Option<u32>,
}

/// A field that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name; nested ones with `.` and list indices as numbers, the empty text for the whole body.
    pub field: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// The body as it travels: RFC 9457, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:switchboard:problem:` and a stable name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for each problem of this type.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What to do about it.
    pub detail: String,
    /// By field, where fields are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// Stands before [`Kind::slug`] in `type`.
pub const TYPE_PREFIX: &str = "urn:switchboard:problem:";

impl Problem {
    /// A problem without fields.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after_s: None }
    }

    /// [`Kind::Invalid`] with the fields at fault.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(Kind::Invalid, "mend the fields named in errors and send it again") }
    }

    /// There is no such thing in this tenant. The same whether it never was, is gone or is another tenant's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no such {what}; list them to see which there are"))
    }

    /// Our fault; the cause goes to the log only.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed by our fault");
        Self::new(Kind::Internal, "this is a fault of the server; its log says more")
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}

impl FieldError {
    /// One field at fault.
    #[must_use]
    pub fn new(field: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self { field: field.into(), detail: detail.to_string() }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { resource, .. } => Self::not_found(resource),
            StoreError::Exists { .. } => Self::new(Kind::AlreadyExists, error.to_string()),
            StoreError::Changed { .. } => super::precondition::mismatch(),
            StoreError::ReadOnly { .. } => Self::new(Kind::Provisioned, error.to_string()),
            StoreError::TooMany { .. } => Self::new(Kind::LimitReached, error.to_string()),
            StoreError::Database(_) => {
                tracing::error!(%error, "the database did not answer a request");
                Self::new(Kind::Unavailable, "the database is away; calls go on, try again in a moment").retry_after(5)
            }
            StoreError::CursorMoved { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Migrate(_)
            | StoreError::Folder { .. } => Self::internal(&error),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::Refused(refused) => match refused {
                Refused::NoSuchCall
                | Refused::NoSuchConference
                | Refused::NoSuchMember
                | Refused::NoSuchAgent
                | Refused::NoSuchCallback
                | Refused::NotBanned
                | Refused::NoSuchTrunk => Self::new(Kind::NotFound, detail),
                Refused::NoSuchExtension => Self::invalid(vec![FieldError::new("from", detail)]),
                Refused::NoRoute => Self::invalid(vec![FieldError::new("to", detail)]),
                Refused::NoExtension => Self::invalid(vec![FieldError::new("extension", detail)]),
                Refused::WhichSupervisor => Self::invalid(vec![FieldError::new("supervisor", detail)]),
                Refused::NoMobile | Refused::MobileUnreachable => {
                    Self::invalid(vec![FieldError::new("mobile", detail)])
                }
                Refused::NoThird => Self::invalid(vec![FieldError::new("to", detail)]),
                Refused::Blocked => Self::invalid(vec![FieldError::new("to", detail)]),
                Refused::OutOfPhase { .. }
                | Refused::NoSurvey
                | Refused::NotNow
                | Refused::NotOnCall
                | Refused::Oneself
                | Refused::Supervises
                | Refused::OneTalksAlready
                | Refused::ThreeAlready
                | Refused::BargedIn
                | Refused::SupervisorsFull
                | Refused::WhichParty
                | Refused::NotAvailable
                | Refused::ParkFull
                | Refused::SlotTaken
                | Refused::NothingToPickUp
                | Refused::TakesPart
                | Refused::OutsideByConsult
                | Refused::Agent(_)
                | Refused::ExtensionTaken
                | Refused::ExtensionOnCall
                | Refused::WayNotAllowed(_)
                | Refused::NotRegistered
                | Refused::NotConnected
                | Refused::TestRunning
                | Refused::NotTalking
                | Refused::AlreadyRecorded
                | Refused::NotRecorded
                | Refused::AlreadyPaused
                | Refused::NotPaused => Self::new(Kind::Refused, detail),
                Refused::NotAdmitted | Refused::Full => Self::new(Kind::Unavailable, detail).retry_after(10),
            },
            CommandError::Busy => Self::new(Kind::Unavailable, detail).retry_after(1),
            CommandError::Stopping => Self::new(Kind::Unavailable, detail).retry_after(10),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("{TYPE_PREFIX}{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (self.kind.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.kind == Kind::Unauthenticated {
            // RFC 9110 §15.5.2: a 401 names at least one challenge.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_an_error_with_a_name_of_its_own() {
        let mut slugs: Vec<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| kind.status().as_u16() >= 400));
    }

    #[test]
    fn a_problem_travels_as_rfc_9457_says() {
        let response = Problem::new(Kind::TooMany, "wait").retry_after(7).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "7");
    }
}
