"""The Chinese catalogue, how it is checked, and what the command line makes of it."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from repository.translating import language_of_environment, translator
from tests.conftest import Cli
from tests.tools.translations import CATALOGUE, PLACES, faults, places


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_the_words_that_must_differ_do() -> None:
    translate = translator("zh_Hans_CN")
    five = [translate(word) for word in ("match", "mismatch", "damaged", "missing", "unreadable", "unexpected", "not checked")]
    assert five == ["一致", "不一致", "损坏", "缺失", "不可读", "多余", "未检测"]
    assert len({translate(word) for word in ("Authenticity", "Integrity", "Usability", "Safety")}) == 4


def test_no_translation_is_left_in_english() -> None:
    with CATALOGUE.open("rb") as stream:
        catalogue = read_po(stream, locale="zh_Hans_CN")
    untranslated = []
    for message in catalogue:
        texts = message.string if isinstance(message.string, list | tuple) else (message.string,)
        untranslated += [text for text in texts if message.id and re.search("[a-z]", PLACES.sub("", text), re.IGNORECASE)
                         and not re.search("[\u4e00-\u9fff]", text)]  # fmt: skip
    # a command to type has no other language, and these two words have none in use
    assert sorted(untranslated) == ["API", "Webhook", "pip install 'jingui[postgresql]'"]


def test_the_check_names_what_is_wrong_with_a_catalogue() -> None:
    assert places("{a} of {b}, %(num)s") == {"{a}", "{b}", "%(num)s"}
    wanted, catalogue = Catalog(), Catalog(locale="zh_Hans_CN", fuzzy=False)
    for text in ("right {a}", "lost {a}", "missing", "unsure"):
        wanted.add(text)
    for text, translation in (("right {a}", "对 {a}"), ("lost {a}", "丢"), ("gone", "去")):
        catalogue.add(text, translation)
    catalogue.add("unsure", "或许", flags=["fuzzy"])
    found = {fault.partition(":")[0] for fault in faults(wanted, catalogue)}
    assert found == {"other places than the source", "no translation", "unsure translation (fuzzy)", "no longer in the sources"}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_Hans_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_the_language_of_a_terminal(environment: dict[str, str], language: str) -> None:
    assert language_of_environment(environment) == language


def test_the_command_line_speaks_chinese(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    done = cli("ingest", "/nowhere/at-all")
    assert "没有文件或文件夹 /nowhere/at-all" in done.stderr
    assert "移交" in cli("--help").stdout or "接收" in cli("--help").stdout
