// The Search drawer: every place where words stand, document by document; a place opens the document at it.
"use strict";

(() => {
  const { make, call, units } = verbatim;
  const WAIT_MS = 250;
  const DOCUMENTS = 20; // at a time
  const PLACES = 5; // of a document, at a time
  const MORE_PLACES = 50;
  const HINT = "All words are to stand together. “Quotation marks” keep a phrase together.";

  let typed = { words: "", anyForm: false }; // kept while the page is open

  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  function find(values) {
    const given = Object.entries({ words: typed.words, any_form: typed.anyForm, ...values });
    const asked = new URLSearchParams(given);
    (verbatim.options.within ?? []).forEach((name) => values.within || asked.append("within", name));
    return call(`/api/search?${asked}`);
  }

  function fill(body, dialog) {
    const words = make("input", { type: "search", value: typed.words, placeholder: "Words to find", "aria-label": "Words to find in the documents", maxLength: 1000 });
    const form = make("input", { type: "checkbox", checked: typed.anyForm });
    const status = make("p", { className: "summary", role: "status", textContent: HINT });
    const list = make("div", { className: "found" });
    const more = make("button", { type: "button", className: "quiet", textContent: "Show more documents", hidden: true });
    let latest = 0;

    async function load(offset = 0) {
      typed = { words: words.value.trim(), anyForm: form.checked };
      const ticket = ++latest;
      if (!typed.words) {
        list.replaceChildren();
        more.hidden = true;
        status.textContent = HINT;
        return;
      }
      try {
        const found = await find({ offset, limit: DOCUMENTS, places: PLACES });
        if (ticket !== latest) return;
        const shown = found.documents.map((each) => documentFound(each));
        if (offset) list.append(...shown);
        else list.replaceChildren(...shown);
        more.hidden = list.children.length >= found.n_documents;
        const unread = found.n_unread ? ` · ${count(found.n_unread, "document")} not looked through` : "";
        const chosen = verbatim.options.within ? " · only in the chosen documents" : "";
        status.textContent = `${count(found.n_places, "place")} in ${count(found.n_documents, "document")}${unread}${chosen}`;
      } catch (error) {
        if (ticket === latest) status.textContent = error.message;
      }
    }

    let timer;
    words.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(load, WAIT_MS);
    });
    form.addEventListener("change", () => load());
    more.addEventListener("click", () => load(list.children.length));
    dialog.addEventListener("close", () => clearTimeout(timer));
    body.append(words, make("label", { className: "form" }, form, " Other forms of the words, too"), status, list, more);
    words.focus();
    if (typed.words) load();
  }

  function documentFound({ document: name, document_sha256: sha256, title, n_places, places }) {
    const items = make("ul", {}, ...places.map((each) => item(name, sha256, each)));
    const head = make("h3", {}, make("span", { className: "title", dir: "auto", textContent: title || name }));
    const facts = make("p", { className: "facts" }, make("bdi", { className: "file", textContent: name }), ` ${count(n_places, "place")}`);
    const more = make("button", { type: "button", className: "quiet", textContent: "More places", hidden: n_places <= places.length });
    more.setAttribute("aria-label", `More places in ${title || name}`);
    let last = places.at(-1);
    more.addEventListener("click", async () => {
      try {
        const found = await find({ within: name, start: last.start + 1, places: MORE_PLACES });
        const next = found.documents[0]?.places ?? [];
        const added = next.map((each) => item(name, sha256, each));
        items.append(...added);
        last = next.at(-1) ?? last;
        more.hidden = !next.length || items.children.length >= n_places;
        added[0]?.querySelector("button").focus();
      } catch (error) {
        verbatim.say(error.message);
      }
    });
    return make("section", {}, head, facts, items, more);
  }

  function item(name, sha256, { start, end, place, snippet, snippet_start: first, marks }) {
    const at = units(snippet, marks.flat().map((offset) => offset - first));
    const excerpt = make("span", { className: "excerpt", dir: "auto" });
    let from = 0;
    for (let index = 0; index < at.length; index += 2) {
      if (at[index] < from) continue; // words that overlap are marked once
      excerpt.append(snippet.slice(from, at[index]), make("mark", { textContent: snippet.slice(at[index], at[index + 1]) }));
      from = at[index + 1];
    }
    excerpt.append(snippet.slice(from));
    const data = { "data-document": name, "data-start": start, "data-end": end, "data-sha256": sha256 };
    const aside = place ? [make("span", { className: "aside", dir: "auto", textContent: place })] : [];
    return make("li", {}, make("button", { type: "button", className: "opener passage", ...data }, excerpt, ...aside));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".find-words");
    if (!button) return;
    typed = { words: button.dataset.words, anyForm: false };
    verbatim.openDrawer("search");
  });

  verbatim.addDrawer("search", "Search the documents", fill);
})();
