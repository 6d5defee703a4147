// Announces the last reply to screen readers. The log itself is replaced at every turn; a live region would be read out
// as a whole each time.
"use strict";

(() => {
  const status = verbatim.make("div", { id: "announced", className: "unseen", role: "status" });
  const PARTS = ".label:first-child, .quote, .from .title, .certainty, .unknown, .reason";

  function inWords(turn) {
    if (turn.matches(".pending")) return "Searching the documents…";
    const reply = turn.querySelector(".reply");
    const parts = [...reply.querySelectorAll(PARTS)];
    return parts.length ? parts.map((part) => part.textContent).join(". ") : reply.textContent;
  }

  new MutationObserver(() => {
    const frame = document.querySelector(".gradio-container");
    if (!frame) return;
    if (!status.isConnected) frame.append(status);
    const newest = document.querySelector("#log .turn:last-of-type");
    const said = newest ? inWords(newest) : "";
    if (said !== status.textContent) status.textContent = said;
  }).observe(document, { childList: true, subtree: true });
})();
