//! Which model writes for an organization: the one it has connected by itself, else the installation's.

use crate::Desk;
use domain::{OrganizationId, Time};
use futures::future::BoxFuture;
use llm::{ChatModel, ChatRequest, Completion, Deltas, Secret};
use quick_cache::sync::Cache;
use std::sync::Arc;
use storage::Vault;
use storage::model_endpoints::ModelEndpoint;

/// Models of organizations that are kept open.
const OPENED_MAX: usize = 1_000;

/// Makes a model of an address, a model's name and a key; it decides what may be connected to.
pub type Opener = Arc<dyn Fn(&str, &str, Secret) -> Result<Arc<dyn ChatModel>, llm::Error> + Send + Sync>;

/// The models that write, cheap to clone.
#[derive(Clone)]
pub struct Models {
    installation: Option<Arc<dyn ChatModel>>,
    own: Option<Own>,
}

/// What the models of organizations stand on.
#[derive(Clone)]
struct Own {
    vault: Vault,
    opener: Opener,
    opened: Arc<Cache<OrganizationId, Opened>>,
}

/// An open model, with the time at which its endpoint was set.
type Opened = (Time, Arc<dyn ChatModel>);

impl Models {
    /// The installation's model, and what organizations connect by themselves.
    pub fn new(installation: Option<Arc<dyn ChatModel>>, vault: Vault, opener: Opener) -> Self {
        Self { installation, own: Some(Own { vault, opener, opened: Arc::new(Cache::new(OPENED_MAX)) }) }
    }

    /// One model for all, or none.
    pub fn fixed(installation: Option<Arc<dyn ChatModel>>) -> Self {
        Self { installation, own: None }
    }

    /// The installation's model.
    pub fn installation(&self) -> Option<Arc<dyn ChatModel>> {
        self.installation.clone()
    }

    /// The model that writes where this endpoint is set. One that cannot be opened fails with each call, as one
    /// that cannot be reached does.
    pub fn of(&self, endpoint: Option<&ModelEndpoint>) -> Option<Arc<dyn ChatModel>> {
        let Some(endpoint) = endpoint else { return self.installation() };
        let Some(own) = &self.own else { return self.installation() };
        if let Some((_, model)) =
            own.opened.get(&endpoint.organization_id).filter(|(set_at, _)| *set_at == endpoint.updated_at)
        {
            return Some(model);
        }
        match self.open(endpoint) {
            Ok(model) => {
                own.opened.insert(endpoint.organization_id, (endpoint.updated_at, model.clone()));
                Some(model)
            }
            Err(error) => {
                tracing::error!(%error, organization.id = %endpoint.organization_id, "an organization's model cannot be used");
                Some(Arc::new(Closed { id: endpoint.model.clone(), error }))
            }
        }
    }

    /// The model of an endpoint as it is stored.
    ///
    /// # Errors
    /// `Invalid` when its key or address cannot be used.
    pub fn open(&self, endpoint: &ModelEndpoint) -> Result<Arc<dyn ChatModel>, llm::Error> {
        self.try_out(&endpoint.base_url, &endpoint.model, self.key_of(endpoint)?)
    }

    /// A model that is not stored.
    ///
    /// # Errors
    /// `Invalid` when the address or the key cannot be used.
    pub fn try_out(&self, base_url: &str, model: &str, api_key: Secret) -> Result<Arc<dyn ChatModel>, llm::Error> {
        (self.own()?.opener)(base_url, model, api_key)
    }

    /// The key of an endpoint, for the address that it was given for.
    ///
    /// # Errors
    /// `Invalid` when it cannot be opened here.
    pub fn key_of(&self, endpoint: &ModelEndpoint) -> Result<Secret, llm::Error> {
        let Some(sealed) = &endpoint.sealed_key else { return Ok(Secret::default()) };
        let opened = self.own()?.vault.open(endpoint.organization_id, &endpoint.base_url, sealed);
        opened.map(Secret::new).map_err(|error| llm::Error::Settings(error.to_string()))
    }

