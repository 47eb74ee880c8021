// The review queue: a generated article at the left, the passages that prove it at the right.

import { Stretches, get, live, post } from "../api.js";
import { ago, attempt, button, chip, confidence, empty, failure, field, more, plural, remember, select, sentence, skeleton, stateChip, toast } from "../parts.js";
import { View, h } from "../view.js";
import { markdown } from "../markdown.js";
import { heading } from "./knowledge.js";

const STATES = [["", "Waiting"], ["approved", "Approved"], ["rejected", "Rejected"], ["withdrawn", "Withdrawn"], ["any", "All"]];
/** Suggestions judged in one request. */
const JUDGED_MAX = 100;

class Review extends View {
  state = { list: null, counts: [], open: null, picked: new Set(), edit: null, at: null, problem: null, why: null };

  entered() {
    this.onkeydown_ = (event) => this.key(event);
    this.onhappened = (event) => /^article\.suggested/.test(event.detail?.kind) && !this.state.edit && this.load(true);
    addEventListener("keydown", this.onkeydown_);
    live.addEventListener("happened", this.onhappened);
    this.load();
  }

  left() {
    removeEventListener("keydown", this.onkeydown_);
    live.removeEventListener("happened", this.onhappened);
  }

  changed(before) {
    if (before.search !== this.given.search) this.load();
  }

  async load(isQuiet = false) {
    const params = new URLSearchParams(location.search);
    const list = new Stretches("/v1/review", { state: params.get("state"), source: params.get("source") });
    if (!isQuiet) this.set({ list: null, open: null, problem: null, picked: new Set() });
    try {
      await list.first();
      this.set({ list });
      const id = params.get("id") ?? list.rows[0]?.id;
      if (id && (!isQuiet || !this.state.open)) await this.show(id);
    } catch (problem) {
      this.set({ problem });
    }
  }

