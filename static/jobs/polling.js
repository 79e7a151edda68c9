// For a list that asks for news: keeps what was ticked in it, and says so while it gets no answer.

(() => {
  "use strict";

  const polls = (event) => event.target instanceof Element && event.target.matches("[data-polls]");
  const ticked = new Set();

  function show(lost) {
    const notice = document.getElementById("jb-lost");
    if (notice) notice.hidden = !lost;
  }

  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, (event) => polls(event) && show(true));
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!polls(event) || event.detail.xhr.status >= 400) return;
    show(false); // the answer may be that there is no news
    ticked.clear();
    for (const box of event.target.querySelectorAll("input:checked")) ticked.add(box.id);
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const id of ticked) {
      const box = document.getElementById(id);
      if (box) box.checked = true;
    }
    ticked.clear();
  });
})();
