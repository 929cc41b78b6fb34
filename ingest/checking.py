"""Checking a package without taking it in: what ``jingui check`` and the API's check say, and nothing is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ingest.errors import PackageRefused
from ingest.identification import identifying_for
from ingest.inbox import file_name
from ingest.pipeline import EXAMINATION, run
from ingest.profiles import profiles
from ingest.work import Examination, Unobserved, unwatched
from repository.findings import Finding, Translate, is_valid
from repository.permissions import Permission

if TYPE_CHECKING:
    from ingest.identification import Identifying
    from ingest.sip import Recognition
    from repository.archive import Archive
    from repository.permissions import Actor
    from repository.settings import UnpackLimits

_BLOCK: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found.

    Args:
        profile: what the package was recognised as, or None.
        recognitions: what each profile said.
        findings: everything found.
    """

    profile: str | None
    recognitions: Sequence[Recognition]
    findings: Sequence[Finding]

    def as_json(self, path: str, translate: Translate = str) -> dict[str, Any]:
        """The JSON shape of the command line and the API.

        Args:
            path: what to call the package.
            translate: into the reader's language.
        """
        findings = [finding.as_json(translate) for finding in self.findings]
        return {"path": path, "profile": self.profile, "valid": is_valid(self.findings), "findings": findings}


def check(
    source: Path, *, limits: UnpackLimits, identifying: Identifying, held: Sequence[Finding] = (), folder: Path | None = None
) -> Checked:
    """Takes a package through the steps that need no archive, in a folder that is gone afterwards.

    Args:
        source: the package.
        limits: what unpacking may cost at most.
        identifying: how formats are identified.
        held: what is known to be wrong with it from outside, by the index of its batch.
        folder: where to unpack; by default the system's folder for temporary files.

    Raises:
        StorageError: it cannot be read, or there is no room to unpack it.
    """
    with tempfile.TemporaryDirectory(prefix="jingui-check-", dir=folder) as work_folder:
        work = Examination(
            source=source,
            folder=Path(work_folder),
            limits=limits,
            profiles=profiles(),
            identifying=identifying,
            progress=unwatched,
            check=lambda: None,
            findings=list(held),
        )
        try:
            with work.identifying:
                run(EXAMINATION, work, Unobserved())
        except PackageRefused as refused:
            work.findings.extend(refused.findings)
        return Checked(profile=work.profile, recognitions=work.recognitions, findings=tuple(work.findings))


def check_stream(archive: Archive, actor: Actor, *, stream: BinaryIO, name: str) -> Checked:
    """Checks a package that comes as a stream of bytes; nothing of it is left.

    Args:
        archive: the open archive.
        actor: who asks.
        stream: the package's bytes.
        name: what the sender calls the file; only its last part counts.

    Raises:
        PermissionDenied: without `Permission.PACKAGE_CHECK`.
        UsageError: the name is empty.
        StorageError: it cannot be read, or there is no room to unpack it.
    """
    with archive.read(actor) as tx:
        tx.require(Permission.PACKAGE_CHECK)
    with tempfile.TemporaryDirectory(prefix="check-", dir=archive.work_folder) as folder:
        package = Path(folder, "package", file_name(name))
        package.parent.mkdir()
        with package.open("xb") as file:
            shutil.copyfileobj(stream, file, _BLOCK)
        return check(package, limits=archive.settings.unpack, identifying=identifying_for(archive), folder=Path(folder))
