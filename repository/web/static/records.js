// Conveniences of the pages of records. Every page reads and works without them.
(() => {
  "use strict";
  const keys = window.jingui?.keys;

  // “v” changes between list and table.
  const other = document.querySelector("[data-view]:not([aria-current])");
  if (keys && other) keys.add("v", () => window.location.assign(other.href));

  // A command that can be copied gets a button that does it.
  for (const place of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-outline-secondary btn-sm";
    button.textContent = place.dataset.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(place.querySelector("code").textContent);
      button.textContent = place.dataset.copied;
    });
    place.append(button);
  }
})();
