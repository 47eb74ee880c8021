//! The OpenAI-compatible provider against an endpoint that misbehaves on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

mod stub;

use domain::trace::PromptMessage;
use domain::{ErrorKind, Kinded};
use llm::providers::openai_compatible::{
    OpenAiChat, OpenAiEmbeddings, Settings, Timeouts, TokenLimitField, http_client,
};
use llm::{CachedQueries, CallBudget, ChatModel, ChatRequest, Delta, Embedder, Error, Fallbacks, FinishReason, Secret};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use stub::{DIMENSIONS, Reply, Stub, answer, done, event, finished, text, usage};
use tokio::time::Instant;

fn settings(stub: &Stub) -> Settings {
    Settings {
        base_url: stub.base_url.clone(),
        api_key: Secret::new("sk-very-secret"),
        model: "stub-1".to_owned(),
        timeouts: Timeouts { connect_ms: 1000, first_byte_ms: 300, idle_ms: 300, total_ms: 5000 },
        ..Settings::default()
    }
}

fn chat(stub: &Stub) -> OpenAiChat {
    let settings = settings(stub);
    let http = http_client(&settings.timeouts).unwrap();
    OpenAiChat::new(settings, http).unwrap()
}

fn question(calls: u32) -> ChatRequest {
    let content = "How do I return an item that I bought last week?".to_owned();
    ChatRequest {
        messages: vec![PromptMessage { role: "user".to_owned(), content }],
        budget: CallBudget::new(calls),
        ..ChatRequest::default()
    }
}

async fn outcome(reply: Reply) -> Result<llm::Completion, Error> {
    let stub = Stub::playing(vec![reply]).await;
    chat(&stub).complete(&question(1), None).await
}

fn too_many(headers: Vec<(&'static str, &'static str)>) -> Reply {
    let body = json!({"error": {"message": "slow down", "type": "requests", "code": 429}});
    Reply::Status(429, headers, body.to_string())
}

fn server_error() -> Reply {
    Reply::Status(500, vec![], "<html>oops</html>".to_owned())
}

#[tokio::test]
async fn a_well_behaved_endpoint_satisfies_the_trait() {
    let stub = Stub::playing(vec![answer("Hello there"), answer("Hello")]).await;
    llm::conformance::exercise_chat(&chat(&stub)).await.unwrap();
}

#[tokio::test]
async fn the_request_says_what_was_asked_and_carries_the_key() {
    let stub = Stub::playing(vec![answer("{\"a\":1}")]).await;
    let mut settings = settings(&stub);
    settings.token_limit_field = TokenLimitField::MaxCompletionTokens;
    settings.sends_temperature = false;
    let model = OpenAiChat::new(settings, http_client(&Timeouts::default()).unwrap()).unwrap();
    let schema = json!({"type": "object", "additionalProperties": false});
    let request = ChatRequest {
        model: Some("other-model".to_owned()),
        output_tokens_max: 77,
        json_schema: Some(schema.clone()),
        ..question(1)
    };
    model.complete(&request, None).await.unwrap();
    let (key, body) = stub.asked(0);
    assert_eq!(key.as_deref(), Some("Bearer sk-very-secret"));
    assert_eq!(body["model"], "other-model");
    assert_eq!(body["max_completion_tokens"], 77);
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert!(body.get("max_tokens").is_none() && body.get("temperature").is_none());
    assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert_eq!(body["messages"][0]["role"], "user");
}

