"""What the answer says: on what it rests, and what a person should know."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from preservation.identification import Basis, FidoIdentifier, Identification, identify_many, is_unreadable, translated
from preservation.identification.identifier import weighed
from preservation.identification.opinions import NamedFormat, Opinion
from preservation.identification.remarks import EXTENSION_MISMATCH
from tests.tools.identification import identifier, registry
from tests.tools.skeleton import byte_skeletons

PDF = b"%PDF-1.4\n" + b"x" * 100 + b"\n%%EOF\n"
PNG = bytes.fromhex("89504E470D0A1A0A0000000D49484452") + b"\0" * 40 + bytes.fromhex("0000000049454E44AE426082")


def identify(content: bytes, name: str) -> Identification:
    return identifier().identify_stream(io.BytesIO(content), name)


def zip_of(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def ofd(root: str) -> bytes:
    return zip_of(OFD_xml=f'<?xml version="1.0" encoding="UTF-8"?>{root}'.encode())


def test_a_signature_says_what_a_file_is() -> None:
    answer = identify(PDF, "a.pdf")
    assert (answer.puid, answer.version, answer.mime, answer.basis) == ("fmt/18", "1.4", "application/pdf", Basis.SIGNATURE)
    assert answer.engine == "pronom V109"
    assert answer.matches == ("fmt/18",)
    assert answer.warnings == ()


def test_a_name_that_contradicts_the_content_is_said() -> None:
    answer = identify(PDF, "a.doc")
    assert answer.puid == "fmt/18"
    assert any(".doc" in warning and ".pdf" in warning for warning in answer.warnings)


def test_what_a_zip_holds_decides() -> None:
    types = b'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", types)
    answer = identify(stream.getvalue(), "a.docx")
    assert (answer.puid, answer.basis) == ("fmt/412", Basis.CONTAINER)


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_ofd_is_known_with_its_version(version: str) -> None:
    answer = identify(ofd(f'<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="OFD" Version="{version}"/>'), "公文.ofd")
    assert (answer.puid, answer.version, answer.mime) == (f"jingui/ofd-{version}", version, "application/ofd")
    assert answer.name == "OFD (GB/T 33190)"
    assert answer.basis is Basis.CONTAINER
    assert answer.warnings == ()


def test_ofd_of_unknown_version_is_ofd_all_the_same() -> None:
    assert identify(ofd('<OFD xmlns="http://www.ofdspec.org/2016" Version="../../etc"/>'), "a.ofd").puid == "jingui/ofd"
    assert identify(ofd("<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"), "a.ofd").puid == "jingui/ofd"


def test_a_zip_with_another_xml_under_that_name_is_a_zip() -> None:
    assert identify(ofd("<somethingelse/>"), "a.zip").puid == "x-fmt/263"


@pytest.mark.parametrize(
    ("head", "puid"), [(b"Founder CEB\x00", "jingui/ceb"), (b"Founder CEB 2.99D\x00", "jingui/ceb"), (b"CAJ\x00", "jingui/caj")]
)
def test_chinese_formats_that_pronom_does_not_know(head: bytes, puid: str) -> None:
    assert identify(head + bytes(range(256)), "a" + puid.replace("jingui/", ".")).puid == puid


def test_text_is_known_with_its_encoding() -> None:
    answer = identify("全宗号,案卷号\n".encode("gb18030") * 20, "说明.txt")
    assert (answer.puid, answer.basis, answer.mime, answer.encoding) == ("x-fmt/111", Basis.TEXT, "text/plain", "GB18030")


def test_csv_is_text_that_only_its_name_calls_csv() -> None:
    answer = identify(b"a,b\n1,2\n", "metadata.csv")
    assert (answer.puid, answer.basis, answer.encoding) == ("x-fmt/18", Basis.EXTENSION, "US-ASCII")
    assert any(".csv" in warning for warning in answer.warnings)


def test_a_name_whose_format_has_a_signature_proves_nothing_without_it() -> None:
    answer = identify(b"\x01\x02\x03\x80" * 30, "scan.tif")
    assert answer.puid is None
    assert answer.basis is Basis.EXTENSION
    assert any("no signature" in warning for warning in answer.warnings)


def test_nothing_known_is_said_so() -> None:
    answer = identify(b"\x01\x02\x03\x80" * 30, "x.qqqq")
    assert (answer.puid, answer.basis) == (None, Basis.NONE)
    assert answer.warnings


def test_an_empty_file_is_called_empty() -> None:
    answer = identify(b"", "a.pdf")
    assert answer.puid is None
    assert "empty" in answer.warnings[0]


def test_a_zip_cut_short_has_lost_its_signature_and_that_is_said() -> None:
    answer = identify(zip_of(a=b"x" * 500)[:300], "a.zip")
    assert (answer.puid, answer.matches, answer.basis) == (None, ("x-fmt/263",), Basis.EXTENSION)
    assert any("Is it damaged" in warning for warning in answer.warnings)


def test_an_office_document_cut_short_cannot_be_looked_into_and_that_is_said() -> None:
    skeletons = byte_skeletons(registry().bundled.signature_file)
    content = next(skeleton.content for skeleton in skeletons if skeleton.puids == ("fmt/111",))
    answer = identify(content, "a.doc")
    assert answer.puid == "fmt/111"
    assert any("cannot be looked into" in warning for warning in answer.warnings)


def test_what_makes_a_pdf_a_pdf_a_may_lie_far_behind_the_window(corpora: Path) -> None:
    path = corpora / "format-corpus" / "pdfCabinetOfHorrors" / "balloon_a1b_jp2k.pdf"
    assert identifier().identify_path(path).puid == "fmt/354"


def test_path_stream_and_buffer_give_the_same(tmp_path: Path) -> None:
    content = zip_of(OFD_xml=b'<OFD xmlns="http://www.ofdspec.org/2016" Version="1.0"/>', big=os.urandom(400_000))
    path = tmp_path / "a.ofd"
    path.write_bytes(content)
    window = identifier().window
    by_path = identifier().identify_path(path)
    assert by_path.puid == "jingui/ofd-1.0"
    assert identify(content, "a.ofd") == by_path
    head, tail = content[:window], content[-window:]
    by_buffer = identifier().identify_buffer(head, tail, len(content), "a.ofd", lambda offset, length: content[offset : offset + length])
    assert by_buffer == by_path


def test_what_cannot_be_read_is_an_answer_that_says_so(tmp_path: Path) -> None:
    answer = identifier().identify_path(tmp_path / "absent")
    assert is_unreadable(answer)
    assert answer.puid is None
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in identifier().identify_path(tmp_path / "pipe").warnings[0]


def test_remarks_are_translated_also_when_they_come_back_as_plain_text() -> None:
    warning = identify(PDF, "a.doc").warnings[0]
    chinese = {EXTENSION_MISMATCH: "扩展名 .{extension} 与格式不符（应为 {expected}）。"}
    assert translated(warning, lambda text: chinese[text]) == "扩展名 .doc 与格式不符（应为 .pdf）。"
    assert translated(str(warning), lambda text: chinese[text]) == "扩展名 .doc 与格式不符（应为 .pdf）。"


def test_many_files_come_back_in_order_from_several_processes(tmp_path: Path) -> None:
    paths = []
    for number in range(300):
        path = tmp_path / f"{number}.{'pdf' if number % 2 else 'png'}"
        path.write_bytes(PDF if number % 2 else PNG)
        paths.append(str(path))
    found = list(identify_many(iter(paths), registry().compiled, registry().bundled, processes=2))
    assert [path for path, _ in found] == paths
    assert [answer.puid for _, answer in found[:4]] == [identify(PNG, "0.png").puid, "fmt/18"] * 2


def second(*puids: str, problem: str = "") -> Opinion:
    formats = tuple(NamedFormat(puid=puid, name=puid) for puid in puids)
    return Opinion(engine="other 1", formats=formats, basis="signature" if puids else "none", problem=problem)


def test_a_second_opinion_decides_where_we_know_nothing_and_says_so() -> None:
    answer = weighed(identify(b"\x01\x02\x03\x80" * 30, "x.qqqq"), second("fmt/9999"))
    assert (answer.puid, answer.basis, answer.engine) == ("fmt/9999", Basis.SIGNATURE, "other 1")
    assert any("pronom V109" in warning and "other 1" in warning for warning in answer.warnings)


def test_a_second_opinion_that_contradicts_is_named_with_ours() -> None:
    ours = identify(PDF, "a.pdf")
    answer = weighed(ours, second("fmt/19"))
    assert (answer.puid, answer.engine) == (ours.puid, ours.engine)
    assert any("pronom V109 says fmt/18" in warning and "other 1 says fmt/19" in warning for warning in answer.warnings)


def test_a_second_opinion_that_fails_is_not_an_answer() -> None:
    ours = identify(b"\x01\x02\x03\x80" * 30, "x.qqqq")
    answer = weighed(ours, second(problem="unexpected EOF"))
    assert answer.puid is None
    assert any("unexpected EOF" in warning for warning in answer.warnings)


def test_siegfried_is_asked_about_files_we_do_not_know(tmp_path: Path) -> None:
    # Markdown by its name is all that either knows; a format newer than our signatures is known to it
    path = tmp_path / "x.qqqq"
    path.write_bytes(b"\x01\x02\x03\x80" * 30)
    answer = identifier(second_opinion=True).identify_path(path)
    assert answer.puid is None
    assert answer.engine == "pronom V109"


def test_fido_answers_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    answer = FidoIdentifier().identify_path(path)
    assert (answer.puid, answer.basis) == ("fmt/18", Basis.SIGNATURE)
    assert answer.engine.startswith("fido ")
    assert is_unreadable(FidoIdentifier().identify_path(tmp_path / "absent"))
