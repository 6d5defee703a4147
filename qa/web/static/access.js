// After a session has ended, requests of the page are refused: it goes to the sign-in page, and from there back.
"use strict";

new PerformanceObserver((seen) => {
  if (!seen.getEntries().some((entry) => entry.responseStatus === 401)) return;
  location.assign(`/login?then=${encodeURIComponent(location.pathname + location.search)}`);
}).observe({ type: "resource" });
