"""Makes a small file for every signature of a PRONOM release: bytes that the signature asks for, and nothing else.

Reads DROID's XML with a parser and a reading of the syntax of its own, so that a mistake of the engine's is not repeated here.
Each choice is the first possible one: the first alternative, the shortest gap, the lowest byte of a range.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as etree
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tools.ole2 import compound_file

_DROID = "{http://www.nationalarchives.gov.uk/pronom/SignatureFile}"
_TOKEN = re.compile(r"'([^']*)'|([0-9A-Fa-f]{2})|\[([^\]]*)\]|([(|)])|(\?\?)|\s+")


@dataclass(frozen=True)
class Skeleton:
    """A file, the signature it was made from, and the PUIDs that this signature speaks for."""

    signature: str
    puids: tuple[str, ...]
    extension: str
    content: bytes


def byte_skeletons(signature_file: Path) -> Iterator[Skeleton]:
    """A file for every byte signature that speaks for a format."""
    root = etree.parse(signature_file).getroot()
    formats: dict[str, list[etree.Element]] = {}
    for element in root.iter(f"{_DROID}FileFormat"):
        for child in element.findall(f"{_DROID}InternalSignatureID"):
            formats.setdefault(child.text or "", []).append(element)
    for signature in root.iter(f"{_DROID}InternalSignature"):
        speaking = formats.get(signature.get("ID", ""), [])
        sequences = [each for each in signature.findall(f"{_DROID}ByteSequence") if len(each)]
        if speaking and sequences:
            puids = tuple(each.get("PUID", "") for each in speaking)
            extension = speaking[0].findtext(f"{_DROID}Extension") or "bin"
            yield Skeleton(signature.get("ID", ""), puids, extension, _file(sequences))


def container_skeletons(container_file: Path) -> Iterator[Skeleton]:
    """A ZIP or a compound file for every container signature."""
    root = etree.parse(container_file).getroot()
    puids: dict[str, list[str]] = {}
    for element in root.iter("FileFormatMapping"):
        puids.setdefault(element.get("signatureId", ""), []).append(element.get("Puid", ""))
    for signature in root.iter("ContainerSignature"):
        entries = {}
        for file in signature.iter("File"):
            sequences = [each for each in file.iter("ByteSequence") if len(each)]
            entries[file.findtext("Path") or ""] = _file(sequences) if sequences else b""
        number = signature.get("Id", "")
        if signature.get("ContainerType") == "ZIP":
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in entries.items():
                    archive.writestr(zipfile.ZipInfo(name), content)
            yield Skeleton(number, tuple(puids.get(number, ())), "bin", stream.getvalue())
        else:
            yield Skeleton(number, tuple(puids.get(number, ())), "bin", compound_file(entries))


def _file(sequences: list[etree.Element]) -> bytes:
    start: dict[int, int] = {}
    for each in sequences:
        if _reference(each) == "BOFoffset":
            low, high, body = _sequence(each)
            # several sequences may want the same place: each takes the first of its places where it contradicts none before it
            offset = next(
                (
                    place
                    for place in range(low, high + 1)
                    if all(byte is None or start.get(place + index, byte) == byte for index, byte in enumerate(body))
                ),
                low,
            )
            for index, byte in enumerate(body):
                if byte is not None:
                    start[offset + index] = byte
            start.setdefault(offset + len(body) - 1, 0)
    content = bytearray(max(start, default=-1) + 1)
    for place, byte in start.items():
        content[place] = byte
    for each in sequences:
        if _reference(each) == "Variable":
            _, _, body = _sequence(each)
            content += bytes(byte or 0 for byte in body)
    for each in sequences:
        if _reference(each) == "EOFoffset":
            low, _, body = _sequence(each)
            content += bytes(byte or 0 for byte in body) + b"\x00" * low
    return bytes(content)


def _reference(element: etree.Element) -> str:
    reference = element.get("Reference") or "Variable"
    return "BOFoffset" if reference == "IndirectBOFoffset" else reference


def _sequence(element: etree.Element) -> tuple[int, int, list[int | None]]:
    """The least and greatest offset of a sequence from its end of the file, and its bytes; None where any byte will do."""
    subsequences = sorted((each for each in element if _tag(each) == "SubSequence"), key=lambda each: int(each.get("Position") or 1))
    at_end = _reference(element) == "EOFoffset"
    offset = farthest = 0
    body: list[int | None] = []
    for index, each in enumerate(subsequences):
        gap = int(each.get("SubSeqMinOffset") or 0)
        piece = _subsequence(each)
        if at_end:
            body += piece
            if index == len(subsequences) - 1:
                offset = farthest = gap
            else:
                body += [None] * gap
        else:
            if index:
                body += [None] * gap
            else:
                offset, farthest = gap, int(each.get("SubSeqMaxOffset") or gap + 4096)
            body += piece
    return offset, max(offset, farthest), body


def _subsequence(element: etree.Element) -> list[int | None]:
    body: list[int | None] = _bytes(next(each.text or "" for each in element if _tag(each) == "Sequence"))
    for side in ("LeftFragment", "RightFragment"):
        first: dict[int, etree.Element] = {}
        for each in element:
            if _tag(each) == side:
                first.setdefault(int(each.get("Position") or 1), each)
        for place in sorted(first):
            gap: list[int | None] = [None] * int(first[place].get("MinOffset") or 0)
            text = _bytes(first[place].text or "")
            body = text + gap + body if side == "LeftFragment" else body + gap + text
    return body


def _bytes(text: str) -> list[int | None]:
    out: list[int | None] = []
    depth = 0
    skipping = 0
    for quoted, byte, bracket, sign, wild in (found.groups() for found in _TOKEN.finditer(text)):
        if sign == "(":
            depth += 1
        elif sign == "|" and not skipping:
            skipping = depth
        elif sign == ")":
            skipping = 0 if skipping == depth else skipping
            depth -= 1
        elif skipping:
            continue
        elif quoted is not None:
            out += quoted.encode("latin-1")
        elif byte is not None:
            out.append(int(byte, 16))
        elif wild:
            out.append(None)
        elif bracket is not None:
            out += _chosen(bracket.strip())
    return out


def _chosen(bracket: str) -> list[int]:
    """The bytes for a bracket: the first of a range or a set; for a negation, bytes that are not these."""
    parts = re.findall(r"'([^']*)'|([0-9A-Fa-f]{2})", bracket)
    joined = b"".join(quoted.encode("latin-1") if quoted else bytes.fromhex(byte) for quoted, byte in parts)
    if bracket.startswith("!&"):
        return [0]
    if bracket.startswith("!"):
        is_range = re.search(r"[:-]", bracket)
        return [(joined[0] + 255) % 256] if is_range else [*joined[:-1], (joined[-1] + 255) % 256]
    if re.search(r"'\s*[:-]|[0-9A-Fa-f]\s*[:-]", bracket):
        return list(joined[: len(joined) // 2])
    if " " in bracket:
        return [joined[0]]
    return list(joined)


def _tag(element: etree.Element) -> str:
    return element.tag.rpartition("}")[2]
