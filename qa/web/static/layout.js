// A document laid out for reading: headings, lists, tables, slides. The server says which stretches of the text are what;
// the elements are made here, of a fixed set, and hold the very characters of the text in their order. What is markup
// stays among them unseen, so that offsets, selecting and marking are those of the text.
"use strict";

(() => {
  const { make } = verbatim;
  const TAGS = {
    p: ["p"], ul: ["ul"], ol: ["ol"], items: ["ul", "items"], li: ["li"], quote: ["blockquote", "quoted"], pre: ["pre"],
    code: ["code"], em: ["em"], strong: ["strong"], del: ["del"], link: ["span", "link"], image: ["span", "image"],
    br: ["span", "break"], space: ["span", "space"], hr: ["span", "rule"], notes: ["section", "notes"],
  };
  const FIRST_LEVEL = 3; // below the title of the panel

  // Returns for each offset in code points the offset in UTF-16 units.
  function positions(text) {
    const found = new Uint32Array(text.length + 1);
    let point = 0;
    for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1) found[point++] = unit;
    found[point] = text.length;
    return (offset) => found[Math.max(0, Math.min(point, offset))];
  }

  // Fills a sheet. `characters` makes nodes of a piece of text, `placeMark` the label of a place.
  function fill(sheet, { place, text, places, layout }, characters, placeMark) {
    const unit = positions(text.text);
    const cut = (start, end) => text.text.slice(unit(start - text.start), unit(end - text.start));
    const open = [{ element: sheet, end: Infinity }];
    const unlabelled = places.filter(({ label, start }) => label && start >= text.start && start < text.end);
    let [at, level] = [text.start, FIRST_LEVEL - 1];

    function write(parent, start, end) {
      if (end <= place.start || place.end <= start) return parent.append(...characters(cut(start, end)));
      const [from, to] = [place.start, place.end].map((offset) => Math.max(start, Math.min(end, offset)));
      parent.append(...characters(cut(start, from)));
      if (from < to) parent.append(make("mark", { className: place.passage ? "passage" : "" }, ...characters(cut(from, to))));
      parent.append(...characters(cut(to, end)));
    }

    function hideUntil(start) {
      if (start <= at) return;
      const hidden = document.createElement("span");
      write(hidden, at, start);
      hidden.className = hidden.querySelector("mark") ? "hidden marked" : "hidden";
      open.at(-1).element.append(hidden);
      at = start;
    }

    function label(end) {
      while (unlabelled.length && unlabelled[0].start < end) {
        const { label: said, start } = unlabelled.shift();
        sheet.append(...placeMark(said, text.text, unit(start - text.start)));
      }
    }

    for (const [tag, start, end, number] of layout.elements) {
      while (open.length > 1 && open.at(-1).end <= start) open.pop();
      hideUntil(start);
      if (tag === "text") {
        write(open.at(-1).element, start, end);
        at = end;
        continue;
      }
      if (open.length === 1) {
        if (layout.view === "document") label(end);
        if (tag === "h") level = Math.min(FIRST_LEVEL - 1 + number, level + 1, 6);
      }
      open.push({ element: opened(tag, number, open.at(-1).element, level, layout), end });
    }
    open.length = 1;
    hideUntil(text.end);
    const marks = [...sheet.querySelectorAll("mark")];
    // Words that are only in markup, the address of a link say, are shown with it.
    if (!marks.some((mark) => !mark.closest(".hidden") && mark.textContent.trim())) sheet.classList.add("unhidden");
    for (const cell of marks.map((mark) => (mark.closest(".hidden") ? null : mark.closest("td, th")))) {
      cell?.classList.add("marked");
      cell?.parentElement.classList.add("of-marked");
    }
  }

  // Appends the element of a tag to its parent, and returns it.
  function opened(tag, number, parent, level, { view, tables }) {
    const added = (element) => {
      parent.append(element);
      return element;
    };
    const isSheet = view === "sheet"; // whose rows have numbers
    if (tag === "table") return table(added, tables[number - 1], isSheet);
    if (tag === "row") return added(make("tr", {}, ...(isSheet ? [make("th", { scope: "row", "data-label": number })] : [])));
    if (tag === "cell" || tag === "head") return cell(parent, tag, number);
    if (tag === "h") return added(make(`h${level}`, { className: `level-${number}` }));
    if (tag === "slide") return added(make("section", { className: "slide-card", "aria-label": `Slide ${number}`, "data-label": `Slide ${number}`, "data-number": number }));
    const [name, className = ""] = TAGS[tag] ?? ["span"];
    const element = added(make(name, { className }));
    if (tag === "ol") element.start = number;
    if (tag === "li" && number) element.style.marginInlineStart = `${1.25 * number}rem`;
    return element;
  }

  function table(added, head, isSheet) {
    const body = make("tbody");
    const made = make("table", { "aria-label": head?.about || "Table" }, body);
    if (head?.headers.some(Boolean)) {
      // Labels, not text: the headers stand in each row of the text, before their values.
      const names = head.headers.map((name) => make("th", { scope: "col", "data-label": name, dir: "auto" }));
      made.prepend(make("thead", {}, make("tr", {}, ...(isSheet ? [make("td")] : []), ...names)));
    }
    const about = isSheet && head?.about ? { "data-label": head.about } : {};
    added(make("div", { className: "grid", role: "group", "aria-label": head?.about || "Table", tabIndex: 0, ...about }, made));
    return body;
  }

  function cell(row, tag, column) {
    for (row.columns ??= 0; row.columns < column; row.columns += 1) row.append(document.createElement("td"));
    row.columns += 1;
    const made = document.createElement(tag === "head" ? "th" : "td");
    if (tag === "head") made.scope = "col";
    row.append(made);
    return made;
  }

  verbatim.layOut = fill;
})();
