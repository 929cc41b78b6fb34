"""A PRONOM signature release as values: formats, their byte signatures, their container signatures.

Read from the two XML files that The National Archives publish for DROID: the signature file (namespace
``http://www.nationalarchives.gov.uk/pronom/SignatureFile``) and the container signature file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from metadata import xml
from metadata.errors import MalformedXml
from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import Branch, Gap, SequenceError, Step, Steps, joined, parse
from repository.findings import N_

_ANCHORS = {"BOFoffset": Anchor.START, "IndirectBOFoffset": Anchor.START, "EOFoffset": Anchor.END, "IndirectEOFoffset": Anchor.END}


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format of the registry.

    Args:
        id: the release's own number of it.
        puid: PRONOM unique identifier, for instance ``fmt/354``; formats that PRONOM does not know have ``jingui/…``.
        name: name of the format.
        version: version of the format, may be empty.
        mime: media types, separated by commas as PRONOM writes them; may be empty.
        extensions: file name extensions, lower case, without the dot.
        over: numbers of the formats it has priority over.
        signed: whether the release has a byte signature for it.
    """

    id: str
    puid: str
    name: str
    version: str
    mime: str
    extensions: tuple[str, ...]
    over: tuple[str, ...]
    signed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A byte signature: every pattern must be there. `formats` are the numbers of the formats it speaks for."""

    id: str
    patterns: tuple[Pattern, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerEntry:
    """An entry that a container must have; where `contents` is not empty, one of its members must match in full."""

    path: str
    contents: tuple[tuple[Pattern, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSignature:
    """A container signature: every entry must be there."""

    id: str
    kind: str
    entries: tuple[ContainerEntry, ...]
    puids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SignatureSet:
    """Everything one release says.

    Args:
        version: the signature file's version (``109``).
        container_version: the container file's version (``25``).
        formats: by the release's own number.
        signatures: those that speak for a format.
        containers: container signatures of the kinds that are known here (``ZIP``, ``OLE2``).
        triggers: PUID of the byte signature that calls for a look inside, to kind of container.
    """

    version: str
    container_version: str
    formats: dict[str, Format]
    signatures: tuple[Signature, ...]
    containers: tuple[ContainerSignature, ...]
    triggers: dict[str, str]


def read(signature_file: Path, container_file: Path) -> SignatureSet:
    """Reads a release from its two files.

    Raises:
        MetadataError: a file is not XML, brings a DTD, or is not of its kind.
        OSError: a file cannot be read.
    """
    with signature_file.open("rb") as stream:
        root = _rooted(xml.parse(stream, str(signature_file)), "FFSignatureFile", str(signature_file))
    with container_file.open("rb") as stream:
        container_root = _rooted(xml.parse(stream, str(container_file)), "ContainerSignatureMapping", str(container_file))
    try:
        patterns = {element.get("ID", ""): _patterns(element) for element in root.iter("{*}InternalSignature")}
        speaking: dict[str, list[str]] = {}
        formats = {}
        for element in root.iter("{*}FileFormat"):
            number = element.get("ID", "")
            ids = [text for child in element.iterfind("{*}InternalSignatureID") if (text := child.text) and patterns.get(text)]
            for each in ids:
                speaking.setdefault(each, []).append(number)
            formats[number] = Format(
                id=number,
                puid=element.get("PUID", ""),
                name=element.get("Name", ""),
                version=element.get("Version") or "",
                mime=element.get("MIMEType") or "",
                extensions=tuple((child.text or "").lower() for child in element.iterfind("{*}Extension")),
                over=tuple(child.text or "" for child in element.iterfind("{*}HasPriorityOverFileFormatID")),
                signed=bool(ids),
            )
        signatures = tuple(
            Signature(id=each, patterns=found, formats=tuple(speaking[each])) for each, found in patterns.items() if each in speaking
        )
        return SignatureSet(
            version=root.get("Version") or "0",
            container_version=container_root.get("signatureVersion") or "0",
            formats=formats,
            signatures=signatures,
            containers=tuple(_containers(container_root)),
            triggers={element.get("Puid", ""): element.get("ContainerType", "") for element in container_root.iter("{*}TriggerPuid")},
        )
    except (SequenceError, ValueError) as error:
        raise MalformedXml(
            "SIGNATURE_SEQUENCE",
            N_("{subject} holds a byte sequence that cannot be understood: {detail}"),
            subject=f"{signature_file.name}, {container_file.name}",
            remedy=N_("Fetch the release again from The National Archives; if it stays so, keep the release in use and report it."),
            detail=error,
        ) from error


def _rooted(root: xml.Element, name: str, subject: str) -> xml.Element:
    found = str(root.tag).rpartition("}")[2]
    if found != name:
        raise MalformedXml(
            "SIGNATURE_FILE_KIND",
            N_("{subject} is not the file expected: its root element is {found}, expected {expected}."),
            subject=subject,
            remedy=N_("Give DROID's signature file first and its container signature file second."),
            found=found,
            expected=name,
        )
    return root


def _containers(root: xml.Element) -> Iterator[ContainerSignature]:
    puids: dict[str, list[str]] = {}
    for element in root.iter("{*}FileFormatMapping"):
        puids.setdefault(element.get("signatureId", ""), []).append(element.get("Puid", ""))
    for element in root.iter("{*}ContainerSignature"):
        entries = []
        for file in element.iter("{*}File"):
            path = file.findtext("{*}Path")
            if path:
                contents = tuple(_patterns(signature) for signature in file.iter("{*}InternalSignature"))
                entries.append(ContainerEntry(path=path, contents=tuple(each for each in contents if each)))
        number = element.get("Id", "")
        if entries and number in puids:
            yield ContainerSignature(id=number, kind=element.get("ContainerType", ""), entries=tuple(entries), puids=tuple(puids[number]))


def _patterns(signature: xml.Element) -> tuple[Pattern, ...]:
    return tuple(_pattern(element) for element in signature.iterfind("{*}ByteSequence") if len(element))


def _pattern(element: xml.Element) -> Pattern:
    """One ByteSequence. Its subsequences stand in the order of their positions; the offset of each counts from the one before,
    or, in a sequence that counts from the end of the file, from the one after."""
    anchor = _ANCHORS.get(element.get("Reference") or "", Anchor.ANYWHERE)
    pieces = []
    for subsequence in sorted(element.iterfind("{*}SubSequence"), key=lambda each: _number(each, "Position") or 1):
        low = _number(subsequence, "SubSeqMinOffset") or 0
        high = _number(subsequence, "SubSeqMaxOffset")
        # the container file has offsets whose least is greater than their greatest
        pieces.append((_subsequence(subsequence), Gap(low, None if high is None else max(low, high))))
    if not pieces:
        raise SequenceError("ByteSequence")
    outer = pieces[-1][1] if anchor is Anchor.END else pieces[0][1]
    steps: list[Step] = []
    for index, (piece, gap) in enumerate(pieces):
        if index and anchor is not Anchor.END:
            steps.append(gap)
        steps.extend(piece)
        if anchor is Anchor.END and index < len(pieces) - 1:
            steps.append(gap)
    if anchor is Anchor.ANYWHERE:
        outer = Gap(0, None)
    return Pattern(anchor=anchor, low=outer.low, high=outer.high, steps=joined(steps))


def _subsequence(element: xml.Element) -> Steps:
    """A sequence with its fragments. Fragments of one position are alternatives; position 1 is next to the sequence."""
    steps = parse(element.findtext("{*}Sequence") or "")
    for side in ("Left", "Right"):
        places: dict[int, list[Steps]] = {}
        for fragment in element.iterfind(f"{{*}}{side}Fragment"):
            low = _number(fragment, "MinOffset") or 0
            high = _number(fragment, "MaxOffset")
            gap = Gap(low, low if high is None else max(low, high))
            text = parse(fragment.text or "")
            places.setdefault(_number(fragment, "Position") or 1, []).append((*text, gap) if side == "Left" else (gap, *text))
        for place in sorted(places):
            alternatives = tuple(joined(each) for each in places[place])
            piece: Steps = alternatives[0] if len(alternatives) == 1 else (Branch(alternatives),)
            steps = (*piece, *steps) if side == "Left" else (*steps, *piece)
    return steps


def _number(element: xml.Element, name: str) -> int | None:
    value = element.get(name)
    return int(value) if value else None
