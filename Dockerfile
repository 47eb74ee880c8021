# Build: docker build -t frontdesk .
FROM rust:1.95-slim-trixie AS build
WORKDIR /build
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ make pkg-config && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cargo build --release --locked && cp target/release/frontdesk /frontdesk

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/frontdesk frontdesk
COPY --from=build /frontdesk /usr/local/bin/frontdesk
USER frontdesk
WORKDIR /var/lib/frontdesk
ENV FRONTDESK__DATA__DIR=/var/lib/frontdesk/data FRONTDESK__API__LISTEN=0.0.0.0:8420 FRONTDESK__LOG__FORMAT=json
EXPOSE 8420
ENTRYPOINT ["frontdesk"]
CMD ["up"]
