// API keys: a form is sent once, and a key that was made can be copied. Both pages work without this script.

(() => {
  "use strict";

  // On the form's page this runs before there is a form, and so before anyone can send it.
  let sent = false;
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "apikey_form") return;
    if (sent) event.preventDefault(); // a double click would make two keys, and show one
    sent = true;
  });
  window.addEventListener("pageshow", () => (sent = false));

  const made = document.querySelector("[data-made]");
  if (!made) return;

  // Loading the page again would make another key; this way it leads to the list.
  history.replaceState(null, "", made.dataset.back);

  const button = made.querySelector("[data-copy]");
  const key = document.getElementById(button.dataset.copy);

  async function copy() {
    key.select();
    try {
      await navigator.clipboard.writeText(key.value);
      return true;
    } catch {
      return document.execCommand("copy"); // without HTTPS there is no clipboard
    }
  }

  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy();
    made.querySelector("[data-copied]").textContent = copied ? "Copied." : "Press Ctrl+C to copy.";
  });
})();
