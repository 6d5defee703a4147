// When a session has ended, what the page asks for is refused: back to where one signs in, and from there to here.
"use strict";

new PerformanceObserver((seen) => {
  if (!seen.getEntries().some((entry) => entry.responseStatus === 401)) return;
  location.assign(`/login?then=${encodeURIComponent(location.pathname + location.search)}`);
}).observe({ type: "resource" });
