"""Sending files and folders from a real browser: a folder is dropped, the connection breaks, the page is reloaded, it goes on."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select

from repository.archive import Archive
from repository.holdings import File, Submission
from repository.permissions import Actor
from tests.tools.browser import browser, chromium, served
from tests.tools.console import PASSWORD, add_people, packed
from tests.tools.identification import identifier, registry

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")

TIMEOUT = 90_000
CHUNK = 8 << 20


@pytest.fixture(scope="module")
def home(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(shutil.copytree(_home_template, tmp_path_factory.mktemp("e2e") / "home"))
    identifier()
    shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
    archive = Archive.open(home)
    add_people(archive)
    archive.close()
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with served(home, "--workers", "1") as found:
        yield found


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    opened = chrome.new_context(locale="en")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#name", "archivist")
    page.fill("#password", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{address}/")
    return page


def drop(page: Page, *paths: Path) -> None:
    """Drops files and folders on the page, as a person does with the mouse."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 500, "y": 320, "data": data})
    session.detach()


def names_of(home: Path, address: str) -> dict[str, int]:
    """The content files of the record whose submission has this address, with their sizes."""
    archive = Archive.open(home)
    try:
        with archive.read(Actor.local()) as tx:
            submission = tx.session.get_one(Submission, address.rpartition("/")[2])
            files = tx.session.scalars(select(File).where(File.aip_id == submission.aip_id, File.role == "content")).all()
            return {file.path.partition("/data/")[2]: file.size for file in files}
    finally:
        archive.close()


def test_a_dropped_folder_goes_on_after_a_broken_connection_and_a_reload(page: Page, address: str, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "云栖公园"
    (folder / "图纸").mkdir(parents=True)
    (folder / "申请书.txt").write_text("申请", encoding="utf-8")
    (folder / "图纸/大图.bin").write_bytes(random.Random(1).randbytes(5 * CHUNK + 17))
    (folder / "空.txt").touch()
    pieces: list[int] = []

    def disturbed(route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        pieces.append(int(route.request.headers["upload-offset"]))
        if len(pieces) == 2:
            route.abort("connectionreset")
        elif len(pieces) < 5:
            route.continue_()
        # the fifth never gets an answer

    page.goto(f"{address}/ingest/")
    page.route("**/api/v1/uploads/*", disturbed)
    drop(page, folder)
    expect(page.locator("[data-queue] li").first).to_contain_text("云栖公园")
    expect(page.locator("[data-total]")).to_contain_text("3 files")
    page.locator("[data-start]").click()
    page.wait_for_function("() => document.querySelector('[data-queue] progress').value >= 700", timeout=TIMEOUT)
    assert pieces[:3] == [CHUNK, 2 * CHUNK, 2 * CHUNK], "what was lost is sent again, and nothing else"
    page.unroute("**/api/v1/uploads/*")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/ingest/upload")
    expect(page.locator("[data-unfinished]")).to_contain_text("云栖公园")
    later: list[int] = []
    page.on("request", lambda request: later.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None)
    drop(page, folder)
    page.wait_for_url(re.compile(r"/ingest/[0-9a-f-]{36}$"), timeout=TIMEOUT)
    assert later
    assert min(later) >= 3 * CHUNK, "nothing that had arrived is sent twice"
    page.get_by_role("link", name="Stored and read back from every store").wait_for(timeout=TIMEOUT)
    assert names_of(home, page.url) == {"申请书.txt": 6, "图纸/大图.bin": 5 * CHUNK + 17, "空.txt": 0}


def test_several_things_dropped_become_a_package_each_or_one(page: Page, address: str, home: Path, tmp_path: Path) -> None:
    one = packed(tmp_path / "one.zip", {"a.txt": b"one"})
    two = tmp_path / "two"
    two.mkdir()
    (two / "b.txt").write_bytes(b"two")
    page.goto(f"{address}/ingest/upload")
    drop(page, one, two)
    expect(page.locator("[data-queue] > li")).to_have_count(2)
    page.locator("[data-start]").click()
    expect(page.get_by_role("link", name="Open the submission")).to_have_count(2, timeout=TIMEOUT)
    page.goto(f"{address}/ingest/upload")
    page.get_by_label("one package").check()
    page.get_by_label("Name of the package").fill("both")
    drop(page, one, two)
    expect(page.locator("[data-queue] > li")).to_have_count(1)
    page.locator("[data-start]").click()
    page.wait_for_url(re.compile(r"/ingest/[0-9a-f-]{36}$"), timeout=TIMEOUT)
    page.get_by_role("link", name="Stored and read back from every store").wait_for(timeout=TIMEOUT)
    assert set(names_of(home, page.url)) == {"one.zip", "two/b.txt"}


def test_pausing_going_on_and_cancelling(page: Page, address: str, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(4 * CHUNK))
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PATCH" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", hold)
    page.goto(f"{address}/ingest/upload")
    page.set_input_files("#uploader-files", large)
    page.locator("[data-start]").click()
    item = page.locator("[data-queue] > li")
    expect(item.locator("[data-state]")).to_have_text("sending")
    item.get_by_role("button", name="Pause").click()
    expect(item.locator("[data-state]")).to_have_text("paused")
    page.on("dialog", lambda dialog: dialog.accept())
    item.get_by_role("button", name="Cancel").click()
    expect(item.locator("[data-state]")).to_have_text("cancelled")
    expect(page.locator("[data-unfinished]")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Unfinished uploads")).to_have_count(0)


def test_what_the_server_refuses_is_said_in_its_words(page: Page, address: str, tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"1")
    (folder / "A.TXT").write_bytes(b"2")
    page.goto(f"{address}/ingest/upload")
    page.set_input_files("#uploader-folder", folder)
    page.locator("[data-start]").click()
    item = page.locator("[data-queue] > li")
    expect(item.locator("[data-state]")).to_have_text("stopped", timeout=TIMEOUT)
    expect(item.locator("[data-why]")).to_contain_text("differ only in upper and lower case")
