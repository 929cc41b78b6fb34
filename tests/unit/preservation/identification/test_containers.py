"""Looking into ZIP and OLE2 files, honest ones and others."""

import io
import struct
import zipfile
from pathlib import Path

import olefile
import pytest

from preservation.identification.containers import ENTRY_LIMIT, Container, ContainerError, Content, opened
from tests.tools.ole2 import compound_file


def content_of(data: bytes, window: int = 1024) -> Content:
    return Content(data[:window], data[-window:], len(data), lambda offset, length: data[offset : offset + length])


def zip_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.comment = comment
    return stream.getvalue()


def opened_zip(data: bytes, *wanted: str) -> Container:
    return opened("ZIP", content_of(data), wanted)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_of_a_zip_are_found_and_read(method: int) -> None:
    container = opened_zip(zip_of({"a/b.xml": b"hello" * 1000, "other": b"x"}, method, b"a comment"), "a/b.xml", "absent")
    assert set(container.names) == {"a/b.xml"}
    assert container.read("a/b.xml") == (b"hello" * 1000, True)


def test_bytes_before_a_zip_do_not_hide_it() -> None:
    container = opened_zip(b"#!/bin/sh\n" * 400 + zip_of({"x": b"content"}), "x")
    assert container.read("x") == (b"content", True)


def test_a_zip64_directory_is_followed() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(66_000):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
        archive.writestr("wanted", b"content")
    assert opened_zip(stream.getvalue(), "wanted").read("wanted") == (b"content", True)


def test_an_entry_is_read_up_to_a_limit_however_much_it_unpacks_to() -> None:
    data, whole = opened_zip(zip_of({"bomb": b"\0" * (ENTRY_LIMIT * 20)}), "bomb").read("bomb")
    assert len(data) == ENTRY_LIMIT
    assert not whole


def test_an_encrypted_entry_is_known_by_name_but_not_read() -> None:
    data = bytearray(zip_of({"x": b"content"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    container = opened_zip(bytes(data), "x")
    assert set(container.names) == {"x"}
    with pytest.raises(ContainerError):
        container.read("x")


@pytest.mark.parametrize("cut", [10, 100, 300])
def test_a_zip_cut_short_is_an_error_not_a_guess(cut: int) -> None:
    with pytest.raises(ContainerError):
        opened_zip(zip_of({"x": bytes(range(256)) * 4}, zipfile.ZIP_STORED)[:-cut], "x")


def test_a_zip_that_lies_about_its_offsets_is_an_error() -> None:
    data = bytearray(zip_of({"x": b"content"}))
    place = data.rindex(b"PK\x05\x06")
    struct.pack_into("<II", data, place + 12, 0xFFFFFFF0, 0xFFFFFFF0)
    with pytest.raises(ContainerError):
        opened_zip(bytes(data), "x")


def test_streams_of_a_compound_file_are_found_and_read() -> None:
    data = compound_file({"WordDocument": b"word" * 2000, "\x01CompObj": b"comp", "Storage/Inner": b"inner"})
    container = opened("OLE2", content_of(data), ["WordDocument", "CompObj", "Storage/Inner", "Absent"])
    assert set(container.names) == {"WordDocument", "CompObj", "Storage/Inner"}
    assert container.read("WordDocument") == (b"word" * 2000, True)
    assert container.read("CompObj") == (b"comp", True)
    assert container.read("Storage/Inner") == (b"inner", True)


def test_a_loop_in_the_allocation_table_ends() -> None:
    data = bytearray(compound_file({"Long": b"x" * 5000}))
    table = struct.unpack_from("<I", data, 76)[0]
    offset = (table + 1) * 512
    for sector in range(9):
        # every sector of the stream is followed by the first
        struct.pack_into("<I", data, offset + sector * 4, 0)
    container = opened("OLE2", content_of(bytes(data)), ["Long"])
    assert len(container.read("Long")[0]) <= 5000


@pytest.mark.parametrize("place", [30, 32, 44, 48, 60, 68, 76])
def test_a_compound_file_with_rubbish_in_its_header_is_an_error_or_empty(place: int) -> None:
    data = bytearray(compound_file({"A": b"a" * 5000}))
    struct.pack_into("<I", data, place, 0x7FFFFFF0)
    try:
        container = opened("OLE2", content_of(bytes(data)), ["A"])
        for name in container.names:
            container.read(name)
    except ContainerError:
        pass


def test_real_compound_files_are_read_as_olefile_reads_them(corpora: Path) -> None:
    compared = 0
    for path in sorted((corpora / "format-corpus").rglob("*")):
        if path.suffix.lower() not in {".doc", ".xls", ".ppt"} or not olefile.isOleFile(path):
            continue
        data = path.read_bytes()
        with olefile.OleFileIO(path, raise_defects=olefile.DEFECT_FATAL) as reference:
            known = {"WordDocument", "Workbook", "\x01CompObj", "1Table"}
            wanted = {parts[0].replace("\x01", ""): parts for parts in reference.listdir() if len(parts) == 1 and parts[0] in known}
            container = opened("OLE2", content_of(data), wanted.keys())
            for name, parts in wanted.items():
                assert container.read(name)[0] == reference.openstream(parts).read()[:ENTRY_LIMIT], (path, name)
                compared += 1
    assert compared >= 19


def test_the_end_of_a_large_file_is_read_only_when_it_is_asked_for() -> None:
    data = bytes(range(256)) * 100
    asked: list[tuple[int, int]] = []

    def read(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return data[offset : offset + length]

    content = Content(data[:8192], None, len(data), read)
    assert content.at(100, 50) == data[100:150]
    assert asked == []
    assert content.end(300)[-300:] == data[-300:]
    assert content.end(10)[-10:] == data[-10:]
    assert len(asked) == 1
    assert content.tail == data[-8192:]
    assert content.end(5000)[-5000:] == data[-5000:]
    assert len(asked) == 2
