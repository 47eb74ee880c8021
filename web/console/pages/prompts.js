// Settings › Prompts: versions of the answer prompt, an editor that points at what is wrong, publishing.

import { Stretches, change, get, post, query } from "../api.js";
import { diff } from "../diff.js";
import { ago, attempt, button, chip, failure, field, go, more, remember, select, sentence, skeleton, stateChip, table, toast } from "../parts.js";
import { View, h } from "../view.js";

/** Where a template that was not saved waits, for the editor and for the playground. */
export const DRAFT = "fd-prompt-draft";
export const VERSIONS = "/v1/prompts/answer/versions";
/** Everybody, in percent. */
const WHOLE = 100;
/** Milliseconds between two looks at a gate that runs. */
const LOOK_MS = 1_500;

const VARIABLES = "assistant_name · instructions · language · facts · passages (index, title, heading_path, text) · fence";

class Prompts extends View {
  state = { assistants: null, assistant: "", datasets: [], list: null, version: null, text: "", note: "", share: "100", problem: null, wrong: null };

  async entered() {
    const params = new URLSearchParams(location.search);
    try {
      const [{ data: assistants }, datasets] = await Promise.all([get("/v1/assistants"), get("/v1/evals/datasets?limit=100").catch(() => ({ data: [] }))]);
      this.set({ assistants, datasets: [...new Set(datasets.data.map((one) => one.name))], assistant: params.get("assistant") ?? assistants[0]?.id });
      const kept = sessionStorage.getItem(this.draftKey());
      await this.load(Number(params.get("version")));
      if (kept) this.type(kept);
    } catch (problem) {
      this.set({ problem });
    }
  }

  left() {
    clearTimeout(this.timer);
  }

  draftKey() {
    return `${DRAFT} ${this.state.assistant}`;
  }

  /** Reads the versions; the one asked for is opened, or else the one in use. */
  async load(wanted) {
    const list = new Stretches(VERSIONS, { assistant: this.state.assistant });
    await list.first();
    this.set({ list, problem: null });
    if (wanted !== undefined) this.choose(list.rows.find((row) => row.version === wanted) ?? this.inUse());
    clearTimeout(this.timer);
    if (list.rows.some((row) => row.state === "checking")) this.timer = setTimeout(() => this.isConnected && attempt(() => this.load()), LOOK_MS);
  }

  inUse() {
    return this.state.list.rows.find((row) => row.state === "published" && row.share === WHOLE) ?? this.state.list.rows.at(-1);
  }

  present() {
    const { list, version } = this.state;
    return list.rows.find((row) => row.version === version);
  }

  choose(row) {
    remember({ version: row.version, assistant: this.state.assistants.length > 1 ? this.state.assistant : null });
    this.set({ version: row.version, text: row.source, note: "", wrong: null });
    sessionStorage.removeItem(this.draftKey());
  }

  type(text) {
    this.set({ text, wrong: null });
    sessionStorage.setItem(this.draftKey(), text);
  }

  async save() {
    const { text, note, assistant } = this.state;
    try {
      const saved = await post(VERSIONS, { source: text, note: note.trim() || undefined, assistant });
      toast(`Saved as version ${saved.version}. Customers get it once it is published.`);
      await this.load(saved.version);
    } catch (wrong) {
      this.set({ wrong });
      this.point(wrong);
    }
  }

  /** Puts the cursor where the template is wrong. */
  point(wrong) {
    const [, line, column] = wrong.message.match(/line (\d+), column (\d+)/) ?? [];
    if (!line) return;
    const before = this.state.text.split("\n").slice(0, line - 1).join("\n").length;
    const at = before + (line > 1 ? 1 : 0) + Number(column) - 1;
    const area = this.querySelector("textarea");
    area.focus({ preventScroll: true });
    area.setSelectionRange(at, Math.max(at + 1, this.state.text.indexOf("\n", at)));
    area.scrollTop = (area.scrollHeight * (line - 1)) / this.state.text.split("\n").length - area.clientHeight / 3;
  }

  async publish(row, share = WHOLE, recheck) {
    const before = this.inUse();
    try {
      const done = await post(`${VERSIONS}/${row.version}/publish`, { share, assistant: this.state.assistant, recheck });
      if (done.state === "checking") toast(`Version ${row.version} is asked the gate's questions first. It goes live when it passes.`);
      else toast(share < WHOLE ? `${share} % of the conversations get version ${row.version}.` : `Version ${row.version} is in use.`, before && before.version !== row.version ? () => this.publish(before) : undefined);
      this.set({ wrong: null });
      await this.load();
    } catch (wrong) {
      this.set({ wrong });
    }
  }

  /** What must hold before a version goes live: the share of a dataset's questions that went as they should. */
  async guard(publish_gate) {
    const { assistants, assistant } = this.state;
    const changed = await attempt(() => change(`/v1/assistants/${assistant}`, { settings: { publish_gate } }));
    if (!changed) return;
    this.set({ assistants: assistants.map((one) => (one.id === assistant ? changed : one)) });
    toast(publish_gate ? `A version goes live when “${publish_gate.dataset}” says so.` : "Versions go live at once.");
  }

