// Settings › Widget: the line to embed, what visitors see, and how it looks before it is saved.

import { change, get } from "../api.js";
import { button, copy, empty, failure, field, select, skeleton, toast } from "../parts.js";
import { View, h } from "../view.js";

const LANGUAGES = [["", "As the page or the visitor"], ["en", "English"], ["de", "Deutsch"], ["es", "Español"], ["fr", "Français"], ["ar", "العربية"]];
const lines = (text) => text.split(/[\n,]/).map((one) => one.trim()).filter(Boolean);

class WidgetSettings extends View {
  state = { channel: null, settings: {}, problem: null, wrong: null };

  async entered() {
    try {
      const { data } = await get("/v1/channels");
      const channel = data.find((one) => one.kind === "widget");
      this.set({ channel: channel ?? false, settings: { ...channel?.settings } });
      if (channel) await import("/widget.js");
      this.show();
    } catch (problem) {
      this.set({ problem });
    }
  }

  alter(fields) {
    this.set({ settings: { ...this.state.settings, ...fields }, wrong: null });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), 150);
  }

  /** The widget itself, with the settings as they stand here. */
  show() {
    const { settings } = this.state;
    this.querySelector("frontdesk-widget")?.preview?.({ theme: "system", position: "right", pre_chat: [], link_hosts: [], texts: {}, ...settings, title: settings.title || this.given.me.organization.name });
  }

  async save() {
    const { channel, settings } = this.state;
    const body = Object.fromEntries([...new Set([...Object.keys(settings), ...Object.keys(channel.settings)])].map((name) => [name, settings[name] === "" || settings[name] === undefined ? null : settings[name]]));
    try {
      const saved = await change(`/v1/channels/${channel.id}`, { settings: body });
      this.set({ channel: saved, settings: { ...saved.settings }, wrong: null });
      toast("Saved. Visitors see it within five minutes.");
    } catch (wrong) {
      this.set({ wrong });
    }
  }

  asked(name) {
    return this.state.settings.pre_chat?.find((one) => one.field === name);
  }

  ask(name, how) {
    const others = (this.state.settings.pre_chat ?? []).filter((one) => one.field !== name);
    this.alter({ pre_chat: how ? [...others, { field: name, required: how === "required" }] : others });
  }

  render() {
    const { channel, settings, problem, wrong } = this.state;
    if (problem) return failure(problem, () => this.entered());
    if (channel === null) return skeleton(7);
    if (!channel) return empty("No widget", "This desk has no channel of that kind.");
    const line = `<script async src="${location.origin}/widget.js" data-key="${channel.public_key}"></script>`;
    const text = (name, label, more = {}, hint) => field(label, h("input", { type: "text", value: settings[name] ?? "", maxlength: "200", oninput: (event) => this.alter({ [name]: event.target.value }), ...more }), { hint });
    const list = (name, label, placeholder, hint) => field(label, h("textarea", { rows: "2", class: "code", value: (settings[name] ?? []).join("\n"), placeholder, onchange: (event) => this.alter({ [name]: lines(event.target.value) }) }), { hint });
    const choose = (name, label, options) => field(label, select(options, settings[name] ?? options[0][0], (value) => this.alter({ [name]: value })));
    const asks = (name, label) => field(label, select([["", "Do not ask"], ["optional", "Ask"], ["required", "Ask, and require"]], this.asked(name) ? (this.asked(name).required ? "required" : "optional") : "", (value) => this.ask(name, value)));
    return h("div", { class: "editor" },
      h("div", { class: "form" },
        h("section", { class: "card embed" }, h("h2", {}, "One line for your website"), h("pre", { class: "code", tabindex: "0", "aria-label": "Line to embed" }, line),
          h("p", { class: "row" }, button("Copy the line", () => copy(line), "primary"), h("a", { href: "/demo", target: "_blank" }, "See it on a page")), h("p", { class: "soft" }, "The key is public: it opens nothing but a new conversation.")),
        wrong ? failure(wrong) : null,
        text("title", "Title", { placeholder: this.given.me.organization.name }), text("greeting", "Greeting", { placeholder: "In the visitor's language" }),
        h("div", { class: "form columns" }, field("Colour", h("input", { type: "color", value: settings.accent_color ?? "#0b6b5e", oninput: (event) => this.alter({ accent_color: event.target.value }) })),
          choose("theme", "Theme", [["system", "As the visitor's system"], ["light", "Light"], ["dark", "Dark"]]), choose("position", "Corner", [["right", "Right"], ["left", "Left"]]), choose("language", "Language", LANGUAGES)),
        h("div", { class: "form columns" }, asks("name", "Name"), asks("email", "E-mail address")),
        list("allowed_origins", "Websites that may embed it", "https://www.example.com", "One a line. Empty: any website."), list("link_hosts", "Hosts that answers may link to", "shop.example.com", "Besides the hosts of cited documents."),
        h("p", { class: "row" }, button("Save", () => this.save(), "primary"))),
      h("section", { "aria-label": "Preview" }, h("frontdesk-widget", { "data-preview": true })));
  }
}
customElements.define("fd-widget-settings", WidgetSettings);
