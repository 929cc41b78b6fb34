"""Encodings: what Chinese agencies write, and what is no text at all."""

import pytest

from preservation.identification.texts import Magic, encoding_of

CHINESE = "浙江省政务服务事项归档办法：第一条　为了规范电子文件归档。" * 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"plain\r\n", "US-ASCII"),
        (CHINESE.encode(), "UTF-8"),
        (CHINESE.encode("utf-8-sig"), "UTF-8"),
        (CHINESE.encode("gb18030"), "GB18030"),
        (("name,id\n" + CHINESE).encode("gbk"), "GB18030"),
        (CHINESE.encode("utf-16"), "UTF-16LE"),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), "UTF-16BE"),
        ("café crème".encode("latin-1"), "ISO-8859-1"),
        (b"\x00\x01\x02binary", None),
        (bytes(range(128, 256)) * 3, None),
        (b"", None),
    ],
)
def test_the_encoding_of_content(content: bytes, expected: str | None) -> None:
    assert encoding_of(content) == expected


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_character_cut_at_the_end_of_the_window_does_no_harm(codec: str) -> None:
    assert encoding_of(CHINESE.encode(codec)[:-1]) == {"utf-8": "UTF-8", "gb18030": "GB18030"}[codec]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"%PDF-1.4\n%cut off", "application/pdf"),
        (b"\n%PDF-1.4\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(8), "image/png"),
        (b"GIF89a" + bytes(range(256)), "image/gif"),
        (b"GIF89a" + bytes(8) + bytes(range(256)), "image/gif"),
        (b"plain text\n" * 4, "text/plain"),
        (b"plain text\n" * 4 + bytes(5000), "text/plain"),
        (bytes(range(1, 9)) + bytes(8) + bytes(range(1, 9)), ""),
        (b"", ""),
    ],
)
def test_the_media_type_is_what_libmagic_says(content: bytes, expected: str) -> None:
    assert Magic().mime(content) == expected
