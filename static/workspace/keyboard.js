// Let the keyboard reach the menus of the admin theme (filters, navigation, account, colours), which only open by click.
// Their elements become buttons: Tab reaches them, Enter and Space press them, and Esc closes what they opened.

(() => {
  "use strict";

  const PRESSABLE = "[x-on\\:click]:not(a[href], button, input, select, textarea, label, summary, td)";
  const FOCUSABLE = 'a[href], button, input:not([type="hidden"]), select, textarea, [tabindex="0"]';
  const SYMBOLS = { dock_to_right: "Menu", close: "Close the menu", chevron_right: "Show or hide the group" };

  let opened = null; // the button that was last pressed by keyboard and opened something

  function makeButtons(root) {
    for (const element of root.querySelectorAll(PRESSABLE)) {
      const text = element.textContent.trim();
      if (!text || element.dataset.keyboard) continue; // An element without text is a backdrop, for which Esc does the same.
      element.dataset.keyboard = "yes";
      element.tabIndex = 0;
      element.setAttribute("role", "button");
      if (SYMBOLS[text]) element.setAttribute("aria-label", SYMBOLS[text]);
    }
  }

  const visible = () => new Set([...document.querySelectorAll(FOCUSABLE)].filter((element) => element.checkVisibility()));
  // Alpine shows and hides in the frame after a click.
  const afterwards = (action) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(action)));

  function press(button) {
    const before = visible();
    button.click();
    afterwards(() => {
      const first = [...visible()].find((element) => !before.has(element));
      if (!first) return;
      opened = button;
      first.focus();
    });
  }

  function close() {
    const button = opened;
    opened = null;
    const inside = document.activeElement;
    afterwards(() => {
      if (inside?.checkVisibility() && inside !== button) button.click(); // The theme did not close it by itself.
      afterwards(() => button.focus());
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened) {
      close();
    } else if (event.target.dataset?.keyboard && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault(); // Space would scroll the page.
      press(event.target);
    }
  });
  document.addEventListener("htmx:load", (event) => makeButtons(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => makeButtons(document));
  if (document.readyState !== "loading") makeButtons(document);
})();
