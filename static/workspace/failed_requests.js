// Says so when a part of a page could not be fetched or sent. Without this script htmx leaves the page as it is, silently.

(() => {
  "use strict";

  const REASONS = {
    403: "You may not do that, or this page is too old. Load it again.",
    404: "It is not there any more: somebody deleted it, or the photo was analysed again. Load the page again.",
  };

  function say(text) {
    let notice = document.getElementById("rp-failed-request");
    if (!notice) {
      notice = document.createElement("p");
      notice.id = "rp-failed-request";
      notice.className = "rp-error rp-error--floating";
      notice.setAttribute("role", "alert");
      document.body.append(notice);
    }
    notice.textContent = text;
  }

  // What polls tries again by itself.
  const byAPerson = (event) => (event.detail.requestConfig?.verb ?? "get") !== "get";

  document.addEventListener("htmx:responseError", (event) => {
    if (byAPerson(event)) say(REASONS[event.detail.xhr.status] ?? "That did not work, and nothing was changed. Try again.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (byAPerson(event)) say("The server cannot be reached. Nothing was changed; try again.");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (byAPerson(event)) document.getElementById("rp-failed-request")?.remove();
  });
})();