    /// Seals a key for an organization and an address.
    ///
    /// # Errors
    /// `Invalid` when there is nothing to seal it with.
    pub fn seal(&self, id: OrganizationId, base_url: &str, api_key: &Secret) -> Result<Vec<u8>, llm::Error> {
        let sealed = self.own()?.vault.seal(id, base_url, api_key.expose());
        sealed.map_err(|error| llm::Error::Settings(error.to_string()))
    }

    fn own(&self) -> Result<&Own, llm::Error> {
        self.own.as_ref().ok_or_else(|| llm::Error::Settings("organizations connect no models here".to_owned()))
    }
}

impl Desk {
    /// The model that writes for an organization; `None` quotes the knowledge.
    pub async fn model_of(&self, id: OrganizationId) -> storage::Result<Option<Arc<dyn ChatModel>>> {
        Ok(self.models.of(self.database.of(id).find_model_endpoint().await?.as_ref()))
    }
}

/// A model that cannot be opened: it says why.
struct Closed {
    id: String,
    error: llm::Error,
}

impl ChatModel for Closed {
    fn id(&self) -> &str {
        &self.id
    }

    fn complete<'a>(&'a self, _: &'a ChatRequest, _: Option<Deltas>) -> BoxFuture<'a, Result<Completion, llm::Error>> {
        Box::pin(std::future::ready(Err(self.error.clone())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use domain::Id;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Models that are named after their address and key, and how many were made.
    fn models(key: u8) -> (Models, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let opener: Opener = Arc::new(move |base_url, model, key| {
            counted.fetch_add(1, Ordering::Relaxed);
            let id = format!("{model} at {base_url} with {}", key.expose());
            Ok(Arc::new(Closed { id, error: llm::Error::Settings(String::new()) }))
        });
        (Models::new(None, Vault::with_key([key; 32]), opener), made)
    }

    fn endpoint(models: &Models, organization: u128, updated_at: i64) -> ModelEndpoint {
        let organization_id = Id::from_uuid(uuid::Uuid::from_u128(organization));
        let base_url = "https://a.example/v1".to_owned();
        let key = Secret::new(format!("key-{organization}"));
        ModelEndpoint {
            organization_id,
            sealed_key: Some(models.seal(organization_id, &base_url, &key).unwrap()),
            base_url,
            model: "m".into(),
            key_hint: None,
            updated_at: Time::from_micros(updated_at),
            updated_by: "system".into(),
        }
    }

    #[test]
    fn each_organization_has_its_own_model_and_a_change_opens_another() {
        let (models, made) = models(1);
        let id = |endpoint: &ModelEndpoint| models.of(Some(endpoint)).unwrap().id().to_owned();
        let (first, second) = (endpoint(&models, 1, 1), endpoint(&models, 2, 1));
        assert!(models.of(None).is_none());
        assert_eq!(id(&first), "m at https://a.example/v1 with key-1");
        assert_eq!((id(&second), id(&first)), ("m at https://a.example/v1 with key-2".into(), id(&first)));
        assert_eq!(made.load(Ordering::Relaxed), 2, "what is open stays open");
        id(&ModelEndpoint { updated_at: Time::from_micros(2), ..first });
        assert_eq!(made.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_opened_fails_with_each_call_and_is_tried_again() {
        let (sealing, _) = models(1);
        let (models, made) = models(2);
        let endpoint = endpoint(&sealing, 1, 1);
        let model = models.of(Some(&endpoint)).unwrap();
        let error = model.complete(&ChatRequest::default(), None).await.unwrap_err();
        assert!(error.to_string().contains("`secrets.key`"), "{error}");
        assert_eq!((model.id(), made.load(Ordering::Relaxed)), ("m", 0));
        let moved = ModelEndpoint { base_url: "https://b.example/v1".into(), ..self::endpoint(&models, 1, 1) };
        assert!(models.open(&moved).is_err(), "a key is sent to its own address only");
    }
}
