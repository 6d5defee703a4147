// Tools above an open document: finding words in it, going to a page, slide or heading, thumbnails and zoom of pages.
"use strict";

(() => {
  const { make, call, narrow } = verbatim;
  const MOST_PLACES = 1000; // as many as the server gives
  const MOST_HEADINGS = 300;
  const ZOOMS = [0.5, 0.75, 1, 1.25, 1.6, 2, 2.5, 3, 4];
  const READABLE = 1.6; // of a page on a phone

  let found = null; // words looked for in the open document: { name, words, places, count, at }
  let zoom = null; // null as long as nobody has chosen one
  let hasThumbnails = false;

  const button = (label, name, action) => {
    const made = make("button", { type: "button", textContent: label, "aria-label": name, title: name });
    made.addEventListener("click", action);
    return made;
  };
  const phrase = (words) => (/["“”„]/u.test(words) ? words : `"${words}"`);

  // Returns the tools for a document; `open` opens it at a place, `body` returns the element that shows it.
  function tools({ text, place, places, pages, layout, view }, open, body) {
    const parts = [finder(text, place, open)];
    if (view === "pages") parts.push(pageNumber(pages.length, body), zooming(body), thumbnailSwitch(text, pages, body));
    else parts.push(...headings(text, places, layout, open));
    return make("div", { className: "tools", role: "group", "aria-label": "Tools for this document" }, ...parts);
  }

  // Finding

  function finder({ name, sha256 }, place, open) {
    if (found?.name !== name) found = null;
    const words = make("input", { type: "search", value: found?.words ?? "", placeholder: "Find in this document", "aria-label": "Find in this document", maxLength: 900 });
    const status = make("span", { className: "count", role: "status", textContent: found ? counted(place) : "" });
    const step = (by) => go(by, open, name, sha256).then(focusFinder);
    const steps = [button("‹", "The place before", () => step(-1)), button("›", "The next place", () => step(1))];
    steps.forEach((each) => (each.hidden = !found?.places.length));
    const form = make("form", { className: "find-here", role: "search" }, words, ...steps, status);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const typed = words.value.trim();
      if (!typed || typed === found?.words) return typed ? step(1) : undefined;
      try {
        const asked = new URLSearchParams({ words: phrase(typed), within: name, limit: 1, places: MOST_PLACES });
        const [first = { places: [], n_places: 0 }] = (await call(`/api/search?${asked}`)).documents;
        found = { name, words: typed, places: first.places, count: first.n_places, at: -1 };
        status.textContent = counted(place);
        if (first.places.length) await step(1);
      } catch (error) {
        status.textContent = error.message;
      }
    });
    return form;
  }

  async function go(by, open, name, sha256) {
    const { places, at } = found;
    found.at = (at + by + places.length) % places.length;
    const { start, end } = places[found.at];
    await open({ document: name, start, end, sha256, passage: false });
  }

  function focusFinder() {
    document.querySelector("#panel .find-here input")?.focus();
  }

  function counted(place) {
    if (!found.places.length) return "Not found";
    const at = found.places.findIndex(({ start }) => start === place.start);
    const of = found.count.toLocaleString("en");
    return at < 0 ? `${of} found` : `${(at + 1).toLocaleString("en")} of ${of}`;
  }

  // Going somewhere

  function pageNumber(count, body) {
    const number = make("input", { type: "number", min: 1, max: count, placeholder: "Page", "aria-label": `Go to page, 1 to ${count}` });
    const form = make("form", { className: "go" }, number, make("span", { textContent: `of ${count.toLocaleString("en")}` }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      goToPage(Number(number.value), body());
    });
    return form;
  }

  function goToPage(number, sheet) {
    const page = sheet.querySelector(`.page[data-number="${number}"]`);
    if (page) sheet.scrollTop += page.getBoundingClientRect().top - sheet.getBoundingClientRect().top - 8;
  }

  function headings({ name, sha256 }, places, layout, open) {
    const listed = places.filter(({ label }) => label && !/\b(?:row|line)s? \d+/u.test(label) && /\p{L}/u.test(label));
    if (listed.length < 2 || listed.length > MOST_HEADINGS || layout.view === "code") return [];
    const options = listed.map(({ label, start }) => {
      const path = label.split(" › ");
      return make("option", { value: start, textContent: `${"\u2003".repeat(path.length - 1)}${path.at(-1)}` });
    });
    const choice = make("select", { "aria-label": "Go to" }, make("option", { value: "", textContent: "Go to…" }), ...options);
    choice.addEventListener("change", () => {
      const start = Number(choice.value);
      const words = listed.find((each) => each.start === start)?.label.split(" › ").at(-1) ?? "";
      if (choice.value) open({ document: name, start, end: start + Math.max(1, [...words].length), sha256, passage: true });
    });
    return [choice];
  }

  // Pages

  const zoomed = () => zoom ?? (narrow.matches ? READABLE : 1);

  function zooming(body) {
    const shown = make("span", { className: "count", textContent: `${Math.round(100 * zoomed())}%` });
    const step = (by) => {
      const at = ZOOMS.findIndex((each) => each >= zoomed());
      zoom = ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, at + by))];
      shown.textContent = `${Math.round(100 * zoom)}%`;
      setZoom(body());
      body().dispatchEvent(new CustomEvent("zoomed"));
    };
    return make("span", { className: "zooming" }, button("−", "Smaller", () => step(-1)), shown, button("+", "Larger", () => step(1)));
  }

  function setZoom(sheet) {
    sheet.style.setProperty("--zoom", zoomed());
  }

  function thumbnailSwitch(text, pages, body) {
    const made = button("Thumbnails", "Thumbnails of the pages", () => {
      hasThumbnails = !hasThumbnails;
      made.setAttribute("aria-pressed", String(hasThumbnails));
      if (hasThumbnails) showThumbnails(text, pages, body);
      else body().parentElement.querySelector(".thumbnails")?.remove();
    });
    made.setAttribute("aria-pressed", String(hasThumbnails));
    return made;
  }

  function showThumbnails({ name, sha256 }, pages, body) {
    const strip = make("div", { className: "thumbnails", role: "group", "aria-label": "Thumbnails", tabIndex: 0 });
    const observer = new IntersectionObserver(
      (entries) => entries.forEach(({ target, isIntersecting }) => {
        if (!isIntersecting || target.querySelector("img")) return;
        const asked = new URLSearchParams({ name, sha256, width: 200 });
        target.prepend(make("img", { alt: "", src: `/api/documents/pages/${target.dataset.number}?${asked}` }));
      }),
      { root: strip, rootMargin: "0px 100%" },
    );
    pages.forEach(({ width, height }, index) => {
      const thumbnail = button("", `Page ${index + 1}`, () => goToPage(index + 1, body()));
      thumbnail.dataset.number = index + 1;
      thumbnail.style.aspectRatio = width > 0 && height > 0 ? `${width} / ${height}` : "1 / 1.414";
      thumbnail.append(make("span", { textContent: index + 1 }));
      strip.append(thumbnail);
      observer.observe(thumbnail);
    });
    body().before(strip);
  }

  // Prepares pages that were just shown.
  function begin(text, pages, body) {
    setZoom(body());
    if (hasThumbnails) showThumbnails(text, pages, body);
  }

  verbatim.viewing = { tools, begin };
})();
