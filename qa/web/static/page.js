// What the page does in the browser beside Gradio: opens documents, keeps the newest turn and the marked words in view.
// Offsets pass through here as they were written by the server, in code points; nothing counts characters.
"use strict";

globalThis.verbatim = (() => {
  const narrow = matchMedia("(max-width: 56rem)"); // as in page.css
  let opener = null;

  function showMark() {
    const text = document.querySelector("#panel .text");
    if (!text) return;
    const mark = text.querySelector("mark");
    const above = mark ? mark.getBoundingClientRect().top - text.getBoundingClientRect().top : -text.scrollTop;
    text.scrollTop += above - text.clientHeight / 3;
  }

  // On a narrow screen the document lies over the chat, as a sheet, and the chat cannot be reached meanwhile.
  function raiseSheet(button) {
    if (!narrow.matches) return;
    opener = button;
    document.body.classList.add("reading");
    document.querySelector("#chat").inert = true;
    document.querySelector("#panel [role=region]").focus();
  }

  function lowerSheet() {
    if (!document.body.classList.contains("reading")) return;
    document.body.classList.remove("reading");
    document.querySelector("#chat").inert = false;
    opener?.focus();
  }

  // Where typing brings up a keyboard over half the screen, it is for the reader to begin it.
  function focusQuestion() {
    const question = document.querySelector("#question textarea");
    if (!question) requestAnimationFrame(focusQuestion); // the parts of the page arrive in no fixed order
    else if (!narrow.matches) question.focus();
  }

  function whenClicked(element, trigger) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.matches(".example")) {
        trigger("submit", { question: button.textContent, understood: null });
        focusQuestion();
      } else if (button.matches(".rephrase")) {
        const understood = button.closest(".understood");
        trigger("submit", { question: understood.dataset.asked, understood: understood.querySelector("input").value });
      } else if (button.matches(".opener")) {
        const { document: name, start, end, passage, sha256 } = button.dataset;
        trigger("select", { place: { document: name, start, end, passage, sha256 } });
        raiseSheet(button);
        showMark(); // what is asked for may be what is shown, scrolled away
      }
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(".understood input")) {
      event.target.parentElement.querySelector(".rephrase").click();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".show, .close");
    if (button?.matches(".show")) raiseSheet(button);
    else if (button) lowerSheet();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") lowerSheet();
  });
  narrow.addEventListener("change", lowerSheet);

  return {
    log(element, trigger, watch) {
      whenClicked(element, trigger);
      focusQuestion();
      watch("value", () => {
        if (narrow.matches) document.activeElement?.blur(); // the keyboard would lie over the answer
        const log = element.querySelector("[role=log]");
        const newest = log.querySelector(".turn:last-of-type");
        if (newest) log.scrollTop += newest.getBoundingClientRect().top - log.getBoundingClientRect().top - 24;
      });
    },
    panel(element, trigger, watch) {
      whenClicked(element, trigger);
      watch("value", showMark);
    },
  };
})();
