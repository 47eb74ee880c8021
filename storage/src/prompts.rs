//! Versions of prompts: written once, published, replaced and taken up again.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::prompt::{BUILT_IN, PromptState, PromptVersion, WHOLE};
use domain::{AssistantId, RunId};

/// Versions of one prompt at most.
const VERSIONS_MAX: i64 = 1_000;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select assistant_id, organization_id, name, version, source, hash, note, state, share, run_id, refusal,
                created_at, published_at from prompt_versions where organization_id = $1 ",
            $rest
        )
    };
}

/// A version to be.
#[derive(Clone, Debug)]
pub struct NewPromptVersion {
    /// The assistant it is for.
    pub assistant_id: AssistantId,
    /// Which prompt it is.
    pub name: String,
    /// The template.
    pub source: String,
    /// SHA-256 of the template, in hex.
    pub hash: String,
    /// What it changes.
    pub note: Option<String>,
}

/// A version with the share of the conversations that it is to get.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The assistant.
    pub assistant_id: AssistantId,
    /// Which prompt it is.
    pub name: &'a str,
    /// The version; that of the built-in template takes every own one out of use.
    pub version: i64,
    /// Percent of the conversations, from 1 to 100.
    pub share: i64,
}

impl Transaction {
    /// Adds a version as a draft, under the next number.
    ///
    /// # Errors
    /// `Invalid` where the prompt has too many versions.
    pub async fn insert_prompt_version(&mut self, new: NewPromptVersion) -> Result<i64> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let newest: i64 = (&mut *self)
            .scalar(
                "select coalesce(max(version), $4) from prompt_versions
                 where organization_id = $1 and assistant_id = $2 and name = $3",
                (organization_id, new.assistant_id, new.name.clone(), BUILT_IN),
            )
            .await?;
        if newest > VERSIONS_MAX {
            return Err(Error::Invalid(format!("`{}` has {VERSIONS_MAX} versions, no more are kept", new.name)));
        }
        let version = newest + 1;
        let arguments = (
            new.assistant_id,
            organization_id,
            new.name,
            version,
            new.source,
            new.hash,
            new.note,
            PromptState::Draft,
            WHOLE,
            now,
        );
        (&mut *self)
            .run(
                "insert into prompt_versions
                    (assistant_id, organization_id, name, version, source, hash, note, state, share, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                arguments,
            )
            .await?;
        Ok(version)
    }

    /// Puts a version in use. With the share of everybody it replaces what is in use; with a smaller one it
    /// stands beside the version that everybody else gets.
    pub async fn publish_prompt(&mut self, publication: Publication<'_>) -> Result<()> {
        let Publication { assistant_id, name, version, share } = publication;
        let (organization_id, now) = (self.organization_id()?, self.now());
        // What leaves: everything else in use, or only the trial that a new trial takes the place of.
        (&mut *self)
            .run(
                "update prompt_versions set state = case when version > $4 then 'rolled_back' else 'replaced' end
                 where organization_id = $1 and assistant_id = $2 and name = $3 and state = 'published'
                    and version <> $4 and ($5 >= 100 or share < 100)",
                (organization_id, assistant_id, name.to_owned(), version, share),
            )
            .await?;
        if version == BUILT_IN {
            return Ok(());
        }
        let arguments = (organization_id, assistant_id, name.to_owned(), version, share, now);
        let published = (&mut *self)
            .run(
                "update prompt_versions set state = 'published', share = $5, published_at = $6, refusal = null
                 where organization_id = $1 and assistant_id = $2 and name = $3 and version = $4",
                arguments,
            )
            .await?;
        if published == 0 { Err(Error::not_found("prompt version", version)) } else { Ok(()) }
    }

    /// Lets the publication of a version wait for a run.
    pub async fn check_prompt(&mut self, publication: Publication<'_>, run: RunId) -> Result<()> {
        let Publication { assistant_id, name, version, share } = publication;
        let arguments = (self.organization_id()?, assistant_id, name.to_owned(), version, share, run);
        let waits = (&mut *self)
            .run(
                "update prompt_versions set state = 'checking', share = $5, run_id = $6, refusal = null
                 where organization_id = $1 and assistant_id = $2 and name = $3 and version = $4
                    and state not in ('published', 'checking')",
                arguments,
            )
            .await?;
        if waits == 0 { Err(Error::not_found("prompt version that can be checked", version)) } else { Ok(()) }
    }

    /// Makes a version a draft again because the run that it waited for did not pass.
    pub async fn refuse_prompt(&mut self, run: RunId, refusal: &str) -> Result<()> {
        let arguments = (self.organization_id()?, run, refusal.to_owned());
        (&mut *self)
            .run(
                "update prompt_versions set state = 'draft', refusal = $3
                 where organization_id = $1 and run_id = $2 and state = 'checking'",
                arguments,
            )
            .await?;
        Ok(())
    }
}

impl Tenant<'_> {
    /// The version of a prompt.
    pub async fn load_prompt_version(self, assistant: AssistantId, name: &str, version: i64) -> Result<PromptVersion> {
        let arguments = (self.organization_id(), assistant, name.to_owned(), version);
        self.find(select!("and assistant_id = $2 and name = $3 and version = $4"), arguments)
            .await?
            .ok_or_else(|| Error::not_found("prompt version", version))
    }

    /// Versions of a prompt below `before`, the newest first.
    pub async fn list_prompt_versions(
        self,
        assistant: AssistantId,
        name: &str,
        before: i64,
        limit: i64,
    ) -> Result<Vec<PromptVersion>> {
        let arguments = (self.organization_id(), assistant, name.to_owned(), before, limit);
        self.all(
            select!("and assistant_id = $2 and name = $3 and version < $4 order by version desc limit $5"),
            arguments,
        )
        .await
    }

    /// The versions of a prompt that are in use: one for everybody, and one on trial.
    pub async fn list_published_prompts(self, assistant: AssistantId, name: &str) -> Result<Vec<PromptVersion>> {
        let arguments = (self.organization_id(), assistant, name.to_owned());
        self.all(
            select!("and assistant_id = $2 and name = $3 and state = 'published' order by published_at desc limit 2"),
            arguments,
        )
        .await
    }

    /// The version whose publication waits for a run.
    pub async fn find_prompt_of_run(self, run: RunId) -> Result<Option<PromptVersion>> {
        self.find(select!("and run_id = $2 and state = 'checking'"), (self.organization_id(), run)).await
    }
}
