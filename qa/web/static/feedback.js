// Feedback on answers: right, wrong, and corrections selected in a document. Offsets are sent in code points, counted
// here since browsers count UTF-16 units.
"use strict";

(() => {
  const { make, call } = verbatim;
  const FILES = { squad: "verbatim-feedback.json", jsonl: "verbatim-feedback.jsonl" };
  const said = new Map(); // what this browser said, by the answer that it was said of
  const readers = new Map(); // which reader was set when the answer was first shown
  let done = Promise.resolve(); // what was sent is answered before the next is sent
  let correcting = null; // the answer that is being corrected, and the words chosen so far

  // Stored in the browser: whoever has the id may see and withdraw its feedback.
  const browser = (() => {
    const made = crypto.getRandomValues(new Uint8Array(16)).reduce((id, byte) => id + byte.toString(16).padStart(2, "0"), "");
    try {
      const kept = localStorage.getItem("verbatim-browser") ?? made;
      localStorage.setItem("verbatim-browser", kept);
      return kept;
    } catch {
      return made; // it holds for this visit
    }
  })();

  function request(method, path = "", body = undefined) {
    const headers = { Accept: "application/json", "Verbatim-Browser": browser };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return call(`api/feedback${path}`, { method, headers, body: JSON.stringify(body) });
  }

  function stretchOf({ document: name, sha256, start, end, text }) {
    const stretch = { document: name, sha256, start: Number(start), end: Number(end) };
    return text === undefined ? stretch : { ...stretch, text };
  }

  const isAnswer = (data) => data.text !== undefined; // a declined question has no words

  function keyOf(question, answer) {
    return JSON.stringify([question, ...(answer ? [answer.document, answer.sha256, answer.start, answer.end] : [])]);
  }

  const keyOfActions = ({ dataset }) => keyOf(dataset.question, isAnswer(dataset) ? stretchOf(dataset) : null);

  // Showing feedback on the answers

  function show(actions) {
    const feedback = said.get(keyOfActions(actions));
    for (const button of actions.querySelectorAll(".verdict")) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === feedback?.verdict));
    }
    tell(actions, feedback ? inWords(feedback) : "");
  }

  function inWords({ correction, is_absent, standing }) {
    if (standing !== "unchanged") return "You judged this of a document that has changed since.";
    if (correction) return `You said: “${correction.text}”, in ${correction.document}.`;
    return is_absent ? "You said: it is not in the documents." : "";
  }

  function tell(actions, line) {
    const told = actions.querySelector(".judged");
    if (told) told.textContent = line;
    else if (line) actions.append(make("p", { className: "judged", textContent: line }));
  }

  function showAll() {
    for (const actions of document.querySelectorAll("#log .actions:not([data-judged])")) {
      if (!actions.querySelector(".verdict")) continue;
      actions.dataset.judged = "";
      const key = keyOfActions(actions);
      if (!readers.has(key)) readers.set(key, verbatim.options.reader);
      show(actions);
    }
  }

  // Shows it on each copy of the answer on the page.
  function showLike(actions) {
    const key = keyOfActions(actions);
    for (const each of document.querySelectorAll("#log .actions[data-judged]")) {
      if (keyOfActions(each) === key) show(each);
    }
  }

  function keep(feedback) {
    said.set(keyOf(feedback.question, feedback.answer), feedback);
  }

  // Giving feedback

  function send(actions, what) {
    const { dataset } = actions;
    const confidence = Number(dataset.confidence);
    const about = isAnswer(dataset) ? { answer: stretchOf(dataset) } : dataset.document ? { nearest: stretchOf(dataset) } : {};
    const body = { question: dataset.question, confidence, reader: readers.get(keyOfActions(actions)), ...about, ...what };
    return inTurn(actions, async () => keep(await request("POST", "", body)));
  }

  function withdraw(actions) {
    return inTurn(actions, async () => {
      const key = keyOfActions(actions);
      await request("DELETE", `?id=${encodeURIComponent(said.get(key).id)}`);
      said.delete(key);
    });
  }

  // Returns whether it was stored; a failure becomes a line below the answer.
  function inTurn(actions, act) {
    done = done.then(async () => {
      try {
        await act();
        showLike(actions);
        return true;
      } catch (error) {
        tell(actions, error.message);
        return false;
      }
    });
    return done;
  }

  async function judge(button) {
    const actions = button.closest(".actions");
    const { verdict } = button.dataset;
    if (button.getAttribute("aria-pressed") === "true") {
      stopCorrecting();
      await withdraw(actions);
    } else if (await send(actions, { verdict })) {
      if (verdict === "wrong") startCorrecting(actions, button);
      else stopCorrecting();
    }
  }

  // Selecting the right words in a document

  function startCorrecting(actions, button) {
    stopCorrecting();
    const { dataset } = actions;
    const chosen = make("p", { className: "chosen", role: "status" });
    const words = make("input", { type: "search", autocomplete: "off", "aria-label": "Words as they stand in the document" });
    words.placeholder = "or type them";
    const find = make("form", { className: "find" }, words, make("button", { type: "submit", textContent: "Find" }));
    const confirm = make("button", { type: "button", className: "confirm", textContent: "These are right", disabled: true });
    const absent = make("button", { type: "button", className: "absent", textContent: "It is not in the documents" });
    const leave = make("button", { type: "button", className: "leave", textContent: "Leave it" });
    const title = make("p", { className: "title" }, "Words that answer ", make("q", { dir: "auto", textContent: dataset.question }));
    const choices = make("div", { className: "choices" }, confirm, ...(isAnswer(dataset) ? [absent] : []), leave);
    const bar = make("section", { id: "correcting", tabIndex: -1, "aria-label": "The right answer" }, title, chosen, find, choices);
    correcting = { actions, button, bar, chosen, confirm, words: null };
    find.addEventListener("submit", (event) => {
      event.preventDefault();
      findWords(words.value);
    });
    confirm.addEventListener("click", () => finish({ verdict: "wrong", correction: correcting.words }));
    absent.addEventListener("click", () => finish({ verdict: "wrong", is_absent: true }));
    leave.addEventListener("click", stopCorrecting);
    document.querySelector("#desk").append(bar);
    showDocument(actions);
    hint();
    bar.focus();
  }

  // Opens the document of the answer, or of the nearest passage, first.
  function showDocument(actions) {
    const shown = document.querySelector("#panel .text[data-document]");
    const is_seen = shown?.checkVisibility({ visibilityProperty: true });
    if (is_seen && shown.dataset.document === actions.dataset.document) return;
    actions.closest(".reply").querySelector(`.opener[data-document="${CSS.escape(actions.dataset.document ?? "")}"]`)?.click();
  }

  // Says where to select words, as long as none are selected.
  function hint() {
    if (!correcting || correcting.words) return;
    const where = document.querySelector("#panel .pages") ? "pages" : document.querySelector("#panel .text[data-document]") ? "text" : "list";
    if (where === correcting.where) return;
    correcting.where = where;
    const { chosen } = correcting;
    if (where === "text") chosen.textContent = "Select them in the document: this one, or another.";
    else if (where === "list") chosen.textContent = "Open a document, and select them in it.";
    else {
      const show = make("button", { type: "button", className: "as-text", textContent: "Show the text" });
      show.addEventListener("click", () => {
        document.querySelector('#panel .views [aria-pressed="false"]').click();
        correcting.bar.focus();
      });
      chosen.replaceChildren("The pages are pictures; words are selected in the text. ", show);
    }
  }

  async function finish(what) {
    const { actions, chosen } = correcting;
    if (await send(actions, what)) stopCorrecting();
    else chosen.textContent = actions.querySelector(".judged").textContent;
  }

  function stopCorrecting() {
    if (!correcting) return;
    const { bar, button } = correcting;
    const had_focus = bar.contains(document.activeElement);
    correcting = null;
    bar.remove();
    CSS.highlights?.delete("verbatim-chosen");
    if (!had_focus) return;
    if (document.body.classList.contains("reading")) document.querySelector("#panel .close")?.click(); // the chat is below
    button.focus();
  }

  const codePoints = (text) => [...text].length;

  // Returns the selected words of the document's text, trimmed; null if there are none.
  function selection() {
    const text = document.querySelector("#panel .text[data-document]");
    const selected = getSelection();
    if (!text || !selected.rangeCount || selected.isCollapsed) return null;
    const range = selected.getRangeAt(0).cloneRange();
    if (!range.intersectsNode(text)) return null;
    if (!text.contains(range.startContainer)) range.setStart(text, 0);
    if (!text.contains(range.endContainer)) range.setEnd(text, text.childNodes.length);
    const raw = range.toString();
    const words = raw.trim();
    if (!words) return null;
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const space = raw.slice(0, raw.length - raw.trimStart().length);
    const start = Number(text.dataset.first) + codePoints(before.toString()) + codePoints(space);
    const { document: name, sha256 } = text.dataset;
    return { range, stretch: { document: name, sha256, start, end: start + codePoints(words), text: words } };
  }

  function choose() {
    const selected = correcting && selection();
    if (!selected) return; // what was chosen stays chosen when the selection goes elsewhere, into the bar say
    correcting.words = selected.stretch;
    correcting.chosen.replaceChildren(make("q", { dir: "auto", textContent: shortened(selected.stretch.text) }));
    correcting.confirm.disabled = false;
    CSS.highlights?.set("verbatim-chosen", new Highlight(selected.range));
  }

  const shortened = (text) => (codePoints(text) > 160 ? `${[...text].slice(0, 160).join("")}…` : text);

  // Selects the next occurrence of typed words, whatever the white space between them: selecting by keyboard.
  function findWords(typed) {
    const text = document.querySelector("#panel .text[data-document]");
    const parts = typed.trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (!text || !parts[0]) return;
    const pattern = new RegExp(parts.join("\\s+"), "gi");
    const content = text.textContent;
    if (correcting.found?.text === text) pattern.lastIndex = correcting.found.end;
    const found = pattern.exec(content) ?? pattern.exec(content); // after the last one, else from the beginning
    if (!found) {
      correcting.chosen.textContent = "These words do not stand in the document that is open.";
      return;
    }
    correcting.found = { text, end: found.index + found[0].length };
    const [from, to] = [found.index, correcting.found.end].map((offset) => positionIn(text, offset));
    getSelection().setBaseAndExtent(...from, ...to);
    scrollTo(text, getSelection().getRangeAt(0));
    choose();
  }

  function positionIn(text, offset) {
    const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let node = nodes.nextNode();
    while (offset > node.length) {
      offset -= node.length;
      node = nodes.nextNode();
    }
    return [node, offset];
  }

  function scrollTo(text, range) {
    text.scrollTop += range.getBoundingClientRect().top - text.getBoundingClientRect().top - text.clientHeight / 3;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".actions .verdict");
    if (button) judge(button);
  });
  document.addEventListener("selectionchange", choose);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && correcting?.bar.contains(event.target)) {
      event.stopPropagation(); // one thing is closed at a time
      stopCorrecting();
    }
  }, { capture: true });
  new MutationObserver(() => {
    showAll();
    hint();
  }).observe(document, { childList: true, subtree: true });
  request("GET").then((feedback) => {
    feedback.forEach(keep);
    document.querySelectorAll("#log .actions[data-judged]").forEach(show);
  }).catch(() => {}); // what was said before does not show; what is said now does

  // Not a link, which would not send the browser's id.
  async function download(form) {
    const response = await fetch(`api/feedback/export?format=${form}`, { headers: { "Verbatim-Browser": browser } });
    if (!response.ok) throw new Error("The server cannot do this now.");
    const link = make("a", { href: URL.createObjectURL(await response.blob()), download: FILES[form] });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  verbatim.feedback = { all: () => request("GET"), download };
})();
