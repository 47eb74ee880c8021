//! Replies on their way to customers.

use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::message::{Delivery, DeliveryState};
use domain::{DeliveryId, MessageId};

impl Transaction {
    /// Notes that a message is to be sent.
    pub async fn insert_delivery(&mut self, message: MessageId) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let id: DeliveryId = self.id();
        self.defer(
            "insert into deliveries (id, organization_id, message_id, state, created_at, updated_at)
             values ($1, $2, $3, 'queued', $4, $4)",
            (id, organization_id, message, now),
        )
        .await
    }

    /// Notes the outcome of an attempt, on the delivery and on its message.
    pub async fn mark_delivery(
        &mut self,
        message: MessageId,
        state: DeliveryState,
        error: Option<String>,
    ) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        (&mut *self)
            .run(
                "update deliveries set state = $3, error = $4, attempts = attempts + 1, updated_at = $5
                 where organization_id = $1 and message_id = $2",
                (organization_id, message, state, error, now),
            )
            .await?;
        self.mark_message_delivery(message, state).await
    }
}

impl Tenant<'_> {
    /// The delivery of a message, where it is sent at all.
    pub async fn find_delivery(self, message: MessageId) -> Result<Option<Delivery>> {
        self.find(
            "select id, organization_id, message_id, state, attempts, error, created_at, updated_at from deliveries
             where organization_id = $1 and message_id = $2",
            (self.organization_id(), message),
        )
        .await
    }
}
