"""Takes pictures of the console over demo data: ``python -m tests.tools.screenshots docs/screenshots [--all]``.

A few of them are kept with the documentation; ``--all`` makes every page in both languages, two widths and two looks, to
be looked at before a change of the pages is done.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page

from ingest.submissions import FINAL
from repository.archive import Archive
from repository.demo.accounts import PASSWORD
from repository.holdings import Submission
from repository.permissions import Actor
from tests.tools.browser import browser, chromium, served, wait_until

LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}
WIDTHS: Final = {"wide": (1280, 860), "narrow": (390, 844)}
LOOKS: Final = ("light", "dark")
#: Those that the documentation shows.
KEPT: Final = (
    "record-en-wide-light",
    "record-zh-wide-light",
    "overview-en-wide-light",
    "overview-zh-wide-light",
    "submission-en-wide-light",
    "submission-zh-wide-light",
    "records-en-wide-dark",
    "records-zh-wide-light",
    "record-zh-narrow-dark",
    "submission-en-narrow-light",
)
#: At most so much of a long page, in pixels.
LONGEST: Final = 1700


def take(folder: Path, *, everything: bool) -> Iterator[Path]:
    """Serves a home with demo data, waits until all of it is taken in, and takes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        with served(home, "--demo") as address:
            wait_until(lambda: _is_taken_in(home), "the demo data is taken in", 900)
            with browser() as opened:
                for (language, locale), (width, (across, down)), look in product(LANGUAGES.items(), WIDTHS.items(), LOOKS):
                    names = [f"{page}-{language}-{width}-{look}" for page in PAGES]
                    if not everything and not set(names) & set(KEPT):
                        continue
                    context = opened.new_context(
                        viewport={"width": across, "height": down}, locale=locale, color_scheme="dark" if look == "dark" else "light"
                    )
                    page = context.new_page()
                    for name, go in zip(names, PAGES.values(), strict=True):
                        go(page, address)
                        if everything or name in KEPT:
                            yield _picture(page, folder / f"{name}.png")
                    context.close()


def _login(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#name", "archivist")


def _overview(page: Page, address: str) -> None:
    page.fill("#password", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{address}/")


def _submission(page: Page, address: str) -> None:
    page.goto(f"{address}/ingest/?state=rejected")
    page.locator("tr", has=page.locator(".tone-bad")).locator("td.name a").first.click()
    page.wait_for_load_state()


def _records(page: Page, address: str) -> None:
    page.goto(f"{address}/records/?q=许可")


def _record(page: Page, address: str) -> None:
    page.locator("a.hit-title").first.click()
    page.wait_for_load_state()


PAGES: Final = {"login": _login, "overview": _overview, "submission": _submission, "records": _records, "record": _record}


def _is_taken_in(home: Path) -> bool:
    archive = Archive.open(home)
    try:
        with archive.read(Actor.system("screenshots")) as tx:
            states = {row.state for row in tx.session.query(Submission)}
            waiting = tx.session.connection().exec_driver_sql("SELECT count(*) FROM search_pending").scalar()
    finally:
        archive.close()
    return bool(states) and states <= {str(state) for state in FINAL} and not waiting


def _picture(page: Page, target: Path) -> Path:
    height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
    size = page.viewport_size
    assert size is not None
    page.screenshot(path=target, clip={"x": 0, "y": 0, "width": size["width"], "height": height}, full_page=True)
    with Image.open(target) as picture:
        # flat colours and text lose nothing visible with a palette, and two thirds of the bytes
        picture.convert("RGB").quantize(colors=192, dither=Image.Dither.NONE).save(target, optimize=True)
    return target


def main(arguments: list[str]) -> int:
    """Takes the pictures into the folder named."""
    folders = [argument for argument in arguments if not argument.startswith("-")]
    if len(folders) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    if chromium() is None:
        print("chromium is not installed", file=sys.stderr)
        return 3
    for picture in take(Path(folders[0]), everything="--all" in arguments):
        print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
