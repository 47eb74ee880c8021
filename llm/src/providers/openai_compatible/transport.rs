//! The HTTP step below async-openai: one request is one call, errors keep `Retry-After` and are read
//! leniently, and no body is larger than its limit.

use super::{Settings, Timeouts};
use crate::error::Error;
use crate::secret::Secret;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bytes of an answer that are read: the vectors of a full batch need less.
const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of an error's body that are read.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// Characters of an endpoint's message that are kept.
const MESSAGE_CHARS_MAX: usize = 300;
/// A longer `Retry-After` is taken for a day.
const RETRY_AFTER_SECONDS_MAX: f64 = 86_400.0;

pub(super) type Client = async_openai::Client<Endpoint>;

/// An HTTP client with the limits of the settings, for callers without one of their own. It follows
/// no redirect: the key goes to the configured address only.
pub fn http_client(timeouts: &Timeouts) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_millis(timeouts.connect_ms))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Error::Settings(format!("no HTTP client: {}", with_causes(&error))))
}

/// An async-openai client that calls through [`Transport`].
pub(super) fn client(settings: &Settings, model: &str, http: reqwest::Client) -> Result<Client, Error> {
    let endpoint = Endpoint::new(settings)?;
    let transport = Transport { http, model: model.into(), api_key: settings.api_key.clone() };
    Ok(Client::build(reqwest::Client::clone(&transport.http), endpoint).with_http_service(transport))
}

/// Where requests go and with which key; async-openai's own would read the environment.
#[derive(Clone)]
pub(super) struct Endpoint {
    base_url: String,
    api_key: SecretString,
    authorization: Option<HeaderValue>,
}

impl Endpoint {
    fn new(settings: &Settings) -> Result<Self, Error> {
        let base_url = settings.base_url.trim_end_matches('/').to_owned();
        let fix = "set `llm.base_url` to an address such as https://api.openai.com/v1";
        let url = Url::parse(&base_url)
            .map_err(|error| Error::Settings(format!("`{base_url}` is no address ({error}): {fix}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Error::Settings(format!("`{base_url}` is no HTTP address: {fix}")));
        }
        let key = settings.api_key.expose().trim();
        let authorization = (!key.is_empty())
            .then(|| HeaderValue::from_str(&format!("Bearer {key}")))
            .transpose()
            .map_err(|_| Error::Settings("`llm.api_key` has signs that no key has".to_owned()))?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Ok(Self { base_url, api_key: SecretString::from(key), authorization })
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.authorization.iter().map(|value| (AUTHORIZATION, value.clone())).collect()
    }
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }
    fn api_base(&self) -> &str {
        &self.base_url
    }
    fn api_key(&self) -> &SecretString {
        &self.api_key
    }
}

/// Sends each request once.
#[derive(Clone)]
struct Transport {
    http: reqwest::Client,
    model: Arc<str>,
    api_key: Secret,
}

impl tower_service::Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let Self { http, model, api_key } = self.clone();
        Box::pin(async move {
            let request = request.build().await?;
            let response = http.execute(request).await?;
            if response.status().is_success() {
                Ok(bounded(response))
            } else {
                Err(OpenAIError::Boxed(Box::new(refusal(response, &model, &api_key).await)))
            }
        })
    }
}

fn bounded(response: Response) -> Response {
    let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let mut size_bytes = 0;
    let limited = reqwest::Response::from(http::Response::new(body)).bytes_stream().map(
        move |piece| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let piece = piece?;
            size_bytes += piece.len();
            if size_bytes > RESPONSE_BYTES_MAX {
                return Err(format!("more than {RESPONSE_BYTES_MAX} bytes").into());
            }
            Ok(piece)
        },
    );
    http::Response::from_parts(parts, reqwest::Body::wrap_stream(limited)).into()
}

async fn refusal(response: Response, model: &str, api_key: &Secret) -> Error {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    while let Ok(Some(piece)) = pieces.try_next().await {
        body.extend_from_slice(&piece);
        if body.len() > ERROR_BYTES_MAX {
            break;
        }
    }
    let detail = Detail::read(without(api_key, &body).as_bytes());
    detail.into_error(status, retry_after, model)
}

