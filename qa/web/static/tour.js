// Tour for first-time visitors, in three steps over the seed document: a few lines above the question field that block
// nothing.
"use strict";

(() => {
  const { make } = verbatim;
  const KEY = "verbatim-shown-around";
  let questions = null; // one that the document answers, one that it does not
  let card = null;

  function isNew() {
    try {
      return localStorage.getItem(KEY) === null;
    } catch {
      return false; // it would come again with every visit
    }
  }

  function end() {
    card?.remove();
    card = null;
    try {
      localStorage.setItem(KEY, "1");
    } catch {
      // storage is disabled: the tour is shown again
    }
    verbatim.focusQuestion();
  }

  function ask(question) {
    const box = document.querySelector("#question textarea");
    box.value = question;
    box.dispatchEvent(new Event("input", { bubbles: true })); // as if it had been typed: the page's framework listens
    requestAnimationFrame(() => document.querySelector("#ask").click());
  }

  // Returns whether there was something to show: the answer may still be on its way.
  function showWords() {
    const citations = document.querySelectorAll("#log .citation");
    citations[citations.length - 1]?.click();
    return citations.length > 0;
  }

  const steps = () => [
    ["Ask a question", `Such as “${questions[0]}” The answer is a stretch of a document, word for word.`, "Ask it", () => ask(questions[0])],
    ["Read it where it stands", "The document is open at the answer, with the words marked. The title under an answer brings you back to them.", "Show me the words", showWords],
    ["It says when it doesn’t know", `“${questions[1]}” is not in the document, so it is not answered.`, "Ask it", () => ask(questions[1])],
  ];

  function show(index) {
    const [title, words, label, act] = steps()[index];
    const isLast = index === steps().length - 1;
    const next = make("button", { type: "button", className: "next", textContent: label });
    next.addEventListener("click", () => {
      if (act() === false) return;
      if (isLast) end();
      else show(index + 1);
    });
    const skip = make("button", { type: "button", className: "skip", textContent: "Skip" });
    skip.addEventListener("click", end);
    const hadFocus = card?.contains(document.activeElement);
    const parts = [
      make("h2", { textContent: title }), make("p", { textContent: words }), next, skip,
      make("span", { className: "step", textContent: `${index + 1} of ${steps().length}` }),
    ];
    if (!card) {
      card = make("section", { className: "tour", "aria-label": "Introduction" });
      card.addEventListener("keydown", (event) => event.key === "Escape" && end());
      (document.querySelector("#asking") ?? document.querySelector("#composer")).before(card);
    }
    card.replaceChildren(...parts);
    if (hadFocus) next.focus();
  }

  function isPossible() {
    const examples = document.querySelectorAll("#log .welcome .example");
    if (examples.length > 1) questions = [examples[0].textContent, examples[examples.length - 1].textContent];
    return questions !== null;
  }

  function start() {
    if (!isPossible()) return;
    card?.remove();
    card = null;
    show(0);
    card.querySelector(".next").focus();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest(".start-tour")) start();
  });
  verbatim.tour = { isPossible, start };

  function begin() {
    if (!document.querySelector("#log .welcome") || !document.querySelector("#composer")) return requestAnimationFrame(begin);
    if (isPossible() && isNew()) show(0);
  }
  begin();
})();
