// The playground: ask as a customer would, and see everything that led to the answer.

import { change, get, post, query, stream } from "../api.js";
import { diff, isAlike } from "../diff.js";
import { toHostsOf } from "../markdown.js";
import { attempt, button, chip, confidence, copy, decisionChip, drawer, duration, empty, failure, field, go, money, plural, remember, score, select, skeleton, tabs, toast } from "../parts.js";
import { handoffCard, marked } from "../trace.js";
import { View, h } from "../view.js";
import { DRAFT, VERSIONS } from "./prompts.js";

/** Questions suggested to begin with. */
const SUGGESTED = 4;
/** Messages of a past conversation that are asked again at most. */
const REPLAYED_MAX = 20;

/** Settings that a run may differ in: name, label, kind, hint. */
export const SETTINGS = [
  ["instructions", "Instructions", "text", "What the desk is about and how to speak. Models read this; extractive answers do not."],
  ["confidence_min", "Confidence threshold", "share", "Below it a person takes over."],
  ["passages_max", "Passages in the prompt", "number", "At most."],
  ["dense_weight", "Weight of meaning", "share", "Against words, in the fusion: 0 is words only, 1 meaning only."],
  ["clarifications_max", "Questions back in a row", "number", "At most; then a person takes over."],
  ["language", "Reply language", "word", "ISO 639-1, such as de. Empty replies in the customer's."],
  ["model", "Model", "word", "Empty takes the configured one."],
  ["prompt_tokens_max", "Tokens of a prompt", "number", "At most."],
  ["window_tokens_max", "Tokens of the conversation window", "number", "At most."],
];

/** What stands in a form field, as the API wants it; `undefined` where nothing stands there. */
export function settingOf(kind, text) {
  if (text === "" || text === undefined || text === null) return undefined;
  return kind === "number" || kind === "share" ? Number(text) : String(text);
}

export const settingsOf = (draft) => Object.fromEntries(SETTINGS.map(([name, , kind]) => [name, settingOf(kind, draft[name])]).filter(([, value]) => value !== undefined));

/** What a form changes: an emptied word is none, an emptied text is empty, an emptied figure stays as it is. */
export function changesOf(draft) {
  const changed = SETTINGS.filter(([name]) => draft[name] !== undefined).map(([name, , kind]) => {
    if (kind === "word") return [name, draft[name] || null];
    return [name, kind === "text" ? draft[name] : settingOf(kind, draft[name])];
  });
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined));
}

class Playground extends View {
  state = { mode: "chat", question: "", draft: {}, assistant: "", prompt: "", prompts: [], assistants: null, suggestions: null, turns: [], shown: null, problem: null, customer: null };

  async entered() {
    const params = new URLSearchParams(location.search);
    const draft = Object.fromEntries(SETTINGS.map(([name]) => [name, params.get(`s.${name}`)]).filter(([, value]) => value !== null));
    this.set({ mode: params.get("mode") ?? "chat", question: params.get("q") ?? "", assistant: params.get("assistant") ?? "", customer: params.get("customer"), prompt: params.get("prompt") ?? "", draft });
    try {
      const [assistants, documents] = await Promise.all([get("/v1/assistants"), get("/v1/documents?limit=40&state=published").catch(() => ({ data: [] }))]);
      const titles = documents.data.map((one) => one.title).filter((title) => title.length < 60);
      const step = Math.max(1, Math.floor(titles.length / SUGGESTED));
      this.set({ assistants: assistants.data, suggestions: titles.filter((_, at) => at % step === 0).slice(0, SUGGESTED), hasKnowledge: documents.data.length > 0 });
      const versions = await get(query(VERSIONS, { assistant: this.state.assistant, limit: 100 })).catch(() => ({ data: [] }));
      this.set({ prompts: versions.data });
      if (params.get("conversation")) await this.replay(params.get("conversation"));
    } catch (problem) {
      this.set({ problem });
    }
  }

  left() {
    this.running?.abort();
  }

