// Settings: assistants, the model, API keys, members.

import { Stretches, change, get, post, put, remove } from "../api.js";
import { ago, attempt, button, chip, copy, drawer, duration, empty, failure, field, go, more, parts, plural, sentence, skeleton, table, toast, word } from "../parts.js";
import { View, h } from "../view.js";
import { settingFields, changesOf } from "./playground.js";

const SCOPES = {
  admin: "Everything, members and keys too", conversations: "Conversations, customers and their memory", knowledge: "Sources, scans, articles", playground: "Search, answers, playground", evals: "Evals", usage: "Usage and costs",
};

const PARTS = [["", "Assistants"], ["prompts", "Prompts"], ["model", "Model"], ["hours", "Hours"], ["widget", "Widget"], ["keys", "API keys"], ["members", "Members"], ["desk", "Desk"]];

class Settings extends View {
  render() {
    const [part = "", id] = this.given.path.split("/");
    const isKnown = part && PARTS.some(([path]) => path === part);
    const tag = !isKnown ? "fd-assistants" : part === "widget" ? "fd-widget-settings" : `fd-${part}`;
    return h("div", { class: ["content", part === "prompts" ? "wide" : ""] }, h("header", { class: "page-head" }, h("h1", {}, "Settings"), parts("Settings", "/settings", PARTS, isKnown ? part : "")), h(tag, { key: part, id, me: this.given.me }));
  }
}
customElements.define("fd-settings", Settings);

class Assistants extends View {
  state = { assistants: null, drafts: {}, names: {}, problem: null, wrong: {} };

