//! A made-up desk to look around in: the help centre of the bike shop "Lumen Bikes", and customers.

mod surroundings;

use crate::failure::Failure;
use crate::output::Exit;
use crate::wiring::Wired;
use answering::receive::{Incoming, receive};
use domain::customer::Identity;
use serde::Serialize;
use std::fmt::Display;
use storage::conversations::{ConversationFilter, NewConversation};
use storage::customers::NewCustomer;

const ARTICLES: &str = include_str!("demo/lumen_bikes.jsonl");
/// The name of the demo's source.
const SOURCE: &str = "Lumen Bikes help centre";
/// What marks a conversation as one of the demo's.
const MARK: &str = "demo";

/// A customer and what they write. What the help centre does not cover becomes a handoff.
struct Visitor {
    id: &'static str,
    name: &'static str,
    email: &'static str,
    title: &'static str,
    says: &'static str,
}

const VISITORS: [Visitor; 14] = [
    Visitor {
        id: "demo-mia",
        name: "Mia Hansen",
        email: "mia@customers.example",
        title: "When is my money back?",
        says: "How long do refunds take?",
    },
    Visitor {
        id: "demo-jonas",
        name: "Jonas Weber",
        email: "jonas@customers.example",
        title: "Frame size",
        says: "I am 182 cm tall. Which frame size of the Lumen City do I need?",
    },
    Visitor {
        id: "demo-aylin",
        name: "Aylin Demir",
        email: "aylin@customers.example",
        title: "Error on the display",
        says: "My display shows E21 and the motor does not start. What should I do?",
    },
    Visitor {
        id: "demo-pieter",
        name: "Pieter de Vries",
        email: "pieter@customers.example",
        title: "Charging in winter",
        says: "How long does a full charge of the Lumen Tour battery take, and may I charge it below 0 °C?",
    },
    Visitor {
        id: "demo-sofia",
        name: "Sofia Rossi",
        email: "sofia@customers.example",
        title: "A trailer for the dog",
        says: "Do you rent out dog trailers for the weekend?",
    },
    Visitor {
        id: "demo-tom",
        name: "Tom Keller",
        email: "tom@customers.example",
        title: "Talk to a person",
        says: "I would like to talk to a person about my order LB-20418, please.",
    },
    Visitor {
        id: "demo-signe",
        name: "Signe Dahl",
        email: "signe@customers.example",
        title: "The lock key",
        says: "I lost the key of my frame lock. What does a new one cost?",
    },
    Visitor {
        id: "demo-luis",
        name: "Luis Ortega",
        email: "luis@customers.example",
        title: "Students",
        says: "Is there a discount for students?",
    },
    Visitor {
        id: "demo-hanna",
        name: "Hanna Bakker",
        email: "hanna@customers.example",
        title: "Opening hours",
        says: "When are your stores open on Saturdays?",
    },
    Visitor {
        id: "demo-emre",
        name: "Emre Aksoy",
        email: "emre@customers.example",
        title: "Gift card",
        says: "How long is a gift card valid?",
    },
    Visitor {
        id: "demo-chloe",
        name: "Chloé Martin",
        email: "chloe@customers.example",
        title: "Damaged box",
        says: "The box was crushed and the fork is scratched. What should I send you, and by when?",
    },
    Visitor {
        id: "demo-oskar",
        name: "Oskar Nilsson",
        email: "oskar@customers.example",
        title: "Tuned motor",
        says: "Does the warranty cover a motor that was tuned?",
    },
    Visitor {
        id: "demo-ines",
        name: "Inês Costa",
        email: "ines@customers.example",
        title: "Refund by hand",
        says: "My refund is three weeks late and nobody answers. I want to talk to a human now.",
    },
    Visitor {
        id: "demo-paul",
        name: "Paul Becker",
        email: "paul@customers.example",
        title: "Battery on a plane",
        says: "May I take the battery of my bike on a plane?",
    },
];

/// What the demo brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DemoLoaded {
    /// Articles of the help centre.
    pub articles: usize,
    /// Conversations there are now, old and new.
    pub conversations: usize,
    /// Whether anything was added; `false` when it was all there.
    pub added: bool,
}

/// Loads the demo; again it changes nothing. The conversations' answers come from a worker.
pub async fn load(wired: &Wired) -> Result<DemoLoaded, Failure> {
    let organization_id = wired.organization_id();
    let imported = ingest::import::import(&wired.library, organization_id, SOURCE, ARTICLES.as_bytes(), |_| {})
        .await
        .map_err(|error| problem(&error))?;
    // The first answers must find the articles, whoever gives them.
    wired.catch_up().await?;
    let mut added = imported.new + imported.changed > 0;
    if added {
        surroundings::draft(wired, SOURCE).await?;
        surroundings::name_desk(wired).await?;
        surroundings::keep_replies(wired).await?;
    }
    added |= surroundings::evaluate(wired).await?;
    for visitor in &VISITORS {
        added |= visit(wired, visitor).await?;
    }
    Ok(DemoLoaded { articles: imported.total(), conversations: VISITORS.len(), added })
}

/// Has the visitor write, unless they did; says whether it was new.
async fn visit(wired: &Wired, visitor: &Visitor) -> Result<bool, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let channel = wired.home.channels.first().ok_or_else(|| Failure::new(Exit::Problem, "the desk has no channel"))?;
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let customer = NewCustomer {
        external_id: Some(visitor.id.to_owned()),
        name: Some(visitor.name.to_owned()),
        email: Some(visitor.email.to_owned()),
        locale: Some("en".to_owned()),
        profile: serde_json::Map::new(),
        identity: Identity::Unverified,
    };
    let customer = transaction.upsert_customer(&customer).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    let filter = ConversationFilter { customer: Some(customer.id), ..ConversationFilter::default() };
    let earlier = tenant.list_conversations(&filter, 1).await.map_err(|error| problem(&error))?;
    // A process that was killed between the two steps left a conversation without its message.
    let (conversation_id, is_new) = if let Some(conversation) = earlier.first() {
        (conversation.id, false)
    } else {
        let mut metadata = serde_json::Map::new();
        metadata.insert(MARK.to_owned(), true.into());
        let conversation = NewConversation {
            customer_id: customer.id,
            channel_id: channel.id,
            assistant_id: wired.home.assistant.id,
            title: Some(visitor.title.to_owned()),
            metadata,
        };
        let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
        let conversation = transaction.insert_conversation(conversation).await.map_err(|error| problem(&error))?;
        transaction.commit().await.map_err(|error| problem(&error))?;
        (conversation.id, true)
    };
    let incoming =
        Incoming { conversation_id, content: visitor.says.to_owned(), external_id: Some(format!("{}-1", visitor.id)) };
    let received = receive(&wired.desk, wired.organization_id(), incoming).await.map_err(|error| problem(&error))?;
    if !received.repeated {
        surroundings::remember(wired, visitor.id, &received.message, customer.id).await?;
    }
    Ok(is_new || !received.repeated)
}

fn problem(error: &dyn Display) -> Failure {
    Failure::new(Exit::Problem, "the demo could not be loaded").because(error).fix("run `frontdesk doctor`")
}
