"""Bags: what is wrong with one is said, all of it at once."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.checks.received import compare
from ingest.profiles import profile
from ingest.sip import Role, Sip
from ingest.unpack import unpack
from repository.findings import Finding, Outcome, is_valid
from repository.settings import UnpackLimits

Change = Callable[[dict[str, bytes]], object]


def bag(
    payload: dict[str, bytes], *, version: str = "1.0", encoding: str = "UTF-8", algorithms: tuple[str, ...] = ("sha512",)
) -> dict[str, bytes]:
    """The files of a correct bag."""
    files = {"data/" + path: content for path, content in payload.items()}
    size = sum(len(content) for content in payload.values())
    manifests = {
        f"manifest-{name}.txt": "".join(f"{hashlib.new(name, content).hexdigest()}  {path}\n" for path, content in files.items()).encode(
            encoding
        )
        for name in algorithms
    }
    info = (
        "Source-Organization: 县民政局\nExternal-Identifier: X-1\nExternal-Description: 低保\n 申请\n"
        f"Bagging-Date: 2024-05-06\nContact-Phone: 1\nPayload-Oxum: {size}.{len(payload)}\n"
    )
    return {
        "bagit.txt": f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n".encode(),
        "bag-info.txt": info.encode(encoding),
        **manifests,
        **files,
    }


PAYLOAD = {"a.txt": b"alpha", "材料/b.txt": b"beta"}


def read(files: dict[str, bytes], tmp_path: Path) -> tuple[Sip, list[Finding]]:
    source = tmp_path / "in"
    for path, content in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    destination = tmp_path / "out"
    destination.mkdir()
    tree, findings = unpack(source, destination, limits=UnpackLimits(), progress=lambda files, size: None)
    sip = profile("bagit").read(tree)
    assert sorted(placement.source for placement in sip.placements) == sorted(tree.files)
    found = [*findings, *sip.findings, *compare(tree, sip)]
    assert all(finding.text() and (finding.outcome is Outcome.PASS or finding.remedy_text()) for finding in found)
    return sip, found


def problems(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.code, finding.subject) for finding in findings if finding.outcome is not Outcome.PASS}


@pytest.mark.parametrize("version", ["0.97", "1.0"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "UTF-16BE", "GB18030"])
@pytest.mark.parametrize("algorithms", [("sha512",), ("md5", "sha1"), ("sm3",)])
def test_a_correct_bag_is_valid(tmp_path: Path, version: str, encoding: str, algorithms: tuple[str, ...]) -> None:
    sip, findings = read(bag(PAYLOAD, version=version, encoding=encoding, algorithms=algorithms), tmp_path)
    assert problems(findings) == set()
    assert {placement.path for placement in sip.placements if placement.role is Role.CONTENT} == set(PAYLOAD)
    assert "submission/bagit.txt" in {placement.path for placement in sip.placements if placement.role is Role.OTHER}
    description = sip.description
    assert (description.identifier, description.title, description.unit) == ("X-1", "低保 申请", "县民政局")
    assert [element.name for element in description.elements if element.sensitive] == ["Contact-Phone"]
    assert (sip.declared_files, sip.declared_bytes) == (2, 9)


def without(path: str) -> Change:
    return lambda files: files.pop(path)


def put(path: str, content: bytes) -> Change:
    return lambda files: files.update({path: content})


def replace(path: str, before: bytes, after: bytes) -> Change:
    return lambda files: files.update({path: files[path].replace(before, after)})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            without("data/a.txt"),
            {("MANIFEST_FILE_MISSING", "data/a.txt"), ("DECLARED_COUNT_MISMATCH", "in"), ("DECLARED_BYTES_MISMATCH", "in")},
        ),
        (put("data/a.txt", b"ALPHA"), {("MANIFEST_DIGEST_MISMATCH", "data/a.txt")}),
        (put("data/new", b""), {("MANIFEST_FILE_EXTRA", "data/new"), ("DECLARED_COUNT_MISMATCH", "in")}),
        (replace("bag-info.txt", b"9.2", b"9.3"), {("DECLARED_COUNT_MISMATCH", "in")}),
        (replace("bag-info.txt", b"9.2", b"10.2"), {("DECLARED_BYTES_MISMATCH", "in")}),
        (replace("bag-info.txt", b"9.2", b"many"), {("BAGIT_OXUM_MALFORMED", "bag-info.txt")}),
        (put("bag-info.txt", b"no colon here\n"), {("BAGIT_TAG_FILE_MALFORMED", "bag-info.txt")}),
        (put("bag-info.txt", b"Title: \xff\n"), {("BAGIT_TAG_FILE_ENCODING", "bag-info.txt")}),
        (without("manifest-sha512.txt"), {("BAGIT_MANIFEST_MISSING", "manifest-sha512.txt")}),
        (without("bagit.txt"), {("BAGIT_DECLARATION", "bagit.txt")}),
        (
            replace("manifest-sha512.txt", b"  data/a.txt", b""),
            {("MANIFEST_LINE_MALFORMED", "manifest-sha512.txt"), ("MANIFEST_FILE_EXTRA", "data/a.txt")},
        ),
        (
            replace("manifest-sha512.txt", b"data/a.txt", b"data/../../a.txt"),
            {("MANIFEST_PATH_UNSAFE", "data/../../a.txt"), ("MANIFEST_FILE_EXTRA", "data/a.txt")},
        ),
        (
            replace("manifest-sha512.txt", b"data/a.txt", b"/data/a.txt"),
            {("MANIFEST_PATH_UNSAFE", "/data/a.txt"), ("MANIFEST_FILE_EXTRA", "data/a.txt")},
        ),
        (
            put("tagmanifest-md5.txt", b"0" * 32 + b"  bagit.txt\n"),
            {("MANIFEST_DIGEST_MISMATCH", "bagit.txt"), ("BAGIT_TAG_MANIFEST_INCOMPLETE", "tagmanifest-md5.txt")},
        ),
        (put("fetch.txt", b"http://example.org/x - data/x\n"), {("BAGIT_FETCH_FILE_MISSING", "data/x")}),
        (put("fetch.txt", b"http://example.org/x data/x\n"), {("BAGIT_FETCH_MALFORMED", "fetch.txt")}),
        (
            put("manifest-md5.txt", hashlib.md5(b"alpha").hexdigest().encode() + b"  data/a.txt\n"),
            {("MANIFEST_INCOMPLETE", "data/材料/b.txt")},
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else(tmp_path: Path, change: Change, expected: set[tuple[str, str]]) -> None:
    files = bag(PAYLOAD)
    change(files)
    _, findings = read(files, tmp_path)
    assert problems(findings) == expected
    assert not is_valid(findings)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (replace("manifest-sha512.txt", b"data/", b"./data/"), {("MANIFEST_PATH_FORM", "manifest-sha512.txt")}),
        (replace("manifest-sha512.txt", b" data/", b" *data/"), {("MANIFEST_PATH_FORM", "manifest-sha512.txt")}),
        (put("fetch.txt", b"http://example.org/x 5 data/a.txt\n"), set()),
        (
            put("manifest-whirlpool.txt", b"ab  data/a.txt\nab  data/\xe6\x9d\x90\xe6\x96\x99/b.txt\n"),
            {("MANIFEST_NOT_CHECKED", "manifest-whirlpool.txt")},
        ),
        (put("notes.txt", b"not listed anywhere"), set()),
    ],
)
def test_what_may_be_is_no_failure(tmp_path: Path, change: Change, expected: set[tuple[str, str]]) -> None:
    files = bag(PAYLOAD)
    change(files)
    _, findings = read(files, tmp_path)
    assert problems(findings) == expected
    assert is_valid(findings)


def test_an_sm3_manifest_that_lies_is_found_out(tmp_path: Path) -> None:
    files = bag(PAYLOAD, algorithms=("sha512", "sm3"))
    files["manifest-sm3.txt"] = b"".join(b"0" * 64 + line[64:] for line in files["manifest-sm3.txt"].splitlines(keepends=True))
    _, findings = read(files, tmp_path)
    assert problems(findings) == {("MANIFEST_DIGEST_MISMATCH", "data/a.txt"), ("MANIFEST_DIGEST_MISMATCH", "data/材料/b.txt")}


def test_names_listed_in_another_unicode_form_count_as_the_same(tmp_path: Path) -> None:
    files = bag({"é.txt": b"1"})
    files[unicodedata.normalize("NFD", "data/é.txt")] = files.pop("data/é.txt")
    _, findings = read(files, tmp_path)
    assert problems(findings) == {("MANIFEST_PATH_FORM", "manifest-sha512.txt")}
    assert is_valid(findings)


def test_encoded_line_breaks_and_percent_signs_mean_the_names_they_stand_for(tmp_path: Path) -> None:
    files = bag({"a\nb%0A": b"1"})
    files["manifest-sha512.txt"] = hashlib.sha512(b"1").hexdigest().encode() + b"  data/a%0Ab%250A\n"
    _, findings = read(files, tmp_path)
    assert problems(findings) == set()


def test_before_1_0_a_file_in_one_manifest_is_enough(tmp_path: Path) -> None:
    files = bag(PAYLOAD, version="0.97")
    files["manifest-md5.txt"] = hashlib.md5(b"alpha").hexdigest().encode() + b"  data/a.txt\n"
    _, findings = read(files, tmp_path)
    assert problems(findings) == {("MANIFEST_INCOMPLETE", "data/材料/b.txt")}
    assert is_valid(findings)