#[tokio::test]
async fn silence_before_the_first_byte_and_in_the_middle_is_a_timeout() {
    for (reply, expected) in [
        (Reply::Silence, "first byte"),
        (Reply::HangAfter(vec![]), "first byte"),
        (Reply::HangAfter(vec![text("You can")]), "idle"),
    ] {
        let error = outcome(reply).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { phase, .. } if phase == expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn the_deadline_of_the_message_ends_the_call_and_forbids_another() {
    let stub = Stub::playing(vec![Reply::Silence]).await;
    let mut request = question(4);
    request.budget = request.budget.until(Instant::now() + Duration::from_millis(100));
    let error = chat(&stub).complete(&request, None).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: "deadline", .. }), "{error}");
    assert_eq!(stub.calls(), 1);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_passed_on() {
    let stub = Stub::playing(vec![too_many(vec![("retry-after", "1")]), answer("Hello")]).await;
    let started = Instant::now();
    assert_eq!(chat(&stub).complete(&question(4), None).await.unwrap().text, "Hello");
    assert!(started.elapsed() >= Duration::from_secs(1));

    let stub = Stub::playing(vec![too_many(vec![("retry-after", "60")])]).await;
    let error = chat(&stub).complete(&question(4), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    assert_eq!(stub.calls(), 1);
}

#[tokio::test]
async fn too_many_requests_without_retry_after_are_made_again_after_a_pause() {
    let stub = Stub::playing(vec![too_many(vec![]), answer("Hello")]).await;
    let started = Instant::now();
    assert_eq!(chat(&stub).complete(&question(4), None).await.unwrap().text, "Hello");
    assert!(started.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn a_spent_quota_is_not_asked_again() {
    let body = json!({"error": {"message": "You exceeded your current quota",
        "type": "insufficient_quota", "code": "insufficient_quota"}});
    let stub = Stub::playing(vec![Reply::Status(429, vec![], body.to_string())]).await;
    let error = chat(&stub).complete(&question(4), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(!error.is_transient());
    assert_eq!(stub.calls(), 1);
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_request_are_final() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (404, ErrorKind::NotFound),
        (422, ErrorKind::Invalid),
    ] {
        let body = json!({"error": {"message": "no", "code": status}}).to_string();
        let stub = Stub::playing(vec![Reply::Status(status, vec![], body)]).await;
        let error = chat(&stub).complete(&question(4), None).await.unwrap_err();
        assert_eq!((error.kind(), stub.calls()), (kind, 1), "{error}");
    }
}

#[tokio::test]
async fn a_failing_model_and_its_fallback_cost_four_calls_at_most() {
    let failing = Stub::playing((0..9).map(|_| server_error()).collect()).await;
    let healthy = Stub::playing(vec![answer("Hello")]).await;
    let models: Vec<Arc<dyn ChatModel>> = vec![Arc::new(chat(&failing)), Arc::new(chat(&healthy))];
    let request = question(llm::budget::CALLS_PER_MESSAGE_MAX);
    let completion = Fallbacks::new(models).unwrap().complete(&request, None).await.unwrap();
    assert_eq!(completion.text, "Hello");
    assert_eq!((failing.calls(), healthy.calls()), (3, 1));
    assert_eq!(request.budget.left(), 0);
}

#[tokio::test]
async fn when_every_model_fails_the_calls_still_end_at_four() {
    let first = Stub::playing((0..9).map(|_| server_error()).collect()).await;
    let second = Stub::playing((0..9).map(|_| server_error()).collect()).await;
    let models: Vec<Arc<dyn ChatModel>> = vec![Arc::new(chat(&first)), Arc::new(chat(&second))];
    let request = question(llm::budget::CALLS_PER_MESSAGE_MAX);
    let error = Fallbacks::new(models).unwrap().complete(&request, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((first.calls(), second.calls()), (3, 1));
}

#[tokio::test]
async fn a_cut_stream_is_an_error_and_never_an_answer() {
    for cut in [
        Reply::CutAfter(vec![text("You can return")]),
        Reply::Events(vec![text("You can return")]),
        Reply::Events(vec![text("You can return"), done()]),
    ] {
        let error = outcome(cut).await.unwrap_err();
        assert!(matches!(error, Error::CutStream { size_bytes: 14, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_listener_is_told_that_a_cut_stream_starts_again() {
    let cut = Reply::CutAfter(vec![text("You can")]);
    let stub = Stub::playing(vec![cut, answer("Hello")]).await;
    let (deltas, mut received) = tokio::sync::mpsc::unbounded_channel();
    chat(&stub).complete(&question(2), Some(deltas)).await.unwrap();
    let mut pieces = Vec::new();
    received.recv_many(&mut pieces, 9).await;
    let piece = |text: &str| Delta::Text(text.to_owned());
    assert_eq!(pieces, [piece("You can"), Delta::Restart, piece("He"), piece("llo")]);
}

#[tokio::test]
async fn broken_json_no_choices_and_an_empty_answer_are_errors() {
    for reply in [
        Reply::Events(vec!["data: {\"choices\": [\n\n".to_owned()]),
        Reply::Events(vec![event(&json!({"choices": [], "usage": {}})), done()]),
        Reply::Events(vec![finished("stop"), done()]),
    ] {
        let error = outcome(reply).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_has_its_own_kind() {
    let reply = |code| Reply::Events(vec![text("You"), event(&json!({"error": {"message": "m", "code": code}}))]);
    assert_eq!(outcome(reply(429)).await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(outcome(reply(502)).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn words_and_fields_of_other_vendors_are_understood() {
    let odd = json!({"id": null, "service_tier": "turbo", "system_fingerprint": 7, "choices":
        [{"delta": {"role": "assistant", "content": null, "reasoning": "hm"}, "logprobs": null}]});
    let logprobs = json!({"choices": [{"delta": {"content": "Hi"}, "logprobs":
        {"content": [{"token": "H", "logprob": -1.0}, {"token": "i", "logprob": -3.0}]}}]});
    let reply = Reply::Events(vec![
        ": a comment\n\n".to_owned(),
        event(&odd),
        event(&logprobs),
        finished("function_call_maybe"),
        usage(12, 1),
    ]);
    let completion = outcome(reply).await.unwrap();
    assert_eq!(completion.finish_reason, FinishReason::Other("function_call_maybe".to_owned()));
    assert_eq!(completion.logprobs_mean, Some(-2.0));
    assert_eq!((completion.text.as_str(), completion.model.as_str()), ("Hi", "stub-1"));
}

#[tokio::test]
async fn believable_usage_is_kept_and_absurd_or_missing_usage_is_estimated() {
    let told = |input, output| Reply::Events(vec![text("You can."), finished("stop"), usage(input, output), done()]);
    let honest = outcome(told(14, 3)).await.unwrap().usage;
    assert_eq!((honest.input_tokens, honest.output_tokens, honest.estimated), (14, 3, false));
    let missing = Reply::Events(vec![text("You can."), finished("stop"), done()]);
    for reply in [told(-5, 3), told(14, -1), told(9_000_000, 3), told(14, 9_000_000), missing] {
        let usage = outcome(reply).await.unwrap().usage;
        assert!(usage.estimated);
        assert!((1..100).contains(&usage.input_tokens), "{usage:?}");
        assert!((1..100).contains(&usage.output_tokens), "{usage:?}");
    }
}

#[tokio::test]
async fn an_answer_that_reached_its_limit_says_so() {
    let reply = Reply::Events(vec![text("You"), finished("length"), usage(12, 1), done()]);
    assert_eq!(outcome(reply).await.unwrap().finish_reason, FinishReason::Length);
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable() {
    let stub = Stub::playing(vec![]).await;
    let mut settings = settings(&stub);
    settings.base_url = "http://127.0.0.1:9/v1".to_owned();
    let model = OpenAiChat::new(settings, http_client(&Timeouts::default()).unwrap()).unwrap();
    let error = model.complete(&question(1), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn wrong_settings_are_refused_and_the_key_is_never_printed() {
    let stub = Stub::playing(vec![]).await;
    let good = settings(&stub);
    let printed = format!("{good:?}");
    assert!(printed.contains("••••") && !printed.contains("very-secret"), "{printed}");
    let http = http_client(&good.timeouts).unwrap();
    for wrong in [
        Settings { base_url: "api.openai.com/v1".to_owned(), ..good.clone() },
        Settings { base_url: "ftp://example.com".to_owned(), ..good.clone() },
        Settings { api_key: Secret::new("sk-very-secret\n\u{1}x"), ..good.clone() },
        Settings { model: " ".to_owned(), ..good.clone() },
    ] {
        let error = OpenAiChat::new(wrong, http.clone()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("very-secret"));
    }
}

fn embeddings(stub: &Stub, dimensions: usize) -> OpenAiEmbeddings {
    let settings = Settings {
        embedding_model: Some("stub-embedding".to_owned()),
        embedding_dimensions: Some(dimensions),
        ..settings(stub)
    };
    OpenAiEmbeddings::new(&settings, http_client(&settings.timeouts).unwrap()).unwrap()
}

#[tokio::test]
async fn the_embeddings_of_an_endpoint_satisfy_the_trait() {
    let stub = Stub::playing(vec![]).await;
    llm::conformance::exercise(&embeddings(&stub, DIMENSIONS)).await.unwrap();
}

#[tokio::test]
async fn many_texts_go_in_several_requests_and_come_back_in_order() {
    let stub = Stub::playing(vec![]).await;
    let texts: Vec<String> = (0..130).map(|number| format!("text number {number}")).collect();
    let embedder = embeddings(&stub, DIMENSIONS);
    let vectors = embedder.embed(&texts).await.unwrap();
    assert_eq!((vectors.len(), stub.calls()), (130, 3));
    let alone = embedder.embed(&texts[100..101]).await.unwrap();
    assert_eq!(alone[0], vectors[100]);
}

#[tokio::test]
async fn vectors_of_another_size_are_refused_with_the_fix() {
    let stub = Stub::playing(vec![]).await;
    let error = embeddings(&stub, DIMENSIONS + 1).embed(&["a".to_owned()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("set `llm.embedding_dimensions` to 256"), "{error}");
}

#[tokio::test]
async fn the_same_query_is_embedded_once() {
    let stub = Stub::playing(vec![]).await;
    let queries = CachedQueries::new(Arc::new(embeddings(&stub, DIMENSIONS)), 100);
    let (first, second) = tokio::join!(queries.vector("where is it"), queries.vector("where is it"));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(stub.calls(), 1);
    queries.vector("something else").await.unwrap();
    assert_eq!(stub.calls(), 2);
}

#[test]
fn calls_are_counted_by_their_names_in_opentelemetry() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let rendered = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            outcome(answer("Hello")).await.unwrap();
            outcome(server_error()).await.unwrap_err();
        });
    });
    let rendered = rendered.render();
    for expected in [
        "gen_ai_client_token_usage",
        "gen_ai_token_type=\"output\"",
        "gen_ai_client_operation_duration_seconds",
        "error_type=\"unavailable\"",
    ] {
        assert!(rendered.contains(expected), "{expected} in {rendered}");
    }
}
