// The widget: a custom element in a shadow root, brought by one line:
//   <script async src="https://desk.example.com/widget.js" data-key="pk_…"></script>
// It stores nothing but this site's own local storage, sets no cookie, and asks nobody but the desk.
// Nothing here parses markup: what visitors, agents and models wrote only ever becomes text.

(() => {
  "use strict";
  if (customElements.get("frontdesk-widget")) return;

  /** Milliseconds before the first try to connect again; each further one waits twice as long. */
  const RETRY_MS = 1_000;
  const RETRY_MS_MAX = 30_000;
  /** Milliseconds without a word of the desk, which sends one every 15 seconds. */
  const SILENCE_MS = 40_000;
  /** Milliseconds between the pieces of an answer that is shown as it comes. */
  const PIECE_MS = 90;
  const TYPING_MS = 6000;
  /** Characters of a message, as the desk takes them. */
  const CONTENT_MAX = 8_000;
  /** Messages that wait to be sent at most. */
  const UNSENT_MAX = 20;
  const INLINE = /`([^`\n]+)`|\*\*(.+?)\*\*|(?<![\w*])[*_](?!\s)([^*_\n]+?)[*_](?![\w*])|!\[([^\]]*)\]\([^)]*\)|\[([^\]]+)\]\(\s*<?([^)\s>]+)[^)]*\)|\[(\d{1,2})\]/gs;

  const TEXTS = {
    en: {
      open: "Open the chat", close: "Close the chat", greeting: "Hello! How can we help?", placeholder: "Write a message…", send: "Send", you: "You", ai: "AI assistant", team: "Team",
      person: "Talk to a person", queued: "A person will answer here. You may close this window and come back.", agent: "You are talking to {name}.", typing: "Writing an answer…", lost: "No connection. Your messages are kept and sent when it is back.",
      unsent: "Not sent yet", refused: "Not sent", again: "Send again", good: "That helped", poor: "That did not help", thanks: "Thank you.", sources: "Sources", source: "Source {n}", name: "Your name", email: "Your e-mail address", start: "Begin",
      required: "Please fill this in.", resolved: "This conversation is closed. Write to open it again.", failed: "The chat cannot be reached right now.", log: "Conversation", optional: "optional", busy: "Too many messages. Wait a minute.", fresh: "New messages",
    },
    de: {
      open: "Chat öffnen", close: "Chat schließen", greeting: "Hallo! Wie können wir helfen?", placeholder: "Nachricht schreiben …", send: "Senden", you: "Sie", ai: "KI-Assistent", team: "Team",
      person: "Mit einem Menschen sprechen", queued: "Ein Mensch antwortet Ihnen hier. Sie können das Fenster schließen und wiederkommen.", agent: "Sie sprechen mit {name}.", typing: "Eine Antwort wird geschrieben …", lost: "Keine Verbindung. Ihre Nachrichten bleiben erhalten und werden später gesendet.",
      unsent: "Noch nicht gesendet", refused: "Nicht gesendet", again: "Erneut senden", good: "Das hat geholfen", poor: "Das hat nicht geholfen", thanks: "Danke.", sources: "Quellen", source: "Quelle {n}", name: "Ihr Name", email: "Ihre E-Mail-Adresse", start: "Beginnen",
      required: "Bitte ausfüllen.", resolved: "Dieses Gespräch ist beendet. Schreiben Sie, um es wieder zu öffnen.", failed: "Der Chat ist gerade nicht erreichbar.", log: "Gespräch", optional: "freiwillig", busy: "Zu viele Nachrichten. Bitte eine Minute warten.", fresh: "Neue Nachrichten",
    },
    es: {
      open: "Abrir el chat", close: "Cerrar el chat", greeting: "¡Hola! ¿En qué podemos ayudar?", placeholder: "Escriba un mensaje…", send: "Enviar", you: "Usted", ai: "Asistente de IA", team: "Equipo",
      person: "Hablar con una persona", queued: "Una persona le responderá aquí. Puede cerrar la ventana y volver.", agent: "Está hablando con {name}.", typing: "Escribiendo una respuesta…", lost: "Sin conexión. Sus mensajes se guardan y se enviarán después.",
      unsent: "Aún no enviado", refused: "No enviado", again: "Enviar de nuevo", good: "Me ha ayudado", poor: "No me ha ayudado", thanks: "Gracias.", sources: "Fuentes", source: "Fuente {n}", name: "Su nombre", email: "Su correo electrónico", start: "Empezar",
      required: "Rellene este campo.", resolved: "Esta conversación está cerrada. Escriba para abrirla de nuevo.", failed: "El chat no está disponible ahora.", log: "Conversación", optional: "opcional", busy: "Demasiados mensajes. Espere un minuto.", fresh: "Mensajes nuevos",
    },
    fr: {
      open: "Ouvrir le chat", close: "Fermer le chat", greeting: "Bonjour ! Comment pouvons-nous vous aider ?", placeholder: "Écrivez un message…", send: "Envoyer", you: "Vous", ai: "Assistant IA", team: "Équipe",
      person: "Parler à une personne", queued: "Une personne vous répondra ici. Vous pouvez fermer la fenêtre et revenir.", agent: "Vous parlez avec {name}.", typing: "Réponse en cours…", lost: "Pas de connexion. Vos messages sont gardés et partiront plus tard.",
      unsent: "Pas encore envoyé", refused: "Non envoyé", again: "Renvoyer", good: "Cela m’a aidé", poor: "Cela ne m’a pas aidé", thanks: "Merci.", sources: "Sources", source: "Source {n}", name: "Votre nom", email: "Votre adresse e-mail", start: "Commencer",
      required: "À remplir.", resolved: "Cette conversation est close. Écrivez pour la rouvrir.", failed: "Le chat est indisponible pour le moment.", log: "Conversation", optional: "facultatif", busy: "Trop de messages. Attendez une minute.", fresh: "Nouveaux messages",
    },
    ar: {
      open: "افتح المحادثة", close: "أغلق المحادثة", greeting: "مرحبًا! كيف يمكننا المساعدة؟", placeholder: "اكتب رسالة…", send: "إرسال", you: "أنت", ai: "مساعد ذكي", team: "الفريق",
      person: "تحدث إلى شخص", queued: "سيجيبك شخص هنا. يمكنك إغلاق النافذة والعودة لاحقًا.", agent: "أنت تتحدث مع {name}.", typing: "جارٍ كتابة الرد…", lost: "لا يوجد اتصال. رسائلك محفوظة وسترسل عند عودته.",
      unsent: "لم تُرسل بعد", refused: "لم تُرسل", again: "أرسل مرة أخرى", good: "كان هذا مفيدًا", poor: "لم يكن هذا مفيدًا", thanks: "شكرًا لك.", sources: "المصادر", source: "المصدر {n}", name: "اسمك", email: "بريدك الإلكتروني", start: "ابدأ",
      required: "يرجى ملء هذا الحقل.", resolved: "انتهت هذه المحادثة. اكتب لإعادة فتحها.", failed: "المحادثة غير متاحة الآن.", log: "المحادثة", optional: "اختياري", busy: "رسائل كثيرة. انتظر دقيقة.", fresh: "رسائل جديدة",
    },
  };
  const FROM_RIGHT = ["ar", "he", "fa", "ur"];

  // Inner rules that are important win over the page's own, so no reset of a page reaches the element.
  const STYLE = `
