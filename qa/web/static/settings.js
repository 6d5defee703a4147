// The settings: how confident an answer must be, with a plot of what that costs; the reader; light or dark.
"use strict";

(() => {
  const { make, call, options, setOption } = verbatim;
  const SVG = "http://www.w3.org/2000/svg";
  const PLOT = { width: 400, height: 210, left: 46, right: 14, top: 12, bottom: 42 };
  const percent = (share) => Math.round(100 * share);
  const asPercent = (share) => `${percent(share)} %`;

  // Light or dark

  const THEMES = [["system", "As the system has it"], ["light", "Light"], ["dark", "Dark"]];
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  let theme = "system";
  try {
    theme = localStorage.getItem("verbatim-theme") ?? theme;
  } catch {
    // storage is disabled in this browser
  }

  function applyTheme() {
    const dark = theme === "dark" || (theme === "system" && isDark.matches);
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  }

  function setTheme(name) {
    theme = name;
    try {
      localStorage.setItem("verbatim-theme", name);
    } catch {
      // kept for this visit only
    }
    applyTheme();
  }

  applyTheme();
  isDark.addEventListener("change", applyTheme);
  // Gradio sets its own theme after loading.
  new MutationObserver(applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  // Measured figures

  // Returns the lowest confidence that keeps a share of wrong answers, as the server chooses it.
  const rowFor = ({ risk }, maxWrong) => risk.find((row) => row.wrong <= maxWrong) ?? risk.at(-1);
  const rowByDefault = ({ risk, threshold }) => risk.findLast((row) => row.threshold <= threshold) ?? risk[0];
  const rowOf = (reader) => (options.max_wrong === null ? rowByDefault(reader) : rowFor(reader, options.max_wrong));
  const strictest = ({ risk }) => Math.ceil(100 * risk.at(-1).wrong - 1e-9);
  const laxest = ({ risk }) => Math.ceil(100 * risk[0].wrong - 1e-9);
  const readerOf = (readers) => readers.find(({ name }) => name === options.reader) ?? readers[0];

  function inWords(reader) {
    const row = rowOf(reader);
    const bound = options.max_wrong === null ? `As it comes, about ${asPercent(row.wrong)} wrong` : `At most ${asPercent(options.max_wrong)} wrong`;
    const least = options.max_wrong === null ? reader.threshold : row.threshold;
    const declines = least > 0 ? `it declines what it is less than ${asPercent(least)} sure of` : "it declines nothing";
    const cost = row.answered === null ? "" :
      ` It answered ${percent(row.answered)} of 100 questions that it could answer, ${percent(row.traps)} of 100 traps, which only look as if they had an answer, and ${percent(row.strangers)} of 100 about other things.`;
    return `${bound}: ${declines}.${cost}`;
  }

  // The plot. If the share of answered questions is unknown, it shows the required confidence.

  function plot(reader) {
    const knows = reader.risk[0].answered !== null;
    const across = knows ? (row) => row.answered : (row) => row.threshold;
    const what = knows ? "Questions answered, of 100 it could answer" : "How sure it must be to answer, in %";
    const highest = Math.min(1, Math.ceil(10 * reader.risk[0].wrong) / 10);
    const x = (share) => PLOT.left + share * (PLOT.width - PLOT.left - PLOT.right);
    const y = (share) => PLOT.height - PLOT.bottom - (share / highest) * (PLOT.height - PLOT.top - PLOT.bottom);
    const points = reader.risk.map((row) => `${x(across(row)).toFixed(1)},${y(row.wrong).toFixed(1)}`);
    const now = rowOf(reader);
    const usual = rowByDefault(reader);
    return svg("svg", { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: "img", "aria-labelledby": "cost-title cost-desc" },
      svg("title", { id: "cost-title" }, "What being surer costs"),
      svg("desc", { id: "cost-desc" }, `Wrong answers of 100 given against: ${what.toLowerCase()}. ${inWords(reader)}`),
      ...axes(x, y, highest, what),
      svg("polyline", { class: "curve", points: points.join(" ") }),
      svg("path", { class: "usual", d: `M${x(across(usual))} ${y(usual.wrong) - 7}v14` }),
      svg("text", { x: x(across(usual)) + 5, y: y(usual.wrong) - 9 }, "as it comes"),
      svg("path", { class: "reach", d: `M${x(0)} ${y(now.wrong)}H${x(across(now))}V${y(0)}` }),
      svg("circle", { class: "now", cx: x(across(now)), cy: y(now.wrong), r: 6 }));
  }

  function axes(x, y, highest, what) {
    const across = [0, 0.5, 1].map((share) => svg("text", { x: x(share), y: PLOT.height - 26, "text-anchor": "middle" }, String(percent(share))));
    const up = [0, highest / 2, highest].flatMap((share) => [
      svg("path", { class: "grid", d: `M${x(0)} ${y(share)}H${x(1)}` }),
      svg("text", { x: PLOT.left - 8, y: y(share) + 4, "text-anchor": "end" }, String(percent(share)))]);
    const middle = (PLOT.top + PLOT.height - PLOT.bottom) / 2;
    return [...up, ...across,
      svg("text", { x: x(0.5), y: PLOT.height - 6, "text-anchor": "middle" }, what),
      svg("text", { transform: `rotate(-90 11 ${middle})`, x: 11, y: middle, "text-anchor": "middle" }, "Wrong, of 100 given")];
  }

  function svg(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // The drawer

  async function fill(body) {
    body.replaceChildren(make("p", { className: "waiting", textContent: "Looking up what was measured…" }));
    let readers;
    try {
      readers = await call("api/settings");
    } catch (error) {
      body.replaceChildren(make("p", { role: "alert", textContent: error.message }));
      return;
    }
    const redraw = () => body.replaceChildren(sureness(readers), reading(readers, redraw), look(), judgements(), reset(redraw));
    redraw();
  }

  function section(title, ...children) {
    return make("section", { className: "setting" }, make("h3", { textContent: title }), ...children);
  }

  function sureness(readers) {
    const reader = readerOf(readers);
    const slider = make("input", { type: "range", id: "max-wrong", min: strictest(reader), max: laxest(reader), step: 1 });
    const said = make("p", { className: "said", id: "max-wrong-said" });
    const figure = make("figure", {});
    const usual = make("button", { type: "button", className: "plain", textContent: "As it comes" });
    slider.setAttribute("aria-describedby", "max-wrong-said");
    function update() {
      slider.value = percent(options.max_wrong ?? rowOf(reader).wrong);
      slider.setAttribute("aria-valuetext", `${slider.value} % wrong at most`);
      said.textContent = inWords(reader);
      figure.replaceChildren(plot(reader));
      usual.disabled = options.max_wrong === null;
    }
    slider.addEventListener("input", () => {
      setOption("max_wrong", Number(slider.value) / 100);
      update();
    });
    usual.addEventListener("click", () => {
      setOption("max_wrong", null);
      slider.focus();
      update();
    });
    update();
    return section("How sure must it be?",
      make("p", { className: "aside", textContent: "It may say “I don’t know” more often, and be wrong less often." }),
      make("label", { htmlFor: "max-wrong", textContent: "Answers that may be wrong, of 100 given" }),
      make("div", { className: "slide" }, make("span", { textContent: "fewer" }), slider, make("span", { textContent: "more" })),
      said, figure,
      make("p", { className: "aside", textContent: "Measured on questions to Wikipedia when the confidence was fitted; half of those without an answer were made to look as if they had one. Your documents will differ." }),
      usual);
  }

  function choice(group, value, label, about, is_chosen, choose) {
    const id = `${group}-${value}`;
    const radio = make("input", { type: "radio", id, name: group, value, checked: is_chosen, "aria-describedby": `${id}-about` });
    radio.addEventListener("change", choose);
    const lines = about.filter(Boolean).map((line) => make("p", { className: "aside", textContent: line }));
    return make("div", { className: "choice" }, radio, make("label", { htmlFor: id, textContent: label }), make("div", { id: `${id}-about` }, ...lines));
  }

  function reading(readers, redraw) {
    const chosen = readerOf(readers);
    return section("Who reads?", make("div", { role: "radiogroup", "aria-label": "Who reads?" }, ...readers.map((reader) =>
      choice("reader", reader.name, reader.is_default ? `${reader.label} (as it comes)` : reader.label,
        [reader.about, figures(reader.figures)], reader === chosen, () => {
          setOption("reader", reader.is_default ? null : reader.name);
          if (options.max_wrong !== null) setOption("max_wrong", Math.max(options.max_wrong, strictest(reader) / 100));
          redraw();
          document.querySelector(`.drawer input[name=reader][value="${CSS.escape(reader.name)}"]`).focus();
        }))));
  }

  function figures({ f1, seconds, measured }) {
    const parts = [f1 === null ? "" : `F1 ${f1.toFixed(1)}`, seconds === null ? "" : `${seconds} s a question`].filter(Boolean);
    return parts.length ? `${parts.join(", ")} — ${measured}.` : "";
  }

  function look() {
    return section("Light or dark?", make("div", { role: "radiogroup", "aria-label": "Light or dark?", className: "row" }, ...THEMES.map(([name, label]) =>
      choice("theme", name, label, [], theme === name, () => setTheme(name)))));
  }

  function judgements() {
    const said = make("p", { className: "aside", textContent: "Counting what you said of answers…" });
    const buttons = make("div", { className: "buttons" });
    const shown = section("What you said of answers", said, buttons);
    verbatim.feedback.all().then((all) => {
      said.textContent = all.length ? `${all.length === 1 ? "One answer" : `${all.length} answers`} judged in this browser; it stays on the server that you ask.`
        : "Nothing yet. Say below an answer whether it is right, and select the right words in the document where it is wrong.";
      if (all.length) buttons.append(download("squad", "Download as SQuAD"), download("jsonl", "Download as JSON Lines"));
    }).catch((error) => { said.textContent = error.message; });
    return shown;
  }

  function download(form, label) {
    const button = make("button", { type: "button", className: "plain", textContent: label });
    button.addEventListener("click", () => verbatim.feedback.download(form).catch((error) => { button.textContent = error.message; }));
    return button;
  }

  function reset(redraw) {
    const button = make("button", { type: "button", className: "plain", textContent: "Everything as it came" });
    button.addEventListener("click", () => {
      setOption("max_wrong", null);
      setOption("reader", null);
      setTheme("system");
      redraw();
      document.querySelector("#max-wrong").focus();
    });
    return make("section", { className: "setting" }, button);
  }

  // Options that differ from the defaults are listed below the question.

  function showAsking() {
    const composer = document.querySelector("#composer");
    if (!composer) return;
    const parts = [
      options.max_wrong === null ? "" : `at most ${asPercent(options.max_wrong)} wrong`,
      options.reader === null ? "" : `${options.reader} reader`,
    ].filter(Boolean);
    let line = document.querySelector("#asked-with");
    if (!parts.length) return line?.remove();
    if (!line) {
      line = make("p", { id: "asked-with" });
      composer.after(line);
    }
    const change = make("button", { type: "button", "data-drawer": "settings", "aria-haspopup": "dialog", textContent: "Change" });
    line.replaceChildren(`Asked with: ${parts.join(", ")}. `, change);
  }

  const whenThere = new MutationObserver(() => {
    if (!document.querySelector("#composer")) return;
    whenThere.disconnect(); // the parts of the page arrive in no fixed order
    showAsking();
  });
  whenThere.observe(document, { childList: true, subtree: true });
  document.addEventListener("verbatim-options", showAsking);
  verbatim.addDrawer("settings", "Settings", fill);
})();
