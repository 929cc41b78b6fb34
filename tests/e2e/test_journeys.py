"""Whole ways through the console as people go them, on two widths, in two languages, light and dark; nobody may be shut out.

On every page of a way: axe-core finds nothing serious, nothing is cut off or leaves the screen, and the browser has nothing
to complain of (scripts, refused content, failed requests).
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")

from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select, update

from ingest.submissions import LOCAL_AGREEMENT, receive
from repository.accounts.tables import LoginSession, User
from repository.archive import Archive
from repository.holdings import Record
from repository.permissions import Actor, Role
from repository.search.pending import prepare, refresh
from repository.settings import SETTINGS_FILE
from tests.tools.axe import cut_off, grave
from tests.tools.browser import browser, chromium, served
from tests.tools.console import GIF, PASSWORD, add_people, bag, packed, record_of, take_in, work_off
from tests.tools.identification import identifier, registry

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")

TIMEOUT: Final = 90_000
OPEN, CONDITIONAL, RESTRICTED = "云栖公园规划许可", "云栖水利工程规划许可", "云栖档案库房规划许可"
TABLE: Final = "编号,名称\n1,申请书\n2,许可决定\n".encode()


@dataclass(frozen=True, kw_only=True)
class Look:
    """How somebody looks at the console.

    Args:
        language: of the browser.
        width: of the screen, in CSS pixels.
        scheme: which look the system prefers.
    """

    language: str
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"


LOOKS: Final = [Look(language=one, width=two, scheme=three) for one, two, three in product(("zh-CN", "en"), (1280, 390), ("light", "dark"))]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is served.

    Args:
        home: the folder.
        address: of the console.
        records: ids by title.
        chrome: the browser.
        states: the cookies of each role after its login.
    """

    home: Path
    address: str
    records: Mapping[str, str]
    chrome: Browser
    states: dict[Role, Any]


