"""What each person finds on the pages of the shell, in both languages."""

import re

import pytest
from flask import Flask

from repository.permissions import Role
from repository.web import errors
from storage.errors import ObjectDamaged
from tests.tools.console import Visitor, _console_home, app, database, home, ids, readable

__all__ = ["_console_home", "app", "database", "home", "ids"]


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_an_overview_whose_links_all_lead_somewhere(app: Flask, role: Role) -> None:
    visitor = Visitor(app)
    visitor.log_in(str(role))
    page = visitor.get("/")
    assert page.status_code == 200
    links = {link for link in re.findall(r'(?:href|action)="(/[^"#]*)"', page.get_data(as_text=True)) if link not in ("/logout", "/look")}
    assert links
    for link in links:
        assert visitor.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_search_is_offered_to_those_who_may_read_records(app: Flask) -> None:
    for role, offered in (
        (Role.ARCHIVIST, True),
        (Role.RESEARCHER, True),
        (Role.SYSTEM_ADMINISTRATOR, False),
        (Role.AUDIT_ADMINISTRATOR, False),
    ):
        visitor = Visitor(app)
        visitor.log_in(str(role))
        assert ('role="search"' in visitor.get("/").get_data(as_text=True)) is offered
        assert (visitor.get("/records/").status_code == 200) is offered


def test_the_overview_counts_only_what_the_asker_may_see(app: Flask) -> None:
    for role, held in ((Role.ARCHIVIST, "2 records held"), (Role.RESEARCHER, "1 record held"), (Role.AGENCY_OFFICER, "0 records held")):
        visitor = Visitor(app)
        visitor.log_in(str(role))
        assert held in visitor.text("/")
    assert "rejected in the last 30 days" not in visitor.text("/")


def test_a_system_administrator_sees_stores_and_accounts_but_no_records(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.log_in("system-administrator")
    text = visitor.text("/")
    assert "records held" not in text
    assert "Stores" in text
    assert "Can log in 8" in text


def test_pages_follow_the_browsers_language_until_one_is_chosen(app: Flask) -> None:
    visitor = Visitor(app, language="zh-CN,zh;q=0.9")
    visitor.log_in("archivist")
    assert "件馆藏档案" in visitor.text("/")
    assert '<html lang="zh-Hans"' in visitor.get("/").get_data(as_text=True)
    visitor.send("/", "/look", language="en", next="/")
    assert "records held" in visitor.text("/")


def test_an_unknown_language_or_theme_is_not_taken(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.send("/login", "/look", language="../../etc", theme='"><script>')
    page = visitor.get("/login").get_data(as_text=True)
    assert 'data-theme="auto"' in page
    assert "Log in" in page


def test_an_error_says_what_to_do_and_has_an_id(app: Flask) -> None:
    answer = Visitor(app, language="zh-CN").get("/nothing")
    assert answer.status_code == 404
    assert "这里没有内容" in readable(answer)
    assert answer.headers["X-Request-Id"] in readable(answer)


def test_what_storage_says_is_told_with_its_remedy(app: Flask) -> None:
    def broken() -> str:
        raise ObjectDamaged("X", "No store has a sound copy of “{subject}”.", subject="<urn:1>", remedy="Run “jingui audit”.")

    def surprise() -> str:
        raise RuntimeError("secret detail")

    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/broken", view_func=broken)
    app.add_url_rule("/surprise", view_func=surprise)
    answer = Visitor(app).get("/broken")
    assert answer.status_code == 500
    assert "sound copy of “<urn:1>”" in readable(answer)
    assert "Run “jingui audit”." in readable(answer)
    assert "<urn:1>" not in answer.get_data(as_text=True)
    unexpected = Visitor(app).get("/surprise")
    assert unexpected.status_code == 500
    assert "secret detail" not in unexpected.get_data(as_text=True)
    assert errors.TEXTS[500][0] in readable(unexpected)


def test_health_is_told_without_a_login(app: Flask) -> None:
    assert Visitor(app).get("/healthz").get_json() == {"status": "ok"}
    assert Visitor(app).get("/readyz").get_json() == {"status": "ready"}
