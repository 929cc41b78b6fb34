"""Speed and memory of METS and PREMIS, against metsrw in an environment of its own.

    python -m tests.benchmarks.bench_metadata [--files 100000] [--peer-files 10000] [--pairs 3]

Each file has one PREMIS object (three digests, format, date) and two events. Ours is the whole of what an archival package gets:
METS and PREMIS of the representation and of the package, Dublin Core, the record. metsrw writes one METS with the PREMIS inside,
with a section for each object and event. Both are whole processes, in turn; peak memory is the kernel's figure for the process.
Reading goes through every PREMIS entity and every METS file entry; checking is XML Schema (official schemas, which lie in the
E-ARK corpus) with references, in one pass. Without metsrw or the corpus that part is left out and said.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from metadata import mets, premis, schemas
from metadata.description import Description
from metadata.eark import InformationPackage, PackageFile, Representation, write_package
from metadata.mets import MetsReader
from metadata.premis import AgentLink, Event, FileDigests
from metadata.vocabularies import PackageKind

ROOT = Path(__file__).parents[2]
METSRW = ROOT / ".cache" / "tools" / "metsrw" / "bin" / "python"
MOMENT = datetime(2024, 5, 17, 9, 30, tzinfo=UTC)
REPRESENTATION = "representations/original"


class Files:
    """So many files, made anew each time."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[PackageFile]:
        for number in range(self.count):
            digests = FileDigests(number.to_bytes(64), number.to_bytes(32), number.to_bytes(32))
            yield PackageFile(
                path=f"file-{number:06}.pdf",
                size=number,
                digests=digests,
                format_name="Acrobat PDF 1.4",
                format_version="1.4",
                puid="fmt/18",
                mime="application/pdf",
                original_name=f"file-{number:06}.pdf",
                modified=1.7e9,
            )


class Events:
    """Two events a file."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Event]:
        agents = (AgentLink(identifier="jingui", role="executing program"),)
        for number in range(self.count):
            for kind in ("format identification", "fixity check"):
                yield Event(identifier=f"{kind}-{number}", type=kind, at=MOMENT, detail="Jingui 1.0", outcome="success", agents=agents)


def _write(folder: Path, count: int) -> None:
    write_package(
        folder,
        InformationPackage(
            kind=PackageKind.AIP,
            identifier="benchmark",
            created=MOMENT,
            modified=MOMENT,
            archive="archive",
            software="Jingui",
            software_version="1.0",
            description=Description(title="benchmark"),
            representations=(Representation(id="original", files=Files(count), events=Events(count)),),
        ),
    )


def _documents(folder: Path) -> tuple[Path, Path]:
    return folder / REPRESENTATION / "METS.xml", folder / REPRESENTATION / "metadata" / "preservation" / "premis.xml"


def _read(folder: Path) -> None:
    document, preservation = _documents(folder)
    with document.open("rb") as stream:
        for _ in MetsReader(stream, "METS.xml"):
            pass
    with preservation.open("rb") as stream:
        for _ in premis.read(stream, "premis.xml"):
            pass


def _schema(name: str) -> Path | None:
    corpora = Path(os.environ.get("JINGUI_CORPORA") or ROOT.parent / "shared" / "corpora")
    return next((path for path in sorted(corpora.glob(f"eark/*/*/*/*/schemas/{name}")) if (path.parent / "xlink.xsd").exists()), None)


def _check(folder: Path) -> None:
    document, preservation = _documents(folder)
    of_mets = [f"{{{mets.NAMESPACE}}}{name}" for name in ("file", "fileGrp", "dmdSec", "amdSec", "structMap")]
    of_premis = [f"{{{premis.NAMESPACE}}}{name}" for name in ("object", "event", "agent", "rights")]
    for path, name, items in ((document, "mets.xsd", of_mets), (preservation, "premis-v3-0.xsd", of_premis)):
        schema = _schema(name)
        if schema is None:
            sys.exit(f"no {name} in the E-ARK corpus")
        with path.open("rb") as stream:
            problems = schemas.validate(stream, path.name, schemas.load(schema), items)
        if problems:
            sys.exit("\n".join(problems))


class Run(NamedTuple):
    """A whole process: seconds by the clock, seconds of processor, peak MiB."""

    seconds: float
    processor: float
    peak: float


def _child(command: list[str]) -> Run:
    """Runs a whole process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _ours(action: str, folder: Path, count: int) -> Run:
    return _child([sys.executable, "-m", "tests.benchmarks.bench_metadata", "--do", action, "--folder", str(folder), "--files", str(count)])


def _compare(folder: Path, count: int, pairs: int) -> None:
    ours, theirs = [], []
    for pair in range(pairs):
        target = folder / f"{count}-{pair}"
        target.mkdir()
        ours.append(_ours("write", target, count))
        theirs.append(_child([str(METSRW), "tests/tools/metsrw_write.py", str(count), str(folder / "metsrw.xml")]))
    for name, runs in (("Jingui", ours), ("metsrw", theirs)):
        best = min(runs)
        print(f"write {count} files, {name}: {best.seconds:.2f} s, processor {best.processor:.2f} s, {best.peak:.0f} MiB")
    by_clock = [their.seconds / our.seconds for our, their in zip(ours, theirs, strict=True)]
    by_processor = [their.processor / our.processor for our, their in zip(ours, theirs, strict=True)]
    print(
        f"ratio, median of {pairs} pairs: {statistics.median(by_clock):.1f} by the clock ({min(by_clock):.1f}–{max(by_clock):.1f}), "
        f"{statistics.median(by_processor):.1f} by processor time, memory {theirs[0].peak / ours[0].peak:.0f}"
    )


def main() -> None:
    """Measures and prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--peer-files", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--do", choices=["write", "read", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.do:
        if arguments.do == "write":
            _write(arguments.folder, arguments.files)
        else:
            {"read": _read, "check": _check}[arguments.do](arguments.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = folder / "whole"
        whole.mkdir()
        for action in ("write", "read", "check"):
            if action == "check" and _schema("premis-v3-0.xsd") is None:
                print("check: not measured, no schemas (set JINGUI_CORPORA)")
                continue
            run = _ours(action, whole, arguments.files)
            print(f"{action} {arguments.files} files: {run.seconds:.2f} s, processor {run.processor:.2f} s, {run.peak:.0f} MiB")
        if METSRW.exists():
            _compare(folder, arguments.peer_files, arguments.pairs)
        else:
            print("metsrw: not measured, it is not installed (make tools)")


if __name__ == "__main__":
    main()
