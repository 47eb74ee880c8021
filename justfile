# Recipes of every day; `just` lists them.
default:
    @just --list

# Start the desk on the embedded default
up *FLAGS:
    cargo run --release -- up {{FLAGS}}

# Run all tests
test:
    cargo test --workspace

# Run the tests whose names hold some words
test-of FILTER:
    cargo test --workspace -- {{FILTER}}

# Format
format:
    cargo fmt --all

# What a change must pass before it is sent
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The house rules that no compiler checks
tidy:
    cargo test --workspace --test tidy

# Exactly what CI runs
ci:
    .ci/run

# Serve the stub model that faults on demand
stub-model *FLAGS:
    cargo run --release -- bench stub-model {{FLAGS}}

# PostgreSQL, Qdrant, the API and two workers, in containers
compose:
    docker compose up --build
