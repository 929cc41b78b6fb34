// Handing in: files and folders dropped or chosen, sent in pieces that survive a lost connection and a reload (tus 1.0).
// And the page of a submission, which follows its ingest. Every page reads and works without this.
(() => {
  "use strict";

  // A submission under way ----------------------------------------------------------------------------------------------

  const watch = (page) => {
    let shown = "";
    const again = async () => {
      try {
        const answer = await fetch(page.dataset.watch, { credentials: "same-origin", headers: { "X-Requested-With": "progress" } });
        if (answer.ok && !answer.redirected) {
          const text = await answer.text();
          if (text !== shown) {
            shown = text;
            const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("progress");
            const old = document.getElementById("progress");
            exchange(old, fresh);
            if (!("underWay" in fresh.dataset)) { await whole(); return; }
          }
        }
      } catch { /* The server is away for a moment: ask again later. */ }
      window.setTimeout(again, document.hidden ? 8000 : 1500);
    };
    window.setTimeout(again, 1000);
  };

  // The line that is read aloud stays the same element, and changes only when the state or the step does.
  const exchange = (old, fresh) => {
    const spoken = old.querySelector("[data-announced]");
    const said = fresh.querySelector("[data-announced]");
    if (spoken && said) {
      if (spoken.textContent !== said.textContent) spoken.textContent = said.textContent;
      for (const child of [...old.children]) if (child !== spoken) child.remove();
      for (const child of [...fresh.children]) if (child !== said) old.append(document.importNode(child, true));
    } else old.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  };

  // Work has ended: the whole page has something new to say.
  const whole = async () => {
    const answer = await fetch(window.location.href, { credentials: "same-origin" });
    const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("submission");
    if (!fresh) { window.location.reload(); return; }
    const focused = document.activeElement?.getAttribute("href");
    document.getElementById("submission").replaceWith(document.importNode(fresh, true));
    if (focused) document.querySelector(`#submission [href="${CSS.escape(focused)}"]`)?.focus();
    const line = document.querySelector("#submission [data-announced]");
    // what the page now says in full is only read aloud
    const aloud = document.createElement("p");
    aloud.className = "visually-hidden";
    aloud.textContent = document.querySelector("#submission .notice")?.textContent || line?.textContent || "";
    document.querySelector(".toasts")?.append(aloud);
  };

  const followed = document.querySelector("[data-watch]");
  if (followed) watch(followed);

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // Sending -------------------------------------------------------------------------------------------------------------

  const place = document.querySelector("[data-uploader]");
  if (!place || !window.XMLHttpRequest || !window.Promise) return;

  const CHUNK = 8 * 1024 * 1024;
  const PARALLEL = 2;
  const LONGEST_PAUSE = 30;
  const words = JSON.parse(place.dataset.words);
  const api = place.dataset.api;
  const part = (name) => place.querySelector(`[data-${name}]`);
  const queue = part("queue");
  const packages = [];
  let running = 0;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole_, name) => (name in values ? values[name] : whole_));
  const size = (bytes) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = bytes, unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
    return `${value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: unit ? 1 : 0 })} ${units[unit]}`;
  };
  const time = (seconds) => {
    const whole_ = Math.max(1, Math.round(seconds));
    if (whole_ < 60) return fill(words.seconds, { s: whole_ });
    if (whole_ < 3600) return fill(words.minutes, { m: Math.floor(whole_ / 60), s: whole_ % 60 });
    return fill(words.hours, { h: Math.floor(whole_ / 3600), m: Math.floor((whole_ % 3600) / 60) });
  };
  const countWord = (count) => (count === 1 ? words.file : fill(words.files, { count: count.toLocaleString(document.documentElement.lang) }));
  const announce = (text) => { part("status").textContent = text; };

  // What this browser knows of sets that were begun here: when each file was last changed. Sizes and offsets the server knows.
  const shelf = {
    key: (id) => `jingui-upload-${place.dataset.person}-${id}`,
    read: (id) => { try { return JSON.parse(localStorage.getItem(shelf.key(id))) || {}; } catch { return {}; } },
    write: (id, value) => { try { localStorage.setItem(shelf.key(id), JSON.stringify(value)); } catch { /* Full: sizes still tell. */ } },
    drop: (id) => { try { localStorage.removeItem(shelf.key(id)); } catch { /* Nothing was kept. */ } },
  };

  class Refused extends Error {
    constructor(status, problem) {
      super(problem?.detail ? [problem.detail, problem.remedy].filter(Boolean).join(" ") : `HTTP ${status}`);
      this.status = status;
    }
  }
  class Lost extends Error {
    constructor(seconds) { super("lost"); this.seconds = seconds; }
  }

  const request = (method, path, { headers = {}, body = null, progress = null, holder = null } = {}) => new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open(method, path.startsWith("/") ? path : `${api}/${path}`);
    call.setRequestHeader("X-CSRFToken", place.dataset.token);
    for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
    if (progress) call.upload.addEventListener("progress", (event) => progress(event.loaded));
    if (holder) holder.call = call;
    call.timeout = body ? 0 : 60000;
    const lost = () => reject(new Lost(0));
    call.addEventListener("error", lost);
    call.addEventListener("timeout", lost);
    call.addEventListener("abort", lost);
    call.addEventListener("load", () => {
      if (holder) holder.call = null;
      if (call.status >= 200 && call.status < 300) { resolve(call); return; }
      let problem = null;
      try { problem = JSON.parse(call.responseText); } catch { /* Not ours: a proxy perhaps. */ }
      if (call.status === 429 || call.status === 423 || call.status >= 502 && call.status <= 504) {
        reject(new Lost(Number(call.getResponseHeader("Retry-After")) || 0));
      } else if (call.status === 401) {
        const refused = new Refused(401, null);
        refused.message = words.nobody;
        reject(refused);
      } else reject(new Refused(call.status, problem));
    });
    call.send(body);
  });
  const json = (method, path, value) => request(method, path, {
    headers: value ? { "Content-Type": "application/json" } : {}, body: value ? JSON.stringify(value) : null,
  }).then((call) => (call.responseText ? JSON.parse(call.responseText) : null));

  const pause = (seconds) => new Promise((resolve) => {
    const timer = window.setTimeout(resolve, seconds * 1000);
    window.addEventListener("online", () => { window.clearTimeout(timer); resolve(); }, { once: true });
  });
  const base64 = (bytes) => {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const encoded = (text) => base64(new TextEncoder().encode(text));
  const checksum = async (blob) => {
    if (!window.crypto?.subtle) return {};
    return { "Upload-Checksum": `sha256 ${base64(new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())))}` };
  };

  // A package: its files, how far each is, and its line on the page.
  class Package {
    constructor(name, files, known = null) {
      this.name = name;
      this.files = files.map(({ path, file }) => ({ path, file, id: null, sent: 0, moving: 0 }));
      this.total = this.files.reduce((sum, entry) => sum + entry.file.size, 0);
      this.known = known;
      this.set = known ? known.id : null;
      this.state = "ready";
      this.why = "";
      this.samples = [];
      this.calls = new Set();
      this.draw();
    }

    get sent() { return this.files.reduce((sum, entry) => sum + entry.sent + entry.moving, 0); }
    get active() { return ["waiting", "checking", "sending", "retrying", "finishing"].includes(this.state); }

    draw() {
      const item = document.createElement("li");
      item.className = "queue-item";
      item.innerHTML = '<div class="queue-head"><strong></strong><span class="text-secondary" data-size></span><span class="state" data-state></span></div>'
        + '<progress max="1000" value="0"></progress>'
        + '<div class="queue-foot"><span class="text-secondary small" data-pace></span><span class="state-row" data-buttons></span></div>'
        + '<p class="queue-why" data-why hidden></p><details class="queue-files"><summary></summary><ul></ul></details>';
      item.querySelector("strong").textContent = this.name;
      item.querySelector("progress").setAttribute("aria-label", this.name);
      item.querySelector("summary").textContent = words.details;
      item.querySelector("details").addEventListener("toggle", () => this.drawFiles());
      this.item = item;
      queue.append(item);
      this.show();
    }

    drawFiles() {
      const details = this.item.querySelector("details");
      if (!details.open) return;
      const list = details.querySelector("ul");
      if (!list.children.length) {
        for (const entry of this.files.slice(0, 500)) {
          const line = document.createElement("li");
          const name = document.createElement("span");
          name.textContent = entry.path;
          entry.mark = document.createElement("span");
          entry.mark.className = "text-secondary";
          line.append(name, entry.mark);
          list.append(line);
        }
        if (this.files.length > 500) { const rest = document.createElement("li"); rest.textContent = "…"; list.append(rest); }
      }
      for (const entry of this.files) {
        if (entry.mark) entry.mark.textContent = fill(words.of, { done: size(entry.sent + entry.moving), total: size(entry.file.size) });
      }
    }

    button(text, run, kind = "btn-outline-secondary") {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `btn btn-sm ${kind}`;
      button.textContent = text;
      button.setAttribute("aria-label", `${text}: ${this.name}`);
      button.addEventListener("click", run);
      return button;
    }

    show() {
      const mark = this.item.querySelector("[data-state]");
      const tones = { done: "good", failed: "bad", cancelled: "quiet", paused: "warn", retrying: "warn", ready: "quiet" };
      if (this.drawn !== this.state) {
        this.drawn = this.state;
        mark.className = `state tone-${tones[this.state] || "busy"}`;
        mark.textContent = words[this.state === "retrying" ? "sending" : this.state];
        const buttons = this.item.querySelector("[data-buttons]");
        const focused = buttons.contains(document.activeElement);
        buttons.replaceChildren();
        if (this.state === "ready") buttons.append(this.button(words.remove, () => this.remove()));
        if (["waiting", "checking", "sending", "retrying"].includes(this.state)) buttons.append(this.button(words.pause, () => this.stop("paused")));
        if (this.state === "paused") buttons.append(this.button(words.resume, () => this.start(), "btn-primary"));
        if (this.state === "failed") buttons.append(this.button(words.again, () => this.start(), "btn-primary"));
        if (this.active && this.state !== "finishing" || ["paused", "failed"].includes(this.state)) buttons.append(this.button(words.cancel, () => this.cancel(), "btn-outline-danger"));
        if (this.state === "done") {
          const link = document.createElement("a");
          link.className = "btn btn-primary btn-sm";
          link.href = this.address;
          link.textContent = words.open;
          buttons.append(link);
        }
        if (focused) buttons.querySelector("button, a")?.focus();
        if (!["ready", "checking", "retrying"].includes(this.state)) announce(fill(words.announced, { name: this.name, state: words[this.state] }));
      }
      const sent = this.sent;
      this.item.querySelector("[data-size]").textContent = `${countWord(this.files.length)} · ${this.state === "ready" ? size(this.total) : fill(words.of, { done: size(sent), total: size(this.total) })}`;
      this.item.querySelector("progress").value = this.total ? Math.round((sent / this.total) * 1000) : this.state === "done" ? 1000 : 0;
      this.item.querySelector("[data-pace]").textContent = this.pace(sent);
      const why = this.item.querySelector("[data-why]");
      why.hidden = !this.why;
      why.textContent = this.why;
      why.classList.toggle("tone-bad", this.state === "failed");
      this.drawFiles();
    }

    // Rate over the last few seconds, so that a pause does not make it slow for ever.
    pace(sent) {
      if (this.state !== "sending") return "";
      const now = performance.now();
      this.samples.push([now, sent]);
      while (this.samples.length > 2 && now - this.samples[0][0] > 6000) this.samples.shift();
      const [then, before] = this.samples[0];
      const rate = now - then > 500 ? (sent - before) / ((now - then) / 1000) : 0;
      if (rate <= 0) return "";
      return `${fill(words.rate, { size: size(rate) })} · ${fill(words.left, { time: time((this.total - sent) / rate) })}`;
    }

    set_(state, why = "") { this.state = state; this.why = why; this.samples = []; this.show(); refresh(); }

    start() {
      if (this.active) return;
      this.run = Symbol(this.name);
      this.set_("waiting");
      pump();
    }

    stop(state, why = "") {
      this.run = null;
      for (const holder of this.calls) holder.call?.abort();
      this.calls.clear();
      for (const entry of this.files) entry.moving = 0;
      this.set_(state, why);
    }

    remove() { this.stop("cancelled"); this.item.remove(); packages.splice(packages.indexOf(this), 1); refresh(); }

    async cancel() {
      if (!window.confirm(fill(words.sure, { name: this.name }))) return;
      this.stop("paused");
      if (this.set) {
        try { await json("DELETE", `upload-sets/${this.set}`); } catch (error) {
          if (error.status !== 404) { this.set_("failed", error.message); return; }
        }
        shelf.drop(this.set);
        this.set = null;
      }
      this.set_("cancelled");
    }

    // Does something until it is done, waiting longer and longer while the connection is away.
    async persist(act, run) {
      for (let attempt = 0; ; attempt += 1) {
        if (this.run !== run) throw new Lost(0);
        try { return await act(); } catch (error) {
          if (!(error instanceof Lost) || this.run !== run) throw error;
          let seconds = Math.max(error.seconds, Math.min(2 ** attempt, LONGEST_PAUSE));
          this.state = "retrying";
          this.why = fill(words.retrying, { seconds });
          this.show();
          await pause(seconds);
          if (this.run === run) { this.state = "sending"; this.why = ""; this.show(); }
        }
      }
    }

    async send(run) {
      this.set_("checking", this.why);
      if (!this.set) {
        const begun = await this.persist(() => json("POST", "upload-sets", { name: this.name, agreement: part("agreement").value }), run);
        this.set = begun.id;
        shelf.write(this.set, Object.fromEntries(this.files.map(({ path, file }) => [path, file.lastModified])));
      } else {
        const state = await this.persist(() => json("GET", `upload-sets/${this.set}`), run);
        if (state.submission) { this.end(state.submission); return; }
        await this.match(state.uploads, run);
      }
      this.set_("sending", this.why);
      const waiting = this.files.filter((entry) => entry.id === null || entry.sent < entry.file.size);
      const lane = async () => {
        while (waiting.length && this.run === run) await this.sendFile(waiting.shift(), run);
      };
      await Promise.all(Array.from({ length: PARALLEL }, lane));
      if (this.run !== run) return;
      this.set_("finishing");
      const done = await this.persist(() => json("POST", `upload-sets/${this.set}/finish`), run);
      this.end(done.submission);
    }

    end(submission) {
      shelf.drop(this.set);
      document.querySelector(`[data-unfinished] [data-set="${CSS.escape(this.set)}"]`)?.remove();
      this.address = place.dataset.submission.replace("SUBMISSION", submission);
      for (const entry of this.files) { entry.sent = entry.file.size; entry.moving = 0; }
      this.set_("done");
      if (packages.length === 1) window.location.assign(this.address);
    }

    // Compares what is to be sent with what the server has: a file that is another by now is sent anew.
    async match(uploads, run) {
      const times = shelf.read(this.set);
      const here = new Map(this.files.map((entry) => [entry.path.normalize("NFC"), entry]));
      for (const upload of uploads) {
        const entry = here.get(upload.path.normalize("NFC"));
        const same = entry && entry.file.size === upload.length && (!(upload.path in times) || times[upload.path] === entry.file.lastModified);
        if (same) { entry.id = upload.id; entry.sent = upload.received; continue; }
        await this.persist(() => request("DELETE", `uploads/${upload.id}`, { headers: { "Tus-Resumable": "1.0.0" } }), run);
        if (entry) { entry.id = null; entry.sent = 0; this.why = fill(words.changed, { name: entry.path }); }
      }
    }

    async sendFile(entry, run) {
      const holder = { call: null };
      this.calls.add(holder);
      const progress = (loaded) => { if (this.run === run) { entry.moving = Math.min(loaded, entry.file.size - entry.sent); this.show(); } };
      const read = async (from) => {
        const blob = entry.file.slice(from, from + CHUNK);
        try { return { blob, headers: await checksum(blob) }; } catch (error) {
          throw new Refused(0, { detail: fill(words.unreadable, { name: entry.path, reason: error.message }) });
        }
      };
      const told = (call) => { entry.sent = Number(call.getResponseHeader("Upload-Offset")); entry.moving = 0; this.show(); };
      try {
        if (entry.id === null) await this.persist(() => this.announce(entry, read, progress, holder, told), run);
        while (entry.sent < entry.file.size && this.run === run) {
          await this.persist(async () => {
            const { blob, headers } = await read(entry.sent);
            try {
              told(await request("PATCH", `uploads/${entry.id}`, {
                headers: { "Tus-Resumable": "1.0.0", "Upload-Offset": String(entry.sent), "Content-Type": "application/offset+octet-stream", ...headers },
                body: blob, progress, holder,
              }));
            } catch (error) {
              entry.moving = 0;
              if (error instanceof Lost || error.status === 409 || error.status === 460) await this.ask(entry, holder);
              if (error.status !== 409) throw error.status === 460 ? new Lost(1) : error;
            }
          }, run);
        }
      } finally { this.calls.delete(holder); }
    }

    // Announces a file, with its first bytes. Should the answer be lost, the set says whether it was heard.
    async announce(entry, read, progress, holder, told) {
      const { blob, headers } = await read(0);
      const call = () => request("POST", "uploads", {
        headers: {
          "Tus-Resumable": "1.0.0", "Upload-Length": String(entry.file.size), "Content-Type": "application/offset+octet-stream",
          "Upload-Metadata": `set ${encoded(this.set)},relativePath ${encoded(entry.path)}`, ...(blob.size ? headers : {}),
        },
        body: blob, progress, holder,
      });
      try {
        const answer = await call();
        entry.id = answer.getResponseHeader("Location").split("/").pop();
        told(answer);
      } catch (error) {
        entry.moving = 0;
        if (!(error instanceof Lost) && error.status !== 409 && error.status !== 460) throw error;
        if (error instanceof Lost && error.seconds) throw error;
        const state = await json("GET", `upload-sets/${this.set}`);
        const heard = state.uploads.find((upload) => upload.path.normalize("NFC") === entry.path.normalize("NFC") && upload.length === entry.file.size);
        if (!heard) throw error.status === 409 ? error : new Lost(0);
        entry.id = heard.id;
        entry.sent = heard.received;
      }
    }

    async ask(entry, holder) {
      const answer = await request("HEAD", `uploads/${entry.id}`, { headers: { "Tus-Resumable": "1.0.0" }, holder });
      entry.sent = Number(answer.getResponseHeader("Upload-Offset"));
    }
  }

  // One package after the other; within it, two files at once.
  const pump = async () => {
    if (running) return;
    const next = packages.find((item) => item.state === "waiting");
    if (!next) return;
    running += 1;
    const run = next.run;
    try { await next.send(run); } catch (error) {
      if (next.run === run) next.stop("failed", error.message);
    } finally {
      running -= 1;
      pump();
    }
  };

  const refresh = () => {
    const ready = packages.filter((item) => item.state === "ready");
    part("send").hidden = !ready.length;
    part("total").textContent = ready.length ? `${countWord(ready.reduce((sum, item) => sum + item.files.length, 0))} · ${size(ready.reduce((sum, item) => sum + item.total, 0))}` : "";
  };

  // What was dropped or chosen -------------------------------------------------------------------------------------------

  const entriesOf = (folder) => new Promise((resolve, reject) => {
    const reader = folder.createReader();
    const found = [];
    const more = () => reader.readEntries((part_) => { if (part_.length) { found.push(...part_); more(); } else resolve(found); }, reject);
    more();
  });
  const walk = async (entry, prefix, files) => {
    if (entry.isFile) files.push({ path: prefix + entry.name, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    else for (const child of await entriesOf(entry)) await walk(child, `${prefix}${entry.name}/`, files);
    return files;
  };

  const reveal = () => { place.hidden = false; document.querySelector("[data-plain]")?.setAttribute("hidden", ""); };

  // The files by what stands at the top of what was dropped: a file, or a folder with what is in it.
  const add = async (files) => {
    reveal();
    if (!files.length) { window.jingui?.say(words.empty, "warn"); return; }
    const together = place.querySelector('input[name="uploader-mode"]:checked').value === "together";
    const tops = new Map();
    for (const { path, file } of files) {
      const top = path.split("/")[0];
      const below = path.includes("/") ? path.slice(top.length + 1) : path;
      if (!tops.has(top)) tops.set(top, []);
      tops.get(top).push({ path: below, whole: path, file });
    }
    let unfinished = [];
    try { unfinished = (await json("GET", "upload-sets")).items; } catch { /* Then everything is sent anew. */ }
    const groups = together
      ? [[part("name").value.trim() || (tops.size === 1 ? [...tops.keys()][0] : words.together), [...tops.values()].flat().map(({ whole: path, file }) => ({ path, file }))]]
      : [...tops].map(([name, own]) => [name, own.map(({ path, file }) => ({ path, file }))]);
    for (const [name, own] of groups) {
      const busy = new Set(packages.filter((item) => item.state !== "cancelled").map((item) => item.set));
      const known = unfinished.find((set) => set.name === name && !busy.has(set.id)) || null;
      const made = new Package(name, own, known);
      packages.push(made);
      if (known) {
        made.why = words.found;
        made.show();
        document.querySelector(`[data-unfinished] [data-set="${CSS.escape(known.id)}"]`)?.setAttribute("hidden", "");
      }
    }
    refresh();
    if (packages.some((item) => item.known && item.state === "ready")) for (const item of packages) if (item.known && item.state === "ready") item.start();
    part("start").scrollIntoView({ block: "nearest" });
  };

  const problem = (error) => window.jingui?.say(error.message, "bad");
  const chosen = (field) => {
    const files = [...field.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    field.value = "";
    add(files).catch(problem);
  };
  part("files").addEventListener("change", (event) => chosen(event.target));
  part("folder").addEventListener("change", (event) => chosen(event.target));
  for (const field of place.querySelectorAll('input[name="uploader-mode"]')) {
    field.addEventListener("change", () => { part("name-field").hidden = place.querySelector('input[name="uploader-mode"]:checked').value !== "together"; });
  }
  part("start").addEventListener("click", () => { for (const item of [...packages]) if (item.state === "ready") item.start(); });

  // The whole page takes what is dropped.
  const brings = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  let over = 0;
  document.addEventListener("dragenter", (event) => { if (brings(event)) { over += 1; reveal(); part("drop").classList.add("over"); event.preventDefault(); } });
  document.addEventListener("dragleave", (event) => { if (brings(event) && (over -= 1) <= 0) { over = 0; part("drop").classList.remove("over"); } });
  document.addEventListener("dragover", (event) => { if (brings(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    over = 0;
    part("drop").classList.remove("over");
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
    if (items.length && items.every(Boolean)) {
      Promise.all(items.map((entry) => walk(entry, "", []))).then((found) => add(found.flat())).catch(problem);
    } else add([...event.dataTransfer.files].map((file) => ({ path: file.name, file }))).catch(problem);
  });
  window.addEventListener("beforeunload", (event) => { if (packages.some((item) => item.active)) { event.preventDefault(); event.returnValue = words.leave; } });

  // An unfinished upload asks for the same files again; a folder or files, as its name and its files suggest.
  for (const item of document.querySelectorAll("[data-unfinished] [data-set]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-primary btn-sm";
    button.textContent = words.resume;
    button.addEventListener("click", () => { announce(words.same); part("drop").scrollIntoView({ block: "center" }); part(/\.\w{2,4}$/.test(item.querySelector("strong").textContent) ? "files" : "folder").click(); });
    item.querySelector(".state-row").prepend(button);
  }

  if ("open" in place.dataset) reveal();
})();
