//! The story of the models that organizations connect by themselves.

use crate::databases::{new_conversation, new_customer};
use storage::Database;
use storage::model_endpoints::NewModelEndpoint;

stories! { a_model_is_connected_changed_and_removed }

fn endpoint(base_url: &str, sealed_key: Option<&[u8]>) -> NewModelEndpoint {
    NewModelEndpoint {
        base_url: base_url.to_owned(),
        model: "m".to_owned(),
        sealed_key: sealed_key.map(<[u8]>::to_vec),
        key_hint: sealed_key.map(|_| "abcd".to_owned()),
        updated_by: "system".to_owned(),
    }
}

async fn a_model_is_connected_changed_and_removed(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let id = desk.organization.id;
    let stranger = database.insert_organization("Other").await.unwrap().id;
    let tenant = database.of(id);
    assert_eq!(tenant.find_model_endpoint().await.unwrap(), None);
    let conversation = within!(database, id, transaction => {
        let customer = transaction.upsert_customer(&new_customer(Some("ada"), None)).await.unwrap();
        transaction.insert_conversation(new_conversation(&desk, customer.id)).await.unwrap().id
    });
    assert_eq!(tenant.load_setting(conversation).await.unwrap().model_endpoint, None);
    let first = within!(database, id, transaction => {
        transaction.put_model_endpoint(endpoint("https://a.example/v1", Some(&[1, 2, 3]))).await.unwrap()
    });
    assert_eq!((first.organization_id, first.key_hint.as_deref()), (id, Some("abcd")));
    assert_eq!(tenant.find_model_endpoint().await.unwrap().as_ref(), Some(&first));
    assert_eq!(tenant.load_setting(conversation).await.unwrap().model_endpoint.as_ref(), Some(&first), "a turn has it");
    assert_eq!(database.of(stranger).find_model_endpoint().await.unwrap(), None);
    let second = within!(database, id, transaction => {
        transaction.put_model_endpoint(endpoint("http://b.example/v1", None)).await.unwrap()
    });
    assert!(second.updated_at > first.updated_at && second.sealed_key.is_none() && second.key_hint.is_none());
    assert_eq!(tenant.load_setting(conversation).await.unwrap().model_endpoint.as_ref(), Some(&second));
    let theirs = within!(database, stranger, transaction => {
        assert!(!transaction.delete_model_endpoint().await.unwrap());
        transaction.put_model_endpoint(endpoint("https://c.example/v1", Some(&[9]))).await.unwrap()
    });
    assert_eq!(database.list_model_endpoints(10).await.unwrap(), [theirs.clone(), second]);
    assert_eq!(database.list_model_endpoints(1).await.unwrap(), std::slice::from_ref(&theirs));
    within!(database, id, transaction => {
        assert!(transaction.delete_model_endpoint().await.unwrap());
        assert!(!transaction.delete_model_endpoint().await.unwrap());
    });
    assert_eq!(tenant.find_model_endpoint().await.unwrap(), None);
    assert_eq!(database.list_model_endpoints(10).await.unwrap(), [theirs]);
}
