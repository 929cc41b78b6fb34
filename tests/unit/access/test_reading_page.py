"""The page of a dissemination package: whatever a sender wrote is text on it, and every link leads to its file."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import unquote

from hypothesis import given, settings

from access.reading_page import shown, write_page
from metadata.description import Description, Element, ProcessStep
from metadata.eark import Representation
from tests.tools.information_packages import file_of, paths, texts

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"
#: What could run, fetch or send something.
_DANGEROUS = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "svg", "audio", "video"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def page(description: Description, *files: str, title: str = "title", representation: str = "original") -> _Page:
    stream = io.BytesIO()
    write_page(
        stream,
        title=title,
        description=description,
        representations=(Representation(id=representation, files=[file_of(path, format_name=title) for path in files]),),
        archive_name="虚构市档案馆",
        dip="urn:uuid:1",
        aip="urn:uuid:2",
        version=1,
        made=datetime(2024, 5, 17, 9, 30, tzinfo=UTC),
    )
    return _Page(stream.getvalue().decode())


def test_hostile_text_is_text_everywhere() -> None:
    fields = dict.fromkeys(("identifier", "title", "unit", "affair", "abstract", "security", "language"), HOSTILE)
    description = Description(
        **fields,
        creators=(HOSTILE,),
        elements=(Element(scheme=HOSTILE, name=HOSTILE, label=HOSTILE, value=HOSTILE),),
        process=(ProcessStep(node=HOSTILE, actor=HOSTILE, opinion=HOSTILE, at=HOSTILE),),
    )
    found = page(description, f"{HOSTILE.replace('/', '_')}/{HOSTILE.replace('/', '_')}", "javascript:alert(1)", title=HOSTILE)
    assert not found.tags & _DANGEROUS
    assert not [name for name in found.attributes if name.startswith("on")]
    assert found.text.count(HOSTILE) >= 15
    assert all(link.startswith(("representations/original/data/", "METS.xml", "metadata/")) for link in found.links)


@settings(deadline=None, max_examples=50)
@given(path=paths, value=texts)
def test_any_name_and_any_value(path: str, value: str) -> None:
    found = page(Description(title=value, abstract=value), path)
    assert not found.tags & _DANGEROUS
    assert unquote(found.links[0]) == f"representations/original/data/{path}"


def test_it_needs_nothing_from_elsewhere() -> None:
    found = page(Description(), "a.txt")
    assert not found.tags & _DANGEROUS
    assert not [link for link in found.links if ":" in link or link.startswith("/")]


def test_what_a_reader_could_be_deceived_by_is_made_visible() -> None:
    assert shown("fdp.\u202etxt\n\x07\u3000中") == "fdp.\\u202etxt\\n\\x07\u3000中"
    assert "\u202e" not in page(Description(title="\u202e"), "\u202ea.txt").text


def test_it_counts() -> None:
    found = page(Description(), "a", "b", "c")
    assert "Total 3" in found.text
