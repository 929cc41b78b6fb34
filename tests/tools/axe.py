"""axe-core over a page: the breaches of WCAG 2.0 to 2.2, levels A and AA, that a program can find.

The script is put into the page through the browser's own protocol, so that the page's Content-Security-Policy stays in force.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
#: Impacts, as axe-core weighs them, with which somebody cannot use the page or only with great trouble.
GRAVE: Final = frozenset({"serious", "critical"})

#: Style sheets are not fetched a second time: one rule alone reads them, which asks whether they lock the screen upright.
_RUN: Final = """(tags) => axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], preload: false})
  .then((found) => found.violations.map((one) => ({
    id: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.map((node) => ({target: String(node.target), html: node.html.slice(0, 200), why: node.failureSummary})),
  })))"""


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds wrong with the page as it stands: ``id``, ``impact``, ``help`` and the ``nodes`` concerned."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(TAGS))
    return found


def grave(page: Page) -> list[str]:
    """The serious and the critical ones, a line for each place."""
    return [
        f"{one['impact']} {one['id']} at {node['target']}: {node['why']} {node['html']}"
        for one in violations(page)
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


#: Texts that leave the screen, or end inside something that neither scrolls nor grows.
_CUT_OFF: Final = """() => {
  const wide = document.scrollingElement;
  const found = wide.scrollWidth > window.innerWidth ? [`the page is ${wide.scrollWidth} wide on a screen of ${window.innerWidth}`] : [];
  const hidden = (element) => element.closest(".visually-hidden, .visually-hidden-focusable, [hidden], .clamp, option, noscript");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || hidden(element) || !element.checkVisibility({visibilityProperty: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    let scrolls = false;
    for (let around = element; around && around !== document.body; around = around.parentElement) {
      const flow = getComputedStyle(around).overflowX;
      if (flow === "auto" || flow === "scroll") scrolls = true;
      const edge = around.getBoundingClientRect();
      if ((flow === "hidden" || flow === "clip") && !scrolls && (box.right > edge.right + 1 || box.left < edge.left - 1)) {
        found.push(`“${text.data.trim().slice(0, 40)}” ends inside ${around.tagName} ${around.className}`);
        break;
      }
    }
    if (!scrolls && (box.right > window.innerWidth + 1 || box.left < -1)) {
      found.push(`“${text.data.trim().slice(0, 40)}” leaves the screen in ${element.tagName} ${element.className}`);
    }
  }
  return found;
}"""


def cut_off(page: Page) -> list[str]:
    """What a reader of this screen cannot see without scrolling sideways, or not at all."""
    found: list[str] = page.evaluate(_CUT_OFF)
    return found
