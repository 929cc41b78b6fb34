"""Speed of the audit as a whole command, against programs that only compare digests, on the very same files.

    python -m tests.benchmarks.bench_fixity [--rounds 3] [--files 100000] [--gib 2] [--only small|large] [--folder /dev/shm]

`jingui audit --all` runs as a process from its start to its end: catalogue, inventories, every byte, outcomes, events, journal.
The peers get the same files (by hard links) and nothing else to do. Runs are paired: ours and the peer's in turn, and the figure
is the median of the rounds' ratios. "audit alone" is what the audit itself says it took, without the start of the program.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import bagit

from repository.archive import Archive
from repository.home import make_home
from storage.ocfl.writer import NewFile
from tests.tools.holdings import copy_folder, digested, keep_files

_SETTINGS = """\
copies_required = 1
[[stores]]
name = "a"
location = "stores/a"
"""


class Run(NamedTuple):
    """One run of a program: seconds, seconds of processor time, MiB of its largest process, seconds that it gives itself."""

    seconds: float
    processor: float
    memory: float
    own: float = 0.0


def small_files(folder: Path, count: int) -> list[NewFile]:
    files = []
    for number in range(count):
        source = folder / f"{number // 250:04d}" / f"{number}.bin"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(os.urandom(4096))
        files.append(digested(f"data/{number // 250:04d}/{number}.bin", source))
    return files


def large_files(folder: Path, gib: float) -> list[NewFile]:
    block = os.urandom(64 << 20)
    files = []
    for number in range(2):
        source = folder / f"{number}.bin"
        folder.mkdir(parents=True, exist_ok=True)
        with source.open("wb") as stream:
            for part in range(int(gib * 16)):
                stream.write(part.to_bytes(8, "big") + block[8:])
        files.append(digested(f"data/{number}.bin", source))
    return files


def make_archive(folder: Path, files: Callable[[Path], list[NewFile]]) -> tuple[Path, Path, list[NewFile]]:
    """A home with one package in one store; the home, where the package's content lies, and its files."""
    home = folder / "home"
    home.mkdir()
    (home / "jingui.toml").write_text(_SETTINGS, encoding="utf-8")
    archive: Archive = make_home(home)
    listed = files(folder / "source")
    record = keep_files(archive, listed)
    content = copy_folder(archive, "a", record) / "v1/content"
    archive.close()
    shutil.rmtree(folder / "source")
    return home, content, listed


def make_bag(folder: Path, content: Path, files: Sequence[NewFile]) -> Path:
    """A bag of the very same files."""
    bag = folder / "bag"
    (bag / "data").mkdir(parents=True)
    (bag / "bagit.txt").write_text("BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n")
    with (bag / "manifest-sha256.txt").open("w") as manifest:
        for file in files:
            place = bag / file.logical_path
            place.parent.mkdir(exist_ok=True)
            place.hardlink_to(content / file.logical_path)
            manifest.write(f"{file.digests.sha256.hex()}  {file.logical_path}\n")
    return bag


#: Starts programs side by side from a small process (a program's peak begins with that of what it was forked from) and says
#: what they took: wall, processor, MiB.
_LAUNCHER = """
import json, os, sys, time
commands = json.loads(sys.argv[1])
output = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
started = time.perf_counter()
pids = []
for command in commands:
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    pids.append(os.posix_spawnp(command[0], command, os.environ, file_actions=actions))
processor = memory = failed = 0
for pid in pids:
    _, status, used = os.wait4(pid, 0)
    failed |= status
    processor += used.ru_utime + used.ru_stime
    memory = max(memory, used.ru_maxrss / 1024)
print(json.dumps([time.perf_counter() - started, processor, memory, failed]))
"""


def run(*commands: Sequence[str | Path]) -> Run:
    """Runs programs side by side until the last has ended."""
    with tempfile.NamedTemporaryFile() as output:
        listed = json.dumps([[str(part) for part in command] for command in commands])
        launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, listed, output.name]
        seconds, processor, memory, failed = json.loads(subprocess.run(launched, capture_output=True, check=True).stdout)
        assert not failed, commands
        last = (output.read().splitlines() or [b""])[-1]
    own = json.loads(last)["summary"]["seconds"] if last.startswith(b'{"summary"') else 0.0
    return Run(seconds, processor, memory, own)


def compare(what: str, ours: Sequence[str | Path], peer: str, theirs: Sequence[Sequence[str | Path]], rounds: int) -> None:
    run(ours)
    run(*theirs)
    pairs = [(run(ours), run(*theirs)) for _ in range(rounds)]

    def median(value: Callable[[Run, Run], float]) -> float:
        return statistics.median(value(one, other) for one, other in pairs)

    ratio, alone = median(lambda one, other: other.seconds / one.seconds), median(lambda one, other: other.seconds / max(one.own, 0.001))
    processor = median(lambda one, other: other.processor / one.processor)
    times = (
        f"{median(lambda one, _: one.seconds):.2f} ({median(lambda one, _: one.own):.2f}) | {median(lambda _, other: other.seconds):.2f}"
    )
    memory = f"{max(one.memory for one, _ in pairs):.0f} / {max(other.memory for _, other in pairs):.0f}"
    print(f"| {what} | {peer} | {ratio:.2f} | {alone:.2f} | {processor:.2f} | {times} | {memory} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--gib", type=float, default=float(os.environ.get("JINGUI_BENCH_GIB", "2")))
    parser.add_argument("--only", choices=["small", "large"])
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    chosen = parser.parse_args()
    print("| files | peer | ratio | audit alone | processor time | ours, s (audit alone) | peer, s | MiB, ours / peer |")
    print("|---|---|---|---|---|---|---|---|")
    for name in [chosen.only] if chosen.only else ["small", "large"]:
        with tempfile.TemporaryDirectory(prefix="bench-fixity-", dir=chosen.folder) as temporary:
            folder = Path(temporary)
            make = (lambda place: small_files(place, chosen.files)) if name == "small" else (lambda place: large_files(place, chosen.gib))
            home, content, files = make_archive(folder, make)
            bag = make_bag(folder, content, files)
            audit = [sys.executable, "-m", "repository", "--home", home, "audit", "--all", "--json"]
            validate = [sys.executable, bagit.__file__, "--validate", "--processes", "2", "--quiet", bag]
            what = f"{chosen.files:,} × 4 KiB" if name == "small" else f"2 × {chosen.gib:g} GiB"
            compare(what, audit, "`bagit.py --validate --processes 2`", [validate], chosen.rounds)
            if name == "large":
                digest = [["openssl", "dgst", "-sha256", content / file.logical_path] for file in files]
                compare(what, audit, "`openssl dgst -sha256` twice at once", digest, chosen.rounds)


if __name__ == "__main__":
    main()