:host { all: initial !important; position: fixed !important; z-index: 2147483000 !important; inset: auto 20px 20px auto !important; display: block !important;
  direction: ltr !important; unicode-bidi: isolate !important; visibility: visible !important; opacity: 1 !important; color-scheme: light dark !important; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif !important; }
:host([data-side=left]) { inset: auto auto 20px 20px !important; }
:host([data-theme=light]) { color-scheme: light !important; }
:host([data-theme=dark]) { color-scheme: dark !important; }
:host([data-preview]) { position: relative !important; inset: auto !important; z-index: 0 !important; }
* { box-sizing: border-box; font: inherit; color: inherit; margin: 0; padding: 0; letter-spacing: normal; text-align: start; }
.all { --ground: light-dark(#fff, #1b1f1e); --sunken: light-dark(#f0f2f1, #272d2b); --ink: light-dark(#18211e, #e8ecea); --soft: light-dark(#56625d, #a9b5b0); --line: light-dark(#dbe0dd, #353d3a); --edge: light-dark(#7f8a85, #76837d);
  --strong: var(--accent); --on: var(--on-accent); --mine: var(--accent); --told: light-dark(#a3261b, #f5a79e); color: var(--ink); }
button { cursor: pointer; background: none; border: 0; border-radius: 8px; }
button:focus-visible, a:focus-visible, textarea:focus-visible, input:focus-visible, [tabindex]:focus-visible { outline: 2px solid light-dark(#18211e, #fff); outline-offset: 2px; box-shadow: 0 0 0 2px light-dark(#fff, #000); }
.launch { display: grid; place-items: center; width: 56px; height: 56px; border-radius: 50%; background: var(--strong); color: var(--on); box-shadow: 0 4px 18px #0005; position: relative; }
.launch svg { width: 26px; height: 26px; }
svg { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; width: 20px; height: 20px; display: block; }
.fresh { position: absolute; top: -4px; inset-inline-end: -4px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px; background: #a3261b; color: #fff; font-size: 13px; line-height: 22px; text-align: center; }
.panel { position: absolute; bottom: 0; right: 0; display: flex; flex-direction: column; width: 384px; height: min(620px, calc(100vh - 40px)); background: var(--ground); border: 1px solid var(--line); border-radius: 16px; overflow: hidden; box-shadow: 0 10px 40px #0004; }
:host([data-side=left]) .panel { right: auto; left: 0; }
:host([data-preview]) .panel { position: static; width: 100%; max-width: 384px; height: 520px; box-shadow: none; }
header { display: flex; align-items: center; gap: 12px; padding: 12px 12px 12px 18px; background: var(--strong); color: var(--on); }
[dir=rtl] header { padding: 12px 18px 12px 12px; }
header h2 { flex: 1; font-weight: 600; font-size: 16px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header button { padding: 8px; }
header button:focus-visible { outline-color: currentColor; box-shadow: none; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; display: flex; flex-direction: column; gap: 12px; }
.said { max-width: 88%; display: grid; gap: 4px; align-self: start; }
.said.mine { align-self: end; }
.who { font-size: 12px; color: var(--soft); }
.mine .who { text-align: end; }
.bubble { padding: 9px 13px; border-radius: 14px; background: var(--sunken); overflow-wrap: anywhere; }
.mine .bubble { background: var(--mine); color: var(--on); white-space: pre-wrap; }
.bubble > * + * { margin-top: 8px; }
.bubble ul, .bubble ol { padding-inline-start: 20px; }
.bubble strong { font-weight: 650; }
.bubble em { font-style: italic; }
.bubble code, .bubble pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 13px; }
.bubble pre { overflow-x: auto; white-space: pre-wrap; }
.bubble a, .quotes a { text-decoration: underline; }
.cite { font-size: 12px; font-weight: 600; min-width: 24px; padding: 0 5px; margin-inline: 2px; border-radius: 6px; background: light-dark(#dde5e1, #3a4340); text-align: center; }
.quotes { border-inline-start: 3px solid var(--line); padding-inline-start: 10px; font-size: 13px; color: var(--soft); display: grid; gap: 2px; overflow-wrap: anywhere; }
.under { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; font-size: 12px; color: var(--soft); min-height: 24px; }
.mine .under { justify-content: end; }
.under button { padding: 3px 6px; }
.under button[aria-pressed=true] { background: var(--sunken); color: var(--ink); }
.under svg { width: 16px; height: 16px; }
.told { color: var(--told); }
.state { font-size: 13px; color: var(--soft); text-align: center; padding: 0 10px; }
.dots { display: inline-flex; gap: 4px; padding: 12px 14px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: dots 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .2s } .dots i:nth-child(3) { animation-delay: .4s }
@keyframes dots { 50% { opacity: .25; transform: translateY(-2px); } }
.lost { padding: 8px 16px; font-size: 13px; background: light-dark(#fbefd8, #35290f); color: light-dark(#6b3f00, #f0c47c); }
.foot { border-top: 1px solid var(--line); padding: 10px 12px; display: grid; gap: 6px; }
.write { display: flex; gap: 8px; align-items: end; }
textarea, input { width: 100%; min-width: 0; padding: 9px 12px; border: 1px solid var(--edge); border-radius: 10px; background: var(--ground); color: var(--ink); resize: none; }
textarea { max-height: 140px; height: 42px; }
::placeholder { color: var(--soft); opacity: 1; }
.main { background: var(--strong); color: var(--on); padding: 10px 14px; border-radius: 10px; font-weight: 600; }
.main:disabled { opacity: .55; cursor: default; }
[dir=rtl] .main svg { transform: scaleX(-1); }
.person { justify-self: center; font-size: 13px; color: var(--soft); padding: 4px 10px; text-decoration: underline; }
.form { padding: 20px; display: grid; gap: 14px; align-content: start; flex: 1; overflow-y: auto; }
.form label { display: grid; gap: 4px; font-size: 14px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) { :host([data-open]:not([data-preview])) { inset: 0 !important; } :host(:not([data-preview])) .panel { position: fixed; inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } }
@media (prefers-reduced-motion: reduce) { .dots i { animation: none; } }
@media (forced-colors: active) { .launch, .main, .panel, .bubble { border: 1px solid; } }`;

  const ICONS = {
    chat: "M4 5h16v11H9l-5 4z", close: "M6 6l12 12M18 6L6 18", send: "M4 12h15M13 6l6 6-6 6",
    good: "M7 11v9H4v-9zM7 11l4-8c2 0 2.5 1.5 2 6h6l-1.5 9.500c-.2 1-.8 1.5-1.5 1.5H7", poor: "M17 13V4h3v9zM17 13l-4 8c-2 0-2.5-1.5-2-6H5l1.5-9.500C6.7 4.5 7.3 4 8 4h9",
  };

  /** An element with attributes, listeners (`on…`) and children; texts stay texts. */
  function make(tag, given = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /** What the site keeps for the visitor; a site that may keep nothing forgets with the page. */
  class Kept {
    #memory = {};
    constructor(key) {
      this.key = `frontdesk ${key}`;
    }
    read() {
      try {
        return JSON.parse(localStorage.getItem(this.key)) ?? {};
      } catch {
        return this.#memory;
      }
    }
    write(fields) {
      this.#memory = { ...this.read(), ...fields };
      try {
        localStorage.setItem(this.key, JSON.stringify(this.#memory));
      } catch {
        // It stays in memory.
      }
    }
  }

  class Refused extends Error {
    constructor(status, body) {
      super(body.detail ?? `status ${status}`);
      this.status = status;
    }
  }

  /** A word for a message, so that one that is sent twice is said once. */
  function word() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Black or white, whichever is easier to read on the colour. */
  function readableOn(color) {
    const part = (at) => {
      const value = parseInt(color.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) > 0.179 ? "#000" : "#fff";
  }

  /** Whether an address may be a link: an exact host of the allow-list, without a user in front of it. */
  function mayLink(address, hosts) {
    try {
      const url = new URL(address);
      return ["https:", "http:"].includes(url.protocol) && !url.username && !url.password && hosts.has(url.host);
    } catch {
      return false;
    }
  }

  // Markdown: paragraphs, lists, headings as bold lines, code, bold, italic, links of the allow-list, citations.

  function blocks(text, tools) {
    const found = [];
    let list = null;
    let lines = [];
    let code = null;
    const flush = () => {
      if (lines.length) found.push(make("p", {}, inline(lines.join("\n"), tools)));
      lines = [];
    };
    for (const line of text.split("\n")) {
      if (/^\s*(```|~~~)/.test(line)) {
        flush();
        if (code) found.push(make("pre", {}, code.join("\n")));
        code = code ? null : [];
      } else if (code) {
        code.push(line);
      } else {
        const item = line.match(/^\s*(?:[-*+]|(\d{1,3})[.)])\s+(.*)$/);
        const heading = line.match(/^#{1,6}\s+(.*)$/);
        if (item) {
          flush();
          const tag = item[1] ? "ol" : "ul";
          if (list?.localName !== tag) found.push((list = make(tag, item[1] ? { start: item[1] } : {})));
          list.append(make("li", {}, inline(item[2], tools)));
          continue;
        }
        list = null;
        if (heading || !line.trim()) flush();
        if (heading) found.push(make("p", {}, make("strong", {}, inline(heading[1], tools))));
        else if (line.trim()) lines.push(line.replace(/^\s*>\s?/, ""));
      }
    }
    flush();
    if (code) found.push(make("pre", {}, code.join("\n")));
    return found;
  }

  function inline(text, tools) {
    const parts = [];
    let last = 0;
    for (const found of text.matchAll(INLINE)) {
      const [whole, code, strong, soft, image, label, address, number] = found;
      parts.push(text.slice(last, found.index));
      last = found.index + whole.length;
      if (code !== undefined) parts.push(make("code", {}, code));
      else if (strong !== undefined) parts.push(make("strong", {}, inline(strong, tools)));
      else if (soft !== undefined) parts.push(make("em", {}, soft));
      else if (image !== undefined) parts.push(image);
      else if (number !== undefined) parts.push(tools.cite(Number(number)) ?? whole);
      else if (mayLink(address, tools.hosts)) parts.push(make("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, label));
      else parts.push(label);
    }
    parts.push(text.slice(last));
    return parts;
  }

  class Widget extends HTMLElement {
    #root = this.attachShadow({ mode: "open" });
    #messages = new Map();
    #shown = new Map();
    #hosts = new Set();
    #pieces = new Map();
    #fresh = 0;
    #typingUntil = 0;
    #retry = RETRY_MS;
    #isOpen = false;
    #isLost = false;
    #session = null;

    connectedCallback() {
      if (this.#root.childNodes.length) return;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      this.#root.adoptedStyleSheets = [sheet];
      this.isPreview = this.hasAttribute("data-preview");
      if (this.isPreview) return;
      this.desk = new URL(this.getAttribute("data-desk") || location.href).origin;
      this.kept = new Kept(this.getAttribute("data-key"));
      // What the visitor types here is none of the page's business.
      for (const kind of ["keydown", "keyup", "keypress"]) this.#root.addEventListener(kind, (event) => event.stopPropagation());
      this.#begin();
    }

    disconnectedCallback() {
      this.#stop();
    }

    /** Shows settings without a desk: the preview where they are set. */
    preview(settings) {
      this.#dress(settings);
      this.#messages.clear();
      const said = (seq, sender, content, more = {}) => this.#messages.set(`p${seq}`, { id: `p${seq}`, seq, sender, content, citations: [], ...more });
      said(1, "customer", "How long do refunds take?");
      said(2, "ai", "Refunds reach your card within **5 working days**. [1]", { decision: "answer", citations: [{ index: 1, title: "Returns", url: null, quote: "within 5 working days" }] });
      this.#isOpen = true;
      this.#session = null;
      this.#draw();
      this.#redraw();
    }

    async #begin() {
      try {
        this.#dress(await this.#ask("GET", `/v1/widget?key=${encodeURIComponent(this.getAttribute("data-key"))}`));
      } catch (problem) {
        // A wrong key or a page that may not: told to whoever builds the page, visitors see nothing.
        if (problem instanceof Refused) return console.warn(`frontdesk widget: ${problem.message}`);
        this.later = setTimeout(() => this.#begin(), this.#retry);
        this.#retry = Math.min(RETRY_MS_MAX, this.#retry * 2);
        return;
      }
      this.#retry = RETRY_MS;
      this.#draw();
      if (this.kept.read().token) this.#watch();
      addEventListener("online", (this.online = () => { this.#again(0); this.#flush(); }));
    }

    #stop() {
      this.reading?.abort();
      clearTimeout(this.later);
      removeEventListener("online", this.online);
    }

    #dress(settings) {
      this.settings = settings;
      const wanted = [settings.language, document.documentElement.lang, ...navigator.languages].filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
      this.language = wanted.find((tag) => TEXTS[tag]) ?? "en";
      this.texts = { ...TEXTS[this.language], ...settings.texts };
      this.dataset.side = settings.position;
      this.dataset.theme = settings.theme;
      for (const host of settings.link_hosts ?? []) this.#hosts.add(host);
    }

    #say(name, fields = {}) {
      return (this.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, field) => fields[field] ?? "");
    }

    async #ask(method, path, body) {
      const headers = body ? { "content-type": "application/json" } : {};
      const token = path.startsWith("/v1/widget?") ? null : this.kept.read().token;
      if (token) headers.authorization = `Bearer ${token}`;
      const response = await fetch(this.desk + path, { method, headers, body: body && JSON.stringify(body), credentials: "omit", referrerPolicy: "no-referrer" });
      if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
      return response.status === 204 ? null : response.json();
    }

    // The session

    /** Begins a session with what the visitor filled in, unless there is one. */
    #sessionOnce() {
      if (this.kept.read().token) return Promise.resolve();
      return (this.beginning ??= (async () => {
        try {
          const session = await this.#ask("POST", "/v1/widget/sessions", { key: this.getAttribute("data-key"), ...this.kept.read().about, locale: this.language, page: location.origin + location.pathname });
          this.kept.write({ token: session.token });
          this.#watch();
        } finally {
          this.beginning = null;
        }
      })());
    }

    #forget() {
      this.kept.write({ token: null });
      this.#messages.clear();
      this.#session = null;
      this.reading?.abort();
    }

    // What comes in

    /** Reads the stream until it ends, then begins again behind what it saw last. */
    async #watch() {
      if (this.reading || !this.kept.read().token) return;
      const reading = (this.reading = new AbortController());
      let silence;
      const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(() => reading.abort(), SILENCE_MS);
      };
      try {
        heard();
        const headers = { authorization: `Bearer ${this.kept.read().token}`, accept: "text/event-stream" };
        if (this.seen) headers["last-event-id"] = this.seen;
        const response = await fetch(`${this.desk}/v1/widget/events`, { headers, signal: reading.signal, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
        if (!response.ok) throw new Refused(response.status, {});
        if (!this.seen) await this.#catchUp();
        this.#lose(false);
        this.#retry = RETRY_MS;
        this.#flush();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          heard();
          const parts = (rest + value).split("\n\n");
          rest = parts.pop();
          for (const part of parts) this.#take(part);
        }
      } catch (problem) {
        if (problem.status === 401) this.#forget();
      }
      clearTimeout(silence);
      if (this.reading === reading) this.reading = null;
      if (this.isConnected && this.kept.read().token) this.#again(this.#retry * (0.75 + Math.random() / 2));
      else this.#redraw();
    }

    #again(wait) {
      clearTimeout(this.later);
      if (wait > RETRY_MS) this.#lose(true);
      this.#retry = Math.min(RETRY_MS_MAX, this.#retry * 2);
      this.later = setTimeout(() => this.#watch(), wait);
    }

    #lose(isLost) {
      if (this.#isLost === isLost) return;
      this.#isLost = isLost;
      this.#redraw();
    }

    async #catchUp() {
      let after = null;
      do {
        const list = await this.#ask("GET", `/v1/widget/messages?limit=100${after ? `&after=${encodeURIComponent(after)}` : ""}`);
        for (const message of list.data) this.#messages.set(message.id, message);
        after = list.next_cursor;
      } while (after);
      this.#redraw();
    }

    #take(block) {
      let kind = "message";
      let data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) kind = line.slice(6).trim();
        else if (line.startsWith("data:")) data += line.slice(5).trimStart();
        else if (line.startsWith("id:")) this.seen = line.slice(3).trim();
      }
      if (!data) return;
      const told = JSON.parse(data);
      if (kind === "session") this.#session = told;
      else if (kind === "typing") {
        this.#typingUntil = told.typing ? Date.now() + TYPING_MS : 0;
        setTimeout(() => this.#redraw(), TYPING_MS + 50);
      }
      else if (kind === "message.delta") this.#pieces.set(told.message_id, [...(this.#pieces.get(told.message_id) ?? []), told.delta]);
      else if (kind === "message.completed") return this.#come(told);
      this.#redraw();
    }

    /** An answer that just came appears piece by piece. */
    async #come(message) {
      const isKnown = this.#messages.has(message.id);
      const pieces = this.#pieces.get(message.id) ?? [];
      this.#pieces.delete(message.id);
      this.#session = { ...this.#session, answer_pending: message.sender === "customer" && this.#session?.holder === "ai" };
      const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches || !this.#isOpen || document.hidden;
      for (let shown = 1; !isKnown && !isCalm && shown < pieces.length; shown += 1) {
        this.#messages.set(message.id, { ...message, content: pieces.slice(0, shown).join(""), isComing: true });
        this.#redraw();
        await new Promise((next) => setTimeout(next, PIECE_MS));
      }
      this.#messages.set(message.id, message);
      if (message.external_id) this.#settle(message.external_id);
      if (!isKnown && message.sender !== "customer" && !this.#isOpen) this.#fresh += 1;
      this.#redraw();
    }

    // What goes out

    #unsent() {
      return this.kept.read().unsent ?? [];
    }

    #settle(id, fields) {
      const unsent = this.#unsent();
      if (!unsent.some((one) => one.id === id)) return;
      this.kept.write({ unsent: fields ? unsent.map((one) => (one.id === id ? { ...one, ...fields } : one)) : unsent.filter((one) => one.id !== id) });
    }

    #send(content) {
      this.kept.write({ unsent: [...this.#unsent(), { id: word(), content }].slice(-UNSENT_MAX), draft: "" });
      this.#redraw(true);
      this.#flush();
    }

    /** Sends what waits, in order. What the desk refuses is shown; what it did not hear waits on. */
    async #flush() {
      if (this.isFlushing) return;
      this.isFlushing = true;
      try {
        for (let one; (one = this.#unsent().find((other) => !other.refused)); ) {
          try {
            await this.#sessionOnce();
            const message = await this.#ask("POST", "/v1/widget/messages", { content: one.content, external_id: one.id });
            this.#messages.set(message.id, message);
            this.#session = { holder: "ai", ...this.#session, answer_pending: (this.#session?.holder ?? "ai") === "ai" };
            this.#settle(one.id);
            this.#lose(false);
          } catch (problem) {
            if (problem.status === 401) this.#forget();
            else if (problem.status >= 400 && problem.status < 500) this.#settle(one.id, { refused: problem.status === 429 ? this.#say("busy") : problem.message });
            else {
              this.#lose(true);
              this.sending = setTimeout(() => this.#flush(), Math.max(RETRY_MS, this.#retry));
              break;
            }
          }
          this.#redraw();
        }
      } finally {
        this.isFlushing = false;
        this.#redraw();
      }
    }

    async #person() {
      try {
        await this.#sessionOnce();
        this.#session = await this.#ask("POST", "/v1/widget/handoff", {});
      } catch (problem) {
        this.notice = problem.status === 429 ? this.#say("busy") : this.#say("failed");
      }
      this.#redraw(true);
    }

    async #rate(message, rating) {
      message.rating = rating;
      this.#redraw();
      await this.#ask("POST", `/v1/widget/messages/${message.id}/feedback`, { rating }).catch(() => {
        message.rating = null;
        this.#redraw();
      });
    }

    // What is seen

    #draw() {
      const accent = /^#[0-9a-f]{6}$/i.test(this.settings.accent_color ?? "") ? this.settings.accent_color : "#0b6b5e";
      this.all = make("div", { class: "all", lang: this.language, dir: FROM_RIGHT.includes(this.language) ? "rtl" : "ltr" });
      this.all.style.setProperty("--accent", accent);
      this.all.style.setProperty("--on-accent", readableOn(accent));
      this.#root.replaceChildren(this.all);
      this.#shown.clear();
      this.toggleAttribute("data-open", this.#isOpen);
      if (!this.#isOpen) {
        this.log = null;
        this.launch = make("button", { type: "button", class: "launch", "aria-label": this.#say("open"), "aria-expanded": "false", onclick: () => this.#toggle(true) }, icon("chat"));
        this.all.append(this.launch);
        if (this.#fresh) this.launch.append(make("span", { class: "fresh", role: "status" }, String(this.#fresh), make("span", { class: "sr" }, ` ${this.#say("fresh")}`)));
        return;
      }
      this.#fresh = 0;
      const asked = this.settings.pre_chat ?? [];
      const isAsked = !this.isPreview && asked.length > 0 && !this.kept.read().about && !this.kept.read().token;
      this.all.append(make("section", { class: "panel", role: this.isPreview ? "group" : "dialog", "aria-label": this.settings.title, onkeydown: (event) => event.key === "Escape" && !this.isPreview && this.#toggle(false) },
        make("header", {}, make("h2", {}, this.settings.title), make("button", { type: "button", "aria-label": this.#say("close"), onclick: () => !this.isPreview && this.#toggle(false) }, icon("close"))),
        isAsked ? this.#form(asked) : this.#talk()));
    }

    #toggle(isOpen) {
      this.#isOpen = isOpen;
      this.#draw();
      this.#redraw(true);
      (isOpen ? this.#root.querySelector("input, textarea") : this.launch).focus();
    }

    #form(asked) {
      const inputs = asked.map(({ field, required }) => make("input", { name: field, type: field === "email" ? "email" : "text", autocomplete: field, required, maxlength: "200" }));
      const submit = (event) => {
        event.preventDefault();
        const wrong = inputs.find((input) => !input.checkValidity());
        if (wrong) {
          wrong.setAttribute("aria-invalid", "true");
          wrong.nextElementSibling.textContent = this.#say("required");
          return wrong.focus();
        }
        this.kept.write({ about: Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]).filter(([, value]) => value)) });
        this.#toggle(true);
      };
      return make("form", { class: "form", novalidate: true, onsubmit: submit }, make("p", {}, this.settings.greeting ?? this.#say("greeting")),
        inputs.map((input, at) => make("label", {}, `${this.#say(input.name)}${asked[at].required ? "" : ` (${this.#say("optional")})`}`, input, make("span", { class: "told", role: "alert" }))), make("button", { type: "submit", class: "main" }, this.#say("start")));
    }

    #talk() {
      this.log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": this.#say("log"), tabindex: "0" });
      this.band = make("div", { class: "lost", role: "status", hidden: true });
      this.input = make("textarea", { rows: "1", maxlength: String(CONTENT_MAX), placeholder: this.#say("placeholder"), "aria-label": this.#say("placeholder") });
      this.input.value = this.isPreview ? "" : this.kept.read().draft ?? "";
      const send = (event) => {
        event.preventDefault();
        const content = this.input.value.trim();
        if (!content || this.isPreview) return;
        this.input.value = "";
        this.#fit();
        this.#send(content);
      };
      this.input.addEventListener("input", () => {
        this.#fit();
        if (this.isPreview) return;
        this.kept.write({ draft: this.input.value });
        if (!["agent", "queue"].includes(this.#session?.holder) || Date.now() - (this.told ?? 0) < TYPING_MS) return;
        this.told = Date.now();
        this.#ask("POST", "/v1/widget/typing", {}).catch(() => {});
      });
      this.input.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && send(event));
      this.ask = make("button", { type: "button", class: "person", onclick: () => !this.isPreview && this.#person() }, this.#say("person"));
      return [this.log, this.band, make("div", { class: "foot" }, make("form", { class: "write", onsubmit: send }, this.input, make("button", { type: "submit", class: "main", "aria-label": this.#say("send") }, icon("send"))), this.ask)];
    }

    #fit() {
      this.input.style.setProperty("height", "42px");
      this.input.style.setProperty("height", `${Math.min(140, this.input.scrollHeight + 2)}px`);
    }

    /** Brings the log up to date; only what changed is made anew, so a reader's place and focus stay. */
    #redraw(isOwn = false) {
      if (!this.#isOpen) return this.#fresh && this.all && !this.log ? this.#draw() : undefined;
      if (!this.log) return;
      const { log } = this;
      const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
      const rows = [["greeting", this.settings.greeting ?? this.#say("greeting"), () => make("div", { class: "said" }, make("div", { class: "bubble", dir: "auto" }, this.settings.greeting ?? this.#say("greeting")))]];
      const said = [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
      for (const message of said) rows.push([message.id, JSON.stringify(message), () => this.#message(message)]);
      const known = new Set(said.map((message) => message.external_id));
      for (const one of this.isPreview ? [] : this.#unsent()) {
        if (!known.has(one.id)) rows.push([one.id, JSON.stringify([one, this.#isLost]), () => this.#waiting(one)]);
      }
      const state = this.#stateLine();
      if ((this.#session?.answer_pending || this.#typingUntil > Date.now()) && !said.some((message) => message.isComing)) rows.push(["typing", "", () => make("div", { class: "said" }, make("div", { class: "bubble dots" }, make("i"), make("i"), make("i"), make("span", { class: "sr" }, this.#say("typing"))))]);
      if (state) rows.push(["state", state, () => make("p", { class: "state" }, state)]);
      this.#place(rows);
      this.band.hidden = !this.#isLost;
      this.band.textContent = this.#isLost ? this.#say("lost") : "";
      this.ask.hidden = Boolean(this.#session && this.#session.holder !== "ai");
      if (isAtEnd || isOwn) log.scrollTop = log.scrollHeight;
    }

    #place(rows) {
      const wanted = new Set(rows.map(([key]) => key));
      for (const [key, { node }] of this.#shown) {
        if (wanted.has(key)) continue;
        node.remove();
        this.#shown.delete(key);
      }
      let before = null;
      for (const [key, as, draw] of rows) {
        const present = this.#shown.get(key);
        const node = present?.as === as ? present.node : draw();
        if (node !== present?.node) {
          present ? present.node.replaceWith(node) : null;
          this.#shown.set(key, { as, node });
        }
        const place = before ? before.nextSibling : this.log.firstChild;
        if (place !== node) this.log.insertBefore(node, place);
        before = node;
      }
    }

    #stateLine() {
      const { notice } = this;
      this.notice = null;
      if (notice) return notice;
      const session = this.#session;
      if (!session) return null;
      if (session.status === "resolved") return this.#say("resolved");
      if (session.holder === "queue") return this.#say("queued");
      return session.holder === "agent" ? this.#say("agent", { name: session.agent_name ?? this.#say("team") }) : null;
    }

    #message(message) {
      const isMine = message.sender === "customer";
      if (message.sender === "system") return make("p", { class: "state" }, message.content);
      const who = isMine ? this.#say("you") : message.sender === "agent" ? message.sender_name ?? this.#say("team") : this.#say("ai");
      const quote = make("div", { class: "quotes", hidden: true });
      const hosts = new Set(this.#hosts);
      for (const { url } of message.citations ?? []) {
        try {
          hosts.add(new URL(url).host);
        } catch {
          // A document without an address allows no host.
        }
      }
      const cite = (number) => {
        const one = message.citations?.find((other) => other.index === number);
        return one && make("button", { type: "button", class: "cite", "aria-expanded": "false", "aria-label": this.#say("source", { n: number }), onclick: (event) => this.#quote(event.currentTarget, quote, one, hosts) }, String(number));
      };
      const bubble = make("div", { class: "bubble", dir: "auto" }, isMine ? message.content : blocks(message.content, { hosts, cite }));
      const mayRate = message.sender === "ai" && message.decision === "answer" && !message.isComing;
      const thumb = (rating) => make("button", { type: "button", "aria-pressed": String(message.rating === rating), "aria-label": this.#say(rating), title: this.#say(rating), onclick: () => !this.isPreview && this.#rate(message, rating) }, icon(rating));
      return make("div", { class: `said${isMine ? " mine" : ""}` }, make("span", { class: isMine ? "sr" : "who" }, who), bubble, quote,
        mayRate ? make("div", { class: "under" }, thumb("good"), thumb("poor"), message.rating ? this.#say("thanks") : null) : null);
    }

    #quote(button, place, citation, hosts) {
      const isShown = button.getAttribute("aria-expanded") === "true";
      for (const other of button.closest(".said").querySelectorAll(".cite")) other.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-expanded", String(!isShown));
      place.hidden = isShown;
      const isLink = citation.url && mayLink(citation.url, hosts);
      place.replaceChildren(make("span", { dir: "auto" }, `“${citation.quote}”`), isLink ? make("a", { href: citation.url, target: "_blank", rel: "noopener noreferrer nofollow" }, citation.title) : make("span", {}, citation.title));
    }

    #waiting(one) {
      const again = () => {
        this.#settle(one.id, { refused: undefined });
        this.#flush();
      };
      return make("div", { class: "said mine" }, make("span", { class: "sr" }, this.#say("you")), make("div", { class: "bubble", dir: "auto" }, one.content),
        one.refused || this.#isLost ? make("div", { class: "under" }, make("span", { class: one.refused ? "told" : "" }, one.refused ? `${this.#say("refused")}: ${one.refused}` : this.#say("unsent")), one.refused ? make("button", { type: "button", onclick: again }, this.#say("again")) : null) : null);
    }
  }

  customElements.define("frontdesk-widget", Widget);

  const script = document.currentScript;
  if (!script?.dataset.key) return;
  const element = document.createElement("frontdesk-widget");
  element.setAttribute("data-key", script.dataset.key);
  element.setAttribute("data-desk", script.src);
  const place = () => document.documentElement.append(element);
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
