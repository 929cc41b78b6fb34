"""Takes pictures of the console over demo data: ``python -m tests.tools.screenshots docs/screenshots [--all]``.

A few of them are kept with the documentation; ``--all`` makes every page in both languages, two widths and two looks, to
be looked at before a change of the pages is done.
"""

from __future__ import annotations

import io
import re
import secrets
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import FilePayload, Page

from ingest.submissions import FINAL
from repository.archive import Archive
from repository.demo.accounts import PASSWORD
from repository.holdings import Job, Submission
from repository.jobs.ledger import JobState
from repository.permissions import Actor
from tests.tools.browser import browser, chromium, served, wait_until

#: Brings a page into view: the browser, and the address of the console.
Go = Callable[[Page, str], object]
LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}
WIDTHS: Final = {"wide": (1280, 860), "narrow": (390, 844)}
LOOKS: Final = ("light", "dark")
#: Those that the documentation shows.
KEPT: Final = (
    "overview-en-wide-light",
    "overview-zh-wide-light",
    "records-en-wide-dark",
    "records-zh-wide-light",
    "record-en-wide-light",
    "record-zh-wide-light",
    "record-zh-narrow-dark",
    "preview-zh-wide-dark",
    "upload-zh-narrow-light",
    "live-en-wide-light",
    "submission-en-narrow-light",
    "submission-zh-wide-light",
    "log-zh-wide-light",
    "account-en-wide-light",
    "reference-en-wide-light",
)
#: At most so much of a long page, in pixels.
LONGEST: Final = 1700
#: Files of the package that is under way in a picture: enough that it is seen at work.
_MANY: Final = 4000


def take(folder: Path, *, everything: bool) -> Iterator[Path]:
    """Serves a home with demo data, waits until all of it is taken in, and takes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        with served(home, "--demo") as address:
            wait_until(lambda: _is_taken_in(home), "the demo data is taken in", 900)
            with browser() as opened:
                for (account, pages), (language, locale), (width, (across, down)), look in product(
                    PAGES.items(), LANGUAGES.items(), WIDTHS.items(), LOOKS
                ):
                    wanted = {f"{name}-{language}-{width}-{look}": go for name, go in pages.items()}
                    if not everything:
                        wanted = {name: go for name, go in wanted.items() if name in KEPT}
                    if not wanted:
                        continue
                    context = opened.new_context(
                        viewport={"width": across, "height": down}, locale=locale, color_scheme="dark" if look == "dark" else "light"
                    )
                    page = context.new_page()
                    if account:
                        _log_in(page, address, account)
                    for name, go in wanted.items():
                        go(page, address)
                        yield _picture(page, folder / f"{name}.png")
                    context.close()


def _log_in(page: Page, address: str, account: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#name", account)
    page.fill("#password", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{address}/")


def _at(path: str) -> Go:
    return lambda page, address: page.goto(address + path)


def _submission(page: Page, address: str) -> None:
    page.goto(f"{address}/ingest/?state=rejected")
    page.locator("tr", has=page.locator(".tone-bad")).locator("td.name a").first.click()
    page.wait_for_load_state()


def _live(page: Page, address: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for number in range(_MANY):
            archive.writestr(f"云栖市公园规划/{number // 100:02d}/{number:04d}.txt", f"{secrets.token_hex(8)} {number}")
    page.goto(f"{address}/ingest/upload")
    file = FilePayload(name="云栖市公园规划.zip", mimeType="application/zip", buffer=package.getvalue())
    page.set_input_files("#uploader-files", file)
    page.locator("[data-start]").click()
    page.locator("#progress .pace progress").wait_for(timeout=120_000)


def _record(page: Page, address: str) -> None:
    page.goto(f"{address}/records/?q=许可")
    page.locator("a.hit-title").first.click()
    page.wait_for_load_state()
    # the small pictures of the files come when they are scrolled to
    page.locator("#files").scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")


def _preview(page: Page, address: str) -> None:
    _record(page, address)
    page.locator("#files").get_by_role("link", name=re.compile(r"\.ofd$")).first.click()
    page.locator(".first-sight a.btn").click()
    page.locator(".preview img").first.wait_for()
    page.wait_for_load_state("networkidle")


#: The pages by the account that sees them and the name of the picture; the first account is nobody.
PAGES: Final[Mapping[str, Mapping[str, Go]]] = {
    "": {"login": _at("/login")},
    "archivist": {
        "overview": _at("/"),
        "submissions": _at("/ingest/"),
        "submission": _submission,
        "upload": _at("/ingest/upload"),
        "records": _at("/records/?q=许可"),
        "record": _record,
        "preview": _preview,
        "jobs": _at("/jobs?regular=1"),
        "notices": _at("/notices"),
        "reference": _at("/api/v1/"),
        "live": _live,
    },
    "officer": {"overview-officer": _at("/")},
    "keeper": {"overview-keeper": _at("/"), "audits": _at("/audits/")},
    "researcher": {"overview-researcher": _at("/"), "search": _at("/records/?q=许可")},
    "sysadmin": {
        "overview-sysadmin": _at("/"),
        "accounts": _at("/admin/accounts"),
        "agencies": _at("/admin/agencies"),
        "schedules": _at("/schedules"),
    },
    "secadmin": {"overview-secadmin": _at("/"), "account": _at("/admin/accounts/officer")},
    "auditor": {"overview-auditor": _at("/"), "log": _at("/log")},
}


def _is_taken_in(home: Path) -> bool:
    archive = Archive.open(home)
    try:
        with archive.read(Actor.system("screenshots")) as tx:
            states = {row.state for row in tx.session.query(Submission)}
            loaded = {row.state for row in tx.session.query(Job).filter(Job.kind == "demo.load")}
            waiting = tx.session.connection().exec_driver_sql("SELECT count(*) FROM search_pending").scalar()
    finally:
        archive.close()
    return loaded == {JobState.DONE} and bool(states) and states <= {str(state) for state in FINAL} and not waiting


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