  /** Notes in the address what a run is made of, so that it can be passed on. */
  note(question = this.state.question) {
    const { mode, assistant, customer, prompt, draft } = this.state;
    const settings = Object.fromEntries(SETTINGS.map(([name]) => [`s.${name}`, draft[name]]));
    remember({ mode: mode === "chat" ? "" : mode, q: question, assistant, customer, prompt, ...settings });
  }

  present() {
    const { assistants, assistant } = this.state;
    return assistants?.find((one) => one.id === assistant) ?? assistants?.[0];
  }

  body(question, draft = this.state.draft, history = [], prompt = this.state.prompt) {
    const { assistant, customer } = this.state;
    return { question, assistant: assistant || undefined, customer: customer || undefined, settings: settingsOf(draft), history,
      prompt_text: prompt === "draft" ? this.unsaved() : undefined, prompt_version: Number(prompt) || undefined };
  }

  /** The template that stands in the editor and was not saved. */
  unsaved() {
    return sessionStorage.getItem(`${DRAFT} ${this.present()?.id}`) ?? undefined;
  }

  /** Which prompt a run takes. */
  promptField(value, choose, id) {
    const { prompts } = this.state;
    return field("Prompt", select([["", "The one in use"], this.unsaved() && ["draft", "The draft in the editor"], ...prompts.map((one) => [String(one.version), `Version ${one.version}${one.note ? `: ${one.note}` : ""}`])].filter(Boolean), value, choose), { id });
  }

  render() {
    const { mode, problem, assistants } = this.state;
    if (problem) return failure(problem, () => this.entered());
    const isSplit = mode === "chat";
    return h("div", { class: ["playground", isSplit ? "split" : ""] },
      h("div", { class: "page-head" }, h("h1", {}, "Playground"),
        tabs("What to try", [["chat", "Chat"], ["search", "Search only"], ["compare", "Compare"], ["batch", "Batch"]], mode, (next) => { this.set({ mode: next }); this.note(); }),
        h("span", { class: "spring" }),
        assistants?.length > 1 ? select(assistants.map((one) => [one.id, one.name]), this.present()?.id, (id) => { this.set({ assistant: id }); this.note(); }, { "aria-label": "Assistant" }) : null,
        mode === "chat" ? button(this.changes() ? `Settings (${this.changes()} changed)` : "Settings", () => this.tune(), "quiet") : null),
      mode === "chat" ? this.chat() : h(`fd-${mode}`, { key: mode, page: this, assistant: this.present(), question: this.state.question }),
      this.state.isTuning ? drawer("Settings of this run", this.tuning(), () => this.set({ isTuning: false })) : null);
  }

  /** What a customer said once, said again; beside each answer stands the one of then. */
  async replay(id) {
    const [{ customer_id }, { data }] = await Promise.all([get(`/v1/conversations/${id}`), get(`/v1/conversations/${id}/messages?limit=100`)]);
    this.set({ customer: customer_id, turns: [] });
    const said = data.filter((one) => one.sender.kind !== "system");
    const asked = said.filter((one) => one.sender.kind === "customer").slice(0, REPLAYED_MAX);
    for (const message of asked) {
      const at = said.indexOf(message);
      const history = said.slice(0, at).map((one) => ({ role: one.sender.kind === "customer" ? "user" : "assistant", content: one.content }));
      if (!(await this.ask(message.content, undefined, { history, then: said.slice(at).find((one) => one.sender.kind !== "customer") }))) return;
    }
  }

  async tune() {
    this.set({ isTuning: true });
    const list = await get("/v1/customers?limit=100").catch(() => ({ data: [] }));
    this.set({ customers: list.data });
  }

  changes() {
    return Object.keys(settingsOf(this.state.draft)).length + (this.state.prompt ? 1 : 0);
  }

