// Who writes in a conversation: what is known of them, what is remembered and from where, what was before.

import { get, post, query, remove } from "../api.js";
import { ago, attempt, failure, icon, skeleton, toast, word } from "../parts.js";
import { View, h } from "../view.js";

/** Who writes: what is known, what is remembered, what was before. */
class Person extends View {
  state = { facts: null, past: null };

  entered() {
    this.load();
  }

  changed(before) {
    if (before.customer?.id !== this.given.customer?.id) this.load();
  }

  async load() {
    const { customer } = this.given;
    if (!customer) return;
    try {
      const [facts, past] = await Promise.all([get(`/v1/customers/${customer.id}/facts`), get(query("/v1/conversations", { customer: customer.id, limit: 10 }))]);
      this.set({ facts: facts.data, past: past.data, problem: null });
    } catch (problem) {
      this.set({ problem });
    }
  }

  async forget(fact) {
    if ((await attempt(() => remove(`/v1/customers/${fact.customer_id}/facts/${fact.id}`))) === undefined) return;
    this.set({ facts: this.state.facts.filter((one) => one !== fact) });
    toast("Forgotten.", async () => { await post(`/v1/customers/${fact.customer_id}/facts`, { text: fact.text, kind: fact.kind }); await this.load(); });
  }

  async add(event) {
    event.preventDefault();
    const input = event.target.elements.fact;
    const text = input.value.trim();
    if (!text || (await attempt(() => post(`/v1/customers/${this.given.customer.id}/facts`, { text }))) === undefined) return;
    input.value = "";
    await this.load();
  }

  render() {
    const { customer, conversation } = this.given;
    const { facts, past, problem } = this.state;
    if (!customer) return h("aside", { class: "person" }, skeleton(3));
    return h("aside", { class: "person", "aria-label": "Customer", tabindex: "0" },
      h("h2", {}, customer.name || customer.email || "Unknown customer"),
      h("dl", { class: "pairs" }, [["E-mail", customer.email], ["Language", customer.locale], ["Your id", customer.external_id], ["Identity", word(customer.identity)]].filter(([, value]) => value).map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value)))),
      problem ? failure(problem, () => this.load()) : null,
      h("h3", {}, "Remembered"),
      facts === null ? skeleton(2) : facts.length ? h("ul", { class: "facts-list" }, facts.map((fact) => h("li", { key: fact.id }, h("span", {}, fact.text),
        h("span", { class: "soft" }, fact.source_message_id ? h("a", { href: `#${fact.source_message_id}` }, "from a message") : "written by a person"),
        h("button", { type: "button", class: "bare", "aria-label": `Forget: ${fact.text}`, onclick: () => this.forget(fact) }, icon("close"))))) : h("p", { class: "soft" }, "Nothing yet."),
      h("form", { class: "row", onsubmit: (event) => this.add(event) }, h("input", { name: "fact", type: "text", maxlength: "1000", "aria-label": "Something to remember", placeholder: "Remember…" }), h("button", { type: "submit", class: "quiet", "aria-label": "Remember it" }, icon("plus"))),
      h("h3", {}, "Conversations"),
      past === null ? skeleton(2) : h("ul", { class: "plain-list" }, past.map((one) => h("li", { key: one.id }, one.id === conversation ? h("strong", {}, one.title || "This one") : h("a", { href: `/inbox/${one.id}` }, one.title || one.preview?.snippet || "Conversation"), " ", h("span", { class: "soft" }, ago(one.updated_at))))));
  }
}
customElements.define("fd-person", Person);
