// The console's way to `/v1`: JSON, lists, answers that stream, and what happens live.

const OWN_PAGE = { "x-frontdesk-console": "1" };
/** Milliseconds before a lost connection is shown: a restart of the server should not flash. */
const LOST_AFTER_MS = 2_500;
/** Rows of a stretch. */
const STRETCH = 50;

/** A failure as the server tells it: what, why, the fix. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "something went wrong");
    this.status = status;
    this.code = body.code ?? "";
    this.hint = body.hint ?? "";
    this.pointer = body.errors?.[0]?.pointer ?? "";
    this.requestId = body.request_id ?? "";
  }
}

/** Told when the session is over: by time, or because it was ended elsewhere. */
export const session = { onover: () => {} };

async function send(method, path, body, headers = {}, signal) {
  const init = { method, headers: { ...OWN_PAGE, ...headers }, signal };
  if (body !== undefined) {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", detail: "the desk cannot be reached", hint: "is it running? your text is kept here" });
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({ detail: `the server answered ${response.status}` }));
  const problem = new Problem(response.status, told);
  if (problem.code === "unauthenticated") session.onover();
  throw problem;
}

async function json(method, path, body, headers, signal) {
  const response = await send(method, path, body, headers, signal);
  return response.status === 204 ? null : response.json();
}

/** A fresh word, so that a POST that is sent twice is done once. */
function once() {
  return { "idempotency-key": crypto.randomUUID() };
}

let reads = new AbortController();
export const get = (path) => json("GET", path, undefined, {}, reads.signal);
/** Gives up what is being read, before the session ends under it; nothing is read until the returned function is called. */
export function dropReads() {
  reads.abort();
  return () => { reads = new AbortController(); };
}
export const post = (path, body = {}) => json("POST", path, body, once());
export const put = (path, body) => json("PUT", path, body);
export const change = (path, body) => json("PATCH", path, body);
export const remove = (path) => json("DELETE", path);
/** A POST that no key may be sent with: signing in and setting up. */
export const open = (path, body) => json("POST", path, body);

/** The address with what is set behind the question mark. */
export function query(path, fields) {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return set.length ? `${path}?${new URLSearchParams(set)}` : path;
}

/** A list that is read stretch by stretch. */
export class Stretches {
  constructor(path, fields = {}) {
    Object.assign(this, { path, fields, rows: [], next: null, hasMore: false });
  }

  async first() {
    this.rows = [];
    this.next = null;
    return this.more();
  }

  async more() {
    const list = await get(query(this.path, { limit: STRETCH, ...this.fields, after: this.next }));
    this.rows = [...this.rows, ...list.data];
    this.next = list.next_cursor;
    this.hasMore = list.has_more;
    return this.rows;
  }
}

/** Sends a POST whose answer streams; `on` is called for each event until the stream ends. */
export async function stream(path, body, on, signal) {
  const response = await send("POST", path, body, { accept: "text/event-stream" }, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, { code: "cut_off", detail: "the connection broke before the answer was complete", hint: "run it again" });
    });
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) deliver(block, on);
  }
}

function deliver(block, on) {
  let kind = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) kind = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (data.length) on(kind, JSON.parse(data.join("\n")));
}

const KINDS = [
  "conversation.created", "conversation.updated", "conversation.noted", "conversation.handed_off", "conversation.typing", "message.created", "notification.created", "notification.read",
  "scan.started", "scan.page", "scan.progress", "scan.paused", "scan.resumed", "scan.ended", "scan.changes_applied", "scan.changes_decided",
  "article.published", "article.archived", "article.suggested", "article.rejected",
];

/**
 * One connection for everything that happens in the desk; views listen to it. A browser has six for all
 * its tabs together, so a tab that nobody sees gives its own back.
 */
class Live extends EventTarget {
  #source = null;
  #timer = null;
  #isWanted = false;
  isLost = false;

  constructor() {
    super();
    addEventListener("pagehide", () => this.#cut());
    addEventListener("pageshow", () => this.#resume());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#cut() : this.#resume()));
  }

  open() {
    this.#isWanted = true;
    if (this.#source || document.hidden) return;
    this.#source = new EventSource("/v1/events");
    this.#source.onopen = () => this.#tell(false);
    this.#source.onerror = () => {
      this.#timer ??= setTimeout(() => this.#tell(true), LOST_AFTER_MS);
      if (this.#source.readyState === EventSource.CLOSED) this.#again();
    };
    for (const kind of KINDS) {
      this.#source.addEventListener(kind, (event) => {
        this.dispatchEvent(new CustomEvent("happened", { detail: { kind, ...JSON.parse(event.data) } }));
      });
    }
  }

  close() {
    this.#isWanted = false;
    this.#cut();
  }

  #cut() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Seen again: what happened meanwhile is looked at anew. */
  #resume() {
    if (!this.#isWanted || this.#source) return;
    this.open();
    this.dispatchEvent(new CustomEvent("back"));
  }

  /** The browser gives up where the server answers with a failure; we do not. */
  #again() {
    this.#source.close();
    this.#source = null;
    setTimeout(() => this.#isWanted && this.open(), LOST_AFTER_MS);
  }

  #tell(isLost) {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.isLost === isLost) return;
    this.isLost = isLost;
    // Whoever was cut off looks again at what they show.
    this.dispatchEvent(new CustomEvent(isLost ? "lost" : "back"));
  }
}

export const live = new Live();