  async show(id) {
    remember({ id });
    this.set({ chosen: id, edit: null, at: null, why: null });
    const open = await attempt(() => get(`/v1/review/${id}`));
    if (!open || this.state.chosen !== id) return;
    this.set({ open });
    this.querySelector(`.queue [aria-current]`)?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      if (event.key === "Escape" && this.state.edit) this.set({ edit: null });
      return;
    }
    const does = { j: () => this.step(1), k: () => this.step(-1), a: () => this.approve(), r: () => this.reject(), e: () => this.edit(), x: () => this.pick(this.state.chosen) }[event.key.toLowerCase()];
    if (!does || !this.state.open) return;
    event.preventDefault();
    does();
  }

  step(by) {
    const rows = this.state.list?.rows ?? [];
    const at = rows.findIndex((row) => row.id === this.state.chosen);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next && next.id !== this.state.chosen) this.show(next.id);
  }

  pick(id) {
    const picked = new Set(this.state.picked);
    if (!picked.delete(id)) picked.add(id);
    this.set({ picked });
  }

  edit() {
    const { open } = this.state;
    if (open.state === "waiting") this.set({ edit: { title: open.title, body: open.body } });
  }

  async judge(verdict, body, said) {
    const { open } = this.state;
    if (!open || open.state !== "waiting" || this.isJudging) return;
    this.isJudging = true;
    const judged = await attempt(() => post(`/v1/review/${open.id}/${verdict}`, body));
    this.isJudging = false;
    if (!judged) return;
    toast(said);
    this.gone([open.id]);
  }

  approve() {
    return this.judge("approve", this.state.edit ?? {}, "Published. Answers may cite it now.");
  }

  reject(reason) {
    if (this.state.why === null) return this.state.open?.state === "waiting" && this.set({ why: "" });
    return this.judge("reject", reason ? { reason } : {}, "Rejected. The same text is not suggested again.");
  }

  async bulk(verdict) {
    const ids = [...this.state.picked].slice(0, JUDGED_MAX);
    const list = await attempt(() => post(`/v1/review/${verdict}`, { ids }));
    if (!list) return;
    const done = list.data.filter((one) => one.done).map((one) => one.id);
    const failed = list.data.find((one) => !one.done);
    toast(`${plural(done.length, "article")} ${verdict === "approve" ? "published" : "rejected"}.${failed ? ` ${sentence(failed.error)}` : ""}`);
    this.gone(done);
  }

  /** Takes what was judged out of the queue and opens what comes behind it. */
  gone(ids) {
    const { list, chosen } = this.state;
    const at = list.rows.findIndex((row) => row.id === chosen);
    const next = list.rows.slice(at).concat(list.rows.slice(0, at).reverse()).find((row) => !ids.includes(row.id));
    if (!new URLSearchParams(location.search).get("state")) list.rows = list.rows.filter((row) => !ids.includes(row.id));
    this.set({ picked: new Set(), open: ids.includes(chosen) ? null : this.state.open, edit: null });
    if (ids.includes(chosen)) next ? this.show(next.id) : (remember({ id: null }), list.hasMore ? this.load() : this.update());
  }

  render() {
    const { list, picked, problem } = this.state;
    const state = new URLSearchParams(location.search).get("state") ?? "";
    const head = heading("review", select(STATES, state, (next) => { remember({ state: next, id: null }); this.load(); }, { "aria-label": "State" }));
    if (problem) return h("div", { class: "content" }, head, failure(problem, () => this.load()));
    if (!list) return h("div", { class: "content" }, head, skeleton(8));
    if (!list.rows.length) {
      return h("div", { class: "content" }, head, state ? empty("Nothing here", "No suggestion is in this state.")
        : empty("Nothing waits for you", "Articles are drafted from what you scan and import. Open a source and have it draft some.", h("a", { class: "button", href: "/knowledge" }, "Show sources")));
    }
    return h("div", { class: "content wide" }, head,
      picked.size ? h("div", { key: "bulk", class: "row bulk", role: "status" }, h("strong", {}, `${picked.size} picked`), button("Approve them", () => this.bulk("approve"), "primary small"), button("Reject them", () => this.bulk("reject"), "danger small"), button("Pick none", () => this.set({ picked: new Set() }), "bare")) : null,
      h("div", { key: "review", class: "review" }, this.queue(list), this.opened()));
  }

  queue(list) {
    const { picked, chosen } = this.state;
    return h("nav", { class: "queue", "aria-label": "Suggestions" },
      list.rows.map((row) => h("div", { key: row.id, class: "queued", "aria-current": row.id === chosen ? "true" : null },
        row.state === "waiting" ? h("input", { type: "checkbox", checked: picked.has(row.id), "aria-label": `Pick ${row.title}`, onchange: () => this.pick(row.id) }) : null,
        h("button", { type: "button", class: "plain-button", onclick: () => this.show(row.id) }, h("strong", {}, row.title), h("span", { class: "soft" }, `${row.linked} of ${plural(row.sentences, "sentence")} proved`, row.reason ? " · look closely" : "")))),
      more(list, async () => { await attempt(() => list.more()); this.update(); }));
  }

  opened() {
    const { open, edit, why } = this.state;
    if (!open) return h("div", { class: "sheet" }, skeleton(8));
    const isWaiting = open.state === "waiting";
    return [h("article", { key: `article-${open.id}`, class: "sheet", "aria-label": "Suggested article" },
      h("p", { class: "row facts" }, chip(open.kind === "faq" ? "question" : "article"), stateChip(open.state), open.diff ? chip("changes a published article", "info") : null, confidence(open.support), h("span", { class: "soft" }, open.generator), ago(open.created_at)),
      open.reason ? h("p", { class: "told-reason" }, sentence(open.reason)) : null,
      edit ? this.editor(edit) : [h("h2", {}, open.title), open.diff?.length ? this.difference(open.diff) : null, h("div", { class: "prose linked" }, this.linked(open))],
      open.dropped ? h("p", { class: "soft" }, `${plural(open.dropped, "sentence")} of the draft had no proof and ${open.dropped === 1 ? "was" : "were"} left out.`) : null,
      why !== null && isWaiting ? h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); this.reject(this.state.why); } },
        h("input", { type: "text", value: why, maxlength: "1000", "aria-label": "Why", placeholder: "Why? (may be left out)", ready: (node) => node.focus(), oninput: (event) => this.set({ why: event.target.value }), onkeydown: (event) => event.key === "Escape" && this.set({ why: null }) }),
        h("button", { type: "submit", class: "danger" }, "Reject"), button("Keep", () => this.set({ why: null }), "bare")) : null,
      isWaiting && why === null ? h("p", { class: "row verdicts" }, button([edit ? "Approve as changed" : "Approve", " ", h("kbd", {}, "A")], () => this.approve(), "primary"),
        edit ? button("Leave as it was", () => this.set({ edit: null }), "quiet") : button(["Edit ", h("kbd", {}, "E")], () => this.edit(), "quiet"), button(["Reject ", h("kbd", {}, "R")], () => this.reject(), "danger quiet"), h("span", { class: "spring" }), h("span", { class: "soft wide-only" }, h("kbd", {}, "J"), " ", h("kbd", {}, "K"), " next, previous")) : null),
    this.passages(open)];
  }

  editor(edit) {
    const alter = (fields) => this.set({ edit: { ...this.state.edit, ...fields } });
    return h("div", { class: "form" }, field("Title", h("input", { type: "text", value: edit.title, maxlength: "300", oninput: (event) => alter({ title: event.target.value }) })),
      field("Text", h("textarea", { rows: "16", class: "code", value: edit.body, ready: (node) => node.focus(), oninput: (event) => alter({ body: event.target.value }) }), { hint: "Markdown. Escape leaves it as it was." }));
  }

  /** The text with each proved sentence as a button to its quote; the rest is marked as unproved. */
  linked(open) {
    return open.body.split("\n").map((line, row) => {
      const parts = this.split(line, open);
      return parts.length === 1 && parts[0][1] === undefined ? markdown(line) : this.line(line, parts, row);
    });
  }

  /** `[text, link number | -1 unproved | undefined]` in order. */
  split(line, open) {
    const units = [...open.links.map((link, at) => [link.sentence, at]), ...open.unlinked.map((text) => [text, -1])];
    const found = units.map(([text, at]) => [line.indexOf(text), text, at]).filter(([place, text]) => place >= 0 && text).sort((a, b) => a[0] - b[0] || b[1].length - a[1].length);
    const parts = [];
    let last = 0;
    for (const [place, text, at] of found) {
      if (place < last) continue;
      if (place > last) parts.push([line.slice(last, place)]);
      parts.push([text, at]);
      last = place + text.length;
    }
    if (last < line.length || !parts.length) parts.push([line.slice(last)]);
    return parts;
  }

  line(line, parts, row) {
    const isItem = /^\s*([-*+]|\d+[.)])\s/.test(line);
    const plain = (text) => text.replace(/\*\*|__|\x60/g, "");
    return h("p", { class: isItem ? "item" : null }, parts.map(([text, at], place) => at === undefined ? plain(text)
      : at < 0 ? h("span", { class: "unproved", title: "No passage proves this sentence" }, plain(text), h("span", { class: "sr" }, " (unproved)"))
        : h("a", { key: `${row}-${place}`, href: `#quote-${at}`, class: ["proved", at === this.state.at ? "is-shown" : ""], onclick: (event) => { event.preventDefault(); this.point(at); }, onmouseenter: () => this.set({ at }) }, plain(text))));
  }

  async point(at) {
    this.set({ at });
    await Promise.resolve();
    this.querySelector(`#quote-${at}`)?.scrollIntoView({ block: "nearest" });
  }

  passages(open) {
    return h("aside", { key: "passages", class: "passages", "aria-label": "Source passages" }, open.documents.map((document) => h("section", { key: document.document_id, class: "sheet" },
      h("h3", {}, h("a", { href: `/knowledge/documents/${document.document_id}?version=${document.version}` }, document.title)), document.url ? h("p", { class: "soft" }, document.url) : null,
      open.links.map((link, at) => [link, at]).filter(([link]) => link.document_id === document.document_id).map(([link, at]) => h("blockquote", { key: at, id: `quote-${at}`, class: at === this.state.at ? "is-shown" : null, onmouseenter: () => this.set({ at }) },
        link.quote, h("footer", {}, h("a", { href: `/knowledge/documents/${link.document_id}?version=${link.version}&start=${link.start}&end=${link.end}` }, "In the document"), link.support < 1 ? ` · ${Math.round(link.support * 100)} % the same` : " · word for word"))))),
      open.documents.length ? null : h("p", { class: "soft" }, "Its documents are gone."));
  }

  difference(hunks) {
    return h("details", { class: "changes", open: true }, h("summary", {}, "What it changes"), hunks.map((hunk, at) => h("pre", { key: at, class: "diff", tabindex: "0", "aria-label": `Lines from ${hunk.to_line}` }, hunk.lines.map((line) =>
      h({ removed: "del", added: "ins" }[line.change] ?? "span", {}, line.pieces.map((piece) => (piece.changed ? h("b", {}, piece.text) : piece.text)), line.pieces.at(-1)?.text.endsWith("\n") ? "" : "\n")))));
  }
}
customElements.define("fd-review", Review);
