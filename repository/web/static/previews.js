// Looking at a file: the arrow keys turn pages. Every page has the same links in plain sight.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    const target = event.target;
    if (!rel || !(target instanceof HTMLElement)) return;
    // Where the arrows have a meaning of their own they keep it: fields, players, and whatever scrolls sideways.
    if (target.isContentEditable || target.closest("input, textarea, select, audio, video, iframe, [role=region], pre")) return;
    const link = document.querySelector(`.preview-steps a[rel=${rel}]`);
    if (link) { event.preventDefault(); link.click(); }
  });
})();
