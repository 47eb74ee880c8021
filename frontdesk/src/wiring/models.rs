//! The models that write: the installation's, and those that organizations connect by themselves.

use super::guard;
use crate::failure::Failure;
use crate::output::Exit;
use crate::settings::{Llm, Settings, TokenLimitField};
use answering::Models;
use answering::models::Opener;
use ingest::guard::{GuardedClient, Refusal};
use llm::providers::openai_compatible::{self, OpenAiChat};
use llm::{ChatModel, Fallbacks, Secret};
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;
use storage::Vault;

/// The setting with the private addresses that organizations may connect.
const ALLOWED: &str = "llm.allow_private_hosts";
/// The file in the data folder whose key seals secrets where the settings have none.
const KEY_FILE: &str = "secret.key";
/// Hosts whose newer models refuse `max_tokens`; nearly all others know nothing else.
const MAX_COMPLETION_TOKENS_HOSTS: [&str; 2] = ["openai.com", "openai.azure.com"];

/// The installation's model, and what opens those of organizations. Nothing is connected to yet.
pub(crate) fn models(settings: &Settings) -> Result<Models, Failure> {
    let guard = guard(ALLOWED, &settings.llm.allow_private_hosts)?;
    let connect_timeout = Duration::from_millis(settings.llm.connect_timeout_ms);
    let clients = guard
        .client(|builder| builder.connect_timeout(connect_timeout))
        .map_err(|error| Failure::new(Exit::Problem, "no HTTP client").because(error))?;
    let timeouts = timeouts(&settings.llm);
    let opener: Opener = Arc::new(move |base_url, model, key| open(&clients, timeouts, base_url, model, key));
    Ok(Models::new(chat_model(settings)?, vault(settings)?, opener))
}

fn vault(settings: &Settings) -> Result<Vault, Failure> {
    if settings.secrets.key.is_empty() {
        return Ok(Vault::with_file(settings.data.dir.join(KEY_FILE)));
    }
    let key = settings.secrets.bytes().ok_or_else(|| Failure::configuration("`secrets.key` cannot be used"))?;
    Ok(Vault::with_key(key))
}

/// A model at an address that an organization named: it is reached through the guard only.
fn open(
    clients: &GuardedClient,
    timeouts: openai_compatible::Timeouts,
    base_url: &str,
    model: &str,
    api_key: Secret,
) -> Result<Arc<dyn ChatModel>, llm::Error> {
    let refused = |why: String| llm::Error::Settings(why);
    let url = Url::parse(base_url).map_err(|error| refused(format!("`{base_url}` is no address: {error}")))?;
    let http = clients.for_url(&url).map_err(|refusal| match refusal {
        Refusal::Private(ref host) => {
            let port = url.port_or_known_default().unwrap_or_default();
            refused(format!("{refusal}; who runs this installation can list {host}:{port} in `{ALLOWED}`"))
        }
        Refusal::Scheme | Refusal::NoHost | Refusal::Credentials => refused(refusal.to_string()),
    })?;
    let endpoint = openai_compatible::Settings {
        base_url: base_url.to_owned(),
        api_key,
        model: model.to_owned(),
        token_limit_field: token_limit_field(&url),
        timeouts,
        ..openai_compatible::Settings::default()
    };
    Ok(Arc::new(OpenAiChat::new(endpoint, http.clone())?))
}

fn token_limit_field(url: &Url) -> openai_compatible::TokenLimitField {
    let host = url.host_str().unwrap_or_default();
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if MAX_COMPLETION_TOKENS_HOSTS.iter().any(|domain| is_below(domain)) {
        openai_compatible::TokenLimitField::MaxCompletionTokens
    } else {
        openai_compatible::TokenLimitField::MaxTokens
    }
}

fn timeouts(llm: &Llm) -> openai_compatible::Timeouts {
    openai_compatible::Timeouts {
        connect_ms: llm.connect_timeout_ms,
        first_byte_ms: llm.idle_timeout_ms,
        idle_ms: llm.idle_timeout_ms,
        total_ms: llm.timeout_ms,
    }
}

fn chat_model(settings: &Settings) -> Result<Option<Arc<dyn ChatModel>>, Failure> {
    if settings.llm.endpoint().is_none() {
        return Ok(None);
    }
    let models = chat_models(settings)?;
    Ok(Some(Arc::new(Fallbacks::new(models).map_err(|error| model_failure(&error))?)))
}

/// The model and its fallbacks, each by itself.
pub(crate) fn chat_models(settings: &Settings) -> Result<Vec<Arc<dyn ChatModel>>, Failure> {
    let names = std::iter::once(&settings.llm.model).chain(&settings.llm.fallback_models);
    let mut models: Vec<Arc<dyn ChatModel>> = Vec::new();
    for name in names {
        let endpoint = endpoint(settings, name);
        let http = http_client(&endpoint)?;
        let model = OpenAiChat::new(endpoint, http).map_err(|error| model_failure(&error))?;
        models.push(Arc::new(model));
    }
    Ok(models)
}

pub(super) fn endpoint(settings: &Settings, model: &str) -> openai_compatible::Settings {
    let llm = &settings.llm;
    openai_compatible::Settings {
        base_url: llm.endpoint().unwrap_or_default().to_owned(),
        api_key: Secret::new(llm.api_key.expose()),
        model: model.to_owned(),
        embedding_model: Some(llm.embedding_model.clone()).filter(|name| !name.is_empty()),
        embedding_dimensions: Some(llm.embedding_dimensions).filter(|dimensions| *dimensions > 0),
        token_limit_field: match llm.token_limit_field {
            TokenLimitField::MaxCompletionTokens => openai_compatible::TokenLimitField::MaxCompletionTokens,
            TokenLimitField::MaxTokens => openai_compatible::TokenLimitField::MaxTokens,
        },
        asks_logprobs: llm.logprobs,
        timeouts: timeouts(llm),
        ..openai_compatible::Settings::default()
    }
}

pub(super) fn http_client(endpoint: &openai_compatible::Settings) -> Result<llm::HttpClient, Failure> {
    openai_compatible::http_client(&endpoint.timeouts).map_err(|error| model_failure(&error))
}

pub(super) fn model_failure(error: &llm::Error) -> Failure {
    Failure::configuration("the model settings cannot be used").because(error).fix("correct the section [llm]")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn each_host_gets_the_limit_by_the_name_that_it_knows() {
        for (url, expected) in [
            ("https://api.openai.com/v1", "MaxCompletionTokens"),
            ("https://desk.openai.azure.com/openai/v1", "MaxCompletionTokens"),
            ("https://notopenai.com/v1", "MaxTokens"),
            ("http://127.0.0.1:11434/v1", "MaxTokens"),
        ] {
            assert_eq!(format!("{:?}", token_limit_field(&Url::parse(url).unwrap())), expected, "{url}");
        }
    }
}