  chat() {
    const { turns, shown, suggestions, question } = this.state;
    const turn = turns[shown];
    return [
      h("section", { key: "talk", class: "talk", "aria-label": "Conversation" },
        h("div", { class: "messages", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": "Messages" },
          turns.length ? turns.map((one, at) => this.turn(one, at)) : this.beginning(suggestions)),
        h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.ask(this.state.question); } },
          h("textarea", { rows: "2", value: question, placeholder: "Ask as a customer would…", "aria-label": "Question", maxlength: "4000",
            oninput: (event) => this.set({ question: event.target.value }), onkeydown: (event) => this.key(event), ready: (node) => node.focus() }),
          h("div", { class: "row" }, turns.length ? button("Start over", () => this.set({ turns: [], shown: null }), "bare") : null, h("span", { class: "spring" }),
            h("span", { class: "soft wide-only" }, "Ctrl + Enter"), h("button", { class: "primary", type: "submit", disabled: !question.trim() }, "Ask")))),
      h("aside", { key: "why", class: "side", "aria-label": "Trace", tabindex: "0" }, turn && !turn.problem ? h("fd-trace", { trace: turn.answer?.trace }) :
        empty("Nothing to explain yet", "Ask something. Here you then see what was understood, which passages were found and why, what it cost and how sure the answer is.")),
    ];
  }

  beginning(suggestions) {
    if (!suggestions) return skeleton(3);
    if (!this.state.hasKnowledge) {
      return empty("No knowledge yet", "Answers come from your own texts. Add your help centre, and ask again in a minute.", h("a", { class: "button primary", href: "/knowledge/new" }, "Add a website"));
    }
    return h("div", { class: "beginning" }, h("h2", {}, "What would a customer ask?"), h("p", { class: "soft" }, "Nothing here reaches a customer, and nothing is stored. From your knowledge:"),
      h("div", { class: "suggestions" }, suggestions.map((title) => button(title, () => this.ask(asQuestion(title)), "suggestion", { key: title }))));
  }

  turn(one, at) {
    const { answer, problem, text, question, then } = one;
    const settings = answer?.trace.settings;
    return h("div", { key: at, class: ["turn", at === this.state.shown ? "shown" : ""] },
      h("div", { class: "bubble customer" }, h("p", { class: "said" }, question)),
      problem ? failure(problem, () => this.ask(question, at)) : h("div", { class: "bubble ai", "aria-busy": String(!answer) },
        answer ? h("fd-answer", { content: answer.content, citations: answer.citations, mayLink: toHostsOf(answer.citations) }) : text ? h("p", {}, text) : skeleton(2),
        answer && then ? h("details", { class: "then" }, h("summary", {}, then.content === answer.content ? "Word for word as then" : `What ${then.sender.kind === "agent" ? "a person" : "the AI"} said then`), isAlike(then.content, answer.content) ? diff(then.content, answer.content) : h("p", { class: "said" }, then.content)) : null,
        answer?.decision === "hand_off" ? handoffCard({ reason: answer.handoff_reason, summary: "In a conversation a person would find this question in the inbox now.",
          sources: answer.trace.claims.filter((claim) => claim.citation).map((claim) => claim.citation) }) : null,
        answer ? h("footer", { class: "row facts" }, decisionChip(answer.decision), confidence(answer.confidence, settings?.confidence_min),
          h("span", { class: "soft" }, [duration(answer.trace.timings_ms.total ?? 0), plural(answer.usage.input_tokens + answer.usage.output_tokens, "token"), money(answer.cost_micro_usd)].join(" · ")),
          h("span", { class: "spring" }),
          at === this.state.shown ? null : button("Why?", () => this.set({ shown: at }), "bare small"),
          button("Fix", () => this.fix(one), "bare small", { title: "Write an article that answers it" }),
          answer.decision ? button("Add to dataset", () => this.collect(one), "bare small", { title: "With this answer as the right one" }) : null,
          button("curl", () => copy(this.curl(one), "Copied as curl"), "bare small", { title: "Copy this run as a curl command" })) : null));
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || !event.shiftKey) {
      event.preventDefault();
      this.ask(this.state.question);
    }
  }

  /** Begins an article with what was asked and answered. */
  fix({ question, answer }) {
    sessionStorage.setItem("fd-article-new", JSON.stringify({ title: question, body: answer.decision === "answer" ? answer.content.replace(/\s?\[\d+\]/g, "") : "" }));
    go("/knowledge/articles/new");
  }

  /** To the newest dataset; the first one is made. */
  async collect({ question, answer, history }) {
    const isAnswer = answer.decision === "answer";
    const body = { id: `playground-${crypto.randomUUID().slice(0, 8)}`, question, history, expected: answer.decision, answer: isAnswer ? answer.content : null, answerable: isAnswer };
    const made = await attempt(async () => {
      const [newest] = (await get("/v1/evals/datasets?limit=1")).data;
      return newest ? post(`/v1/evals/datasets/${newest.id}/cases`, body) : post("/v1/evals/datasets", { name: "Playground", cases: [body] });
    });
    if (made) toast(`In “${made.name}”, now ${plural(made.cases, "question")}.`);
  }

  curl({ question, history }) {
    const body = JSON.stringify(this.body(question, this.state.draft, history)).replaceAll("'", "'\\''");
    return `curl ${location.origin}/v1/playground/runs -H 'authorization: Bearer YOUR_KEY' -H 'content-type: application/json' -d '${body}'`;
  }

  /** Asks; `past` is a message of a past conversation with what came before it. Whether it was answered. */
  async ask(question, again, past) {
    if (!question.trim()) return false;
    const turns = again === undefined ? this.state.turns : this.state.turns.slice(0, again);
    const history = past?.history ?? turns.filter((one) => one.answer).flatMap((one) => [{ role: "user", content: one.question }, { role: "assistant", content: one.answer.content }]);
    const turn = { question: question.trim(), text: "", history, then: past?.then };
    this.running?.abort();
    this.running = new AbortController();
    this.note(question.trim());
    this.set({ turns: [...turns, turn], shown: turns.length, question: "" });
    try {
      await stream("/v1/playground/runs", this.body(turn.question, this.state.draft, history), (kind, data) => {
        if (kind === "run.delta") turn.text += data.delta;
        if (kind === "run.completed") turn.answer = data;
        if (kind === "error") throw Object.assign(new Error(data.detail), { hint: data.hint });
        this.update();
      }, this.running.signal);
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      turn.problem = problem;
    }
    this.update();
    await new Promise(requestAnimationFrame);
    const log = this.querySelector(".messages");
    if (log) log.scrollTop = log.scrollHeight;
    return Boolean(turn.answer);
  }

  tuning() {
    const { draft } = this.state;
    const own = this.present()?.settings ?? {};
    const alter = (name, value) => { this.set({ draft: { ...this.state.draft, [name]: value } }); this.note(); };
    const customers = this.state.customers ?? [];
    const nameOf = (one) => [one.name, one.email, one.external_id].filter(Boolean).slice(0, 2).join(" · ") || one.id;
    return h("div", { class: "form" }, h("p", { class: "soft" }, "They hold for the runs here and stand in the address. The assistant itself stays as it is until you save."),
      field("As customer", select([["", "Nobody in particular"], ...customers.map((one) => [one.id, nameOf(one)])], this.state.customer ?? "", (customer) => { this.set({ customer }); this.note(); }), { hint: "What is remembered of them takes part in the answer." }),
      this.promptField(this.state.prompt, (prompt) => { this.set({ prompt }); this.note(); }, "run-prompt"),
      settingFields(draft, own, alter),
      h("div", { class: "row" }, button("Back to the assistant's own", () => { this.set({ draft: {}, prompt: "" }); this.note(); }, "quiet", { disabled: !this.changes() }),
        button("Save into the assistant", () => this.save(), "primary", { disabled: !Object.keys(settingsOf(draft)).length })));
  }

  async save() {
    const assistant = this.present();
    const settings = settingsOf(this.state.draft);
    const before = Object.fromEntries(Object.keys(settings).map((name) => [name, assistant.settings[name]]));
    const saved = await attempt(() => change(`/v1/assistants/${assistant.id}`, { settings }));
    if (!saved) return;
    const put = (fresh) => this.set({ assistants: this.state.assistants.map((one) => (one.id === fresh.id ? fresh : one)) });
    put(saved);
    this.set({ draft: {} });
    toast("Saved. Customers get answers with these settings from now on.", async () => put(await change(`/v1/assistants/${assistant.id}`, { settings: before })));
  }
}
customElements.define("fd-playground", Playground);

