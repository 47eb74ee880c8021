//! All routes with what goes around them.

use crate::app::{App, State};
use crate::auth::{Caller, authenticate, require};
use crate::body::BODY_BYTES_MAX;
use crate::envelope::{envelope, panicked};
use crate::error::ProblemBody;
use crate::idempotency::once;
use crate::{console, docs, routes as r, widget_files};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use domain::key::Scope;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, RefOr, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a client may pause while it sends a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Where the routes of visitors begin.
const WIDGET_PATH: &str = "/v1/widget";
/// How long browsers remember what pages of elsewhere may send.
const PREFLIGHT_LIFE: Duration = Duration::from_hours(1);

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "frontdesk",
        description = "An AI support agent: conversations in, answers with citations or handoffs out. \
            Every id is a TypeID, every time RFC 3339 in UTC, money is in millionths of a US dollar. \
            Lists go on with `after=next_cursor`. Every POST takes an `Idempotency-Key`.",
    ),
    security(("key" = []), ("session" = []))
)]
struct Description;

/// The API without a listener.
pub fn router(state: State) -> Router {
    routes(App::new(state, CancellationToken::new()))
}

/// The OpenAPI document.
pub fn openapi() -> OpenApi {
    described(v1().merge(open()).into_openapi())
}

pub(crate) fn routes(app: App) -> Router {
    let (v1, mut description) = v1().split_for_parts();
    let (open, open_description) = open().split_for_parts();
    description.merge(open_description);
    let v1 = v1
        .route_layer(from_fn_with_state(app.clone(), once))
        .route_layer(from_fn_with_state(app.clone(), authenticate));
    let layers = ServiceBuilder::new()
        .layer(cors(&app.settings.cors_origins))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), envelope))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    v1.merge(open)
        .merge(r::health::routes())
        .merge(console::routes())
        .merge(widget_files::routes())
        .merge(docs::routes(&described(description)))
        .fallback(async || StatusCode::NOT_FOUND.into_response())
        .layer(layers)
        .with_state(app)
}

/// The routes that need a key, each group with the scopes that open it.
fn v1() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(open_to(&[Scope::Conversations], conversations()))
        .merge(open_to(&[Scope::Conversations, Scope::Knowledge], events()))
        .merge(open_to(&[Scope::Knowledge], knowledge()))
        .merge(open_to(&[Scope::Playground], playground()))
        .merge(open_to(&[Scope::Playground], evals()))
        .merge(open_to(&[Scope::Usage], usage()))
        .merge(open_to(&[Scope::Admin], admin()))
        .routes(routes!(r::session::get_session, r::session::delete_session))
}

/// The routes that need no key: they are how a member comes to a session.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::session::create_session))
        .routes(routes!(r::setup::get_setup, r::setup::create_setup))
        .merge(widget())
}

/// The routes of visitors: each handler asks for the visitor's session, or for a widget's public key.
fn widget() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::widget::get_widget))
        .routes(routes!(r::widget::create_widget_session))
        .routes(routes!(r::widget::get_widget_session))
        .routes(routes!(r::widget::create_widget_message, r::widget::list_widget_messages))
        .routes(routes!(r::widget::create_widget_feedback))
        .routes(routes!(r::widget::create_widget_typing))
        .routes(routes!(r::widget::create_widget_handoff))
        .routes(routes!(r::widget::watch_widget))
}

fn open_to(scopes: &'static [Scope], routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    routes.route_layer(from_fn(move |caller: Caller, request: Request, next: Next| {
        require(scopes, caller, request, next)
    }))
}

fn conversations() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::conversations::create_conversation, r::conversations::list_conversations))
        .routes(routes!(r::conversations::get_conversation, r::conversations::update_conversation))
        .routes(routes!(r::messages::create_message, r::messages::list_messages))
        .routes(routes!(r::handoff::create_handoff, r::handoff::delete_handoff))
        .routes(routes!(r::assignment::set_assignment, r::assignment::delete_assignment))
        .routes(routes!(r::resolution::create_resolution))
        .routes(routes!(r::snooze::create_snooze))
        .routes(routes!(r::notes::list_notes, r::notes::create_note))
        .routes(routes!(r::agents::list_agents))
        .routes(routes!(r::agents::create_heartbeat))
        .routes(routes!(r::transfer::create_transfer))
        .routes(routes!(r::live::create_typing))
        .routes(routes!(r::live::create_receipt))
        .routes(routes!(r::notifications::list_notifications))
        .routes(routes!(r::notifications::read_notifications))
        .routes(routes!(r::identities::list_identities, r::identities::create_identity))
        .routes(routes!(r::identities::delete_identity))
        .routes(routes!(r::identities::merge_customers))
        .routes(routes!(r::replies::list_replies, r::replies::create_reply))
        .routes(routes!(r::replies::delete_reply))
        .routes(routes!(r::events::watch_conversation))
        .routes(routes!(r::traces::get_trace))
        .routes(routes!(r::feedback::create_feedback))
        .routes(routes!(r::customers::list_customers, r::customers::create_customer))
        .routes(routes!(r::customers::get_customer, r::customers::update_customer, r::customers::delete_customer))
        .routes(routes!(r::facts::list_facts, r::facts::create_fact))
        .routes(routes!(r::facts::get_fact, r::facts::update_fact, r::facts::delete_fact))
        .routes(routes!(r::exports::export_customer))
}

fn events() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(r::events::watch_organization))
}