  gate() {
    const { assistants, assistant, datasets } = this.state;
    const gate = assistants.find((one) => one.id === assistant)?.settings.publish_gate;
    const names = gate && !datasets.includes(gate.dataset) ? [...datasets, gate.dataset] : datasets;
    if (!names.length) return null;
    return h("p", { class: "row" }, h("label", { for: "gate" }, "Before a version goes live,"), select([["", "nothing is asked"], ...names.map((name) => [name, `“${name}” is asked`])], gate?.dataset ?? "", (dataset) => this.guard(dataset ? { min: { good_rate: 0.8 }, ...gate, dataset } : null), { id: "gate" }),
      gate ? ["and of its questions", h("input", { type: "number", class: "short", min: "0", max: "100", "aria-label": "Percent that must go right", value: Math.round(100 * (gate.min?.good_rate ?? 0)), onchange: (event) => this.guard({ ...gate, min: { ...gate.min, good_rate: Number(event.target.value) / 100 } }) }), "% must go right."] : null);
  }

  try() {
    const { text, assistant } = this.state;
    const row = this.present();
    const isDraft = row.source !== text;
    go(query("/playground", { assistant, prompt: isDraft ? "draft" : row.version }));
  }

  render() {
    const { assistants, assistant, list, problem, wrong, text, note, share } = this.state;
    if (problem) return failure(problem, () => this.entered());
    const row = list && this.present();
    if (!row) return skeleton(8);
    const [isChanged, base] = [row.source !== text, this.inUse()];
    return h("div", { class: "form" },
      h("p", { class: "row" }, h("span", { class: "soft" }, "What a model is told before it answers. Without a model answers are quotes, and no prompt is used."), h("span", { class: "spring" }),
        assistants.length > 1 ? select(assistants.map((one) => [one.id, one.name]), assistant, (next) => { this.state.assistant = next; this.load(0); }, { "aria-label": "Assistant" }) : null),
      table("Versions", [["Version", (one) => button(`Version ${one.version}`, () => this.choose(one), "bare start", { "aria-pressed": String(one.version === row.version) })],
        ["State", (one) => [stateChip(one.state), one.state === "published" && one.share < WHOLE ? [" ", chip(`${one.share} % of conversations`, "info")] : null]],
        ["What it changes", (one) => [one.version === 1 ? "as the program brings it" : one.note ?? "", one.refusal ? h("p", { class: "wrong" }, `Refused: ${one.refusal}`) : null, one.run_id ? h("a", { href: `/evals/runs/${one.run_id}` }, "the gate's run") : null]],
        ["Written", (one) => ago(one.created_at) ?? "–", "num wide-only"]], list.rows, { key: (one) => one.version, tone: (one) => (one.version === row.version ? "chosen" : "") }),
      more(list, async () => { await attempt(() => list.more()); this.update(); }), this.gate(),
      wrong ? failure(wrong) : null, wrong?.code === "gate_not_passed" ? h("p", { key: "again" }, button("Ask the gate again", () => this.publish(row, Number(share), true), "quiet")) : null,
      h("div", { class: "editor" },
        h("div", { class: "form" }, field(`Version ${row.version}${isChanged ? ", changed" : ""}`, h("textarea", { rows: "24", class: "code", spellcheck: "false", value: text, oninput: (event) => this.type(event.target.value) }), { hint: VARIABLES, id: "prompt-text", problem: wrong?.pointer === "/source" ? sentence(wrong.message) : undefined }),
          isChanged ? field("What it changes", h("input", { type: "text", maxlength: "500", value: note, placeholder: "for your colleagues; may be left out", oninput: (event) => this.set({ note: event.target.value }) })) : null,
          h("div", { class: "row verdicts" },
            isChanged ? [button("Save as a version", () => this.save(), "primary"), button("Discard", () => this.choose(row), "quiet")] : this.verdicts(row),
            h("span", { class: "spring" }), button("Try in the playground", () => this.try(), "quiet"))),
        h("section", { class: "sheet form", "aria-label": "What differs" }, h("h2", {}, base.version === row.version && !isChanged ? "In use" : `Against version ${base.version}, in use`), h("div", { class: "prompt-diff", tabindex: "0" }, diff(base.source, text)))));
  }

  /** What can be done with a version that is as it was saved. */
  verdicts(row) {
    const { share } = this.state;
    if (row.state === "checking") return chip("the gate asks its questions", "info");
    const isLive = row.state === "published";
    if (isLive && row.share === WHOLE) return chip("in use", "good");
    const isOld = row.version === 1 || row.published_at;
    return [row.version > 1 ? h("input", { type: "number", class: "short", min: "1", max: "100", value: share, "aria-label": "Percent of the conversations", oninput: (event) => this.set({ share: event.target.value }) }) : null,
      row.version > 1 ? h("span", { class: "soft" }, "% of conversations") : null,
      button(isLive ? "Change the share" : isOld ? "Roll back to it" : "Publish", () => this.publish(row, row.version > 1 ? Number(share) : WHOLE), "primary")];
  }
}
customElements.define("fd-prompts", Prompts);
