// The view: descriptions of elements, and elements that are brought to match them.
//
// `h("p", { class: "soft" }, "text")` describes an element. Text is always text: nothing here parses
// markup, so what customers, pages and models wrote cannot become any. A `View` is a custom element
// that describes its own content in `render()`; `set()` changes its state and renders it again, once
// per microtask. Children with a `key` keep their element when the list around them changes.

const KEY = Symbol("key");
const LISTENERS = Symbol("listeners");
const GIVEN = Symbol("given");
const DESCRIBED = Symbol("described");
const SVG = "http://www.w3.org/2000/svg";
/** Attributes that are state of the element, and must be set as properties to have an effect. */
const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "open", "indeterminate", "muted"]);
/** Attributes that lead somewhere. */
const ADDRESSES = new Set(["href", "src", "action", "formaction", "xlink:href"]);

/** Describes an element; `null`, `false` and `undefined` among the children are left out. */
export function h(tag, given, ...children) {
  const { key, ...attributes } = given ?? {};
  return { tag, key, attributes, children: flat(children, []) };
}

function flat(children, into) {
  for (const child of children) {
    if (Array.isArray(child)) flat(child, into);
    else if (child === null || child === undefined || child === false || child === true) continue;
    else if (typeof child === "object") into.push(child);
    else if (into.length && typeof into[into.length - 1] === "string") into[into.length - 1] += child;
    else into.push(String(child));
  }
  return into;
}

/** Brings the children of `parent` to match the descriptions. Focus stays where it was. */
export function patch(parent, ...described) {
  const focused = document.activeElement;
  reconcile(parent, flat(described, []));
  if (focused && focused !== document.activeElement && focused.isConnected && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

function reconcile(parent, described) {
  const keyed = new Map();
  for (const node of parent.childNodes) if (node[KEY] !== undefined) keyed.set(node[KEY], node);
  const wanted = new Set(described.map((one) => one.key).filter((key) => key !== undefined));
  let cursor = parent.firstChild;
  for (const one of described) {
    cursor = dropGone(cursor, wanted);
    const node = match(parent, one, cursor, keyed);
    // Before it is inserted: a view must know what it was given when it enters the page.
    if (typeof one !== "string") fill(node, one);
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

/** Takes keyed elements out that are not described any more, so that those behind need not move. */
function dropGone(cursor, wanted) {
  while (cursor && cursor[KEY] !== undefined && !wanted.has(cursor[KEY])) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
  return cursor;
}

/** The present node for a description, or a fresh one. */
function match(parent, one, cursor, keyed) {
  if (typeof one === "string") {
    if (cursor?.nodeType !== Node.TEXT_NODE) return document.createTextNode(one);
    if (cursor.data !== one) cursor.data = one;
    return cursor;
  }
  if (one.key !== undefined) {
    const present = keyed.get(one.key);
    keyed.delete(one.key);
    if (present?.localName === one.tag) return present;
    const node = create(one, parent);
    node[KEY] = one.key;
    return node;
  }
  const fits = cursor?.nodeType === Node.ELEMENT_NODE && cursor[KEY] === undefined && cursor.localName === one.tag;
  return fits ? cursor : create(one, parent);
}

function create(one, parent) {
  const isSvg = one.tag === "svg" || (parent.namespaceURI === SVG && parent.localName !== "foreignObject");
  const node = isSvg ? document.createElementNS(SVG, one.tag) : document.createElement(one.tag);
  node[GIVEN] = {};
  return node;
}

/** Brings one element's attributes and children to match. */
function fill(node, one) {
  // The very same description as before: a long list keeps those of rows that did not change.
  if (node[DESCRIBED] === one) return;
  node[DESCRIBED] = one;
  const before = node[GIVEN] ?? {};
  const after = one.attributes;
  // A select's value can only be set once its options are there.
  if (!(node instanceof View)) reconcile(node, one.children);
  for (const name in before) if (!(name in after)) give(node, name, undefined, before[name]);
  for (const name in after) {
    if (after[name] !== before[name] || PROPERTIES.has(name)) give(node, name, after[name], before[name]);
  }
  node[GIVEN] = after;
  if (node instanceof View) node.receive(after);
  if (after.ready && !before.ready) queueMicrotask(() => after.ready(node));
}

function give(node, name, value, before) {
  if (name === "ready") return;
  if (name.startsWith("on")) return listen(node, name.slice(2), value);
  if (name === "style") return restyle(node, value ?? {}, before ?? {});
  if (PROPERTIES.has(name)) {
    const next = name === "value" ? String(value ?? "") : Boolean(value);
    if (node[name] !== next) node[name] = next;
    return;
  }
  // What a view is given may be any value; it is read from `this.given`.
  if (node instanceof View && (typeof value === "object" || typeof value === "function")) return;
  if (value === null || value === undefined || value === false || (ADDRESSES.has(name) && !isSafe(value))) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : Array.isArray(value) ? value.filter(Boolean).join(" ") : value);
  }
}

/** Whether an address leads to a page, a file of ours or a mail program, and never into a script. */
export function isSafe(address) {
  try {
    const url = new URL(String(address), location.href);
    return ["http:", "https:", "mailto:", "blob:"].includes(url.protocol);
  } catch {
    return false;
  }
}

/** Only functions become listeners: a text never does. */
function listen(node, event, handler) {
  node[LISTENERS] ??= {};
  if (!(event in node[LISTENERS])) node.addEventListener(event, (happened) => node[LISTENERS][event]?.(happened));
  node[LISTENERS][event] = typeof handler === "function" ? handler : undefined;
}

/** Through the object model, because the content policy forbids style attributes. */
function restyle(node, after, before) {
  for (const name in before) if (!(name in after)) node.style.removeProperty(name);
  for (const name in after) node.style.setProperty(name, after[name]);
}

/** A custom element that describes its content from what it was given and its own state. */
export class View extends HTMLElement {
  given = {};
  state = {};
  #isLive = false;
  #isDue = false;

  connectedCallback() {
    if (this.#isLive) return;
    this.#isLive = true;
    this.entered?.();
    this.update();
  }

  disconnectedCallback() {
    // A move is a leave and an entry at once; only who stays away has left.
    queueMicrotask(() => {
      if (this.isConnected || !this.#isLive) return;
      this.#isLive = false;
      this.left?.();
    });
  }

  /** Takes what the view around gives. */
  receive(given) {
    const before = this.given;
    this.given = given;
    const names = new Set([...Object.keys(before), ...Object.keys(given)]);
    const isChanged = [...names].some((name) => typeof given[name] !== "function" && given[name] !== before[name]);
    if (!isChanged || !this.#isLive) return;
    this.changed?.(before);
    this.update();
  }

  /** Changes the state and renders. */
  set(changes) {
    Object.assign(this.state, changes);
    this.update();
  }

  /** Renders once, after what runs now. */
  update() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.isConnected) patch(this, this.render());
      this.rendered?.();
    });
  }

  /** Describes the content. */
  render() {
    return [];
  }
}
