// Show a message when htmx could not fetch or send a part of a page. Without it the page would stay as it is, silently.

(() => {
  "use strict";

  const REASONS = {
    403: "You may not do that, or this page is too old. Load the page again.",
    404: "This was deleted, or the photo was analysed again. Load the page again.",
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

  // Parts of a page that poll try again by themselves, so only requests by a person count.
  const isByPerson = (event) => (event.detail.requestConfig?.verb ?? "get") !== "get";

  document.addEventListener("htmx:responseError", (event) => {
    if (isByPerson(event)) say(REASONS[event.detail.xhr.status] ?? "That did not work, and nothing was changed. Try again.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (isByPerson(event)) say("The server cannot be reached. Nothing was changed; try again.");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (isByPerson(event)) document.getElementById("rp-failed-request")?.remove();
  });
})();
