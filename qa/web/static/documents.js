// The Documents drawer: list of documents and of left-out files, adding, removing, choosing which to ask.
"use strict";

(() => {
  const { make, call, route, say } = verbatim;
  const LISTED = 60; // at a time
  const MOST_LISTED = 500; // as many as the server gives
  const SENT_FILES = 25; // at a time: a file's progress is seen, and one connection is not held for hours
  const SENT_BYTES = 32 * 1024 * 1024;
  const POLL_MS = 600;
  const ADDRESS_CHARS = 4000;
  const UPLOADS = "verbatim-uploads";
  const KINDS = "PDF, Word, PowerPoint, Excel, web pages, mail, text, Markdown, code, or a ZIP of them. Or drop files anywhere on the page.";

  let totals = null;
  let adding = null; // whether files can be added, and how much at a time
  let drawer = null; // the parts of the drawer, while it is open

  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const button = (label, className, action) => {
    const made = make("button", { type: "button", className, textContent: label });
    made.addEventListener("click", action);
    return made;
  };

  function size(bytes) {
    if (bytes < 1000) return `${bytes} B`;
    const [power, unit] = bytes < 1e6 ? [1e3, "KB"] : bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
    const value = bytes / power;
    return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  }

  // Choosing documents to ask

  const within = () => verbatim.options.within;

  function choose(names) {
    verbatim.setOption("within", names?.length ? names : null);
  }

  function toggle(name, isChosen) {
    const others = (within() ?? []).filter((each) => each !== name);
    choose(isChosen ? [...others, name] : others);
  }

  function askAbout(name) {
    choose([name]);
    document.querySelector("#drawer-documents")?.close();
    document.querySelector("#question textarea")?.focus();
  }

  function sayWhatIsAsked() {
    const chosen = within();
    const composer = document.querySelector("#composer");
    if (!composer) return;
    let line = document.querySelector("#asking");
    if (!line) {
      line = make("p", { id: "asking", role: "status" });
      composer.before(line);
    }
    line.hidden = !chosen;
    if (!chosen) return line.replaceChildren();
    const all = totals ? ` of ${count(totals.documents, "document")}` : "";
    const what = chosen.length === 1 ? `Asking only ${chosen[0]}` : `Asking ${chosen.length}${all}`;
    line.replaceChildren(make("span", { dir: "auto", title: chosen.join("\n"), textContent: what }), " · ", button("ask all", "ask-all", () => choose(null)));
  }

  // Splits names into groups that fit into an address.
  function inAddresses(names) {
    const groups = [];
    let left = 0;
    for (const name of names) {
      const length = encodeURIComponent(name).length + 6;
      if (length > left) {
        groups.push([]);
        left = ADDRESS_CHARS;
      }
      groups.at(-1).push(name);
      left -= length;
    }
    return groups;
  }

  // Removes deleted documents from the choice.
  async function dropGone() {
    const chosen = within();
    if (!chosen) return;
    const there = new Set();
    for (const names of inAddresses(chosen)) {
      const asked = new URLSearchParams([["which", "indexed"], ["limit", "500"], ...names.map((name) => ["name", name])]);
      const list = await call(`/api/documents?${asked}`);
      list.documents.forEach(({ name }) => there.add(name));
    }
    if (chosen.some((name) => !there.has(name))) choose(chosen.filter((name) => there.has(name)));
  }

  document.addEventListener("verbatim-options", (event) => {
    if (event.detail.name !== "within") return;
    sayWhatIsAsked();
    drawer?.showChosen();
  });

  // Numbers of documents

  async function refresh(change = {}) {
    const list = await call(route("", { limit: 1, which: "indexed" }));
    ({ totals, adding } = list);
    showTotals(list.folder);
    await dropGone();
    sayWhatIsAsked();
    document.dispatchEvent(new CustomEvent("verbatim-documents", { detail: change }));
    await drawer?.reload("removed" in change);
  }

  function showTotals(folder) {
    const counted = count(totals.documents, "document");
    const said = document.querySelector("#masthead header p");
    said?.replaceChildren(`${counted} in `, make("bdi", { textContent: folder }));
    const shown = document.querySelector("#masthead .show");
    const label = totals.documents === 1 ? "Show the document" : `Show ${counted}`;
    if (shown) shown.textContent = label;
    else if (totals.documents) said?.after(make("button", { type: "button", className: "show", textContent: label }));
    const first = document.querySelector("#log .welcome > template");
    if (first && totals.documents) first.parentElement.replaceWith(first.content.cloneNode(true));
  }

  // The drawer

  function fill(body, dialog) {
    const search = make("input", { type: "search", placeholder: "Search names and titles", "aria-label": "Search the documents" });
    const summary = make("p", { className: "summary", role: "status" });
    const asked = make("p", { className: "chosen" });
    const list = make("ul", { className: "files" });
    const hint = make("p", { className: "hint", textContent: KINDS });
    const adder = button("Add files", "add-files", () => {});
    const more = button("Show more", "quiet", () => load(list.children.length));
    more.hidden = true;
    let latest = 0;

    async function load(offset = 0, limit = LISTED) {
      const ticket = ++latest;
      try {
        const found = await call(route("", { search: search.value.trim(), offset, limit }));
        if (ticket !== latest) return;
        ({ totals, adding } = found);
        hint.textContent = adding.problem || KINDS;
        adder.disabled = Boolean(adding.problem);
        const rows = found.documents.map(row);
        const focused = offset ? null : focusIn(list);
        if (offset) list.append(...rows);
        else list.replaceChildren(...rows);
        if (focused) focusAgain(list, focused) || search.focus();
        more.hidden = list.children.length >= found.found;
        const left = totals.left_out ? ` · ${count(totals.left_out, "file")} left out` : "";
        const hits = search.value.trim() ? `${count(found.found, "file")} found · ` : "";
        const line = `${hits}${count(totals.documents, "document")}${left} · ${size(totals.size_bytes)}`;
        if (summary.textContent !== line) summary.textContent = line; // or it would be read out anew
        showChosen();
      } catch (error) {
        summary.textContent = error.message;
      }
    }

    function showChosen() {
      const chosen = within();
      asked.hidden = !chosen;
      asked.replaceChildren(`Asking ${chosen?.length} of ${count(totals?.documents ?? 0, "document")} · `, button("ask all", "ask-all", () => choose(null)));
      for (const box of list.querySelectorAll("input[type=checkbox]")) box.checked = Boolean(chosen?.includes(box.value));
    }

    let typed;
    search.addEventListener("input", () => {
      clearTimeout(typed);
      typed = setTimeout(() => load(), 200);
    });
    // As many rows as before, unless the user is about to decide on one.
    const reload = (isDecided) => (isDecided || !list.querySelector(".confirm")) && load(0, Math.min(MOST_LISTED, Math.max(LISTED, list.children.length)));
    drawer = { reload, showChosen };
    dialog.addEventListener("close", () => (drawer = null));
    const tour = verbatim.tour?.isPossible() ? [button("Show me around", "quiet", () => (dialog.close(), verbatim.tour.start()))] : [];
    body.append(adder, hint, uploads.element, search, summary, asked, list, more, ...tour);
    load();
  }

  // Finds the focused element of a list that is about to be replaced, and the same one in the new list.

  function focusIn(list) {
    const row = list.contains(document.activeElement) && document.activeElement.closest("li");
    return row && { name: row.dataset.name, place: [...row.querySelectorAll("button, input")].indexOf(document.activeElement) };
  }

  function focusAgain(list, { name, place }) {
    const row = [...list.children].find((each) => each.dataset.name === name);
    const found = row?.querySelectorAll("button, input")[place];
    found?.focus();
    return Boolean(found);
  }

  function row(each) {
    const item = make("li", { className: each.is_indexed ? "" : "left-out", "data-name": each.name });
    const title = each.title || each.name.split("/").at(-1);
    const head = each.is_indexed ? openable(each, title) : make("span", { className: "title", dir: "auto", textContent: title });
    const name = title === each.name ? [] : [make("bdi", { className: "file", textContent: each.name })];
    const parts = each.pages ? count(each.pages, "page") : "";
    const facts = [each.size_bytes ? size(each.size_bytes) : "", parts, each.date].filter(Boolean).join(" · ");
    item.append(head, ...name, make("span", { className: "facts", textContent: facts }));
    const line = became(each);
    if (line) item.append(make("span", { className: "line", dir: "auto", textContent: line }));
    if (each.is_indexed) item.prepend(chooser(each.name, title));
    if (each.is_indexed) item.append(actions(each, title, item));
    return item;
  }

  // Describes a file that is not simply indexed, from its ledger entry.
  function became({ status, detail }) {
    if (status === "removed") return "Taken out; add it again to ask it";
    const line = status === "indexed" || detail.startsWith(status) ? detail : [status, detail].filter(Boolean).join(": ");
    return line && line[0].toUpperCase() + line.slice(1);
  }

  function openable({ name, sha256 }, title) {
    return make("button", { type: "button", className: "opener title", "data-document": name, "data-sha256": sha256, dir: "auto", textContent: title });
  }

  function chooser(name, title) {
    const box = make("input", { type: "checkbox", value: name, "aria-label": `Ask only the chosen documents: ${title}`, title: "Ask only the chosen documents" });
    box.addEventListener("change", () => toggle(name, box.checked));
    return box;
  }

  function actions({ name }, title, item) {
    const ask = button("Ask about it", "quiet", () => askAbout(name));
    const take = button("Take out", "quiet", () => confirmRemoval(name, title, item, take));
    ask.setAttribute("aria-label", `Ask about ${title}`);
    take.setAttribute("aria-label", `Take out ${title}`);
    return make("div", { className: "row-actions" }, ask, take);
  }

  function confirmRemoval(name, title, item, opener) {
    if (item.querySelector(".confirm")) return;
    const words = make("p", { textContent: "It will not be asked any more. The file stays in the folder; add it again to bring it back." });
    const keep = button("Keep it", "quiet", () => (confirm.remove(), opener.focus()));
    const remove = button("Take it out", "quiet strong", async () => {
      remove.disabled = true;
      words.textContent = "Taking it out… while other files are being read this waits for them.";
      try {
        await call(route("", { name }), { method: "DELETE" });
        say(`Taken out: ${title}`);
        await refresh({ removed: name });
      } catch (error) {
        words.textContent = error.message;
        remove.disabled = false;
      }
    });
    const confirm = make("div", { className: "confirm", role: "group", "aria-label": `Take out ${title}?` }, words, remove, keep);
    item.append(confirm);
    remove.focus();
  }

  // Adding

  const uploads = {
    items: new Map(), // by a key of ours: { file, name, size, state, detail, document, element }
    element: make("section", { className: "uploads", "aria-label": "Added files", hidden: true }),
    status: make("p", { className: "summary", role: "status" }),
    bar: make("progress", { max: 1, value: 0, "aria-label": "Progress of adding" }),
    list: make("ul", { className: "files" }),
    next: 0,
    isSending: false,
    followed: [], // uploads that are not done
    waiting: [],
  };
  uploads.element.append(make("div", { className: "uploads-head" }, uploads.status, button("Clear", "quiet clear", clear)), uploads.bar, uploads.list);

  const SAID = { waiting: "Waiting", sending: "Sending", reading: "Reading", indexed: "Added", failed: "Not added" };
  const isDone = ({ state }) => state === "indexed" || state === "failed";

  function track(given) {
    const item = { state: "waiting", detail: "", document: "", share: 0, key: uploads.next++, ...given, element: make("li") };
    uploads.items.set(item.key, item);
    uploads.list.append(item.element);
    showItem(item);
    return item;
  }

  function change(item, given) {
    if (Object.entries(given).every(([key, value]) => item[key] === value)) return;
    Object.assign(item, given);
    showItem(item);
  }

  function showItem(item) {
    const line = item.detail ? `${SAID[item.state]}: ${item.detail}` : SAID[item.state];
    const parts = [make("bdi", { className: "file", textContent: item.name }), make("span", { className: "line", dir: "auto", textContent: line })];
    if (item.document) {
      const ask = button("Ask about it", "quiet", () => askAbout(item.document));
      ask.setAttribute("aria-label", `Ask about ${item.document}`);
      parts.push(make("div", { className: "row-actions" }, ask));
    }
    item.element.className = item.state;
    item.element.replaceChildren(...parts);
  }

  function showUploads() {
    const items = [...uploads.items.values()];
    uploads.element.hidden = !items.length;
    const done = items.filter(isDone);
    const failed = items.filter(({ state }) => state === "failed").length;
    const bytes = items.reduce((sum, { size: each }) => sum + each + 1, 0);
    const share = { waiting: 0, sending: 0.3, reading: 0.4 }; // sending is the lesser part of the work
    uploads.bar.value = items.reduce((sum, item) => sum + (item.size + 1) * (isDone(item) ? 1 : share[item.state] + 0.5 * item.share), 0) / Math.max(1, bytes);
    uploads.bar.hidden = done.length === items.length;
    const without = failed ? `, ${failed.toLocaleString("en")} not` : "";
    const line = done.length === items.length
      ? `${count(done.length - failed, "file")} added${without}`
      : `Adding ${count(items.length, "file")}: ${done.length.toLocaleString("en")} done`;
    if (uploads.status.textContent !== line) uploads.status.textContent = line;
    uploads.element.querySelector(".clear").hidden = done.length !== items.length;
  }

  function clear() {
    uploads.items.clear();
    uploads.list.replaceChildren();
    remember([]);
    showUploads();
  }

  function add(files) {
    if (!files.length) return;
    for (const file of files) {
      const item = track({ name: file.name, size: file.size, file });
      // Checked before sending: the server would refuse it only after receiving half of it.
      const isTooLarge = adding && file.size > adding.file_bytes;
      if (isTooLarge) change(item, { state: "failed", detail: `too large: at most ${size(adding.file_bytes)}; split it into parts` });
      else uploads.waiting.push(item);
    }
    if (!drawer) verbatim.openDrawer("documents");
    showUploads();
    uploads.element.scrollIntoView({ block: "nearest" });
    send();
  }

  async function send() {
    if (uploads.isSending) return;
    uploads.isSending = true;
    try {
      while (uploads.waiting.length) {
        const batch = [];
        let bytes = 0;
        while (uploads.waiting.length && batch.length < SENT_FILES && (!batch.length || bytes + uploads.waiting[0].size <= SENT_BYTES)) {
          batch.push(uploads.waiting.shift());
          bytes += batch.at(-1).size;
        }
        await sendBatch(batch, bytes);
      }
    } finally {
      uploads.isSending = false;
    }
  }

  async function sendBatch(batch, bytes) {
    const form = new FormData();
    for (const { file, name } of batch) form.append("files", file, name);
    batch.forEach((item) => change(item, { state: "sending" }));
    showUploads();
    try {
      const told = await post(form, (sent) => batch.forEach((item) => (item.share = bytes ? sent / bytes : 0)));
      batch.forEach((item) => delete item.file);
      tell(batch, told.files);
      if (told.id) {
        remember([...remembered(), told.id]);
        follow(told.id, batch);
      }
    } catch (error) {
      batch.forEach((item) => change(item, { state: "failed", detail: error.message }));
    }
    showUploads();
  }

  // XMLHttpRequest, since fetch reports no progress of sending.
  function post(form, onSent) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/api/documents");
      request.responseType = "json";
      request.upload.addEventListener("progress", ({ loaded }) => {
        onSent(loaded);
        showUploads();
      });
      request.addEventListener("load", () => {
        const told = request.response ?? {};
        if (told.files) resolve(told); // refused or not, there is a line for each
        else reject(new Error(typeof told.detail === "string" ? told.detail : "the server cannot take it now"));
      });
      request.addEventListener("error", () => reject(new Error("it could not be sent: the connection was lost, or a file changed meanwhile")));
      request.send(form);
    });
  }

  function tell(batch, files) {
    batch.forEach((item, index) => {
      const { state, detail, document: name } = files[index];
      change(item, { state, detail, document: name });
    });
  }

  // Uploads are processed in order of arrival, so only the first is polled.
  async function follow(id, batch) {
    uploads.followed.push({ id, batch });
    if (uploads.followed.length > 1) return;
    let nDone = 0;
    while (uploads.followed.length) {
      const isDone = await look(uploads.followed[0]);
      if (isDone) uploads.followed.shift();
      const done = [...uploads.items.values()].filter(({ state }) => state === "indexed").length;
      if (done > nDone) await refresh().catch(() => {}); // the next look says what is wrong
      nDone = done;
      if (!isDone) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  // Polls an upload; returns whether it is finished.
  async function look({ id, batch }) {
    try {
      const told = await call(`/api/uploads/${encodeURIComponent(id)}`);
      tell(batch, told.files);
      batch.forEach((item) => (item.share = item.state === "reading" ? told.fraction : 0));
      return told.is_done;
    } catch (error) {
      batch.filter((item) => !isDone(item)).forEach((item) => change(item, { state: "failed", detail: error.message }));
      return true;
    } finally {
      showUploads();
    }
  }

  function remembered() {
    try {
      return JSON.parse(sessionStorage.getItem(UPLOADS) ?? "[]");
    } catch {
      return [];
    }
  }

  function remember(ids) {
    try {
      sessionStorage.setItem(UPLOADS, JSON.stringify(ids));
    } catch {
      // then they are polled until the page is left
    }
  }

  async function goOn() {
    for (const id of remembered()) {
      try {
        const told = await call(`/api/uploads/${encodeURIComponent(id)}`);
        const batch = told.files.map(({ name, size_bytes }) => track({ name, size: size_bytes }));
        tell(batch, told.files);
        if (!told.is_done) follow(id, batch);
      } catch {
        remember(remembered().filter((each) => each !== id)); // long done, or the server was started anew
      }
    }
    showUploads();
  }

  addEventListener("beforeunload", (event) => {
    if (uploads.isSending) event.preventDefault(); // what was not sent yet would be lost
  });

  // Files come from the browser's dialog, or are dropped anywhere on the page.

  const picker = make("input", { type: "file", multiple: true, hidden: true });
  picker.addEventListener("change", () => {
    add([...picker.files]);
    picker.value = "";
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest(".add-files")) picker.click();
    else if (event.target.closest(".drawer .opener")) event.target.closest("dialog").close();
  });

  const target = make("div", { className: "drop", textContent: "Drop files to add them to the documents", hidden: true });
  const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");

  function showTarget(isShown) {
    if (isShown) (document.querySelector("dialog[open]") ?? document.querySelector(".gradio-container")).append(target);
    target.hidden = !isShown;
  }

  function dropped({ items, files }) {
    const folders = new Set([...items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory).map((entry) => entry.name));
    for (const name of folders) track({ name, size: 0, state: "failed", detail: "a folder; drop the files in it, or a ZIP of it" });
    return [...files].filter((file) => !folders.has(file.name));
  }

  const capture = { capture: true }; // before the box for the question, which would take what is dropped on it
  for (const kind of ["dragenter", "dragover"]) {
    addEventListener(kind, (event) => {
      if (!bringsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      if (target.hidden) showTarget(true);
    }, capture);
  }
  addEventListener("dragleave", (event) => event.relatedTarget === null && showTarget(false), capture);
  addEventListener("drop", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    showTarget(false);
    const files = dropped(event.dataTransfer);
    if (files.length) add(files);
    else if (!drawer) verbatim.openDrawer("documents");
    showUploads();
  }, capture);

  verbatim.addDrawer("documents", "Documents", fill);

  // Progress of indexing in the head line, until it is finished.
  const INDEXING_EVERY_MS = 2000;
  async function sayIndexing() {
    const said = document.querySelector("#masthead .indexing");
    if (!said || document.hidden) return;
    const { indexing } = await call("/health");
    if (indexing) {
      const { files_done: done, files_total: total } = indexing;
      said.textContent = total ? `indexing ${done} of ${count(total, "file")}` : "looking through the folder";
    } else {
      said.remove();
      await refresh();
    }
  }
  setInterval(() => sayIndexing().catch(() => {}), INDEXING_EVERY_MS); // the next look says what is wrong

  // The composer's line, once there is a composer, with uploads pending from before the page was reloaded.
  function begin() {
    if (!document.querySelector("#composer")) return requestAnimationFrame(begin);
    document.querySelector(".gradio-container").append(picker);
    sayWhatIsAsked();
    if (within()) refresh().catch((error) => say(error.message));
    goOn();
  }
  begin();
})();
