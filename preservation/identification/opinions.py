"""Other engines: pygfried (Siegfried with its own PRONOM release) for a second opinion, and FIDO as a reference.

Both are asked about a file on disk; neither sees more than a path. They are loaded when first needed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
import xml.etree.ElementTree as etree
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFormat:
    """A format as another engine names it."""

    puid: str
    name: str = ""
    version: str = ""
    mime: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinion:
    """What another engine says.

    Args:
        engine: its name and the version of its signatures.
        formats: what it found; empty where it found nothing.
        basis: on what; ``text`` and ``extension`` are weaker than a signature.
        problem: why it could not look, or empty.
    """

    engine: str
    formats: tuple[NamedFormat, ...] = ()
    basis: Literal["container", "signature", "text", "extension", "none"] = "none"
    problem: str = ""


class Siegfried:
    """Siegfried in this process, by way of pygfried. It reads files whole, containers too."""

    def __init__(self) -> None:
        import pygfried

        self._library = pygfried
        self._scanner: Any = pygfried.Scanner()
        self._name = f"siegfried {pygfried.version()}"

    @classmethod
    def installed(cls) -> bool:
        """Whether it can be had."""
        return importlib.util.find_spec("pygfried") is not None

    def opinion(self, path: str) -> Opinion:
        """What Siegfried says about a file."""
        try:
            answer = self._scanner.identify(path, True)
        except (self._library.GoError, UnicodeEncodeError) as error:
            return Opinion(engine=self._name, problem=str(error))
        file = answer["files"][0]
        details = next((each["details"] for each in answer["identifiers"] if each["name"] == "pronom"), "")
        engine = f"{self._name} ({_release(details)})"
        matches = [match for match in file["matches"] if match["ns"] == "pronom" and match["id"] != "UNKNOWN"]
        formats = tuple(
            NamedFormat(puid=match["id"], name=match["format"], version=match["version"], mime=match["mime"]) for match in matches
        )
        bases = " ".join(match["basis"] for match in matches)
        basis: Literal["container", "signature", "text", "extension", "none"] = "extension" if matches else "none"
        if "container" in bases:
            basis = "container"
        elif "byte match" in bases or "xml match" in bases or "riff match" in bases:
            basis = "signature"
        elif "text match" in bases:
            basis = "text"
        return Opinion(engine=engine, formats=formats, basis=basis, problem=file["errors"])


class Fido:
    """FIDO in this process, with the signatures that its package brings. Keeps state while it looks: one thread at a time."""

    def __init__(self) -> None:
        # imported here: it loads slowly, and most runs never ask it
        from fido import CONFIG_DIR, __version__, fido

        release = etree.parse(Path(CONFIG_DIR) / "versions.xml")
        self._found: tuple[list[Any], str] = ([], "")
        # its own defaults name a format file that is not in the package
        self._fido = fido.Fido(
            quiet=True,
            handle_matches=self._keep,
            format_files=[release.findtext("pronomSignature"), release.findtext("fidoExtensionSignature")],
        )
        self._name = f"fido {__version__} (V{release.findtext('pronomVersion')})"

    def opinion(self, path: str, *, extension: bool = True) -> Opinion:
        """What FIDO says about a file; with `extension` also by its name where no signature matches."""
        self._found = ([], "")
        printed = sys.stderr
        try:
            # it reports errors by printing them
            with open(os.devnull, "w", encoding="utf-8") as sys.stderr, warnings.catch_warnings():
                # it leaves closing the file to the interpreter
                warnings.simplefilter("ignore", ResourceWarning)
                self._fido.identify_file(path, extension=extension)
        except Exception as error:
            # whatever a foreign engine raises is its opinion that it cannot
            return Opinion(engine=self._name, problem=str(error) or type(error).__name__)
        finally:
            sys.stderr = printed
        matches, kind = self._found
        formats = tuple(self._named(format) for format, _ in matches)
        basis: Literal["container", "signature", "text", "extension", "none"] = "none"
        if formats:
            basis = "container" if kind == "container" else "extension" if kind == "extension" else "signature"
        return Opinion(engine=self._name, formats=formats, basis=basis)

    def _keep(self, name: str, matches: list[Any], seconds: float, kind: str = "") -> None:
        self._found = (matches, kind)

    def _named(self, format: etree.Element) -> NamedFormat:
        def text(tag: str) -> str:
            return format.findtext(tag) or ""

        return NamedFormat(puid=str(self._fido.get_puid(format)), name=text("name"), version=text("version"), mime=text("mime"))


def _release(details: str) -> str:
    """The signature release out of Siegfried's description: ``DROID_SignatureFile_V125.xml; container-signature-…``."""
    first = details.split(";")[0].strip()
    version = first.removeprefix("DROID_SignatureFile_").removesuffix(".xml")
    return version or first
