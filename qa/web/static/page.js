// The page besides Gradio: keeps the newest turn in view, opens drawers, and creates `verbatim`, which the other scripts
// extend.
"use strict";

globalThis.verbatim = (() => {
  const narrow = matchMedia("(max-width: 56rem)"); // as in page.css

  // Creates an element. Text is set as text, so nothing from a document or a person becomes HTML.
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // Returns the JSON of one of our routes; a failure throws the line that says why.
  async function call(path, options = {}) {
    const response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
    const said = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(typeof said.detail === "string" ? said.detail : "The server cannot do this now.");
    return said;
  }

  // Options for answering, chosen in this browser: `within`, names of documents to ask, null is all; `max_wrong`, 0 to 1,
  // and `reader`, null for the server's.
  const options = { within: null, max_wrong: null, reader: null, ...stored("verbatim-options") };

  function stored(key) {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "{}");
    } catch {
      return {}; // a browser may keep nothing, or what it kept may be of another version
    }
  }

  function setOption(name, value) {
    options[name] = value;
    try {
      localStorage.setItem("verbatim-options", JSON.stringify(options));
    } catch {
      // kept for this visit only
    }
    document.dispatchEvent(new CustomEvent("verbatim-options", { detail: { name, value } }));
  }

  // Opens a drawer beside the chat: a dialog, so the keyboard stays in it and Escape closes it. `fill` gets its body
  // whenever it opens.
  const drawers = new Map();

  function addDrawer(name, title, fill) {
    drawers.set(name, { title, fill });
  }

  function openDrawer(name) {
    const { title, fill } = drawers.get(name) ?? {};
    if (!fill) return;
    const body = make("div", { className: "body" });
    const close = make("button", { type: "button", className: "shut", textContent: "Close" });
    const head = make("header", {}, make("h2", { textContent: title }), close);
    const drawer = make("dialog", { id: `drawer-${name}`, className: "drawer", "aria-label": title }, head, body);
    close.addEventListener("click", () => drawer.close());
    drawer.addEventListener("click", (event) => event.target === drawer && drawer.close());
    drawer.addEventListener("close", () => drawer.remove());
    document.querySelector(".gradio-container").append(drawer);
    drawer.showModal();
    fill(body, drawer);
  }

  // Converts ascending offsets in code points, as the server counts, to UTF-16 units, as the browser does.
  function units(text, offsets) {
    const found = [];
    let unit = 0;
    let point = 0;
    for (const offset of offsets) {
      while (point < offset && unit < text.length) {
        unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
        point += 1;
      }
      found.push(unit);
    }
    return found;
  }

  // With an on-screen keyboard, which covers half the screen, the field gets no focus by itself.
  function focusQuestion() {
    const question = document.querySelector("#question textarea");
    if (!question) requestAnimationFrame(focusQuestion); // the parts of the page arrive in no fixed order
    else if (!narrow.matches) question.focus();
  }

  document.addEventListener("click", (event) => {
    const drawer = event.target.closest("[data-drawer]");
    if (drawer) openDrawer(drawer.dataset.drawer);
  });

  // Shows a line for a moment, and announces it to screen readers.
  function say(line) {
    let said = document.querySelector("#said");
    if (!said) {
      said = make("p", { id: "said", role: "status" });
      document.querySelector(".gradio-container").append(said);
    }
    const top = document.querySelector("dialog[open]") ?? document.querySelector(".gradio-container");
    if (said.parentElement !== top) top.append(said); // a dialog lies over all that is not in it
    said.textContent = line;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => (said.textContent = ""), 4000);
  }

  return {
    narrow,
    make,
    call,
    options,
    setOption,
    addDrawer,
    openDrawer,
    units,
    focusQuestion,
    say,
    log(element, trigger, watch) {
      focusQuestion();
      globalThis.verbatim.asking(trigger, watch);
      watch("value", () => {
        if (narrow.matches) document.activeElement?.blur(); // the keyboard would lie over the answer
        const log = element.querySelector("[role=log]");
        const newest = log.querySelector(".turn:last-of-type");
        if (newest) log.scrollTop += newest.getBoundingClientRect().top - log.getBoundingClientRect().top - 24;
      });
    },
  };
})();
