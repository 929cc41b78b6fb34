// Conveniences of the console. Every page reads and works without them.
// What slices may use: window.jingui.keys.add(key, function), window.jingui.say(text, tone).
window.jingui = (() => {
  "use strict";

  // Keys ---------------------------------------------------------------------------------------------------------------

  const extra = new Map();
  let begun = 0; // when “g” was pressed
  let dialog = null;

  const isTyping = (target) => target instanceof HTMLElement
    && (target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(button|checkbox|radio|submit)$/.test(target.type)));

  // The items of a list that j and k walk through: [data-list] holds [data-item], else the rows of its table.
  const items = () => {
    const list = document.querySelector("[data-list]");
    if (!list) return [];
    const marked = list.querySelectorAll("[data-item]");
    return [...(marked.length ? marked : list.querySelectorAll("tbody tr"))].filter((item) => linkOf(item));
  };
  const linkOf = (item) => item.matches("a[href]") ? item : item.querySelector("[data-item-link], a[href]");
  const walk = (step) => {
    const all = items();
    if (!all.length) return false;
    const at = all.findIndex((item) => item.contains(document.activeElement));
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    linkOf(next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };

  const search = () => {
    const field = document.getElementById("search");
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  };

  const showKeys = async () => {
    const link = document.querySelector("[data-keys]");
    if (!link) return;
    if (!dialog) {
      let list = null;
      try {
        const answer = await fetch(link.href, { credentials: "same-origin" });
        if (answer.ok) list = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("keys");
      } catch { /* The page itself is asked for below. */ }
      if (!list || typeof HTMLDialogElement === "undefined") { window.location.assign(link.href); return; }
      dialog = document.createElement("dialog");
      dialog.setAttribute("aria-labelledby", "keys-title");
      dialog.append(document.importNode(list, true));
      const form = document.createElement("form");
      form.method = "dialog";
      const close = document.createElement("button");
      close.className = "btn btn-outline-secondary btn-sm";
      close.textContent = document.querySelector(".toasts").dataset.close;
      form.append(close);
      dialog.append(form);
      dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
      document.body.append(dialog);
    }
    if (!dialog.open) dialog.showModal();
  };

  const closeMenus = (except) => {
    let closed = false;
    for (const menu of document.querySelectorAll("details[data-closes][open]")) {
      if (menu === except) continue;
      menu.open = false;
      closed = true;
    }
    return closed;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      const menu = document.activeElement?.closest("details[data-closes][open]");
      if (closeMenus() && menu) menu.querySelector("summary").focus();
      else if (isTyping(event.target)) event.target.blur();
      return;
    }
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (begun && Date.now() - begun < 1500) {
      begun = 0;
      const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
      if (link) { event.preventDefault(); window.location.assign(link.href); return; }
    }
    let done = true;
    if (key === "g") begun = Date.now();
    else if (key === "/") done = search();
    else if (key === "?") showKeys();
    else if (key === "j") done = walk(1);
    else if (key === "k") done = walk(-1);
    else if (extra.has(key)) extra.get(key)(event);
    else done = false;
    if (done) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element) closeMenus(event.target.closest("details[data-closes]"));
  });

  // Saying what happened -----------------------------------------------------------------------------------------------

  // Puts a line above the page, which screen readers say aloud; tone: good, bad, warn, busy or quiet.
  const say = (text, tone = "quiet") => {
    const place = document.querySelector(".toasts");
    if (!place) return;
    const line = document.createElement("div");
    line.className = `notice toast-line tone-${tone}`;
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", place.dataset.close);
    close.addEventListener("click", () => line.remove());
    line.append(words, close);
    place.append(line);
  };

  // A form that came back begins at its first mistake.
  const mistaken = document.querySelector("main .is-invalid");
  if (mistaken) mistaken.focus();

  // What a choice submits by itself, where there is a script; without one the button beside it stays.
  for (const field of document.querySelectorAll("[data-submits]")) {
    const button = field.form?.querySelector("[data-submit-button]");
    if (button) button.hidden = true;
    field.addEventListener("change", () => field.form.requestSubmit());
  }

  // A question before what cannot be undone.
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // What is folded away on a narrow screen stands open where there is room.
  if (window.matchMedia("(min-width: 60rem)").matches) {
    for (const details of document.querySelectorAll("details[data-open-when-wide]")) details.open = true;
  }

  // Work under way -----------------------------------------------------------------------------------------------------

  // A page that shows work under way asks again until the work has ended. Only what changed is exchanged: the parts
  // marked [data-live] (each with an id), or else the whole content, so that an opened detail or the focus stays.
  const watched = document.querySelector("[data-refresh]");
  if (watched) {
    const parts = () => {
      const live = [...document.querySelectorAll("[data-live][id]")];
      return live.length ? live : [document.getElementById("main")];
    };
    // each answer signs the forms anew; that is no change
    const content = (part) => part.innerHTML.replace(/(name="csrf_token"[^>]*value=")[^"]*/g, "$1");
    const shown = new Map(parts().map((part) => [part.id, content(part)]));
    const exchange = (part, fresh) => {
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const name = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") && `[href="${CSS.escape(focused.getAttribute("href"))}"]`);
      const open = [...part.querySelectorAll("details")].map((details) => details.open);
      part.innerHTML = fresh.innerHTML;
      part.querySelectorAll("details").forEach((details, place) => { if (open[place]) details.open = true; });
      if (name) part.querySelector(name)?.focus();
    };
    const again = async () => {
      try {
        const answer = await fetch(window.location.href, { headers: { "X-Requested-With": "refresh" }, credentials: "same-origin" });
        if (answer.ok && !answer.redirected) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          for (const part of parts()) {
            const fresh = page.getElementById(part.id);
            if (!fresh || content(fresh) === shown.get(part.id)) continue;
            shown.set(part.id, content(fresh));
            exchange(part, fresh);
          }
          if (!page.querySelector("[data-refresh]")) document.querySelector("[data-refresh]")?.removeAttribute("data-refresh");
        }
      } catch { /* The server is away for a moment: ask again later. */ }
      if (document.querySelector("[data-refresh]")) window.setTimeout(again, 1500);
    };
    window.setTimeout(again, 1500);
  }

  return { keys: { add: (key, run) => extra.set(key, run) }, say };
})();