  async entered() {
    try {
      this.set({ assistants: (await get("/v1/assistants")).data, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  alter(id, name, value) {
    this.set({ drafts: { ...this.state.drafts, [id]: { ...this.state.drafts[id], [name]: value } } });
  }

  async save(one) {
    const settings = changesOf(this.state.drafts[one.id] ?? {});
    const before = Object.fromEntries(Object.keys(settings).map((name) => [name, one.settings[name]]));
    try {
      this.put(await change(`/v1/assistants/${one.id}`, { name: this.state.names[one.id] ?? one.name, settings }));
      toast("Saved. Answers use it from now on.", async () => this.put(await change(`/v1/assistants/${one.id}`, { name: one.name, settings: before })));
    } catch (problem) {
      this.set({ wrong: { ...this.state.wrong, [one.id]: problem } });
    }
  }

  put(fresh) {
    const { assistants, drafts, names, wrong } = this.state;
    const without = (fields) => Object.fromEntries(Object.entries(fields).filter(([id]) => id !== fresh.id));
    this.set({ assistants: assistants.map((one) => (one.id === fresh.id ? fresh : one)), drafts: without(drafts), names: without(names), wrong: without(wrong) });
  }

  async add() {
    const added = await attempt(() => post("/v1/assistants", { name: "New assistant" }));
    if (added) this.set({ assistants: [...this.state.assistants, added] });
  }

  render() {
    const { assistants, drafts, names, problem, wrong } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!assistants) return skeleton(6);
    return [assistants.map((one, at) => {
      const isChanged = Object.keys(changesOf(drafts[one.id] ?? {})).length > 0 || (names[one.id] ?? one.name) !== one.name;
      return h("details", { key: one.id, class: "card", ready: (node) => { node.open = at === 0; } }, h("summary", {}, h("strong", {}, one.name), h("span", { class: "soft" }, ` takes over below ${Math.round(one.settings.confidence_min * 100)} % confidence`)),
        h("div", { class: "form" }, field("Name customers see", h("input", { type: "text", value: names[one.id] ?? one.name, maxlength: "100", oninput: (event) => this.set({ names: { ...names, [one.id]: event.target.value } }) }), { id: `name-${one.id}` }),
          scoped(settingFields(withOwn(drafts[one.id], one.settings), one.settings, (name, value) => this.alter(one.id, name, value)), one.id),
          wrong[one.id] ? failure(wrong[one.id]) : null,
          h("div", { class: "row" }, button("Save", () => this.save(one), "primary", { disabled: !isChanged }), button("Try in the playground", () => go(`/playground?assistant=${one.id}`), "quiet"))));
    }), h("p", {}, button("Add assistant", () => this.add(), "quiet"))];
  }
}
customElements.define("fd-assistants", Assistants);

/** What stands in the form: the draft over what is in force. */
const withOwn = (draft, own) => ({ ...own, ...draft });

/** The fields with ids of their own, as several assistants stand on one page. */
function scoped(fields, id) {
  for (const one of fields) {
    const [label, control, told] = one.children;
    const fresh = `${control.attributes.id}-${id}`;
    label.attributes.for = fresh;
    control.attributes.id = fresh;
    if (told) control.attributes["aria-describedby"] = told.attributes.id = `${fresh}-told`;
  }
  return fields;
}

function scopeChoices(chosen, choose) {
  return h("fieldset", {}, h("legend", {}, "May do"), Object.entries(SCOPES).map(([name, text]) => h("label", { key: name, class: "choice" },
    h("input", { type: "checkbox", checked: chosen.includes(name), onchange: (event) => choose(event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name)) }), h("span", {}, h("strong", {}, word(name)), h("span", { class: "soft" }, ` ${text}`)))));
}

/** What answers: the model connected here, else the installation's, else quotes. It is tried before it is saved. */
class Model extends View {
  state = { now: null, typed: {}, test: null, problem: null, wrong: null, busy: "" };

  async entered() {
    try {
      this.set({ now: await get("/v1/settings/model"), problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  get form() {
    const { now, typed } = this.state;
    return { base_url: now.base_url ?? "", model: now.model ?? "", api_key: "", ...typed };
  }

  /** What is sent: without a typed key the kept one counts, and without an address what answers now. */
  get body() {
    const { base_url, model, api_key } = this.form;
    return base_url || model || api_key ? { base_url, model, ...(api_key && { api_key }) } : {};
  }

  type(name, event) {
    this.set({ typed: { ...this.state.typed, [name]: event.target.value }, test: null, wrong: null });
  }

  async during(busy, work) {
    this.set({ busy, test: null, wrong: null });
    try {
      await work();
    } catch (problem) {
      this.set(problem.pointer ? { wrong: problem } : { test: problem });
    }
    this.set({ busy: "" });
  }

  test() {
    return this.during("test", async () => this.set({ test: await post("/v1/models/test", this.body) }));
  }

  save(event) {
    event.preventDefault();
    return this.during("save", async () => {
      this.set({ now: await put("/v1/settings/model", this.body), typed: {} });
      toast("Saved. It answers from the next message on.");
    });
  }

  disconnect() {
    return this.during("save", async () => {
      await remove("/v1/settings/model");
      this.set({ typed: {} });
      await this.entered();
      toast("Removed, and its key with it.");
    });
  }

  render() {
    const { now, typed, test, problem, wrong, busy } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!now) return skeleton(4);
    const { base_url, model, api_key } = this.form;
    const isChanged = Object.keys(typed).length > 0;
    const isElsewhere = base_url.trim().replace(/\/+$/, "") !== now.base_url;
    const kept = !now.has_key ? null : isElsewhere ? `The kept key goes to ${now.base_url} only: type the one for this address.` : `Kept${now.key_hint ? `, ends in …${now.key_hint}` : ""}. Type another to replace it.`;
    const at = (name) => (wrong?.pointer === `/${name}` ? [sentence(wrong.message), wrong.hint && sentence(wrong.hint)].filter(Boolean).join(" ") : undefined);
    const input = (name, value, more) => h("input", { type: "text", value, autocomplete: "off", autocapitalize: "off", spellcheck: "false", oninput: (event) => this.type(name, event), ...more });
    const answers = now.model ?? now.installation_model;
    return h("form", { class: "form narrow-form", onsubmit: (event) => this.save(event) },
      h("dl", { class: "totals" }, [["Answers", answers ?? "Quotes of your knowledge"], ["Meaning", now.embedding ?? "None: words only"]].map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value)))),
      field("Base URL", input("base_url", base_url, { inputmode: "url", required: true, maxlength: "500" }), { hint: "Any server that speaks as OpenAI's does: https://api.openai.com/v1, or http://localhost:11434/v1 for Ollama.", problem: at("base_url") }),
      field("Model", input("model", model, { required: true, maxlength: "200" }), { hint: "Its name there, such as gpt-4.1-mini.", problem: at("model") }),
      field("Key", input("api_key", api_key, { type: "password", autocomplete: "new-password", maxlength: "1000", placeholder: kept && !isElsewhere ? "••••••••" : "" }), { hint: kept ?? "Kept sealed and never shown again. Local servers mostly need none.", problem: at("api_key") }),
      h("div", { class: "row" }, button(busy === "test" ? "Asking…" : "Test", () => this.test(), "", { disabled: Boolean(busy) || !(base_url.trim() && model.trim() || answers && !isChanged) }),
        h("button", { class: "primary", type: "submit", disabled: Boolean(busy) || !isChanged || !base_url.trim() || !model.trim() }, busy === "save" ? "Saving…" : "Save"),
        now.base_url ? button("Remove", () => this.disconnect(), "danger quiet", { disabled: Boolean(busy) }) : null),
      !test ? null : test instanceof Error ? failure(test) : h("p", { role: "status" }, chip("works", "good"), ` ${test.model} wrote “${test.text}” in ${duration(test.duration_ms)}, ${test.input_tokens} + ${test.output_tokens} tokens.`),
      wrong && !at("base_url") && !at("model") && !at("api_key") ? failure(wrong) : null,
      h("p", { class: "soft" }, "Without one, the model of the installation writes (frontdesk.toml, [llm])", now.installation_model ? `: ${now.installation_model}.` : "; there is none, so your knowledge is quoted."));
  }
}
customElements.define("fd-model", Model);

/** What the desk is called, and how long it keeps things. */
class Desk extends View {
  state = { desk: null, problem: null, wrong: null };

  async entered() {
    try {
      this.set({ desk: await get("/v1/settings/desk"), problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  alter(fields) {
    this.set({ desk: { ...this.state.desk, ...fields }, wrong: null, isChanged: true });
  }

  async save(event) {
    event.preventDefault();
    const { name, traces_days, conversations_days } = this.state.desk;
    try {
      const desk = await change("/v1/settings/desk", { name, traces_days, conversations_days });
      this.set({ desk, wrong: null, isChanged: false });
      dispatchEvent(new CustomEvent("fd-renamed", { detail: desk.name }));
      toast("Saved.");
    } catch (wrong) {
      this.set({ wrong });
    }
  }

  render() {
    const { desk, problem, wrong, isChanged } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!desk) return skeleton(4);
    const at = (name) => (wrong?.pointer === `/${name}` ? sentence(wrong.message) : undefined);
    const days = (label, name, hint) => {
      const most = desk[`installation_${name}`];
      return field(label, h("input", { type: "number", min: "1", max: most || "3650", value: desk[name] || "", placeholder: most ? String(most) : "for ever", oninput: (event) => this.alter({ [name]: Number(event.target.value) }) }),
        { hint: `${hint} Empty keeps it ${most ? `for ${plural(most, "day")}, as this installation does` : "for ever"}.`, problem: at(name) });
    };
    return h("form", { class: "form narrow-form", onsubmit: (event) => this.save(event) },
      field("Name of the desk", h("input", { type: "text", required: true, maxlength: "100", value: desk.name, oninput: (event) => this.alter({ name: event.target.value }) }), { hint: "Members see it here, customers where the widget has no title of its own.", problem: at("name") }),
      days("Days that answers can be explained", "traces_days", "Then what led to an answer is erased, and batches of the playground with it; messages stay."),
      days("Days that resolved conversations are kept", "conversations_days", "Counted from the last message; then the conversation is erased with all that was said. What is open stays, and so does what is known of the customer."),
      wrong && !at("name") && !at("traces_days") && !at("conversations_days") ? failure(wrong) : null,
      h("button", { class: "primary", type: "submit", disabled: !isChanged }, "Save"));
  }
}
customElements.define("fd-desk", Desk);

class Keys extends View {
  state = { list: null, isMaking: false, name: "", scopes: ["conversations"], made: null, problem: null, wrong: null };

  async entered() {
    const list = new Stretches("/v1/keys");
    try {
      await list.first();
      this.set({ list, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async make(event) {
    event.preventDefault();
    try {
      this.set({ made: await post("/v1/keys", { name: this.state.name, scopes: this.state.scopes }), wrong: null });
      await this.entered();
    } catch (wrong) {
      this.set({ wrong });
    }
  }

  async revoke(key) {
    if ((await attempt(() => remove(`/v1/keys/${key.id}`))) === undefined) return;
    toast(`${key.name} opens nothing any more.`);
    await this.entered();
  }

  render() {
    const { list, isMaking, problem } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!list) return skeleton(5);
    return [h("p", { class: "row" }, h("span", { class: "soft" }, "Programs prove themselves with a key."), h("span", { class: "spring" }), button("Make a key", () => this.set({ isMaking: true, made: null, name: "", wrong: null }), "primary")),
      list.rows.length ? [table("API keys", [["Name", (row) => row.name], ["Begins with", (row) => h("code", {}, `${row.prefix}…`), "wide-only"], ["May do", (row) => row.scopes.map((scope) => [chip(word(scope)), " "])], ["Used", (row) => ago(row.last_used_at) ?? "never", "num wide-only"],
        ["", (row) => (row.revoked_at ? chip("revoked") : button("Revoke", () => this.revoke(row), "danger quiet small"))]], list.rows), more(list, async () => { await attempt(() => list.more()); this.update(); })]
        : empty("No keys yet", "Make one for each program, with no more rights than it needs."),
      isMaking ? drawer("Make a key", this.making(), () => this.set({ isMaking: false })) : null];
  }

  making() {
    const { made, name, scopes, wrong } = this.state;
    if (made) return h("div", { class: "form" }, h("p", {}, "This is the only time it is shown. Keep it where secrets are kept."), h("code", { class: "secret" }, made.key), h("div", { class: "row" }, button("Copy", () => copy(made.key, "Key copied"), "primary"), button("Done", () => this.set({ isMaking: false }), "quiet")));
    return h("form", { class: "form", onsubmit: (event) => this.make(event) }, field("Name", h("input", { type: "text", required: true, maxlength: "100", value: name, oninput: (event) => this.set({ name: event.target.value }), placeholder: "shop backend" })), scopeChoices(scopes, (next) => this.set({ scopes: next })),
      wrong ? failure(wrong) : null, h("button", { class: "primary", type: "submit", disabled: !name.trim() || !scopes.length }, "Make it"));
  }
}
customElements.define("fd-keys", Keys);

class Members extends View {
  state = { members: null, isInviting: false, scopes: ["conversations"], invitation: null, problem: null };

  async entered() {
    try {
      this.set({ members: (await get("/v1/members")).data, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async invite() {
    const invitation = await attempt(() => post("/v1/invitations", { scopes: this.state.scopes }));
    if (invitation) this.set({ invitation });
  }

  async takeOut(member) {
    if ((await attempt(() => remove(`/v1/members/${member.id}`))) === undefined) return;
    toast(`${member.name} is no member any more. Their sessions have ended.`);
    await this.entered();
  }

  render() {
    const { members, isInviting, problem } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (!members) return skeleton(4);
    const me = this.given.me?.member?.id;
    return [h("p", { class: "row" }, h("span", { class: "soft" }, "Members sign in here and answer as agents."), h("span", { class: "spring" }), button("Invite", () => this.set({ isInviting: true, invitation: null }), "primary")),
      table("Members", [["Name", (row) => [row.name, row.id === me ? h("span", { class: "soft" }, " (you)") : null]], ["E-mail", (row) => row.email, "wide-only"], ["May do", (row) => row.scopes.map((scope) => [chip(word(scope)), " "])], ["Since", (row) => ago(row.created_at), "num wide-only"], ["", (row) => button("Take out", () => this.takeOut(row), "danger quiet small")]], members),
      isInviting ? drawer("Invite a member", this.inviting(), () => this.set({ isInviting: false })) : null];
  }

  inviting() {
    const { scopes, invitation } = this.state;
    if (!invitation) return h("div", { class: "form" }, scopeChoices(scopes, (next) => this.set({ scopes: next })), button("Make the link", () => this.invite(), "primary", { disabled: !scopes.length }));
    const link = location.origin + invitation.path;
    return h("div", { class: "form" }, h("p", {}, "Send this link to one person. It works once, for seven days, and is shown this once."), h("code", { class: "secret" }, link), h("div", { class: "row" }, button("Copy", () => copy(link, "Link copied"), "primary"), button("Done", () => this.set({ isInviting: false }), "quiet")));
  }
}
customElements.define("fd-members", Members);
