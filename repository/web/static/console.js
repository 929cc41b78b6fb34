// Conveniences of the console. Every page reads and works without them.
(() => {
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
  });

  // What is folded away on a narrow screen stands open where there is room.
  if (window.matchMedia("(min-width: 60rem)").matches) {
    for (const details of document.querySelectorAll("details[data-open-when-wide]")) details.open = true;
  }

  // A page that shows work under way asks again until the work has ended.
  const watched = document.querySelector("[data-refresh]");
  if (watched) {
    let shown = document.getElementById("main").innerHTML;
    const again = async () => {
      try {
        const answer = await fetch(window.location.href, { headers: { "X-Requested-With": "refresh" }, credentials: "same-origin" });
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = page.getElementById("main");
          const main = document.getElementById("main");
          // Only what changed is exchanged, so that an opened detail or the focus stays while nothing happens.
          if (fresh && fresh.innerHTML !== shown) { main.innerHTML = fresh.innerHTML; shown = fresh.innerHTML; }
        }
      } catch { /* The server is away for a moment: ask again later. */ }
      if (document.querySelector("[data-refresh]")) window.setTimeout(again, 1500);
    };
    window.setTimeout(again, 1500);
  }

  // The chosen file's name and size, before it is sent; and how far the sending is.
  const upload = document.querySelector("form[data-upload]");
  if (upload) {
    const field = upload.querySelector("input[type=file]");
    const drop = upload.querySelector("[data-drop]");
    const chosen = upload.querySelector("[data-chosen]");
    const bar = upload.querySelector("progress");
    const show = () => {
      const file = field.files[0];
      chosen.textContent = file ? `${file.name} · ${(file.size / 1048576).toFixed(1)} MiB` : "";
    };
    field.addEventListener("change", show);
    for (const name of ["dragover", "dragenter"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) { field.files = event.dataTransfer.files; show(); }
    });
    upload.addEventListener("submit", (event) => {
      if (!field.files.length || !window.FormData) return;
      event.preventDefault();
      const request = new XMLHttpRequest();
      request.open("POST", upload.action);
      request.setRequestHeader("X-Requested-With", "upload");
      bar.hidden = false;
      upload.querySelector("button").disabled = true;
      request.upload.addEventListener("progress", (step) => { if (step.lengthComputable) { bar.max = step.total; bar.value = step.loaded; } });
      request.addEventListener("load", () => {
        if (request.responseURL && request.responseURL !== upload.action) { window.location.assign(request.responseURL); return; }
        document.open(); document.write(request.responseText); document.close();
      });
      request.addEventListener("error", () => {
        bar.hidden = true;
        upload.querySelector("button").disabled = false;
        chosen.textContent = upload.dataset.failed;
      });
      request.send(new FormData(upload));
    });
  }
})();
