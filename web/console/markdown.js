// Shows the small part of Markdown that answers and articles use. It builds descriptions, never markup:
// raw HTML is shown as the text it is, images as their description, and a link is one only where
// `mayLink` says so.

import { h } from "./view.js";

/** Characters that are read as Markdown; what comes behind is shown as plain text. */
const CHARS_MAX = 200_000;
/** The level of a text's highest headings: pages have theirs above. */
const LEVEL_FIRST = 3;
const HEADING = /^(#{1,6})\s+(.*)$/;
const INLINE = /(`+)([^`]+?)\1|\*\*(.+?)\*\*|(?<![\w*])[*_](?!\s)([^*_]+?)[*_](?![\w*])|!\[([^\]]*)\]\([^)]*\)|\[([^\]]+)\]\(([^)\s]+)[^)]*\)|\[(\d{1,2})\]/gs;

const nowhere = () => false;

/** Describes a text. `cite(number)` describes a citation's mark, where there are citations. */
export function markdown(text, { mayLink = nowhere, cite } = {}) {
  const blocks = [];
  const lines = text.slice(0, CHARS_MAX).split("\n");
  const levels = lines.map((line) => line.match(HEADING)?.[1].length).filter(Boolean);
  // Whatever a text begins with, its headings follow those of the page without a gap.
  const tools = { mayLink, cite, highest: Math.min(...levels), level: LEVEL_FIRST - 1 };
  for (let at = 0; at < lines.length; ) {
    const [block, next] = read(lines, at, tools);
    if (block) blocks.push(block);
    at = next;
  }
  if (text.length > CHARS_MAX) blocks.push(h("pre", {}, text.slice(CHARS_MAX)));
  return blocks;
}

/** One block and the line behind it. */
function read(lines, at, tools) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  const fence = line.match(/^\s*(`{3}|~~~)/)?.[1];
  if (fence) {
    const end = lines.findIndex((other, place) => place > at && other.trim().startsWith(fence));
    const until = end === -1 ? lines.length : end;
    return [h("pre", {}, lines.slice(at + 1, until).join("\n")), until + 1];
  }
  const heading = line.match(HEADING);
  if (heading) {
    tools.level = Math.min(LEVEL_FIRST + heading[1].length - tools.highest, tools.level + 1, 6);
    return [h(`h${tools.level}`, {}, inline(heading[2], tools)), at + 1];
  }
  if (isItem(line)) return list(lines, at, tools);
  if (/^\s*>/.test(line)) {
    const end = endOf(lines, at, (other) => /^\s*>/.test(other));
    const inner = lines.slice(at, end).map((other) => other.replace(/^\s*>\s?/, ""));
    return [h("blockquote", {}, inline(inner.join(" "), tools)), end];
  }
  if (line.includes("|") && /^\s*\|?[\s:-]+\|[\s|:-]*$/.test(lines[at + 1] ?? "")) return grid(lines, at, tools);
  const end = endOf(lines, at, (other) => other.trim() && !isItem(other) && !/^(#{1,6}\s|\s*(`{3}|~~~|>))/.test(other), 1);
  return [h("p", {}, inline(lines.slice(at, end).join("\n"), tools)), end];
}

const isItem = (line) => /^\s*([-*+]|\d{1,9}[.)])\s+/.test(line);

function endOf(lines, at, belongs, from = 0) {
  let end = at + from;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return Math.max(end, at + 1);
}

function list(lines, at, tools) {
  const isOrdered = /^\s*\d/.test(lines[at]);
  const end = endOf(lines, at, (line) => isItem(line) || /^\s{2,}\S/.test(line));
  const items = [];
  for (const line of lines.slice(at, end)) {
    if (isItem(line)) items.push(line.replace(/^\s*([-*+]|\d{1,9}[.)])\s+/, ""));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return [h(isOrdered ? "ol" : "ul", {}, items.map((item) => h("li", {}, inline(item, tools)))), end];
}

function grid(lines, at, tools) {
  const end = endOf(lines, at, (line) => line.includes("|"));
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim(), tools));
  const [head, , ...body] = lines.slice(at, end);
  return [h("table", {}, h("thead", {}, h("tr", {}, cells(head).map((cell) => h("th", {}, cell)))),
    h("tbody", {}, body.map((line) => h("tr", {}, cells(line).map((cell) => h("td", {}, cell)))))), end];
}

function inline(text, tools) {
  const parts = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(last, found.index), mark(found, tools));
    last = found.index + found[0].length;
  }
  parts.push(text.slice(last));
  return parts;
}

function mark([whole, , code, strong, soft, image, label, address, number], tools) {
  if (code !== undefined) return h("code", {}, code);
  if (strong !== undefined) return h("strong", {}, inline(strong, tools));
  if (soft !== undefined) return h("em", {}, inline(soft, tools));
  if (image !== undefined) return image;
  if (number !== undefined) return tools.cite?.(Number(number)) || whole;
  if (!tools.mayLink(address)) return inline(label, tools);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, inline(label, tools));
}

/** Links are allowed to the hosts of cited documents only. */
export function toHostsOf(citations) {
  const hosts = new Set();
  for (const { url } of citations ?? []) {
    try {
      hosts.add(new URL(url).host);
    } catch {
      // A document without an address allows no host.
    }
  }
  return (address) => {
    try {
      const url = new URL(address);
      return ["https:", "http:"].includes(url.protocol) && hosts.has(url.host);
    } catch {
      return false;
    }
  };
}
