// The inbox: what waits, the conversation, and who the customer is. Live, and workable by keys alone.

import { Stretches, change, get, live, post, put, remove } from "../api.js";
import { toHostsOf } from "../markdown.js";
import { ago, attempt, button, chip, confidence, decisionChip, empty, failure, go, icon, money, more, remember, skeleton, tabs, toast, word } from "../parts.js";
import { handoffCard } from "../trace.js";
import { View, h } from "../view.js";
import "./person.js";

/** Milliseconds in which events are gathered before the list is read again. */
const GATHER_MS = 120;
/** How often the customer hears that somebody writes, and how long their own writing is shown. */
const TYPING_MS = 4_000;
/** Messages of a thread that are read at most; older ones stay on the server. */
const MESSAGES_MAX = 500;
const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];

const TABS = { queue: "Unassigned", mine: "Mine", ai: "AI", all: "All" };
const FILTERS = {
  queue: () => ({ holder: "queue", status: "open" }), mine: (me) => ({ assignee: me?.agent_id, status: "open" }), ai: () => ({ holder: "ai", status: "open" }), all: () => ({}),
};

class Inbox extends View {
  state = { tab: "queue", text: "", reason: null, list: null, problem: null };

  entered() {
    const params = new URLSearchParams(location.search);
    this.set({ tab: TABS[params.get("tab")] ? params.get("tab") : "queue", text: params.get("q") ?? "", reason: params.get("reason") });
    this.onhappened = (event) => (!event.detail || (event.detail.conversation_id && !/typing|notification/.test(event.detail.kind))) && this.gather(event);
    live.addEventListener("happened", this.onhappened);
    live.addEventListener("back", this.onhappened);
    this.onkey = (event) => this.key(event);
    addEventListener("keydown", this.onkey);
    this.load();
  }

  left() {
    live.removeEventListener("happened", this.onhappened);
    live.removeEventListener("back", this.onhappened);
    removeEventListener("keydown", this.onkey);
    clearTimeout(this.timer);
  }

