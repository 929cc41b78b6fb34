"""The console in a real browser, before a real server with its worker."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from repository.archive import Archive
from tests.tools.browser import browser, chromium, served
from tests.tools.console import PASSWORD, add_people, bag, open_to_all, packed
from tests.tools.identification import identifier, registry

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")

CONTENT = {"申请/申请书.txt": "申请公园规划许可".encode(), "决定.txt": "准予许可".encode()}
TIMEOUT = 90_000


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


class Watched:
    """A page that keeps what went wrong in it: script errors, refused content, failed requests."""

    def __init__(self, chrome: Browser, address: str, language: str, *, javascript: bool) -> None:
        self.address = address
        self.context = chrome.new_context(locale=language, java_script_enabled=javascript, accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("requestfailed", lambda request: self._failed(f"{request.url}: {request.failure}"))

    def log_in(self, name: str) -> Page:
        """Through the login page."""
        self.page.goto(f"{self.address}/login")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.locator("main button").click()
        self.page.wait_for_url(f"{self.address}/")
        return self.page

    def _failed(self, text: str) -> None:
        # a link that leads to a download ends the navigation it began
        if "ERR_ABORTED" not in text:
            self.troubles.append(text)


Open = Callable[..., Watched]


@pytest.fixture
def open_page(chrome: Browser, address: str) -> Iterator[Open]:
    """Opens browsers of their own; nothing may go wrong in any of them."""
    opened: list[Watched] = []

    def run(language: str = "en", *, javascript: bool = True) -> Watched:
        opened.append(Watched(chrome, address, language, javascript=javascript))
        return opened[-1]

    yield run
    troubles = [trouble for one in opened for trouble in one.troubles]
    for one in opened:
        one.context.close()
    assert troubles == []


def hand_in(page: Page, package: Path, *, javascript: bool = True) -> None:
    page.get_by_role("link", name=re.compile("Hand in a package|移交信息包")).click()
    # the script that takes the files runs before the page counts as loaded
    page.wait_for_url("**/ingest/upload")
    page.set_input_files("#uploader-files" if javascript else "#package", package)
    page.locator("[data-start]" if javascript else "form:has(#package) button").click()
    page.wait_for_url(re.compile(r"/ingest/[0-9a-f-]{36}$"))


@pytest.fixture(scope="module")
def record(chrome: Browser, address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A right package, handed in by a person and seen to be stored; says the path of its record."""
    watched = Watched(chrome, address, "en", javascript=True)
    page = watched.log_in("archivist")
    hand_in(page, packed(tmp_path_factory.mktemp("right") / "云栖公园规划.zip", bag(CONTENT)))
    # the page asks again by itself until the work has ended
    page.get_by_role("link", name="Stored and read back from every store").click(timeout=TIMEOUT)
    expect(page.locator("#files")).to_contain_text("申请书.txt")
    path = page.url.removeprefix(address)
    assert watched.troubles == []
    watched.context.close()
    return path


def test_what_was_handed_in_comes_back_byte_for_byte(open_page: Open, record: str, tmp_path: Path) -> None:
    watched = open_page()
    page = watched.log_in("archivist")
    page.goto(watched.address + record)
    page.get_by_role("link", name="申请/申请书.txt").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the original").click()
    assert waiting.value.suggested_filename == "申请书.txt"
    saved = waiting.value.path().read_bytes()
    assert hashlib.sha256(saved).hexdigest() == hashlib.sha256(CONTENT["申请/申请书.txt"]).hexdigest()
    page.goto(watched.address + record)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download a copy for use").click()
    with zipfile.ZipFile(waiting.value.path()) as package:
        assert package.testzip() is None
        contents = [package.read(name) for name in package.namelist()]
    assert all(content in contents for content in CONTENT.values())


