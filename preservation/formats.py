"""Signature releases: which there are, which one is in force, what another would change, and the way back.

A registry is a folder: ``releases/<id>/`` with the two files as imported, ``active.json`` with every release that was in force,
newest last, and ``compiled/`` that can be deleted at any time. The release that opf-fido brings is always there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final, Literal

from metadata.errors import MetadataError
from preservation.identification import Identification, Identifier, Release
from preservation.identification.signatures import read
from repository.errors import Conflict, JinguiError, NotFound, UsageError
from repository.findings import N_
from storage.errors import StorageError

_SIGNATURES: Final = "signatures.xml"
_CONTAINERS: Final = "containers.xml"
_ID: Final = re.compile(r"v[\w.]{1,16}-c[\w.]{1,16}-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRelease:
    """A release with its standing.

    Args:
        release: the release.
        bundled: it came with the installation.
        active: it is in force.
        imported_at: when it was imported; None for the bundled one.
    """

    release: Release
    bundled: bool
    active: bool
    imported_at: datetime | None

    def as_json(self) -> dict[str, object]:
        """The JSON shape of the command line."""
        return {
            "id": self.release.id,
            "version": self.release.version,
            "container_version": self.release.container_version,
            "active": self.active,
            "bundled": self.bundled,
            "imported_at": self.imported_at.isoformat() if self.imported_at is not None else None,
            "digest": self.release.digest,
        }


class FormatRegistry:
    """The releases below one folder.

    Args:
        folder: of a home (``<home>/formats``) or of a user (`user_folder`). Made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def compiled(self) -> Path:
        """Folder of compiled releases."""
        return self.folder / "compiled"

    @cached_property
    def bundled(self) -> Release:
        """The release that opf-fido brings: version and files as its package names them.

        Raises:
            NotFound: opf-fido is not installed, or its signature files are not where they were.
        """
        specification = importlib.util.find_spec("fido")
        folder = Path(specification.origin).parent / "conf" if specification is not None and specification.origin else Path()
        signature_files = sorted(folder.glob("DROID_SignatureFile-v*.xml"))
        container_files = sorted(folder.glob("container-signature-*.xml"))
        if not signature_files or not container_files:
            raise NotFound(
                N_("The signature release that comes with opf-fido was not found."),
                remedy=N_("Install opf-fido again, or import a release with “jingui formats import”."),
            )
        return _release(signature_files[-1], container_files[-1])

    @property
    def active(self) -> Release:
        """The release in force."""
        history = self._history()
        return self.get(history[-1]) if history else self.bundled

    def known(self) -> list[KnownRelease]:
        """Every release, by version."""
        active = self.active.id
        bundled = self.bundled
        out = [KnownRelease(release=bundled, bundled=True, active=bundled.id == active, imported_at=None)]
        for folder in sorted(self.folder.glob("releases/*")):
            if _ID.fullmatch(folder.name) and (folder / "release.json").is_file() and folder.name != bundled.id:
                value = json.loads((folder / "release.json").read_text("utf-8"))
                at = datetime.fromisoformat(value["imported_at"])
                out.append(KnownRelease(release=self.get(folder.name), bundled=False, active=folder.name == active, imported_at=at))
        return sorted(out, key=lambda each: (len(each.release.version), each.release.version, each.release.id))

    def get(self, id: str) -> Release:
        """The release of that id.

        Raises:
            NotFound: there is none.
        """
        if id == self.bundled.id:
            return self.bundled
        folder = self.folder / "releases" / id
        if not _ID.fullmatch(id) or not (folder / "release.json").is_file():
            raise NotFound(
                N_("There is no signature release {subject} here."), subject=id, remedy=N_("“jingui formats list” shows those that are.")
            )
        value = json.loads((folder / "release.json").read_text("utf-8"))
        return Release(
            id=id,
            version=value["version"],
            container_version=value["container_version"],
            signature_file=folder / _SIGNATURES,
            container_file=folder / _CONTAINERS,
            digest=value["digest"],
        )

    def inspect(self, signature_file: Path, container_file: Path) -> Release:
        """The release that two files make, read through and checked, not imported.

        Raises:
            UsageError: a file cannot be read or is not what it should be; says which and why.
        """
        try:
            contents = read(signature_file, container_file)
            release = _release(signature_file, container_file)
        except MetadataError as error:
            raise UsageError(error.template, subject=error.subject, remedy=error.remedy, **error.parameters) from error
        except OSError as error:
            raise UsageError(
                N_("{subject} cannot be read: {reason}."), subject=str(error.filename or signature_file), reason=error.strerror or error
            ) from error
        if not contents.signatures or not contents.formats:
            raise UsageError(
                N_("{subject} holds no signatures."),
                subject=str(signature_file),
                remedy=N_("Give DROID's signature file first and its container signature file second."),
            )
        return release

    def import_release(self, signature_file: Path, container_file: Path, *, at: datetime) -> Release:
        """Takes a release in, without putting it in force. Importing the same one again changes nothing.

        Args:
            signature_file: DROID's signature file.
            container_file: DROID's container signature file.
            at: the time now.

        Raises:
            UsageError: as for `inspect`.
        """
        release = self.inspect(signature_file, container_file)
        folder = self.folder / "releases" / release.id
        if release.id == self.bundled.id or (folder / "release.json").is_file():
            return self.get(release.id)
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".import-", dir=folder.parent))
        try:
            shutil.copyfile(signature_file, work / _SIGNATURES)
            shutil.copyfile(container_file, work / _CONTAINERS)
            if _digest(work / _SIGNATURES, work / _CONTAINERS) != release.digest:
                raise Conflict(N_("{subject} changed while it was imported."), subject=str(signature_file), remedy=N_("Import it again."))
            value = {
                "version": release.version,
                "container_version": release.container_version,
                "digest": release.digest,
                "imported_at": at.isoformat(),
            }
            (work / "release.json").write_text(json.dumps(value, indent=1) + "\n", "utf-8")
            work.chmod(0o755)
            work.rename(folder)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        return self.get(release.id)

    def activate(self, id: str) -> Release:
        """Puts a release in force.

        Raises:
            NotFound: there is none of that id.
        """
        release = self.get(id)
        history = self._history() or [self.bundled.id]
        if history[-1] != id:
            self._write_history([*history, id])
        return release

    def back(self) -> Release:
        """Puts the release in force again that was before the present one.

        Raises:
            Conflict: there was none before.
        """
        history = self._history()
        if len(history) < 2:
            raise Conflict(
                N_("There is no earlier signature release to go back to."), remedy=N_("Use “jingui formats activate ID” to choose one.")
            )
        release = self.get(history[-2])
        self._write_history(history[:-1])
        return release

    def identifier(self, release: Release | None = None, *, engine: Literal["auto", "hyperscan", "re"] = "auto") -> Identifier:
        """An identifier for a release, the one in force by default."""
        return Identifier.open(self.compiled, release or self.active, engine=engine)

    def _history(self) -> list[str]:
        path = self.folder / "active.json"
        try:
            value = json.loads(path.read_text("utf-8"))
            return [str(each) for each in value["history"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise JinguiError(
                N_("{subject} is damaged: which signature release is in force cannot be read."),
                subject=str(path),
                remedy=N_("Delete the file and choose the release with “jingui formats activate ID”."),
            ) from error

    def _write_history(self, history: list[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".active-", dir=self.folder)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"history": history[-100:]}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.folder / "active.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldFile:
    """A file of the holdings, as the comparison needs it.

    Args:
        path: what to call it.
        name: its own name, for the extension.
        puid: what it was identified as, or None.
        size: bytes.
        open: opens it for reading; raises OSError or an error of the storage layer where it cannot.
    """

    path: str
    name: str
    puid: str | None
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatChange:
    """A file that another release identifies differently."""

    path: str
    old: str | None
    new: Identification

    def as_json(self) -> dict[str, object]:
        """The JSON shape of the command line."""
        return {"path": self.path, "old": self.old, "new": self.new.puid, "name": self.new.name, "basis": str(self.new.basis)}


@dataclass(kw_only=True)
class Comparison:
    """What a release changes for the holdings; filled by `compare`.

    Args:
        files: how many were looked at.
        changes: (old PUID, new PUID) → how many files.
        unreadable: files that could not be looked at, with the reason: for these nothing is known.
    """

    files: int = 0
    changes: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """How many files change."""
        return sum(self.changes.values())

    def most_frequent(self) -> list[tuple[tuple[str | None, str | None], int]]:
        """The changes, those of most files first."""
        return sorted(self.changes.items(), key=lambda change: (-change[1], str(change[0])))


def compare(files: Iterable[HeldFile], identifier: Identifier, comparison: Comparison) -> Iterator[FormatChange]:
    """Identifies the holdings again and gives the files whose PUID changes, as they are found.

    Args:
        files: the holdings.
        identifier: of the release to compare with what is on record.
        comparison: counted into.
    """
    for file in files:
        comparison.files += 1
        try:
            with file.open() as stream:
                answer = identifier.identify_stream(stream, file.name, file.size)
        except (OSError, StorageError) as error:
            comparison.unreadable.append((file.path, str(error)))
            continue
        if answer.puid != file.puid:
            key = (file.puid, answer.puid)
            comparison.changes[key] = comparison.changes.get(key, 0) + 1
            yield FormatChange(path=file.path, old=file.puid, new=answer)


def user_folder() -> Path:
    """Where commands without a home keep releases: ``$XDG_CACHE_HOME/jingui/formats``, or below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "jingui" / "formats"


def _release(signature_file: Path, container_file: Path) -> Release:
    digest = _digest(signature_file, container_file)
    version = _attribute(signature_file, rb"<FFSignatureFile\b[^>]*?\sVersion=[\"']([\w.]{1,16})[\"']")
    container_version = _attribute(container_file, rb"<ContainerSignatureMapping\b[^>]*?\ssignatureVersion=[\"']([\w.]{1,16})[\"']")
    return Release(
        id=f"v{version}-c{container_version}-{digest[:8]}",
        version=version,
        container_version=container_version,
        signature_file=signature_file,
        container_file=container_file,
        digest=digest,
    )


def _attribute(path: Path, expression: bytes) -> str:
    with path.open("rb") as stream:
        found = re.search(expression, stream.read(64 * 1024))
    return found[1].decode("ascii", "replace") if found else "0"


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