  gather(event) {
    const id = event.detail?.conversation_id;
    this.changed_ = id && this.changed_ !== "all" ? [...(this.changed_ ?? []), id] : "all";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { const ids = this.changed_; this.changed_ = null; ids === "all" ? this.load(true) : this.refresh(ids); }, GATHER_MS);
  }

  /** What changed stands at the head of the list now, or belongs to it no more: the rest stays as it was read. */
  async refresh(ids) {
    const { list, tab, text } = this.state;
    if (!list) return this.load(true);
    const head = new Stretches(list.path, list.fields);
    await head.first().catch(() => null);
    if (this.state.list !== list || this.state.tab !== tab || this.state.text !== text || head.next === undefined) return;
    const gone = new Set([...ids, ...head.rows.map((row) => row.id)]);
    const rest = head.hasMore ? list.rows.filter((row) => !gone.has(row.id)) : [];
    if (rest.length) head.rows = [...head.rows, ...rest];
    if (rest.length >= list.rows.length - ids.length) Object.assign(head, { next: list.next, hasMore: list.hasMore });
    this.set({ list: head });
  }

  /** Reads the list; `isQuiet` leaves what is there until the fresh one has come. */
  async load(isQuiet = false) {
    const { tab, text, reason } = this.state;
    const list = new Stretches("/v1/conversations", { ...FILTERS[tab](this.given.me?.member), q: text, handoff_reason: reason });
    const shown = this.state.list?.rows.length ?? 0;
    if (!isQuiet) this.set({ list: null, problem: null });
    try {
      await list.first();
      while (isQuiet && list.hasMore && list.rows.length < shown) await list.more();
      if (this.state.tab === tab && this.state.text === text) this.set({ list, problem: null });
    } catch (problem) {
      if (!isQuiet) this.set({ problem });
    }
  }

  choose(tab) {
    this.set({ tab });
    remember({ tab: tab === "queue" ? "" : tab });
    this.load();
  }

  find(text) {
    this.set({ text });
    clearTimeout(this.typing);
    this.typing = setTimeout(() => { remember({ q: text }); this.load(); }, 200);
  }

  key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { KeyJ: 1, KeyK: -1 }[event.code];
    const rows = this.state.list?.rows ?? [];
    if (!step || !rows.length) return;
    event.preventDefault();
    const at = rows.findIndex((row) => row.id === this.given.path);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    go(`/inbox/${next.id}${location.search}`);
  }

  render() {
    const id = this.given.path;
    return h("div", { class: ["inbox", id ? "has-open" : ""] }, h("h1", { class: "sr" }, "Inbox"), this.list(id),
      id ? h("fd-thread", { key: id, id, me: this.given.me }) : h("section", { key: "none", class: "thread" }, empty("Choose a conversation", "What the AI could not answer alone waits under Unassigned. Alt J and Alt K go through the list.")));
  }

  list(id) {
    const { tab, text, reason, list, problem } = this.state;
    return h("section", { class: "list", "aria-label": "Conversations" },
      h("header", {}, h("h2", { class: "title" }, "Inbox"), tabs("Which conversations", Object.entries(TABS), tab, (next) => this.choose(next)),
        h("input", { type: "search", value: text, placeholder: "Search", "aria-label": "Search conversations", oninput: (event) => this.find(event.target.value) }),
        reason ? h("p", { class: "row" }, chip(`handed off: ${word(reason)}`, "info"), button("Show all", () => { this.set({ reason: null }); remember({ reason: null }); this.load(); }, "bare small")) : null),
      problem ? failure(problem, () => this.load()) : !list ? skeleton(8)
        : list.rows.length ? [h("ul", { class: "rows" }, list.rows.map((row) => this.row(row, id))), more(list, async () => { await attempt(() => list.more()); this.update(); })]
        : text ? empty("Nothing found", "No conversation here has these words.") : this.nothing(tab));
  }

  nothing(tab) {
    const texts = {
      queue: ["Nobody waits", "When the AI hands a conversation over, it comes here by itself."], mine: ["Nothing with you", "Take a conversation over and it stands here until you resolve it."],
      ai: ["The AI has nothing open", "Conversations it can answer show up here."], all: ["No conversations yet", "They begin with a message over the API or the widget."],
    };
    return empty(...texts[tab]);
  }

  /** The description of a row, the same one until something of it changes: times are told by the minute. */
  row(row, id) {
    const as = `${row.id === id} ${Math.floor(Date.now() / MINUTE_MS)} ${location.search}`;
    if (row.described?.as !== as) row.described = { as, is: this.describe(row, id) };
    return row.described.is;
  }

  describe(row, id) {
    const { preview } = row;
    const isWaiting = row.holder === "queue" && row.waiting_since;
    return h("li", { key: row.id }, h("a", { href: `/inbox/${row.id}${location.search}`, class: "row-link", "aria-current": row.id === id ? "true" : null },
      h("span", { class: "top" }, h("strong", {}, preview?.customer_name || preview?.customer_email || "Unknown customer"), h("span", { class: "soft" }, isWaiting ? ["waits ", ago(row.waiting_since)] : ago(row.updated_at))),
      row.title ? h("span", { class: "subject" }, row.title) : null,
      h("span", { class: "snippet" }, preview?.sender && preview.sender !== "customer" ? `${word(preview.sender)}: ` : "", preview?.snippet ?? "No message yet"),
      h("span", { class: "row facts" }, row.holder === "queue" && preview?.handoff_reason ? chip(word(preview.handoff_reason), "bad") : null,
        row.holder === "agent" ? chip("with an agent", "info") : null, row.status === "open" ? null : chip(word(row.status)), confidence(preview?.confidence))));
  }
}
customElements.define("fd-inbox", Inbox);

class Thread extends View {
  state = { conversation: null, messages: [], notes: [], agents: [], text: "", isNote: false, why: null, problem: null };

  entered() {
    this.set({ text: sessionStorage.getItem(this.draftKey()) ?? "" });
    this.onhappened = (event) => event.detail?.conversation_id === this.given.id && (event.detail.kind === "conversation.typing" ? this.hears(event.detail) : this.gather());
    this.onback = () => this.load();
    live.addEventListener("happened", this.onhappened);
    live.addEventListener("back", this.onback);
    this.onkey = (event) => this.key(event);
    addEventListener("keydown", this.onkey);
    this.load();
    this.loadReplies();
  }

  left() {
    live.removeEventListener("happened", this.onhappened);
    live.removeEventListener("back", this.onback);
    removeEventListener("keydown", this.onkey);
    clearTimeout(this.timer);
  }