fn knowledge() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::sources::list_sources, r::sources::create_source))
        .routes(routes!(r::sources::get_source, r::sources::update_source, r::sources::delete_source))
        .routes(routes!(r::sources::create_file))
        .routes(routes!(r::sources::list_source_kinds))
        .routes(routes!(r::documents::list_documents))
        .routes(routes!(r::documents::get_document))
        .routes(routes!(r::scans::create_scan, r::scans::list_scans))
        .routes(routes!(r::scans::create_scan_preview))
        .routes(routes!(r::scans::get_scan))
        .routes(routes!(r::scans::list_pages))
        .routes(routes!(r::scans::pause_scan))
        .routes(routes!(r::scans::resume_scan))
        .routes(routes!(r::scans::cancel_scan))
        .routes(routes!(r::scan_changes::list_changes))
        .routes(routes!(r::scan_changes::apply_changes))
        .routes(routes!(r::scan_changes::reject_changes))
        .routes(routes!(r::articles::list_articles, r::articles::create_article))
        .routes(routes!(r::articles::get_article, r::articles::update_article, r::articles::delete_article))
        .routes(routes!(r::article_versions::list_versions))
        .routes(routes!(r::article_versions::compare_versions))
        .routes(routes!(r::article_versions::restore_version))
        .routes(routes!(r::articles::publish_article))
        .routes(routes!(r::articles::archive_article))
        .routes(routes!(r::review::list_review))
        .routes(routes!(r::review::get_review))
        .routes(routes!(r::review::approve_review))
        .routes(routes!(r::review::reject_review))
        .routes(routes!(r::review::approve_many))
        .routes(routes!(r::review::reject_many))
        .routes(routes!(r::sources::create_drafts))
}

fn playground() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::search::create_search))
        .routes(routes!(r::answers::create_answer))
        .routes(routes!(r::playground::create_playground_run))
        .routes(routes!(r::batches::create_batch, r::batches::list_batches))
        .routes(routes!(r::batches::get_batch, r::batches::delete_batch))
        .routes(routes!(r::batches::create_batch_answer, r::batches::list_batch_answers))
        .routes(routes!(r::batches::get_batch_answer))
        .routes(routes!(r::batches::set_batch_rating))
        .routes(routes!(r::assistants::list_assistants))
        .routes(routes!(r::assistants::get_assistant))
}

fn evals() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::evals::datasets::create_dataset, r::evals::datasets::list_datasets))
        .routes(routes!(r::evals::datasets::get_dataset))
        .routes(routes!(r::evals::cases::list_cases, r::evals::cases::create_case))
        .routes(routes!(r::evals::runs::create_run, r::evals::runs::list_runs))
        .routes(routes!(r::evals::runs::get_run))
        .routes(routes!(r::evals::runs::list_case_results))
        .routes(routes!(r::evals::runs::get_report))
        .routes(routes!(r::evals::runs::compare_runs))
        .routes(routes!(r::evals::replays::create_replay))
        .routes(routes!(r::evals::replays::get_replay))
        .routes(routes!(r::calibration::get_calibration))
        .merge(read_prompts())
}

fn usage() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(r::usage::list_usage)).routes(routes!(r::budgets::get_budgets))
}

fn read_prompts() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::prompts::list_prompts))
        .routes(routes!(r::prompts::list_prompt_versions))
        .routes(routes!(r::prompts::get_prompt_version))
        .routes(routes!(r::prompts::diff_prompt_versions))
}

fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(r::assistants::create_assistant))
        .routes(routes!(r::assistants::update_assistant))
        .routes(routes!(r::evals::runs::create_calibration))
        .routes(routes!(r::calibration::create_calibration, r::calibration::delete_calibration))
        .routes(routes!(r::budgets::put_budgets))
        .routes(routes!(r::prompts::create_prompt_version))
        .routes(routes!(r::prompts::publish_prompt_version))
        .routes(routes!(r::channels::list_channels))
        .routes(routes!(r::channels::update_channel))
        .routes(routes!(r::keys::list_keys, r::keys::create_key))
        .routes(routes!(r::keys::delete_key))
        .routes(routes!(r::members::list_members))
        .routes(routes!(r::members::delete_member))
        .routes(routes!(r::agents::create_agent))
        .routes(routes!(r::agents::update_agent))
        .routes(routes!(r::desk_settings::get_desk_settings, r::desk_settings::update_desk_settings))
        .routes(routes!(r::people_settings::get_people_settings, r::people_settings::update_people_settings))
        .routes(routes!(r::members::create_invitation))
        .routes(routes!(r::models::get_models))
        .routes(routes!(r::models::create_model_test))
        .routes(routes!(
            r::model_settings::get_model_settings,
            r::model_settings::put_model_settings,
            r::model_settings::delete_model_settings
        ))
}

/// The document with what is the same everywhere: how to prove oneself, and how failures look.
fn described(mut openapi: OpenApi) -> OpenApi {
    let components = openapi.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("fd_live_…").build();
    components.add_security_scheme("key", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description(
        "fd_session",
        "A member's session: POST /v1/session. Changes need the header `x-frontdesk-console` too.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let schema = RefOr::Ref(utoipa::openapi::Ref::from_schema_name(ProblemBody::name()));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new()
        .description("A failure, as problem+json (RFC 9457)")
        .content("application/problem+json", content)
        .build();
    for item in openapi.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    openapi
}

/// Pages anywhere may embed the widget; whether one may use it, its settings say. The rest of the API is
/// for the origins that operators list.
fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let allowed = move |origin: &HeaderValue, request: &Parts| {
        request.uri.path().starts_with(WIDGET_PATH) || origins.contains(origin)
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .max_age(PREFLIGHT_LIFE)
}