const asQuestion = (title) => (/\?$/.test(title) ? title : `${title}: what should I know?`);

/** The fields of an assistant's settings, with the assistant's own values as placeholders. */
export function settingFields(draft, own, alter) {
  return SETTINGS.map(([name, label, kind, hint]) => {
    const shared = { key: name, value: draft[name] ?? "", placeholder: own[name] === null || own[name] === undefined ? "" : String(own[name]), oninput: (event) => alter(name, event.target.value) };
    const control = kind === "text" ? h("textarea", { ...shared, rows: "4" })
      : h("input", { ...shared, type: kind === "word" ? "text" : "number", ...(kind === "share" ? { min: "0", max: "1", step: "0.05" } : kind === "number" ? { min: "0", step: "1" } : {}) });
    return field(label, control, { hint, id: `setting-${name}` });
  });
}

/** Retrieval without an answer. */
class Search extends View {
  state = { question: "", mode: "hybrid", found: null, problem: null };

  entered() {
    this.set({ question: this.given.question });
    if (this.given.question) this.run();
  }

  async run() {
    const { question, mode } = this.state;
    if (!question.trim()) return;
    this.given.page.note(question);
    this.set({ problem: null, found: null, isBusy: true });
    try {
      this.set({ found: await post("/v1/search", { query: question, mode, k: 20 }), asked: question, isBusy: false });
    } catch (problem) {
      this.set({ problem, isBusy: false });
    }
  }

