//! Ids: a UUID v7 inside, a TypeID (`conv_01j…`) outside.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::Uuid;

/// A noun that has ids, with the prefix they are shown with.
pub trait Prefixed {
    /// Lowercase letters, without the underscore.
    const PREFIX: &'static str;
}

/// The id of a `T`: 16 bytes in the database, `prefix_` and 26 base32 characters everywhere else.
pub struct Id<T> {
    uuid: Uuid,
    noun: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Wraps a UUID that is known to belong to a `T`.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, noun: PhantomData }
    }

    /// The UUID inside.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

/// Crockford's base32 in lowercase, as the TypeID specification 0.3 fixes it.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Base32 characters of 128 bits.
const SUFFIX_CHARS: usize = 26;

impl<T: Prefixed> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.uuid.as_u128();
        write!(f, "{}_", T::PREFIX)?;
        for place in (0..SUFFIX_CHARS).rev() {
            let digit = (bits >> (place * 5)) & 31;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'0');
            fmt::Write::write_char(f, char::from(letter))?;
        }
        Ok(())
    }
}

impl<T: Prefixed> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an id of the wanted noun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_` and 26 characters")]
pub struct InvalidId {
    /// The refused text.
    pub text: String,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<T: Prefixed> FromStr for Id<T> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId { text: text.chars().take(80).collect(), prefix: T::PREFIX };
        let suffix = text
            .strip_prefix(T::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|suffix| suffix.len() == SUFFIX_CHARS && suffix.as_bytes().first() <= Some(&b'7'))
            .ok_or_else(invalid)?;
        let mut bits = 0u128;
        for letter in suffix.bytes() {
            let digit = ALPHABET.iter().position(|known| *known == letter).ok_or_else(invalid)?;
            bits = (bits << 5) | digit as u128;
        }
        Ok(Self::from_uuid(Uuid::from_u128(bits)))
    }
}

impl<T: Prefixed> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Prefixed> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "sqlx")]
mod columns {
    use super::Id;
    use sqlx::encode::{Encode, IsNull};
    use sqlx::error::BoxDynError;
    use sqlx::{Database, Decode, Type};
    use uuid::Uuid;

    impl<T, D: Database> Type<D> for Id<T>
    where
        Uuid: Type<D>,
    {
        fn type_info() -> D::TypeInfo {
            Uuid::type_info()
        }
        fn compatible(info: &D::TypeInfo) -> bool {
            Uuid::compatible(info)
        }
    }

    impl<'q, T, D: Database> Encode<'q, D> for Id<T>
    where
        Uuid: Encode<'q, D>,
    {
        fn encode_by_ref(&self, buffer: &mut D::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
            self.uuid().encode_by_ref(buffer)
        }
    }

    impl<'r, T, D: Database> Decode<'r, D> for Id<T>
    where
        Uuid: Decode<'r, D>,
    {
        fn decode(value: D::ValueRef<'r>) -> Result<Self, BoxDynError> {
            Uuid::decode(value).map(Self::from_uuid)
        }
    }
}

/// Names the nouns that have ids; each is an uninhabited marker, the rows live in their own files.
mod noun {
    use super::Prefixed;

    macro_rules! nouns {
        ($($noun:ident $prefix:literal $id:ident $what:literal)*) => { $(
            #[derive(Debug)]
            pub enum $noun {}
            impl Prefixed for $noun {
                const PREFIX: &'static str = $prefix;
            }
            #[doc = concat!("The id of ", $what, ".")]
            pub type $id = super::Id<$noun>;
        )* };
    }

    nouns! {
        Organization "org" OrganizationId "an organization (the tenant)"
        Customer "cus" CustomerId "a customer"
        Conversation "conv" ConversationId "a conversation"
        Message "msg" MessageId "a message"
        Turn "turn" TurnId "a turn"
        Assistant "ast" AssistantId "an assistant"
        Agent "agt" AgentId "a human agent"
        Member "mem" MemberId "a person who signs in to the console"
        Note "note" NoteId "a note beside a conversation"
        Notification "ntf" NotificationId "a notification of an agent"
        Offer "off" OfferId "an offer of a conversation to an agent"
        CustomerIdentity "cid" CustomerIdentityId "an identity of a customer"
        Reply "rep" ReplyId "a canned reply"
        Channel "chn" ChannelId "a channel"
        Delivery "dlv" DeliveryId "a delivery"
        Source "src" SourceId "a knowledge source"
        Document "doc" DocumentId "a document"
        Chunk "chk" ChunkId "a chunk of a document version"
        Article "art" ArticleId "an article"
        Suggestion "sug" SuggestionId "a suggestion for the review queue"
        Scan "scan" ScanId "a website scan"
        Page "pg" PageId "a page of a scan"
        Fact "fact" FactId "a remembered fact"
        Handoff "hof" HandoffId "a handoff"
        Usage "use" UsageId "a usage record"
        Run "run" RunId "an eval run"
        Dataset "ds" DatasetId "an eval dataset"
        Batch "bat" BatchId "a batch of questions in the playground"
        Key "key" KeyId "an API key"
        WebhookEndpoint "whe" WebhookEndpointId "a webhook endpoint"
        Job "job" JobId "a job"
        Worker "wrk" WorkerId "a worker process, new at every start"
    }
}

pub use noun::{
    AgentId, ArticleId, AssistantId, BatchId, ChannelId, ChunkId, ConversationId, CustomerId, CustomerIdentityId,
    DatasetId, DeliveryId, DocumentId, FactId, HandoffId, JobId, KeyId, MemberId, MessageId, NoteId, NotificationId,
    OfferId, OrganizationId, PageId, ReplyId, RunId, ScanId, SourceId, SuggestionId, TurnId, UsageId,
    WebhookEndpointId, WorkerId,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typeid_specification_example_reads_and_prints_alike() {
        // Valid example of the TypeID specification: zero is 26 zeros, the largest is 7zzz….
        let zero = CustomerId::from_uuid(Uuid::nil());
        assert_eq!(zero.to_string(), "cus_00000000000000000000000000");
        let most = CustomerId::from_uuid(Uuid::max());
        assert_eq!(most.to_string(), "cus_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(most.to_string().parse(), Ok(most));
    }

    #[test]
    fn a_foreign_prefix_and_a_short_or_overflowing_suffix_are_refused() {
        for text in ["org_00000000000000000000000000", "cus_0", "cus_8zzzzzzzzzzzzzzzzzzzzzzzzz", "cus", ""] {
            assert!(text.parse::<CustomerId>().is_err(), "{text}");
        }
    }
}