  /** The customer writes; it is shown for some seconds. */
  hears({ sender, typing }) {
    if (sender !== "customer") return;
    clearTimeout(this.hearing);
    this.set({ isTyping: typing });
    this.hearing = setTimeout(() => this.set({ isTyping: false }), TYPING_MS);
  }

  draftKey() {
    return `fd-draft-${this.given.id}`;
  }

  path(rest = "") {
    return `/v1/conversations/${this.given.id}${rest}`;
  }

  gather() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), GATHER_MS / 2);
  }

  async load() {
    const isAtEnd = this.isAtEnd();
    try {
      const [conversation, notes, agents] = await Promise.all([get(this.path()), get(this.path("/notes")), get("/v1/agents")]);
      const messages = await this.messages();
      const customer = this.state.customer?.id === conversation.customer_id ? this.state.customer : await get(`/v1/customers/${conversation.customer_id}`);
      this.set({ conversation, messages, notes: notes.data, agents: agents.data, customer, problem: null });
      if (isAtEnd) this.toEnd();
    } catch (problem) {
      if (!this.state.conversation) this.set({ problem });
    }
  }

  async messages() {
    const list = new Stretches(this.path("/messages"), { limit: 100 });
    await list.first();
    while (list.hasMore && list.rows.length < MESSAGES_MAX) await list.more();
    return list.rows;
  }

  isAtEnd() {
    const log = this.querySelector(".messages");
    return !log || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }

  toEnd() {
    requestAnimationFrame(() => {
      const log = this.querySelector(".messages");
      if (log) log.scrollTop = log.scrollHeight;
    });
  }

  key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || !this.state.conversation) return;
    const does = { KeyE: () => this.resolve(), KeyP: () => (this.isMine() ? this.giveBack() : this.take()), KeyL: () => this.note() }[event.code];
    if (!does) return;
    event.preventDefault();
    does();
  }

  me() {
    return this.given.me?.member;
  }

  isMine() {
    const { holder, assignee_id } = this.state.conversation;
    return holder === "agent" && assignee_id !== null && assignee_id === this.me()?.agent_id;
  }

  note() {
    this.set({ isNote: !this.state.isNote });
    this.querySelector("textarea")?.focus();
  }

  async act(work, said, undo) {
    const done = await attempt(work);
    if (done === undefined) return;
    toast(said, undo && (async () => { await undo(); await this.load(); }));
    await this.load();
  }

  take() {
    const back = this.state.conversation.holder === "ai" ? () => remove(this.path("/handoff")) : () => remove(this.path("/assignment"));
    return this.act(() => this.give(this.me()?.agent_id), "It is yours now. The AI is silent here.", back).then(() => this.querySelector("textarea")?.focus());
  }

  giveBack() {
    return this.act(() => remove(this.path("/handoff")), "Given back to the AI. It answers from the next message on.", () => this.give(this.me()?.agent_id));
  }

  /** What a colleague has is passed on, anything else is taken. */
  give(agent_id) {
    const { assignee_id } = this.state.conversation;
    return assignee_id && assignee_id !== agent_id ? post(this.path("/transfer"), { agent_id, reason: "Passed on in the inbox" }) : put(this.path("/assignment"), { agent_id });
  }

  resolve() {
    return this.act(() => post(this.path("/resolution")), "Resolved.", () => change(this.path(), { status: "open" }));
  }

  snooze(hours) {
    return this.act(() => post(this.path("/snooze"), { until: new Date(Date.now() + hours * HOUR_MS).toISOString() }), "Put aside. It comes back then, or when the customer writes.", () => change(this.path(), { status: "open" }));
  }

  async loadReplies() {
    const list = await get("/v1/replies").catch(() => null);
    this.set({ replies: list?.data ?? [] });
  }

  async keep() {
    const content = this.state.text.trim();
    const kept = await attempt(() => post("/v1/replies", { name: content.split(/\s+/).slice(0, 5).join(" ").slice(0, 60), content }));
    if (!kept) return;
    toast("Kept. Type / to find it.", async () => { await remove(`/v1/replies/${kept.id}`); await this.loadReplies(); });
    await this.loadReplies();
  }

  /** A slash at the beginning looks for canned replies. */
  canned() {
    const { text, replies = [] } = this.state;
    if (text[0] !== "/") return null;
    const found = replies.filter((one) => `${one.name} ${one.content}`.toLowerCase().includes(text.slice(1).toLowerCase())).slice(0, 6);
    return h("div", { key: "canned", class: "canned", role: "group", "aria-label": "Canned replies" }, found.length ? found.map((one) => h("div", { key: one.id, class: "row" }, button([h("strong", {}, one.name), " ", h("span", { class: "soft" }, one.content)], () => { this.type(one.content); this.querySelector("textarea").focus(); }, "bare start"),
      h("button", { type: "button", class: "bare", "aria-label": `Delete ${one.name}`, onclick: () => attempt(() => remove(`/v1/replies/${one.id}`)).then(() => this.loadReplies()) }, icon("close")))) : h("p", { class: "soft" }, "No canned reply has these words. Write one, then keep it."));
  }

  type(text) {
    this.set({ text });
    sessionStorage.setItem(this.draftKey(), text);
    if (this.state.isNote || !text.trim() || text[0] === "/" || Date.now() - (this.told ?? 0) < TYPING_MS) return;
    this.told = Date.now();
    post(this.path("/typing"), { sender: "agent" }).catch(() => {});
  }

  async send() {
    const { text, isNote } = this.state;
    if (!text.trim() || this.state.isSending) return;
    this.set({ isSending: true });
    const sent = await attempt(() => (isNote ? post(this.path("/notes"), { content: text }) : post(this.path("/messages"), { content: text, sender: "agent" })));
    this.set({ isSending: false });
    if (!sent) return;
    sessionStorage.removeItem(this.draftKey());
    this.set({ text: "", isNote: false });
    await this.load();
    this.toEnd();
  }

  render() {
    const { conversation, problem, why, customer } = this.state;
    if (problem) return h("section", { class: "thread" }, problem.status === 404 ? empty("Conversation not found", "It may have been erased with its customer.", h("a", { class: "button", href: "/inbox" }, "Back to the inbox")) : failure(problem, () => this.load()));
    if (!conversation) return h("section", { class: "thread" }, skeleton(6));
    return [
      h("section", { key: "thread", class: "thread", "aria-label": "Conversation" }, this.head(conversation, customer),
        h("div", { class: "messages", role: "log", "aria-label": "Messages", "aria-live": "polite", tabindex: "0" },
          conversation.handoff ? handoffCard(conversation.handoff, (reply) => { this.type(reply); this.querySelector("textarea")?.focus(); }) : null,
          this.entries().map((one) => this.entry(one)), this.state.isTyping ? h("p", { key: "typing", class: "system" }, "The customer is writing…") : null),
        this.composer(conversation)),
      h("fd-person", { key: "person", customer, conversation: conversation.id }),
      why ? h("fd-why", { key: "why", message: why, close: () => this.set({ why: null }) }) : null,
    ];
  }

  head(conversation, customer) {
    const { holder, status } = conversation;
    const holds = { ai: "The AI answers", queue: "Waits for an agent", agent: this.isMine() ? "With you" : `With ${this.nameOf(conversation.assignee_id)}` }[holder];
    return h("header", { class: "thread-head" },
      h("a", { class: "bare back", href: `/inbox${location.search}`, "aria-label": "Back to the list" }, icon("back")),
      h("div", { class: "thread-title" }, h("h2", {}, conversation.title || customer?.name || "Conversation"), h("p", { class: "soft" }, [customer?.name, status === "open" ? holds : word(status)].filter(Boolean).join(" · "))),
      h("div", { class: "row" },
        this.isMine() ? null : button("Take over", () => this.take(), holder === "queue" ? "primary" : "quiet", { title: "Alt P" }),
        holder === "ai" || status === "resolved" ? null : button("Give back to AI", () => this.giveBack(), "quiet", { title: "Alt P" }),
        this.assignment(conversation),
        status === "resolved" ? null : h("select", { "aria-label": "Snooze", value: "", onchange: (event) => { const hours = Number(event.target.value); event.target.value = ""; if (hours) this.snooze(hours); } },
          [["", "Snooze…"], ["1", "for an hour"], ["4", "for 4 hours"], ["24", "until tomorrow"], ["168", "for a week"]].map(([value, text]) => h("option", { value }, text))),
        this.given.me?.scopes.some((scope) => ["admin", "playground"].includes(scope)) ? h("a", { class: "button", href: `/playground?conversation=${conversation.id}`, title: "Ask it again, beside what was said" }, "Replay") : null,
        status === "resolved" ? button("Open again", () => this.act(() => change(this.path(), { status: "open" }), "Open again."), "quiet") : button("Resolve", () => this.resolve(), "quiet", { title: "Alt E" })));
  }

  /** Colleagues who can be given the conversation. */
  assignment({ assignee_id, status }) {
    const others = this.state.agents.filter((agent) => agent.id !== assignee_id && agent.id !== this.me()?.agent_id);
    if (!others.length || status === "resolved") return null;
    const assign = (agent) => this.act(() => this.give(agent), `Assigned to ${this.nameOf(agent)}.`,
      () => (assignee_id ? this.give(assignee_id) : remove(this.path("/assignment"))));
    return h("select", { "aria-label": "Assign", value: "", onchange: (event) => { const agent = event.target.value; event.target.value = ""; if (agent) assign(agent); } },
      [h("option", { value: "" }, "Assign…"), others.map((agent) => h("option", { key: agent.id, value: agent.id, disabled: Boolean(assignee_id) && agent.availability === "away" }, agent.name, agent.availability === "away" ? " (away)" : ""))]);
  }

  /** Messages and notes in the order of time. */
  entries() {
    const { messages, notes } = this.state;
    return [...messages, ...notes].sort((a, b) => a.created_at.localeCompare(b.created_at) || (a.seq ?? 0) - (b.seq ?? 0));
  }

  nameOf(agentId) {
    return this.state.agents.find((agent) => agent.id === agentId)?.name ?? "an agent";
  }

  entry(one) {
    if (one.object === "note") return h("article", { key: one.id, class: "bubble note" }, h("header", {}, `Note by ${this.nameOf(one.agent_id)}`, ago(one.created_at)), h("p", { class: "said" }, one.content));
    const { kind } = one.sender;
    if (kind === "system") return h("p", { key: one.id, class: "system" }, one.content);
    const who = { customer: this.state.customer?.name || "Customer", ai: "AI", agent: this.nameOf(one.sender.id) }[kind];
    return h("article", { key: one.id, id: one.id, class: ["bubble", kind] },
      h("header", {}, who, ago(one.created_at)),
      kind === "ai" ? h("fd-answer", { content: one.content, citations: one.citations, mayLink: toHostsOf(one.citations) }) : h("p", { class: "said" }, one.content),
      kind === "ai" ? h("footer", { class: "row facts" }, decisionChip(one.decision, one.handoff_reason), confidence(one.confidence),
        one.cost_micro_usd ? h("span", { class: "soft" }, money(one.cost_micro_usd)) : null, one.decision ? button("Why?", () => this.set({ why: one.id }), "bare small") : null) : null,
      ["failed", "unknown"].includes(one.delivery) ? h("p", { class: "wrong" }, one.delivery === "failed" ? "Could not be delivered." : "It is not known whether this arrived. Ask the customer before you send it again.") : null);
  }

  composer(conversation) {
    const { text, isNote, isSending } = this.state;
    const isAi = conversation.holder === "ai" && !isNote;
    return h("form", { class: ["composer", isNote ? "as-note" : ""], onsubmit: (event) => { event.preventDefault(); this.send(); } },
      tabs("What to write", [["reply", "Reply"], ["note", "Note"]], isNote ? "note" : "reply", (next) => this.set({ isNote: next === "note" })),
      this.canned(),
      h("textarea", { rows: "3", value: text, maxlength: "10000", "aria-label": isNote ? "Note for colleagues" : "Reply to the customer", placeholder: isNote ? "Only colleagues read this." : isAi ? "Your reply takes the conversation over from the AI." : "Write to the customer…",
        oninput: (event) => this.type(event.target.value), onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); } } }),
      h("div", { class: "row" }, h("span", { class: "soft wide-only" }, "Ctrl + Enter sends · / canned replies"), h("span", { class: "spring" }), text.trim() && text[0] !== "/" && !isNote ? button("Keep", () => this.keep(), "bare small", { title: "Keep as a canned reply" }) : null, h("button", { class: "primary", type: "submit", disabled: !text.trim() || isSending }, isNote ? "Add note" : "Send")));
  }
}
customElements.define("fd-thread", Thread);