  render() {
    const { question, mode, found, problem, asked, isBusy } = this.state;
    return h("div", { class: "content" },
      h("form", { class: "row search-row", onsubmit: (event) => { event.preventDefault(); this.run(); } },
        h("input", { type: "search", value: question, "aria-label": "Query", placeholder: "What to look for", maxlength: "4000", oninput: (event) => this.set({ question: event.target.value }), ready: (node) => node.focus() }),
        select([["hybrid", "Words and meaning"], ["bm25", "Words only"], ["dense", "Meaning only"]], mode, (next) => { this.set({ mode: next }); this.run(); }, { "aria-label": "Retriever" }),
        h("button", { class: "primary", type: "submit" }, "Search")),
      problem ? failure(problem, () => this.run()) : isBusy ? skeleton(6) : !found ? h("p", { class: "soft" }, "Shows what answers would be built on, without building one.")
        : [found.degraded ? h("p", {}, chip(found.degraded, "warn")) : null,
          found.data.length ? h("ol", { class: "hits" }, found.data.map((hit) => h("li", { key: hit.chunk_id },
            h("h2", {}, h("a", { href: query(`/knowledge/documents/${hit.document_id}`, { version: hit.version, start: hit.start, end: hit.end }) }, hit.title), hit.heading_path ? h("span", { class: "soft" }, ` › ${hit.heading_path}`) : null),
            h("p", {}, marked(hit.text, asked)),
            h("p", { class: "row facts soft" }, `together ${score(hit.fused.score)}`, hit.bm25 ? h("span", {}, `words #${hit.bm25.rank} · ${score(hit.bm25.score)}`) : null, hit.dense ? h("span", {}, `meaning #${hit.dense.rank} · ${score(hit.dense.score)}`) : null))))
            : empty("Nothing found", "No passage has these words. Try others, or add a text that says it.", h("a", { class: "button", href: "/knowledge/articles/new" }, "Write an article"))]);
  }
}
customElements.define("fd-search", Search);
