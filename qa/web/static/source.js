// The document panel beside the chat: a document opened at a place, as text or as page images, with the words marked.
// Offsets are code points, as on the server; they are converted to the browser's UTF-16 units only where text is cut.
"use strict";

(() => {
  const { make, call, narrow, say, units, viewing } = verbatim;
  const REACH = 100_000; // characters shown before and after the place; the server gives 200,000 at a time
  const RICH_REACH = 30_000; // of sheets and Markdown, in which each few characters are an element
  const RICH = /\.(?:csv|tsv|tab|xls\w|xltx|ods|ots|md|markdown)$/iu;
  const NEAR = "150% 0px"; // pages as far beyond the view are fetched
  const WORDS_SAID = 300;
  const LABELS = 48; // pixels that the numbers of rows cover
  const LAYOUTS = { sheet: "Grid", slides: "Slides" };
  const CROWDED = 80; // characters between two places, from which on their names would hide the text

  let region = null;
  let opener = null; // what the sheet was raised from, on a narrow screen
  let shown = null; // what is open: { place, text, places, pages, layout, boxes, view }
  let prefersText = false; // whether the plain text was asked for where there is a layout
  let isAlone = false; // whether there is only one document, so that there is no list to go back to
  let latest = 0; // of two documents asked for, the later one is shown, whichever comes first

  const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "" && value != null));
  const route = (what, values) => `/api/documents${what}?${query(values)}`;
  const isSame = (one, other) => ["document", "start", "end", "passage", "sha256"].every((key) => one[key] === other[key]);

  const reach = (name) => (RICH.test(name) ? RICH_REACH : REACH);

  function placeOf(data) {
    const { document: name, start, end, sha256 = "", passage } = data;
    return { document: name, start: Number(start) || 0, end: Number(end) || 0, sha256, passage: passage === "1" };
  }

  // Opening

  async function open(place) {
    if (!place.document) return contents();
    if (shown && isSame(place, shown.place)) return again();
    const middle = Math.floor((place.start + place.end) / 2);
    await load(place, Math.max(0, middle - reach(place.document)));
  }

  // The place is shown already: mark it again, and check that the document has not changed since.
  async function again() {
    const { name, sha256 } = shown.text;
    const ticket = ++latest;
    showMark();
    try {
      await call(route("/text", { name, sha256, start: 0, end: 0 }));
    } catch (error) {
      if (ticket === latest) unopened(error.message);
    }
  }

  async function load(place, low, toEnd = false) {
    const ticket = ++latest;
    region.setAttribute("aria-busy", "true");
    const asked = { name: place.document, sha256: place.sha256 };
    try {
      const stretch = { ...asked, start: low, end: low + 2 * reach(place.document) };
      const parts = ["/text", "/places", "/layout"].map((what) => call(route(what, stretch)));
      const [text, { places, pages }, layout] = await Promise.all(parts);
      const isPrinted = pages.length && place.start < place.end;
      const boxes = isPrinted ? await call(route("/boxes", { ...asked, start: place.start, end: place.end })) : { pages: [] };
      if (ticket !== latest) return;
      // Pages without printed text are not shown if there is text to show.
      const hasPages = pages.length && !(isPrinted && !boxes.pages.length);
      const view = hasPages ? "pages" : layout.elements.length && !prefersText ? "layout" : "text";
      shown = { place, text, places, pages, layout, boxes: boxes.pages, view };
      show();
      if (toEnd) body().scrollTop = body().scrollHeight;
    } catch (error) {
      if (ticket === latest) unopened(error.message);
    } finally {
      if (ticket === latest) region.removeAttribute("aria-busy");
    }
  }

  async function contents() {
    const ticket = ++latest;
    try {
      const list = await call(route("", { which: "indexed", limit: 200 }));
      if (ticket !== latest) return;
      isAlone = list.found === 1;
      if (isAlone) return await open(placeOf({ document: list.documents[0].name }));
      shown = null;
      const items = list.documents.map(({ name, title }) =>
        make("li", {}, make("button", { type: "button", className: "opener citation", "data-document": name },
          make("span", { className: "title", dir: "auto", textContent: title || name }), file(name))));
      const rest = list.found - items.length;
      const more = rest > 0 ? [make("p", { textContent: `and ${rest.toLocaleString("en")} more` })] : [];
      const text = make("div", { className: "text list" }, make("ul", {}, ...items), ...more);
      region.replaceChildren(...(items.length ? [make("header", {}, close(), make("h2", { textContent: "Documents" })), text] : []));
    } catch (error) {
      if (ticket === latest) unopened(error.message);
    }
  }

  function unopened(line) {
    shown = null;
    const text = make("div", { className: "text list" }, make("p", { textContent: line }));
    region.replaceChildren(make("header", {}, close(), back(), make("h2", { textContent: "Not opened" })), text);
  }

  // What is shown

  const body = () => region.querySelector(".text, .pages");
  const close = () => make("button", { type: "button", className: "close", textContent: "Close" });
  const back = () => make("button", { type: "button", className: "opener back", "data-document": "", textContent: "All documents" });
  const file = (name) => make("bdi", { className: "file", textContent: name });

  function show(note = "") {
    const { text, pages, layout, view } = shown;
    const said = note ? [make("p", { className: "note", role: "status", textContent: note })] : [];
    const head = make("header", {}, close(), ...(isAlone ? [] : [back()]), make("h2", { dir: "auto", textContent: text.title || text.name }), file(text.name), ...said);
    if (pages.length || layout.elements.length) head.append(views());
    head.append(viewing.tools(shown, open, body));
    if (view !== "pages" && text.end - text.start < text.characters) head.append(stretch());
    region.replaceChildren(head, { pages: pagesBody, layout: layoutBody, text: textBody }[view]());
    if (view === "pages") viewing.begin(text, pages, body);
    showMark();
  }

  function views() {
    const first = shown.pages.length ? ["Pages", "pages"] : [LAYOUTS[shown.layout.view] ?? "Formatted", "layout"];
    const buttons = [first, [shown.pages.length ? "Text" : "Plain text", "text"]].map(([label, view]) => {
      const button = make("button", { type: "button", textContent: label, "aria-pressed": String(shown.view === view) });
      button.addEventListener("click", () => {
        shown.view = view;
        if (!shown.pages.length) prefersText = view === "text";
        show();
        [...region.querySelectorAll(".views button")].find((each) => each.textContent === label).focus();
      });
      return button;
    });
    return make("div", { className: "views", role: "group", "aria-label": "Shown as" }, ...buttons);
  }

  function stretch() {
    const { place, text } = shown;
    const said = `Characters ${(text.start + 1).toLocaleString("en")} to ${text.end.toLocaleString("en")} of ${text.characters.toLocaleString("en")}`;
    const turn = (label, low, toEnd) => {
      const button = make("button", { type: "button", textContent: label });
      button.addEventListener("click", () => load(place, low, toEnd));
      return button;
    };
    const earlier = text.start > 0 ? [turn("Earlier", Math.max(0, text.start - 2 * reach(text.name)), true)] : [];
    const later = text.end < text.characters ? [turn("Later", text.end, false)] : [];
    return make("p", { className: "stretch" }, `${said} `, ...earlier, ...later);
  }

  function showMark() {
    const text = body();
    if (!text) return;
    const mark = [...text.querySelectorAll("mark, .box")].find((each) => each.getClientRects().length);
    if (!mark) return text.scrollTo(0, 0);
    text.scrollTop += mark.getBoundingClientRect().top - text.getBoundingClientRect().top - text.clientHeight / 3;
    for (const scroller of [mark.closest(".grid"), text]) {
      if (!scroller) continue;
      const [words, around] = [mark, scroller].map((each) => each.getBoundingClientRect());
      const isSeen = words.left >= around.left + LABELS && words.right <= around.right;
      if (!isSeen) scroller.scrollLeft += words.left - around.left - scroller.clientWidth / 3;
    }
  }

  // As text

  // Browsers break lines at newlines, but show a lone carriage return, the newline of old Macs, as a space, and a null
  // character not at all.
  function characters(text) {
    if (!/[\r\0]/u.test(text)) return [text];
    const lines = text.replaceAll("\0", "␀").split(/(?<=\r)(?!\n)/);
    return lines.flatMap((line) => (line.endsWith("\r") ? [line, make("br")] : [line]));
  }

  function textBody() {
    const { place, text, places } = shown;
    const last = text.end - text.start;
    const within = (offset) => Math.max(0, Math.min(last, offset - text.start));
    const named = places.filter(({ label, start }) => label && start >= text.start && start < text.end);
    const isCrowded = named.length * CROWDED > last; // every value of a data file is a place: its text shows as much
    const cuts = named
      .filter(({ label }) => !isCrowded || /\s/u.test(label))
      .map(({ label, start }) => ({ at: within(start), order: 1, label }));
    const [start, end] = [within(place.start), within(place.end)];
    if (start < end) cuts.push({ at: end, order: 0 }, { at: start, order: 2 });
    cuts.sort((one, other) => one.at - other.at || one.order - other.order);
    const at = units(text.text, cuts.map((cut) => cut.at));
    const className = shown.layout.view === "code" ? "text code" : "text";
    const sheet = make("div", { className, role: "group", "aria-label": "Text of the document", tabIndex: 0, ...origin() });
    let target = sheet;
    let from = 0;
    cuts.forEach((cut, index) => {
      target.append(...characters(text.text.slice(from, at[index])));
      from = at[index];
      if (cut.order === 1) target.append(...placeMark(cut.label, text.text, from));
      else if (cut.order === 0) target = sheet;
      else sheet.append((target = make("mark", { className: place.passage ? "passage" : "" })));
    });
    sheet.append(...characters(text.text.slice(from)));
    if (places.some(({ label }) => numbered(label))) sheet.classList.add("numbered");
    return sheet;
  }

  // What a selection is sent with: its offsets count from `first`.
  const origin = () => ({ "data-document": shown.text.name, "data-sha256": shown.text.sha256, "data-first": shown.text.start });

  function layoutBody() {
    const sheet = make("div", { className: `text laid ${shown.layout.view}`, role: "group", "aria-label": "Text of the document", tabIndex: 0, ...origin() });
    verbatim.layOut(sheet, shown, characters, placeMark);
    return sheet;
  }

  const numbered = (label) => /^(?:.*, )?(?:row|line)s? (\d+)(?: to \d+)?$/u.exec(label)?.[1];

  // Labels of places, without characters of their own, so that selecting and copying yields the document's text only.
  function placeMark(label, text, at) {
    const number = numbered(label);
    if (number) return [make("span", { className: "at margin", "data-label": number, title: label })];
    const heading = label.split(" › ").at(-1).trim();
    if (text.slice(at, at + heading.length + 8).replace(/^[#\s]+/u, "").startsWith(heading)) return []; // it says so itself
    const beginsLine = at === 0 || /[\n\r]/u.test(text[at - 1]);
    return [make("span", { className: beginsLine ? "at line" : "at", "data-label": label })];
  }

  // As pages

  function pagesBody() {
    const { text, pages, boxes } = shown;
    const printed = new Map(boxes.map((on) => [on.page, on]));
    const sheet = make("div", { className: "pages", role: "group", "aria-label": "Pages of the document", tabIndex: 0 });
    const observer = new IntersectionObserver(
      (entries) => entries.forEach(({ target, isIntersecting }) => (isIntersecting ? draw(target) : undraw(target))),
      { root: sheet, rootMargin: NEAR },
    );
    pages.forEach(({ width, height }, index) => {
      const number = index + 1;
      const page = make("div", { className: "page", role: "group", "aria-label": `Page ${number} of ${pages.length}`, "data-number": number });
      page.style.aspectRatio = width > 0 && height > 0 ? `${width} / ${height}` : "1 / 1.414";
      if (printed.has(number)) page.append(...marked(printed.get(number), text));
      sheet.append(page);
      observer.observe(page);
    });
    sheet.addEventListener("zoomed", () => sheet.querySelectorAll(".page:has(img)").forEach((page) => (undraw(page), draw(page))));
    return sheet;
  }

  function marked({ page, width, height, rectangles }, text) {
    const [start, end] = units(text.text, [shown.place.start - text.start, shown.place.end - text.start]);
    const words = text.text.slice(start, end);
    const cut = words.length > WORDS_SAID ? `${words.slice(0, WORDS_SAID)}…` : words;
    const said = make("p", { className: "unseen", textContent: `Page ${page}, the words: ${cut}` });
    const boxes = rectangles.map(([left, top, right, bottom]) => {
      const box = make("div", { className: shown.place.passage ? "box passage" : "box", "aria-hidden": "true" });
      const percent = (part, whole) => `${((100 * part) / whole).toFixed(3)}%`;
      box.style.left = percent(left, width);
      box.style.top = percent(top, height);
      box.style.width = percent(right - left, width);
      box.style.height = percent(bottom - top, height);
      return box;
    });
    return [said, ...boxes];
  }

  function draw(page) {
    if (page.querySelector("img")) return;
    const pixels = page.clientWidth * devicePixelRatio;
    const width = Math.max(200, Math.min(2400, Math.ceil(pixels / 200) * 200)); // few widths: pictures are kept
    const source = route(`/pages/${page.dataset.number}`, { name: shown.text.name, sha256: shown.text.sha256, width });
    const image = make("img", { alt: "", decoding: "async", src: source });
    image.addEventListener("error", () => image.isConnected && undrawable(image, source));
    page.prepend(image);
  }

  function undraw(page) {
    page.querySelector("img")?.remove();
  }

  // A failed image gives no reason; requesting it again does.
  async function undrawable(image, source) {
    const before = shown;
    const response = await fetch(source).catch(() => null);
    const { detail = "the server cannot be reached" } = response?.ok ? {} : ((await response?.json().catch(() => null)) ?? {});
    if (shown !== before || response?.ok) return;
    const page = image.parentElement;
    if (response && response.status !== 422) {
      shown.view = "text";
      show(`The pages cannot be shown: ${detail}. This is the text as it was indexed.`);
    } else if (page) {
      image.remove();
      page.append(make("p", { className: "undrawn", textContent: `Not shown: ${detail}.` }));
    }
  }

  // On a narrow screen the document covers the chat, which cannot be reached meanwhile.

  function raiseSheet(button) {
    if (!narrow.matches) return;
    opener = button;
    document.body.classList.add("reading");
    document.querySelector("#chat").inert = true;
    region.focus();
  }

  function lowerSheet() {
    if (!document.body.classList.contains("reading")) return;
    document.body.classList.remove("reading");
    document.querySelector("#chat").inert = false;
    opener?.focus();
  }

  // Actions on an answer

  function quoted({ quote, quoteStart, quoteEnd, title, place, document: name }) {
    const characters = `characters ${(Number(quoteStart) + 1).toLocaleString("en")}–${Number(quoteEnd).toLocaleString("en")}`;
    const source = [title || name, place].filter(Boolean).join(", ");
    return `“${quote}” — ${source} (${name}, ${characters})`;
  }

  function linkTo({ document: name, start, end, sha256 }) {
    return `${location.origin}${location.pathname}?${query({ document: name, start, end, sha256 })}`;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Only pages from this machine or over HTTPS may use the clipboard; others copy the selection.
      const area = make("textarea", { className: "unseen", value: text });
      (document.querySelector("dialog[open]") ?? document.body).append(area);
      const focused = document.activeElement;
      area.select();
      const isCopied = document.execCommand("copy");
      area.remove();
      focused?.focus();
      if (!isCopied) return say("The browser does not let this page copy.");
    }
    say("Copied");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".opener")) {
      open(placeOf(button.dataset));
      if (!region.contains(button)) raiseSheet(button);
    } else if (button.matches(".copy-quote")) copy(quoted(button.closest(".actions").dataset));
    else if (button.matches(".copy-link")) copy(linkTo(button.closest(".actions").dataset));
    else if (button.matches("#masthead .show")) raiseSheet(button);
    else if (button.matches("#panel .close")) lowerSheet();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") lowerSheet();
  });
  narrow.addEventListener("change", lowerSheet);

  // Opens the document of a new answer. A link to a place has precedence over the conversation's last answer.

  let answered = "";
  let awaitsQuestion = false;

  function followLog() {
    if (document.querySelector("#log .pending")) awaitsQuestion = false;
    const turns = document.querySelectorAll("#log .turn:not(.pending)");
    const newest = turns[turns.length - 1];
    if (!newest && answered && document.querySelector("#log .welcome")) {
      answered = ""; // a conversation is begun anew
      contents();
    }
    const first = newest?.matches(".answered") ? newest.querySelector(".opener") : null;
    const key = first ? `${turns.length} ${JSON.stringify(first.dataset)}` : "";
    if (!first || key === answered) return;
    answered = key;
    if (!awaitsQuestion) open(placeOf(first.dataset));
  }

  verbatim.panel = (element) => {
    region = element.querySelector("[role=region]");
    const asked = new URLSearchParams(location.search);
    awaitsQuestion = asked.has("document");
    if (awaitsQuestion) {
      open(placeOf(Object.fromEntries(asked))).then(() => raiseSheet(document.querySelector("#masthead .show")));
    } else contents();
    new MutationObserver(followLog).observe(document.querySelector("#chat"), { childList: true, subtree: true });
  };

  // After a change of documents, shows the list if the open document may have been affected.
  document.addEventListener("verbatim-documents", (event) => {
    isAlone = false;
    if (!region || (shown && shown.text.name !== event.detail?.removed)) return;
    contents();
  });

  verbatim.route = route;
})();
