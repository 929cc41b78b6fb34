"""The shell in a real browser: the keyboard, the menus, the look, and what stays usable without a script."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from repository.archive import Archive
from repository.permissions import Actor
from tests.tools.browser import browser, chromium, served
from tests.tools.console import PASSWORD, add_people

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def address(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = Path(shutil.copytree(_home_template, tmp_path_factory.mktemp("shell") / "home"))
    archive = Archive.open(home)
    add_people(archive)
    with archive.transaction(Actor.local()) as tx:
        for number in range(3):
            # nobody works in this home, so they wait
            tx.enqueue("demo.load", {"number": number})
    archive.close()
    with served(home, "--workers", "0") as found:
        yield found


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def enter(chrome: Browser, address: str, name: str, *, width: int = 1280, javascript: bool = True, language: str = "en") -> Page:
    context = chrome.new_context(locale=language, java_script_enabled=javascript, viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url(f"{address}/")
    return page


@pytest.fixture
def archivist(chrome: Browser, address: str) -> Iterator[Page]:
    page = enter(chrome, address, "archivist")
    yield page
    page.context.close()


@pytest.mark.parametrize(
    ("key", "path"), [("s", "/ingest/"), ("r", "/records/"), ("a", "/audits/"), ("j", "/jobs"), ("n", "/notices"), ("t", "/schedules")]
)
def test_g_and_a_letter_lead_to_a_page(archivist: Page, address: str, key: str, path: str) -> None:
    archivist.goto(f"{address}/about")
    archivist.keyboard.press("g")
    archivist.keyboard.press(key)
    archivist.wait_for_url(address + path)
    archivist.keyboard.press("g")
    archivist.keyboard.press("d")
    archivist.wait_for_url(f"{address}/")


def test_a_key_leads_nowhere_where_one_may_not_go(archivist: Page, address: str) -> None:
    archivist.keyboard.press("g")
    archivist.keyboard.press("l")
    archivist.keyboard.press("?")
    expect(archivist.locator("dialog[open]")).to_be_visible()
    expect(archivist.locator("dialog")).not_to_contain_text("Logbook")
    assert archivist.url == f"{address}/"


def test_no_key_acts_while_somebody_types(archivist: Page, address: str) -> None:
    archivist.keyboard.press("/")
    expect(archivist.locator("#search")).to_be_focused()
    archivist.keyboard.type("gs?j/")
    expect(archivist.locator("#search")).to_have_value("gs?j/")
    expect(archivist.locator("dialog[open]")).to_have_count(0)
    assert archivist.url == f"{address}/"
    archivist.keyboard.press("Escape")
    expect(archivist.locator("#search")).not_to_be_focused()


def test_the_list_of_keys_opens_and_closes(archivist: Page) -> None:
    archivist.keyboard.press("?")
    dialog = archivist.locator("dialog[open]")
    expect(dialog).to_contain_text("to the next entry")
    archivist.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    archivist.keyboard.press("?")
    expect(dialog).to_have_count(1)


def test_j_and_k_walk_through_a_list_and_enter_opens(archivist: Page, address: str) -> None:
    archivist.goto(f"{address}/jobs")
    links = archivist.locator("[data-list] tbody tr td.name a")
    archivist.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    archivist.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    archivist.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    archivist.keyboard.press("Enter")
    archivist.wait_for_url(re.compile("/jobs/[0-9a-f-]{36}"))


def test_the_menu_of_the_person_closes_with_escape_and_gives_the_focus_back(archivist: Page) -> None:
    summary = archivist.locator(".user-menu > summary")
    summary.click()
    expect(archivist.locator(".user-sheet")).to_be_visible()
    archivist.keyboard.press("Tab")
    archivist.keyboard.press("Escape")
    expect(archivist.locator(".user-sheet")).to_be_hidden()
    expect(summary).to_be_focused()


def test_the_skip_link_comes_first_and_leads_to_the_content(archivist: Page) -> None:
    archivist.keyboard.press("Tab")
    expect(archivist.locator(".skip")).to_be_focused()
    archivist.keyboard.press("Enter")
    expect(archivist.locator("#main")).to_be_focused()


def test_on_a_narrow_screen_the_menu_works_without_a_script(chrome: Browser, address: str) -> None:
    page = enter(chrome, address, "system-administrator", width=390, javascript=False, language="zh-CN")
    expect(page.locator(".side")).to_be_hidden()
    page.locator(".menu > summary").click()
    page.locator(".menu").get_by_role("link", name="Webhook").click()
    page.wait_for_url(f"{address}/admin/webhooks")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".user-menu > summary").click()
    page.locator(".user-sheet a[href='/keys']").click()
    expect(page.locator("#keys")).to_contain_text("Esc")
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("who", ["archivist", "system-administrator", "security-administrator", "audit-administrator", "researcher"])
def test_no_page_of_the_shell_is_wider_than_the_screen(chrome: Browser, address: str, who: str, width: int) -> None:
    page = enter(chrome, address, who, width=width)
    for path in ("/", "/?period=year", "/jobs", "/schedules", "/admin/webhooks", "/notices", "/account/notices", "/keys", "/nothing"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.close()


def test_language_and_look_are_chosen_on_every_page_and_kept(chrome: Browser, address: str) -> None:
    page = enter(chrome, address, "archivist")
    page.goto(f"{address}/jobs")
    page.get_by_role("button", name="中文").click()
    page.wait_for_url(f"{address}/jobs")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.locator("button[name=theme]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto(f"{address}/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.context.close()


def test_a_printed_page_has_the_content_and_no_navigation(archivist: Page) -> None:
    archivist.emulate_media(media="print")
    expect(archivist.locator(".masthead")).to_be_hidden()
    expect(archivist.locator(".side")).to_be_hidden()
    expect(archivist.locator("h1")).to_be_visible()
