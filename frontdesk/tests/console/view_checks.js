// Runs in a page of the console; what it returns is looked at by the test.
const base = document.querySelector("script[type=module]").src.replace(/app\.js$/, "");
const { h, patch, View, isSafe } = await import(`${base}view.js`);
const { markdown, toHostsOf } = await import(`${base}markdown.js`);
const { steps, isAlike } = await import(`${base}diff.js`);
const checks = [];
const check = (what, held) => checks.push({ what, held: Boolean(held) });
const turn = () => new Promise((next) => setTimeout(next));
const root = document.createElement("div");
document.body.append(root);

// Text is text, whatever it holds.
patch(root, h("p", { title: "\"><img src=x>" }, "<img src=x onerror=alert(1)>", 5, null, false, ["a", ["b"]]));
check("text is not parsed", root.innerHTML.includes("&lt;img") && !root.querySelector("img"));
check("children are flat, nothing is left out that is something", root.textContent.endsWith("5ab"));
check("attributes are attributes", root.firstChild.title === "\"><img src=x>");
const paragraph = root.firstChild;
const kept = h("p", { title: "once" }, "once");
patch(root, kept);
root.firstChild.title = "by hand";
patch(root, kept);
check("the very same description is not applied again", root.firstChild.title === "by hand");
patch(root, h("p", { title: "once" }, "once"), h("p", { title: "more" }));
patch(root, h("p", { title: "once" }, "once"));
patch(root, h("p", {}, "other"));
check("an element that fits stays", root.firstChild === paragraph && !paragraph.hasAttribute("title"));

// Lists with keys.
const list = (...keys) => patch(root, h("ul", { key: "list" }, keys.map((key) => h("li", { key }, h("input", { "aria-label": key })))));
list("a", "b", "c", "d");
const nodes = Object.fromEntries([..."abcd"].map((key, at) => [key, root.querySelectorAll("li")[at]]));
nodes.c.firstChild.focus();
const order = () => [...root.querySelectorAll("li")].map((node) => Object.keys(nodes).find((key) => nodes[key] === node)).join("");
list("d", "a", "b", "c");
check("elements move with their keys", order() === "dabc");
check("focus survives a move", document.activeElement === nodes.c.firstChild);
list("d", "c");
check("what is gone is gone", order() === "dc" && document.activeElement === nodes.c.firstChild);
list("c", "d");
check("moved again", order() === "cd");
for (let round = 0; round < 40; round += 1) {
  const keys = [..."abcdefgh"].filter((_, at) => (round * 7 + at * 3) % 5 > 1).sort((x, y) => ((x.charCodeAt() * (round + 3)) % 11) - ((y.charCodeAt() * (round + 3)) % 11));
  list(...keys);
  check(`order of round ${round}`, [...root.querySelectorAll("input")].map((node) => node.getAttribute("aria-label")).join("") === keys.join(""));
}

// Events, properties, addresses.
let clicked = 0;
const click = (by) => patch(root, h("button", { key: "b", onclick: () => { clicked += by; } }, "x"));
click(1);
root.firstChild.click();
click(10);
root.firstChild.click();
check("the newest listener hears, once", clicked === 11);
patch(root, h("button", { key: "b", onclick: "alert(1)" }, "x"));
root.firstChild.click();
check("a text is no listener", clicked === 11 && !root.firstChild.hasAttribute("onclick"));
patch(root, h("select", { key: "s", value: "2" }, h("option", { value: "1" }, "1"), h("option", { value: "2" }, "2")));
check("a select has its value", root.firstChild.value === "2");
patch(root, h("input", { key: "i", value: "x" }));
root.firstChild.value = "typed";
patch(root, h("input", { key: "i", value: "x" }));
check("a field shows what it is given", root.firstChild.value === "x");
for (const address of ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>", "vbscript:x", "java\nscript:alert(1)", "http://[", "file:///etc/passwd"]) {
  patch(root, h("a", { key: address, href: address }, "x"));
  check(`no link to ${address}`, !root.firstChild.hasAttribute("href") && !isSafe(address));
}
check("links to pages are links", isSafe("/inbox") && isSafe("https://x.example/") && isSafe("mailto:a@b.c"));
patch(root, h("i", { key: "w", style: { width: "40%" } }));
check("styles go through the object model", root.firstChild.style.width === "40%");
patch(root, h("svg", { key: "svg", viewBox: "0 0 1 1" }, h("path", { d: "M0 0" })));
check("drawings are drawings", root.querySelector("path").namespaceURI === "http://www.w3.org/2000/svg");

