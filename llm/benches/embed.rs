//! Tokens per CPU-second of the local embedder beside those of the runtime alone on the same padded
//! batches: `cargo bench -p frontdesk-llm --bench embed`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark prints and fails by panicking"
)]

use llm::Embedder;
use llm::providers::local_embedding::{LocalEmbedding, PaddedBatch, Settings};
use llm::weights;
use rten::{Model, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Rounds of each contender, in turn, so that a noisy neighbour disturbs both.
const ROUNDS: usize = 5;
const TEXTS: usize = 64;
const QUESTIONS: usize = 100;

fn main() {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let search = weights::find(&weights::Settings {
        model_dir: std::env::var_os("FRONTDESK_MODEL_DIR").map(PathBuf::from),
        shared_cache: Some(home.join(".cache/frontdesk/models")),
        ..weights::Settings::default()
    });
    let Some(files) = search.files else {
        println!("skipped, no weights: {:?}", search.misses);
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let before = memory_mib("VmRSS:");
    let started = Instant::now();
    let embedder = LocalEmbedding::new(files.clone(), Settings::default()).unwrap();
    runtime.block_on(embedder.load()).unwrap();
    println!(
        "load {:.0} ms, memory {:.0} -> {:.0} MiB",
        started.elapsed().as_secs_f64() * 1e3,
        before,
        memory_mib("VmRSS:")
    );
    compare(&runtime, &embedder, &Model::load_file(&files.model).unwrap());
    questions(&runtime, &embedder);
    println!("memory {:.0} MiB, peak {:.0} MiB", memory_mib("VmRSS:"), memory_mib("VmHWM:"));
}

/// Passages of about 200 tokens, none the same length.
fn passages() -> Vec<String> {
    let sentence = "You can return an unused item within thirty days and we refund the payment. ";
    (0..TEXTS).map(|n| format!("{n} {}", sentence.repeat(8 + n % 7))).collect()
}

fn compare(runtime: &tokio::runtime::Runtime, embedder: &LocalEmbedding, model: &Model) {
    let texts = passages();
    let batches = embedder.padded_batches(&texts).unwrap();
    let tokens: usize = batches.iter().flat_map(|batch| &batch.lengths).sum();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let pool = Arc::new(ThreadPool::with_num_threads(threads));
    let (mut ours, mut alone) = ((0.0, 0.0), (0.0, 0.0));
    for _ in 0..ROUNDS {
        add(
            &mut ours,
            measure(|| {
                runtime.block_on(embedder.embed(&texts)).unwrap();
            }),
        );
        add(
            &mut alone,
            measure(|| {
                for batch in &batches {
                    run_alone(model, batch, &pool);
                }
            }),
        );
    }
    let done = (tokens * ROUNDS) as f64;
    let rate = |(cpu, wall): (f64, f64)| (done / cpu, done / wall);
    let ((our_cpu, our_wall), (alone_cpu, alone_wall)) = (rate(ours), rate(alone));
    println!("{tokens} tokens in {} batches, {ROUNDS} rounds, {threads} threads", batches.len());
    println!("embedder      {our_cpu:.0} tokens/CPU-s  {our_wall:.0} tokens/s");
    println!("runtime alone {alone_cpu:.0} tokens/CPU-s  {alone_wall:.0} tokens/s");
    println!("ratio         {:.3}", our_cpu / alone_cpu);
}

fn run_alone(model: &Model, batch: &PaddedBatch, pool: &Arc<ThreadPool>) {
    let shape = [batch.places.len(), batch.width];
    let mask = batch
        .lengths
        .iter()
        .flat_map(|length| (0..batch.width).map(move |at| i32::from(at < *length)))
        .collect::<Vec<_>>();
    let input = |name, data: Vec<i32>| (model.node_id(name).unwrap(), NdTensor::from_data(shape, data).into());
    let inputs = vec![
        input("input_ids", batch.ids.clone()),
        input("attention_mask", mask),
        input("token_type_ids", vec![0; batch.ids.len()]),
    ];
    let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
    let output = model.output_ids().first().copied().unwrap();
    std::hint::black_box(model.run_n(inputs, [output], Some(options)).unwrap());
}

fn questions(runtime: &tokio::runtime::Runtime, embedder: &LocalEmbedding) {
    let mut times = Vec::new();
    let (cpu, _) = measure(|| {
        for n in 0..QUESTIONS {
            let started = Instant::now();
            let question = format!("How do I change the delivery address of order {n}?");
            runtime.block_on(embedder.embed(&[question])).unwrap();
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    });
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(QUESTIONS * share / 100).copied().unwrap_or_default();
    println!("question      p50 {:.1} ms, p95 {:.1} ms, {:.1} CPU-ms", at(50), at(95), cpu * 1e3 / QUESTIONS as f64);
}

fn measure(work: impl FnOnce()) -> (f64, f64) {
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    work();
    (cpu_seconds() - cpu, wall.elapsed().as_secs_f64())
}

fn add(sum: &mut (f64, f64), (cpu, wall): (f64, f64)) {
    sum.0 += cpu;
    sum.1 += wall;
}

/// User and system time of this process, from Linux's own count in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this benchmark needs Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn memory_mib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