@pytest.mark.parametrize(
    ("language", "rejected", "reason"),
    [("en", "The package was rejected", "is a mismatch"), ("zh-CN", "信息包被拒收", "不一致")],
)
def test_a_wrong_package_is_explained_in_the_readers_language(
    open_page: Open, tmp_path: Path, language: str, rejected: str, reason: str
) -> None:
    page = open_page(language).log_in("archivist")
    hand_in(page, packed(tmp_path / "wrong.zip", bag({"报告.txt": language.encode()}, lie=True)))
    expect(page.locator(".notice.tone-bad:not(.toast-line)")).to_contain_text(rejected, timeout=TIMEOUT)
    finding = page.locator(".finding.bad").first
    expect(finding).to_contain_text(reason)
    expect(finding).to_contain_text("data/报告.txt")


def test_a_researcher_learns_nothing_of_a_closed_record(open_page: Open, record: str, home: Path) -> None:
    watched = open_page()
    page = watched.log_in("researcher")
    page.goto(f"{watched.address}/records/")
    expect(page.locator("main")).to_contain_text("No records yet")
    page.goto(watched.address + record)
    expect(page.locator("h1")).to_have_text("There is nothing here")
    # the browser itself notes each answer of 404
    watched.troubles = [trouble for trouble in watched.troubles if "404" not in trouble]
    archive = Archive.open(home)
    open_to_all(archive, record.rpartition("/")[2])
    archive.close()
    page.goto(watched.address + record)
    expect(page.locator("h1")).to_contain_text("云栖公园规划")
    page.get_by_role("link", name="申请/申请书.txt").click()
    expect(page.locator("h1")).to_have_text("申请书.txt")
    expect(page.get_by_role("link", name="Download the original")).to_have_count(0)


def test_the_slash_key_leads_to_the_search_and_two_characters_are_enough(open_page: Open, record: str) -> None:
    watched = open_page("zh-CN")
    page = watched.log_in("archivist")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    for _ in range(60):
        # the index is brought up to date by a job of its own a little after the record is stored
        page.goto(f"{watched.address}/")
        page.keyboard.press("/")
        page.keyboard.type("规划")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/records/"))
        if page.locator("article.hit").count():
            break
        page.wait_for_timeout(1000)
    expect(page.locator("article.hit mark").first).to_have_text("规划")
    page.locator("a.hit-title").first.click()
    expect(page.locator("h1")).to_contain_text("云栖公园规划")
    expect(page.locator("#events")).to_contain_text("完整回读")


def test_reading_needs_no_javascript(open_page: Open, record: str) -> None:
    watched = open_page(javascript=False)
    page = watched.log_in("archivist")
    page.goto(watched.address + record)
    expect(page.locator("#files")).to_contain_text("申请书.txt")
    page.locator("#events").get_by_role("link", name="read back in full").click()
    expect(page.locator(".timeline li")).to_have_count(2)
    page.locator(".side").get_by_role("link", name="Records").click()
    expect(page.locator("a.hit-title").first).to_contain_text("云栖公园规划")
    page.fill("#search", "规划")
    page.locator("#search").press("Enter")
    page.wait_for_url(re.compile("/records/"))
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("档案")


def test_a_package_can_be_handed_in_without_javascript(open_page: Open, record: str, tmp_path: Path) -> None:
    page = open_page(javascript=False).log_in("archivist")
    hand_in(page, packed(tmp_path / "plain.zip", {"b.txt": b"without script"}), javascript=False)
    expect(page.locator("h1")).to_have_text("plain.zip")
    for _ in range(120):
        if page.locator(".notice.tone-good").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.locator(".side").get_by_role("link", name="Records").click()
    # two kinds of packages leave a choice beside the list
    page.locator("aside.facet").get_by_role("link", name="Package kind").click()
    page.locator("aside.facet").get_by_role("link", name="plain folder").click()
    expect(page.locator("article.hit")).to_have_count(1)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(open_page: Open, record: str, width: int) -> None:
    watched = open_page("zh-CN")
    page = watched.log_in("archivist")
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/ingest/", "/ingest/upload", "/records/", record, f"{record}?all=1", "/about"):
        page.goto(watched.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