/// The text of a body without the key: some endpoints repeat what they refuse.
fn without(api_key: &Secret, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let key = api_key.expose().trim();
    if key.is_empty() { text.into_owned() } else { text.replace(key, "••••") }
}

/// What an endpoint says about a failure; vendors agree on little but the outer names.
#[derive(Default)]
pub(super) struct Detail {
    message: String,
    words: String,
    status: Option<StatusCode>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Value,
}

impl Detail {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(body) => Self::of(&body.error),
            Err(_) => Self { message: shorten(&String::from_utf8_lossy(body)), ..Self::default() },
        }
    }

    fn of(error: &Value) -> Self {
        let field = |name: &str| error.get(name).map(plain).unwrap_or_default();
        let message = if error.is_object() { field("message") } else { plain(error) };
        let status = error.get("code").and_then(|code| {
            let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
            StatusCode::from_u16(u16::try_from(number).ok()?).ok()
        });
        Self { message: shorten(&message), words: format!("{} {}", field("type"), field("code")), status }
    }

    fn into_error(self, status: StatusCode, retry_after: Option<Duration>, model: &str) -> Error {
        let model = model.to_owned();
        let message = if self.message.is_empty() { status.to_string() } else { self.message };
        if self.words.contains("insufficient_quota") || self.words.contains("billing") {
            return Error::Forbidden { model, message };
        }
        match status {
            StatusCode::UNAUTHORIZED => Error::Unauthenticated { model, message },
            StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => Error::Forbidden { model, message },
            StatusCode::NOT_FOUND => Error::NotFound { model, message },
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { model, retry_after, message },
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => Error::Unavailable { model, retry_after, message },
            status if status.is_server_error() => {
                let message = format!("{status}: {message}");
                Error::Unavailable { model, retry_after, message }
            }
            status => Error::Rejected { model, status: status.as_u16(), message },
        }
    }
}

/// The error object some endpoints put into a stream that began well.
pub(super) fn error_in_stream(error: &Value, model: &str) -> Error {
    let detail = Detail::of(error);
    let status = detail
        .status
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    detail.into_error(status, None, model)
}

/// Our error for one of async-openai's.
pub(super) fn failure(error: OpenAIError, model: &str) -> Error {
    let model_name = model.to_owned();
    match error {
        OpenAIError::Boxed(inner) => match inner.downcast::<Error>() {
            Ok(own) => renamed(*own, model),
            Err(other) => Error::Unavailable { model: model_name, retry_after: None, message: other.to_string() },
        },
        OpenAIError::JSONDeserialize(error, _) => Error::Malformed { model: model_name, message: error.to_string() },
        OpenAIError::InvalidArgument(message) => Error::Settings(message),
        OpenAIError::Reqwest(error) => {
            Error::Unavailable { model: model_name, retry_after: None, message: with_causes(&error.without_url()) }
        }
        OpenAIError::ApiError(_)
        | OpenAIError::FileSaveError(_)
        | OpenAIError::FileReadError(_)
        | OpenAIError::StreamError(_) => {
            Error::Unavailable { model: model_name, retry_after: None, message: error.to_string() }
        }
    }
}

/// The transport knows the configured model only; the request may have asked for another.
fn renamed(mut error: Error, asked: &str) -> Error {
    match &mut error {
        Error::Rejected { model, .. }
        | Error::Unauthenticated { model, .. }
        | Error::Forbidden { model, .. }
        | Error::NotFound { model, .. }
        | Error::RateLimited { model, .. }
        | Error::Unavailable { model, .. } => asked.clone_into(model),
        Error::Settings(_)
        | Error::Timeout { .. }
        | Error::CutStream { .. }
        | Error::Malformed { .. }
        | Error::BudgetSpent { .. }
        | Error::Local { .. } => {}
    }
    error
}

/// Seconds only: no model endpoint is known to send the date form.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds =
        number("retry-after-ms").map(|milliseconds| milliseconds / 1000.0).or_else(|| number(RETRY_AFTER.as_str()))?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(RETRY_AFTER_SECONDS_MAX)))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(MESSAGE_CHARS_MAX).collect()
}

/// An error with what caused it, which reqwest's own text leaves out.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
