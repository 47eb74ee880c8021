//! One organization's rows, for reading. Nothing of a tenant is read any other way.

use crate::database::Database;
use crate::sql::{Fetched, Run, Statement};
use crate::{Result, Transaction};
use domain::{OrganizationId, Time};
use futures::future::BoxFuture;

/// A view of one organization. Each noun's file adds its reading methods.
#[derive(Clone, Copy)]
pub struct Tenant<'d> {
    database: &'d Database,
    organization_id: OrganizationId,
}

impl<'d> Tenant<'d> {
    pub(crate) fn new(database: &'d Database, organization_id: OrganizationId) -> Self {
        Self { database, organization_id }
    }

    /// The organization.
    pub fn organization_id(self) -> OrganizationId {
        self.organization_id
    }

    /// The database behind.
    pub fn database(self) -> &'d Database {
        self.database
    }

    /// The present moment.
    pub fn now(self) -> Time {
        self.database.clock().now()
    }

    /// Opens a transaction that writes for this organization.
    pub async fn begin(self) -> Result<Transaction> {
        Transaction::begin(self.database, Some(self.organization_id)).await
    }
}

impl Run for Tenant<'_> {
    fn is_postgres(&self) -> bool {
        self.database.is_postgres()
    }

    fn fetch<'s>(self, statement: Statement) -> BoxFuture<'s, Result<Fetched>>
    where
        Self: 's,
    {
        Box::pin(self.database.fetch_as(Some(self.organization_id), statement))
    }

    fn execute<'s>(self, statement: Statement) -> BoxFuture<'s, Result<u64>>
    where
        Self: 's,
    {
        Box::pin(self.database.execute_as(Some(self.organization_id), statement))
    }
}