class Visitor:
    """Somebody with a browser; what goes wrong on the pages is gathered in `troubles`."""

    def __init__(self, scene: Scene, look: Look, role: Role | None = None) -> None:
        self.address = scene.address
        self.chinese = look.language.startswith("zh")
        self.context = scene.chrome.new_context(
            locale=look.language,
            viewport={"width": look.width, "height": 844},
            color_scheme="dark" if look.scheme == "dark" else "light",
            storage_state=scene.states[role] if role else None,
            accept_downloads=True,
        )
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self._pardoned: list[str] = []
        self.page.on("console", lambda message: self._trouble(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._trouble(str(error)))
        # a link that leads to a download ends the navigation it began
        self.page.on("requestfailed", lambda one: None if "ERR_ABORTED" in str(one.failure) else self._trouble(f"{one.url} {one.failure}"))

    def words(self, english: str, chinese: str) -> str:
        """What a text is called in the language of the browser."""
        return chinese if self.chinese else english

    def go(self, path: str) -> Page:
        """Opens an address and looks at the page."""
        self.page.goto(self.address + path)
        return self.look()

    def look(self) -> Page:
        """Looks at the page as it stands."""
        language = self.page.locator("html").get_attribute("lang")
        if language != self.words("en", "zh-Hans"):
            self._trouble(f"the page is in {language}")
        for trouble in [*grave(self.page), *cut_off(self.page)]:
            self._trouble(trouble)
        return self.page

    def follow(self, link: Locator) -> Page:
        """Follows a link and looks at the page behind it."""
        before = self.page.url
        link.click()
        self.page.wait_for_url(lambda url: url != before)
        return self.look()

    def refused(self, path: str, status: int) -> Page:
        """Opens an address that gives nothing, and looks at what is said of it."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, path
        self.pardon(status)
        return self.look()

    def pardon(self, status: int) -> None:
        """The browser itself remarks on an answer of such a status, sooner or later; this one was meant to be."""
        if status >= 400:
            self._pardoned.append(f"status of {status}")

    def unpardoned(self) -> list[str]:
        """The troubles that were not meant to be."""
        left, pardoned = [], list(self._pardoned)
        for trouble in self.troubles:
            found = next((remark for remark in pardoned if remark in trouble), None)
            if found is None:
                left.append(trouble)
            else:
                pardoned.remove(found)
        return left

    def send(self, button: Locator, status: int = 200) -> Page:
        """Sends a form, and looks at the page it leads to."""
        with self.page.expect_event("response", lambda answer: answer.request.is_navigation_request() and answer.status == status):
            button.click()
        self.page.wait_for_load_state()
        self.pardon(status)
        return self.look()

    def _trouble(self, text: str) -> None:
        self.troubles.append(f"{self.page.url.removeprefix(self.address)}: {text}")


Enter = Callable[..., Visitor]


@pytest.fixture(scope="module")
def scene(_home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A served home with people, an open record of two versions, a conditional and a restricted one, and everybody's login."""
    folder = tmp_path_factory.mktemp("journeys")
    home = Path(shutil.copytree(_home_template, folder / "home"))
    with (home / SETTINGS_FILE).open("a", encoding="utf-8") as settings:
        # the logins made here serve until the last way was gone, however slow the machine is
        settings.write("\n[accounts]\nidle_minutes = 240\n")
    identifier()
    shutil.copytree(registry().compiled, home / "formats/compiled", dirs_exist_ok=True)
    archive = Archive.open(home)
    add_people(archive)
    prepare(archive)
    records = _fill(archive, folder)
    archive.close()
    with served(home, "--workers", "1") as address, browser() as chrome:
        states = {role: _state(chrome, address, role) for role in Role}
        yield Scene(home=home, address=address, records=records, chrome=chrome, states=states)


@pytest.fixture
def enter(scene: Scene) -> Iterator[Enter]:
    """Opens browsers; at the end nothing may have gone wrong in any of them."""
    opened: list[Visitor] = []

    def run(look: Look, role: Role | None = None) -> Visitor:
        opened.append(Visitor(scene, look, role))
        opened[-1].page.set_default_timeout(TIMEOUT)
        return opened[-1]

    yield run
    troubles = [trouble for one in opened for trouble in one.unpardoned()]
    for one in opened:
        one.context.close()
    assert troubles == []


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_curator_hands_in_reads_why_not_mends_it_and_finds_the_record(enter: Enter, scene: Scene, look: Look, tmp_path: Path) -> None:
    visitor = enter(look)
    page = visitor.go("/login")
    page.fill("#name", "archivist")
    page.fill("#password", PASSWORD)
    visitor.send(page.locator("main button"))
    expect(page.locator("h1")).to_have_text(visitor.words("Overview", "概览"))
    visitor.follow(page.locator(".page-head a.btn-primary"))
    content = {"申请/申请书.txt": f"申请公园规划许可 {look}".encode(), "目录.csv": TABLE, "图.gif": GIF}
    _hand_in(visitor, packed(tmp_path / f"{look}.zip", bag(content, lie=True)))
    expect(page.locator(".steps")).to_be_visible()
    page.locator("#submission .notice.tone-bad").wait_for()
    visitor.look()
    integrity = page.locator("section.property", has=page.locator("#property-integrity"))
    finding = integrity.locator(".finding.bad").first
    expect(finding).to_contain_text("data/申请/申请书.txt")
    expect(finding.locator(".remedy")).not_to_be_empty()
    expect(finding.locator(".code")).to_contain_text(re.compile("[A-Z]+_[A-Z_]+"))
    expect(page.locator("#property-safety")).to_be_visible()
    visitor.follow(page.locator("a[href$='/print']"))
    expect(page.locator("main")).to_contain_text("data/申请/申请书.txt")
    visitor.follow(page.locator("main a").first)

    page.goto(f"{scene.address}/ingest/upload")
    _hand_in(visitor, packed(tmp_path / f"{look}-mended.zip", bag(content)))
    visitor.follow(page.locator("a.notice.tone-good"))
    expect(page.locator("#files")).to_contain_text("申请")
    record = page.url
    expect(page.locator("#events .timeline li").first).to_be_visible()
    expect(page.locator("#versions tbody tr")).to_have_count(1)
    expect(page.locator("#copies .tone-good")).to_have_count(2)
    visitor.follow(page.locator("#events nav a").nth(1))
    page.goto(record)
    visitor.follow(page.locator("#files").get_by_role("link", name="目录.csv", exact=True))
    visitor.follow(page.locator(".first-sight a.btn"))
    expect(page.locator(".preview")).to_contain_text("许可决定")

    visitor.go(f"/records/{scene.records[OPEN]}")
    expect(page.locator("#versions tbody tr")).to_have_count(2)
    visitor.follow(page.locator("#versions a[href*='difference']"))
    expect(page.locator("main")).to_contain_text("补正.txt")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_researcher_finds_reads_and_is_told_why_not(enter: Enter, scene: Scene, look: Look) -> None:
    visitor = enter(look, Role.RESEARCHER)
    page = visitor.go("/")
    page.fill("#search", "规划")
    page.locator("#search").press("Enter")
    page.wait_for_url(re.compile("/records/"))
    visitor.look()
    expect(page.locator("article.hit")).to_have_count(2)
    expect(page.locator("article.hit mark").first).to_have_text("规划")
    assert RESTRICTED not in page.content()
    visitor.follow(page.get_by_role("link", name=OPEN))
    visitor.follow(page.locator("#files").get_by_role("link", name="决定.txt", exact=True))
    file = page.url.removeprefix(scene.address)
    expect(page.locator("a[href$='/original']")).to_have_count(0)
    visitor.follow(page.locator(".first-sight a.btn"))
    expect(page.locator(".preview")).to_contain_text("准予许可")
    visitor.refused(f"{file}/original", 403)
    page.goto(f"{scene.address}/records/?q=规划")
    hit = page.locator("article.hit", has=page.locator(".mini.closed"))
    expect(hit).to_contain_text("有条件共享")
    hit.locator("a.hit-title").click()
    page.wait_for_url(re.compile(scene.records[CONDITIONAL]))
    visitor.pardon(403)
    visitor.look()
    expect(page.locator("h1")).to_have_text(CONDITIONAL)
    expect(page.locator(".notice")).not_to_be_empty()
    expect(page.locator("main")).to_contain_text(scene.records[CONDITIONAL])
    visitor.refused(f"/records/{scene.records[RESTRICTED]}", 404)
    expect(page.locator("h1")).to_have_text(visitor.words("There is nothing here", "这里没有内容"))
    assert RESTRICTED not in page.content()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_an_auditor_reads_the_log_and_proves_it(enter: Enter, scene: Scene, look: Look) -> None:
    refused = enter(look, Role.RESEARCHER)
    refused.refused(f"/records/{scene.records[CONDITIONAL]}", 403)
    visitor = enter(look, Role.AUDIT_ADMINISTRATOR)
    page = visitor.go("/")
    visitor.go("/log")
    page.fill("#log-person", "researcher")
    page.select_option("#log-action", "record.read")
    page.select_option("#log-outcome", "refused")
    visitor.send(page.locator(".log-go button"))
    line = page.locator(".log-lines tbody tr").first
    expect(line).to_contain_text("researcher")
    expect(line).to_contain_text(scene.records[CONDITIONAL])
    expect(line.locator(".tone-warn, .tone-bad")).to_have_count(1)
    with page.expect_download() as waiting:
        page.locator("a[href*='log.csv']").click()
    saved = waiting.value.path().read_text(encoding="utf-8-sig")
    assert scene.records[CONDITIONAL] in saved
    assert {row.split(",")[2] for row in saved.splitlines()[1:]} == {"researcher"}
    visitor.send(page.locator(".log-tools form button"))
    expect(page.locator(".toasts .tone-good")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_three_administrators_do_their_part_and_not_the_others(enter: Enter, scene: Scene, look: Look) -> None:
    clerk = f"clerk-{zlib.crc32(str(look).encode()):08x}"
    system = enter(look, Role.SYSTEM_ADMINISTRATOR)
    page = system.go("/admin/new-account")
    system.send(page.locator("main form button.btn-primary"), 400)
    expect(page.locator("#name-error")).not_to_be_empty()
    page.fill("#name", clerk)
    page.fill("#full_name", "溪听雨")
    system.send(page.locator("main form button.btn-primary"))
    expect(page.locator("dl.secrets code")).not_to_be_empty()
    system.follow(page.locator("main a.btn-primary"))
    system.go("/admin/agencies/new")
    page.fill("#name", f"云栖市{clerk}局")
    page.fill("#code", "11339900003399133X")
    system.send(page.locator("main form button.btn-primary"), 400)
    expect(page.locator("#code-error")).not_to_be_empty()
    page.fill("#code", "")
    system.send(page.locator("main form button.btn-primary"))
    expect(page.locator("h1")).to_have_text(f"云栖市{clerk}局")

    _proved_long_ago(scene, Role.SECURITY_ADMINISTRATOR)
    security = enter(look, Role.SECURITY_ADMINISTRATOR)
    page = security.go(f"/admin/accounts/{clerk}")
    page.check("#role-archivist")
    security.send(page.locator("form[action$='/roles'] button"))
    expect(page.locator("#password")).to_be_focused()
    page.fill("#password", PASSWORD)
    security.send(page.locator("main form button.btn-primary"))
    # the proof gave the session another secret
    scene.states[Role.SECURITY_ADMINISTRATOR] = security.context.storage_state()
    if not page.locator("#role-archivist").is_checked():
        page.check("#role-archivist")
        security.send(page.locator("form[action$='/roles'] button"))
    expect(page.locator(".toasts .tone-good")).to_be_visible()
    expect(page.locator("#role-archivist")).to_be_checked()
    page = security.go("/admin/accounts/audit-administrator")
    page.check("#role-system-administrator")
    security.send(page.locator("form[action$='/roles'] button"), 400)
    expect(page.locator("#roles-error")).to_contain_text(security.words("check each other", "相互"))

    audit = enter(look, Role.AUDIT_ADMINISTRATOR)
    for person, action in ((Role.SYSTEM_ADMINISTRATOR, "user.created"), (Role.SECURITY_ADMINISTRATOR, "user.roles")):
        page = audit.go(f"/log?person={person}&action={action}&object={_id_of(scene, clerk)}")
        expect(page.locator(".log-lines tbody tr")).to_have_count(1)

    for visitor, path in ((system, "/log"), (security, "/admin/new-account"), (audit, "/ingest/")):
        page = visitor.refused(path, 403)
        expect(page.locator(".error-page p")).not_to_have_count(0)
        expect(page.locator(".error-page .code")).to_have_text(re.compile("[0-9a-f]{8,}"))
    system.refused(f"/records/{scene.records[OPEN]}", 403)


def test_keys_lead_through_the_console(enter: Enter) -> None:
    visitor = enter(Look(language="zh-CN", width=1280, scheme="light"), Role.ARCHIVIST)
    page = visitor.go("/records/")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("Esc")
    visitor.look()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url(f"{visitor.address}/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    "look", [Look(language="zh-CN", width=390, scheme="dark"), Look(language="en", width=1280, scheme="light")], ids=str
)
def test_every_page_of_the_navigation_is_for_everybody(enter: Enter, role: Role, look: Look) -> None:
    visitor = enter(look, role)
    page = visitor.go("/")
    if look.width < 600:
        page.locator(".menu > summary").click()
        visitor.look()
    # what stands in everybody's own menu is the same page for all
    links = "nav.main-nav a" + (", .user-sheet a, .bell" if role is Role.ARCHIVIST else "")
    addresses = page.locator(links).evaluate_all("links => links.map(one => one.getAttribute('href'))")
    for address in sorted(set(addresses) - {"/"}):
        visitor.go(address)


def _hand_in(visitor: Visitor, package: Path) -> None:
    visitor.page.set_input_files("#uploader-files", package)
    visitor.look()
    visitor.page.locator("[data-start]").click()
    visitor.page.wait_for_url(re.compile(r"/ingest/[0-9a-f-]{36}$"))


def _state(chrome: Browser, address: str, role: Role) -> Any:
    context = chrome.new_context()
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#name", str(role))
    page.fill("#password", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{address}/")
    state = context.storage_state()
    context.close()
    return state


def _fill(archive: Archive, folder: Path) -> dict[str, str]:
    first = {"决定.txt": "准予许可".encode(), "图.gif": GIF, "目录.csv": TABLE}
    packages = {
        OPEN: bag(first),
        CONDITIONAL: bag({"水利.txt": "水利工程".encode()}),
        RESTRICTED: bag({"库房.txt": "库房".encode()}),
    }
    records = {title: record_of(archive, take_in(archive, packed(folder / f"{title}.zip", files))) for title, files in packages.items()}
    with archive.transaction(Actor.local()) as tx:
        again = packed(folder / "again" / f"{OPEN}.zip", bag({**first, "补正.txt": "补正".encode()}))
        receive(tx, source=again, agreement=LOCAL_AGREEMENT, replaces=records[OPEN])
    work_off(archive)
    with archive.transaction(Actor.local()) as tx:
        for title, sharing in ((OPEN, "无条件共享"), (CONDITIONAL, "有条件共享"), (RESTRICTED, "不予共享")):
            tx.session.execute(update(Record).where(Record.id == records[title]).values(title=title, sharing=sharing, security=""))
            tx.changed(records[title])
    refresh(archive)
    return records


def _proved_long_ago(scene: Scene, role: Role) -> None:
    """As if this person had logged in an hour ago and been at work since."""
    archive = Archive.open(scene.home)
    with archive.transaction(Actor.local()) as tx:
        person = tx.session.scalars(select(User.id).where(User.name == str(role))).one()
        tx.session.execute(update(LoginSession).where(LoginSession.user_id == person).values(fresh_at=tx.now - timedelta(hours=1)))
    archive.close()


def _id_of(scene: Scene, name: str) -> str:
    archive = Archive.open(scene.home)
    with archive.read(Actor.local()) as tx:
        found = tx.session.scalars(select(User.id).where(User.name == name)).one()
    archive.close()
    return found
