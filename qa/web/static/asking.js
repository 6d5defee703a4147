// Sending a question, and the page until it is answered: one question at a time, with progress, stopping, asking again
// and editing in place; failures of server or network become a line.
"use strict";

(() => {
  const AWAY = "The server does not answer. Your question stays here; ask again when it is back.";
  const LOST = "The server went away. This page goes on by itself when it is back.";
  const RETURNED = "Your last question was not answered; it is back in the field.";
  const FAILED = "The server did not answer. Your question is back in the field.";
  const OWN = "/api/conversations?limit=1"; // answers as long as the server is there, and gives a browser without an id one
  const RETRY_MS = 1000;
  const KEPT_QUESTION = "verbatim-question";

  let send = null; // tells the server of an event
  let isAsking = false;
  let onDone = null; // who waits for the end of what is under way
  let conversation = new URLSearchParams(location.search).get("conversation") ?? "";

  const field = () => document.querySelector("#question textarea");
  const say = (line) => {
    const place = document.querySelector("#line [role=status]");
    if (place && place.textContent !== line) place.textContent = line;
  };

  function setField(text) {
    const question = field();
    question.value = text;
    question.dispatchEvent(new Event("input", { bubbles: true })); // Gradio has its own notion of the value
  }

  // The pending question is stored: after a restart of the server, the page is reloaded.
  function remember(question) {
    try {
      if (question === null) sessionStorage.removeItem(KEPT_QUESTION);
      else sessionStorage.setItem(KEPT_QUESTION, question);
    } catch {
      // storage is disabled in this browser
    }
  }

  function recall() {
    try {
      const question = sessionStorage.getItem(KEPT_QUESTION);
      sessionStorage.removeItem(KEPT_QUESTION);
      return question;
    } catch {
      return null;
    }
  }

  // Sends a question unless one is pending. `asked`: question, and if they differ from a new one's, understood and
  // in_place_of. Returns whether it was sent.
  async function ask(asked) {
    if (isAsking || !send) return false;
    isAsking = true;
    try {
      await verbatim.call(OWN);
    } catch (error) {
      isAsking = false;
      say(error instanceof TypeError ? AWAY : error.message);
      return false;
    }
    say("");
    remember(asked.question);
    document.body.classList.add("asking");
    send("submit", { asked: { ...asked, conversation, options: verbatim.options } });
    return true;
  }

  async function askTyped() {
    const typed = field().value;
    if ((await ask({ question: typed })) && field().value === typed) setField("");
  }

  function done() {
    isAsking = false;
    remember(null);
    document.body.classList.remove("asking");
    onDone?.();
    onDone = null;
    const focused = document.activeElement;
    if (!focused || focused === document.body || focused.closest("#composer")) verbatim.focusQuestion();
  }

  function stop() {
    if (isAsking && send) send("stop", {});
  }

  function setConversation(id) {
    if (id === conversation) return;
    conversation = id;
    const address = new URL(location.href);
    if (id) address.searchParams.set("conversation", id);
    else address.searchParams.delete("conversation");
    history.replaceState(history.state, "", address);
  }

  // Shows another conversation, or starts one; a pending question is stopped first, since it would overwrite the page.
  async function openConversation(id) {
    if (isAsking) {
      const ended = new Promise((resolve) => {
        onDone = resolve;
      });
      stop();
      await ended;
    }
    setConversation(id);
    send?.("input", { conversation: id });
  }

  // Editing a question in place

  function edit(button) {
    const turn = button.closest(".turn");
    const question = turn.querySelector(".question").lastChild.textContent;
    const keys = [...document.querySelectorAll("#log [data-key]")].map((each) => each.dataset.key);
    const inPlaceOf = keys.slice(keys.indexOf(turn.dataset.key));
    const text = verbatim.make("textarea", { value: question, maxLength: 1000, rows: 2, "aria-label": "Edit this question", dir: "auto" });
    const after = inPlaceOf.length - 1;
    const what = after === 1 ? "the question after it goes" : `the ${after} questions after it go`;
    const note = verbatim.make("p", { textContent: after ? `Once it is answered, ${what}.` : "" });
    const ask_ = verbatim.make("button", { type: "submit", textContent: "Ask" });
    const cancel = verbatim.make("button", { type: "button", textContent: "Cancel" });
    const form = verbatim.make("form", { className: "editing" }, text, verbatim.make("div", {}, note, cancel, ask_));
    const close = () => {
      form.remove();
      turn.classList.remove("edited");
      turn.querySelector(".edit")?.focus();
    };
    cancel.addEventListener("click", close);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await ask({ question: text.value, in_place_of: inPlaceOf })) {
        close();
        verbatim.focusQuestion();
      }
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (isEnter(event)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    turn.classList.add("edited");
    turn.prepend(form);
    text.focus();
    text.setSelectionRange(question.length, question.length);
  }

  // Enter asks, Shift+Enter starts a new line; while an input method composes a word, Enter belongs to that.
  const isEnter = (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing;

  function isBusyElsewhere() {
    return document.querySelector("dialog[open]") !== null || document.body.classList.contains("reading");
  }

  document.addEventListener(
    "keydown",
    (event) => {
      const { target } = event;
      if (event.key === "Escape" && isAsking && !isBusyElsewhere() && !target.closest(".editing")) stop();
      if (target.matches(".understood input") && isEnter(event)) {
        target.parentElement.querySelector(".rephrase").click();
      } else if (target === field() && isEnter(event)) {
        event.preventDefault();
        event.stopImmediatePropagation(); // Gradio would take it for an event of its own
        askTyped();
      } else if (target === field() && event.key === "ArrowUp" && !target.value) {
        const last = [...document.querySelectorAll("#log .question")].at(-1);
        if (!last) return;
        event.preventDefault();
        setField(last.lastChild.textContent);
      }
    },
    true,
  );

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "ask") {
      askTyped();
    } else if (button.id === "stop") {
      stop();
    } else if (button.matches(".example")) {
      ask({ question: button.textContent });
      verbatim.focusQuestion();
    } else if (button.matches(".rephrase")) {
      const understood = button.closest(".understood");
      ask({ question: understood.dataset.asked, understood: understood.querySelector("input").value });
    } else if (button.matches(".again")) {
      ask(JSON.parse(button.dataset.asked));
    } else if (button.matches(".edit")) {
      edit(button);
    }
  });

  // A question that was not sent is put back. After a sent one, nothing more arrives if the server stops, not even for
  // later ones: Gradio keeps the stream that ended. So the page is reloaded once the server is back.
  function fail() {
    if (document.querySelector("#log .pending")) {
      say(LOST);
      reloadWhenBack();
      return;
    }
    const question = recall();
    done();
    if (question !== null && !field().value) setField(question);
    say(FAILED);
  }

  function reloadWhenBack() {
    setTimeout(() => verbatim.call(OWN).then(() => location.reload(), reloadWhenBack), RETRY_MS);
  }

  // Gradio's own messages, in toasts or over a part of the page, are shown as our line; the stylesheet hides them.
  new MutationObserver(() => {
    const said = document.querySelector(".toast-body:not(.heard), #log > .wrap .error:not(.heard)");
    if (!said) return;
    said.classList.add("heard");
    if (said.textContent.includes("Connection")) say(LOST);
    else if (isAsking) fail();
  }).observe(document.documentElement, { childList: true, subtree: true });

  verbatim.ask = ask;
  verbatim.openConversation = openConversation;
  verbatim.conversation = () => conversation;

  verbatim.step = (element, trigger, watch) => {
    watch("value", () => {
      const shown = document.querySelector("#log .pending .step");
      if (shown) shown.textContent = element.textContent.trim();
    });
  };

  verbatim.line = (element) => {
    const question = recall();
    if (question === null) return;
    element.querySelector("[role=status]").textContent = RETURNED;
    const fill = () => (field() ? setField(question) : requestAnimationFrame(fill));
    fill();
  };

  verbatim.asking = (trigger, watch) => {
    send = trigger;
    watch("value", () => {
      setConversation(document.querySelector("#log [data-conversation]")?.dataset.conversation ?? "");
      if (isAsking && !document.querySelector("#log .pending")) done();
    });
  };
})();
