// The history drawer: this browser's conversations by day, to search, open, rename, export and delete.
"use strict";

(() => {
  const { make, call } = verbatim;
  const FORMATS = [["markdown", "Markdown"], ["csv", "CSV"], ["json", "JSON"]];
  const SEARCH_DELAY_MS = 200;

  const address = (id) => `/api/conversations/${encodeURIComponent(id)}`;
  const button = (text, onClick, properties = {}) => {
    const made = make("button", { type: "button", textContent: text, ...properties });
    made.addEventListener("click", onClick);
    return made;
  };

  function dayOf(seconds) {
    const day = new Date(seconds * 1000);
    const today = new Date();
    const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86_400_000);
    if (days <= 0) return "Today";
    if (days === 1) return "Yesterday";
    if (days < 7) return day.toLocaleDateString(undefined, { weekday: "long" });
    return day.toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
  }

  // Download links for `path`, a conversation or all of them. `label` names it for screen readers.
  function exports(path, text, label) {
    const links = FORMATS.map(([format, name]) =>
      make("a", { href: `${path}/export?format=${format}`, download: "", textContent: name }),
    );
    const note = make("p", { textContent: "In CSV, what a spreadsheet would take for a formula begins with an apostrophe." });
    const summary = make("summary", { textContent: text, "aria-label": label });
    return make("details", { className: "export" }, summary, make("div", {}, ...links, note));
  }

  // The drawer while it is open
  class Drawer {
    constructor(body, dialog) {
      this.body = body;
      this.dialog = dialog;
      this.search = make("input", { type: "search", placeholder: "Search", "aria-label": "Search the conversations", maxLength: 200 });
      this.status = make("p", { className: "status", role: "status" });
      this.list = make("div", { className: "days" });
      this.foot = make("footer", { className: "all" });
      const begin = button("New conversation", () => this.open(""), { className: "begin" });
      body.append(make("div", { className: "head" }, begin, this.search), this.status, this.list, this.foot);
      body.classList.add("history");
      this.search.addEventListener("input", () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.load(), SEARCH_DELAY_MS);
      });
      this.load();
    }

    async load() {
      const words = this.search.value;
      try {
        const found = await call(`/api/conversations?search=${encodeURIComponent(words)}`);
        if (words === this.search.value) this.show(found, words.trim());
      } catch (error) {
        this.fail(error);
      }
    }

    fail(error) {
      this.status.textContent = error instanceof TypeError ? "The server does not answer." : error.message;
    }

    show({ kept, conversations }, words) {
      this.search.hidden = !kept || (!conversations.length && !words);
      this.status.textContent = conversations.length ? "" : this.nothing(kept, words);
      const days = grouped(conversations);
      this.list.replaceChildren(
        ...[...days].map(([day, those]) =>
          make("section", { "aria-label": day }, make("h3", { textContent: day }), make("ul", {}, ...those.map((each) => this.row(each)))),
        ),
      );
      this.foot.replaceChildren(...(kept && conversations.length && !words ? this.forAll(conversations.length) : []));
    }

    nothing(kept, words) {
      if (!kept) return "This server keeps no history: a conversation lasts as long as its page.";
      return words ? `Nothing holds “${words}”.` : "What you ask is kept here, for this browser. Who has a conversation’s address can read it.";
    }

    row(conversation) {
      const row = make("li", {});
      const fill = () => {
        const questions = conversation.n_turns === 1 ? "1 question" : `${conversation.n_turns} questions`;
        const title = make("span", { className: "name", dir: "auto", textContent: conversation.title });
        const open = button("", () => this.open(conversation.id), { className: "open" });
        open.append(title, make("span", { className: "aside", textContent: questions }));
        if (conversation.id === verbatim.conversation()) open.setAttribute("aria-current", "true");
        const about = `“${conversation.title}”`;
        const rename = button("Rename", () => this.rename(row, conversation, fill), { "aria-label": `Rename ${about}` });
        const remove = button("Delete", () => this.confirm(row, conversation, fill), { "aria-label": `Delete ${about}` });
        const tools = make("div", { className: "tools" }, rename, remove, exports(address(conversation.id), "Export", `Export ${about}`));
        row.replaceChildren(open, tools);
      };
      fill();
      return row;
    }

    open(id) {
      this.dialog.close();
      verbatim.openConversation(id);
      verbatim.focusQuestion();
    }

    rename(row, conversation, fill) {
      const name = make("input", { type: "text", value: conversation.title, maxLength: 120, "aria-label": "Title", dir: "auto" });
      const form = make("form", { className: "renaming" }, name, make("button", { type: "submit", textContent: "Save" }));
      const close = () => {
        fill();
        row.querySelector(".tools button").focus();
      };
      form.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault(); // of the dialog, which would close
        event.stopPropagation();
        close();
      });
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (!name.value.trim()) return;
        try {
          const body = JSON.stringify({ title: name.value });
          const headers = { "Content-Type": "application/json" };
          const renamed = await call(address(conversation.id), { method: "PATCH", headers, body });
          conversation.title = renamed.title;
          close();
        } catch (error) {
          this.fail(error);
        }
      });
      row.replaceChildren(form);
      name.select();
    }

    confirm(row, conversation, fill) {
      const remove = async () => {
        try {
          await call(address(conversation.id), { method: "DELETE" });
        } catch (error) {
          this.fail(error);
          return;
        }
        if (conversation.id === verbatim.conversation()) verbatim.openConversation("");
        await this.load();
        this.search.focus();
      };
      const keep = () => {
        fill();
        row.querySelectorAll(".tools > button")[1].focus(); // Delete, which it was asked with
      };
      row.replaceChildren(...asking(`Erase “${conversation.title}”? This cannot be undone.`, "Erase", remove, keep));
      row.querySelector(".keep").focus();
    }

    forAll(count) {
      const remove = async () => {
        try {
          await call("/api/conversations", { method: "DELETE" });
        } catch (error) {
          this.fail(error);
          return;
        }
        verbatim.openConversation("");
        await this.load();
      };
      const what = count === 1 ? "the one conversation" : `all ${count} conversations`;
      const ask = button("Delete all", () => {
        this.foot.replaceChildren(...asking(`Erase ${what}? This cannot be undone.`, "Erase all", remove, () => this.load()));
        this.foot.querySelector(".keep").focus();
      });
      return [ask, exports("/api/conversations", "Export all", "Export all conversations")];
    }
  }

  function asking(question, yes, onYes, onNo) {
    const line = make("p", { className: "asks", textContent: question });
    return [line, make("div", { className: "tools" }, button(yes, onYes, { className: "erase" }), button("Keep", onNo, { className: "keep" }))];
  }

  function grouped(conversations) {
    const days = new Map();
    for (const each of conversations) {
      const day = dayOf(each.updated);
      days.set(day, [...(days.get(day) ?? []), each]);
    }
    return days;
  }

  verbatim.addDrawer("history", "History", (body, dialog) => new Drawer(body, dialog));
})();