// Views.
const seen = [];
class Probe extends View {
  entered() { seen.push(`entered ${this.given.name}`); }
  changed(before) { seen.push(`changed ${before.name}`); }
  left() { seen.push("left"); }
  render() { seen.push("rendered"); return h("b", {}, this.given.name, this.state.more); }
}
customElements.define("fd-probe", Probe);
patch(root, h("fd-probe", { key: "p", name: "one" }));
await turn();
root.firstChild.set({ more: "!" });
root.firstChild.set({ more: "?" });
await turn();
patch(root, h("fd-probe", { key: "p", name: "two" }));
await turn();
patch(root, h("fd-probe", { key: "p", name: "two", onclick: () => {} }));
await turn();
check("a view shows what it is given", root.textContent === "two?");
patch(root);
await turn();
check("a view lives once and renders once a turn", seen.join() === "entered one,rendered,rendered,changed one,rendered,left");

// Markdown: what models, customers and pages may have written.
const shown = (text, options) => { patch(root, h("div", { key: text }, markdown(text, options))); return root.firstChild; };
const allow = toHostsOf([{ url: "https://lumen.example/help" }, { url: null }]);
const attacks = [
  "![x](https://evil.example/a.png)", "![x][1]\n\n[1]: https://evil.example/a.png", "[x](javascript:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD4=)", "<script>alert(1)</script>",
  "<img src=https://evil.example/x onerror=alert(1)>", "<svg onload=alert(1)>", "<iframe src=https://evil.example></iframe>", "<a href=https://evil.example>x</a>", "[x](https://lumen.example.evil.example/)",
  "[x](https://lumen.example@evil.example/)", "[x](//evil.example)", "[x](https://lumen.еxample/)", "<https://evil.example>", "https://evil.example/auto", "[![x](https://evil.example/a.png)](https://evil.example)",
  "`<img src=x>`", "```\n<script>alert(1)</script>\n```", "# <img src=x onerror=alert(1)>", "- <img src=x onerror=alert(1)>", "| <img src=x> | b |\n|---|---|\n| <script>x</script> | d |", "> <script>alert(1)</script>",
  "**<img src=x>**", "[x](vbscript:alert(1))", "[x]( javascript:alert(1) )", "[<img src=x>](https://evil.example)", "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">", "<style>@import 'https://evil.example'</style>",
  "<base href=https://evil.example>", "<form action=https://evil.example><button>x</button></form>", "&lt;script&gt;alert(1)&lt;/script&gt;", "[x](&#106;avascript:alert(1))",
];
for (const attack of attacks) {
  const node = shown(attack, { mayLink: allow });
  check(`harmless: ${attack}`, !node.querySelector("img, script, svg, iframe, form, base, style, math, object, embed, a, [onerror], [onload]"));
}
check("a link to a cited host is one", shown("[help](https://lumen.example/help/x)", { mayLink: allow }).querySelector("a[rel~=noopener]")?.textContent === "help");
const rich = shown("# T\n\nOne **two** *three* `four`\nfive\n\n- a\n- b\n  c\n\n1. x\n\n### Deep\n\n> q\n\n| a | b |\n|---|---|\n| c | d |\n\n~~~\ncode\n~~~");
check("the common subset is shown", ["h3", "strong", "em", "code", "ul", "ol", "h4", "blockquote", "td", "pre"].every((tag) => rich.querySelector(tag)) && rich.querySelectorAll("ul li").length === 2);
check("snake_case_words and 2 * 3 * 4 stay", !shown("snake_case_words and 2 * 3 * 4").querySelector("em"));
check("marks become citations", shown("Yes [1] [2].", { cite: (number) => number === 1 && h("button", {}, "one") }).textContent === "Yes one [2].");
check("a long text ends", shown("[".repeat(50_000)).textContent.length === 50_000);

// Differences.
const joined = (found, side) => found.filter(([sign]) => sign === " " || sign === side).map(([, unit]) => unit).join("");
for (const [before, after] of [["abcd", "abxd"], ["", "abc"], ["abc", ""], ["abcabc", "bcab"], ["same", "same"]]) {
  const found = steps([...before], [...after]);
  check(`difference of ${before} and ${after}`, joined(found, "-") === before && joined(found, "+") === after);
}
check("alike or not", isAlike("a b c d", "a b c e") && !isAlike("a b", "c d") && !isAlike("x", "x"));
root.remove();
return checks;
