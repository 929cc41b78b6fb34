"""Bags that are written are accepted by the reference program."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from functools import partial
from pathlib import Path

import bagit
import pytest

from storage.bag_writing import BagFile, write_bag
from storage.bags import Declaration, read_declaration, read_manifest
from storage.digests import Digests
from storage.errors import ObjectDamaged


def bag_file(path: str, content: bytes) -> BagFile:
    digests = Digests(*(hashlib.new(name, content).digest() for name in Digests._fields))
    return BagFile(path, partial(io.BytesIO, content), len(content), digests)


def reference(bag: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, bagit.__file__, "--validate", str(bag)], capture_output=True, text=True, check=False)


FILES = [
    bag_file("决定/决定书.pdf", b"%PDF"),
    bag_file("e\u0301.txt", b""),
    bag_file("line\nbreak", b"x" * 3_000_000),
    bag_file("dots...", b"."),
]


def test_a_bag_is_valid_for_the_reference_program(tmp_path: Path) -> None:
    info = {"Source-Organization": "县档案馆", "External-Description": "first line\nsecond line"}
    write_bag(tmp_path / "bag", FILES, info, tag_files=[bag_file("metadata/METS.xml", b"<mets/>")])
    done = reference(tmp_path / "bag")
    assert done.returncode == 0, done.stderr
    bag = bagit.Bag(str(tmp_path / "bag"))
    assert bag.version_info == (1, 0)
    assert bag.info["Payload-Oxum"] == "3000005.4"
    assert bag.info["Source-Organization"] == "县档案馆"
    assert set(bag.algorithms) == {"sha256", "sha512"}
    assert (tmp_path / "bag/manifest-sm3.txt").read_text().count("\n") == 4
    assert "metadata/METS.xml" in (tmp_path / "bag/tagmanifest-sm3.txt").read_text()


def test_names_with_percent_signs_are_read_alike_by_every_program(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", [bag_file("50%25.txt", b"1"), bag_file("100%.txt", b"2")], {})
    done = reference(tmp_path / "bag")
    assert done.returncode == 0, done.stderr


def test_an_empty_payload_is_a_bag_too(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", [], {})
    assert reference(tmp_path / "bag").returncode == 0


def test_content_that_is_not_what_it_should_be_stops_the_export(tmp_path: Path) -> None:
    good = bag_file("a", b"good")
    with pytest.raises(ObjectDamaged, match="“a” is not what it should be"):
        write_bag(tmp_path / "bag", [good._replace(open=partial(io.BytesIO, b"evil"))], {})


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", "a//x", ""])
def test_no_path_leaves_the_bag(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match=path or "^$"):
        write_bag(tmp_path / "bag", [bag_file(path, b"")], {})


@pytest.mark.parametrize(
    ("content", "fatal"),
    [
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", False),
        (b"BagIt-Version: 0.97\r\nTag-File-Character-Encoding: UTF-8", False),
        (b"BagIt-Version :  0.97\nTag-File-Character-Encoding : UTF-8\n", False),
        (b"BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n", True),
        (b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", True),
        (b"BagIt-Version: 1.0\n", True),
        (b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n", True),
        (b"BagIt-Version: one\nTag-File-Character-Encoding: UTF-8\n", True),
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: zip\n", True),
        (b"Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n", True),
        (b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\nMore: x\n", True),
        (b"", True),
        (b"\xff\xfe\x00", True),
    ],
)
def test_declarations(content: bytes, fatal: bool) -> None:
    faults: list[object] = []
    read_declaration(io.BytesIO(content), faults)  # type: ignore[arg-type]
    assert any(fault.fatal for fault in faults) == fatal  # type: ignore[attr-defined]


def test_only_cr_and_lf_end_a_line_and_only_they_and_percent_are_decoded() -> None:
    digest = "a" * 32
    lines = [f"{digest}  data/a\u2028b", f"{digest.upper()} \t data/c%0Ad%0de%25f%41"]
    for end in ("\n", "\r", "\r\n"):
        stream = io.BytesIO(end.join(lines).encode())
        found = list(read_manifest(stream, "manifest-md5.txt", Declaration(), "md5", []))
        assert [(line.value, line.path) for line in found] == [(digest, "data/a\u2028b"), (digest, "data/c\nd\re%f%41")]
    stream = io.BytesIO(lines[1].encode())
    assert next(read_manifest(stream, "manifest-md5.txt", Declaration((0, 97)), "md5", [])).path == "data/c\nd\re%25f%41"
