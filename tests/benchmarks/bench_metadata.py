"""Speed and memory of METS and PREMIS, against metsrw in an environment of its own.

    python -m tests.benchmarks.bench_metadata [--files 100000] [--peer-files 20000] [--pairs 2]

Each file has one PREMIS object (three digests, format, date, name) and two events, made from its number in both programs.

Compared, in turn and each as a whole process from the start of its interpreter to its end:

- documents: PREMIS with an object and two events a file, and METS with an entry for each file. This is the work that metsrw does,
  and the ratio that counts. What differs: metsrw writes one document, with PREMIS inside METS, a section for each entity, a
  division for each file, and the name spaces repeated for each entity, so that it is half as large again; ours are two, METS
  points to PREMIS, and terms carry their addresses in the vocabularies. metsrw holds everything in memory, ours nothing.
- package: `write_package`, all that an archival package gets: beside these also METS and PREMIS of the package, Dublin Core, the
  record, and SHA-512, SHA-256 and SM3 of every document, which metsrw does not compute and which take more than half of the
  processor time (a second core does it meanwhile, where there is one).

Reading goes through every PREMIS entity and every METS file entry; checking is XML Schema (official schemas, which lie in the
E-ARK corpus) with references, in one pass. Without metsrw or the corpus that part is left out and said. Peak memory is the
kernel's figure for the process. Processor time is the one to compare where other work goes on beside.
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
from metadata.mets import FileEntries, MetsReader
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
            name = f"file-{number:06}.pdf"
            yield PackageFile(
                path=name,
                size=number,
                digests=FileDigests(number.to_bytes(64), number.to_bytes(32), number.to_bytes(32)),
                format_name="Acrobat PDF 1.4",
                format_version="1.4",
                puid="fmt/18",
                mime="application/pdf",
                original_name=name,
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


def _noted(count: int, entries: FileEntries) -> Iterator[PackageFile]:
    for file in Files(count):
        entries.add(f"data/{file.path}", file.size, file.mime, "2023-11-14T22:13:20Z", f"{file.size:064x}")
        yield file


def _documents_only(folder: Path, count: int) -> None:
    """METS and PREMIS of one representation, undigested."""
    document, preservation = _documents(folder)
    preservation.parent.mkdir(parents=True)
    with mets.file_entries(folder, "file-") as entries:
        with preservation.open("xb") as stream:
            premis.write(stream, files=_noted(count, entries), events=Events(count), prefix=f"{REPRESENTATION}/data/")
        with document.open("xb") as stream:
            mets.write(
                stream,
                mets.MetsDocument(
                    identifier="benchmark",
                    type="Mixed",
                    content_information_type="MIXED",
                    profile="https://earkcsip.dilcis.eu/profile/E-ARK-CSIP.xml",
                    package_kind="AIP",
                    created="2024-05-17T09:30:00Z",
                    modified="2024-05-17T09:30:00Z",
                    agents=(),
                    groups=(mets.FileGroup(identifier="data", use="data", files=entries, file_prefix="file-"),),
                    structure=mets.StructureDivision(identifier="root", label="data", groups=("data",)),
                ),
            )


def _package(folder: Path, count: int) -> None:
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
    runs: dict[str, list[Run]] = {"documents": [], "package": [], "metsrw": []}
    for pair in range(pairs):
        for action in ("documents", "package"):
            target = folder / f"{action}-{pair}"
            target.mkdir()
            runs[action].append(_ours(action, target, count))
        runs["metsrw"].append(_child([str(METSRW), "tests/tools/metsrw_write.py", str(count), str(folder / "metsrw.xml")]))
    for name, taken in runs.items():
        print(f"{name}, {count} files: {_told(min(taken))}")
    for action in ("documents", "package"):
        both = list(zip(runs[action], runs["metsrw"], strict=True))
        by_clock = [their.seconds / our.seconds for our, their in both]
        by_processor = [their.processor / our.processor for our, their in both]
        memory = statistics.median(their.peak / our.peak for our, their in both)
        print(
            f"metsrw / {action}, median of {pairs} pairs: {statistics.median(by_processor):.1f} by processor time "
            f"({min(by_processor):.1f}–{max(by_processor):.1f}), {statistics.median(by_clock):.1f} by the clock "
            f"({min(by_clock):.1f}–{max(by_clock):.1f}), {memory:.0f} in memory"
        )


def _told(run: Run) -> str:
    return f"{run.seconds:.2f} s, processor {run.processor:.2f} s, {run.peak:.0f} MiB"


def main() -> None:
    """Measures and prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--peer-files", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--do", choices=["documents", "package", "read", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.do:
        if arguments.do in ("documents", "package"):
            {"documents": _documents_only, "package": _package}[arguments.do](arguments.folder, arguments.files)
        else:
            {"read": _read, "check": _check}[arguments.do](arguments.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for action in ("documents", "package", "read", "check"):
            whole = folder / ("documents" if action == "documents" else "package")
            whole.mkdir(exist_ok=True)
            if action == "check" and _schema("premis-v3-0.xsd") is None:
                print("check: not measured, no schemas (set JINGUI_CORPORA)")
                continue
            print(f"{action}, {arguments.files} files: {_told(_ours(action, whole, arguments.files))}", flush=True)
        if METSRW.exists():
            _compare(folder, arguments.peer_files, arguments.pairs)
        else:
            print("metsrw: not measured, it is not installed (make tools)")


if __name__ == "__main__":
    main()
