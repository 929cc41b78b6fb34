"""Speed of identification, as ratios to named peers on the same files in the same process.

    python -m tests.benchmarks.bench_identification [--seconds N]

Files: C, the format corpus; G, mutants of it (copy, no extension, half, first 1 KiB, shifted by one byte, three bits flipped, 5 KB of
rubbish at the end), 3,900 of them or more. Runs are paired: our engine and the peers take turns on chunks of the same files, ours
before and after theirs, and the figure is the median of the chunks' ratios, with the lowest and the highest quarter. It is given twice,
by the clock on the wall and by the processor time of this process with all its threads: what other programs do at the same time
moves the first more than the second. FIDO takes minutes for set G, so it is given a part of it, drawn with a fixed seed.

"as used": 128 KiB at either end of a file, up to 16 MiB where that leaves open which of several formats it is, libmagic for the
media type where PRONOM has none; without second opinions, which would be the peer's own work. "same work": 128 KiB at either end
and no libmagic, as FIDO does. Siegfried reads files whole and has no libmagic either.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from preservation.identification import Identifier
from preservation.identification.opinions import Fido, Siegfried
from tests.tools.identification import identifier, registry

#: Files in a turn.
_CHUNK = 40
#: Identifies the file of a path.
Engine = Callable[[str], object]


def mutants(corpus: Sequence[Path], folder: Path, at_least: int = 3900) -> list[Path]:
    """Writes set G. The bits to flip are drawn with a fixed seed, so every run measures the same files."""
    chance = random.Random(1)
    out: list[Path] = []
    generation = 0
    while len(out) < at_least:
        for number, path in enumerate(corpus):
            content = path.read_bytes()
            flipped = bytearray(content)
            for _ in range(3 if content else 0):
                flipped[chance.randrange(min(len(content), 4096))] ^= 1 << chance.randrange(8)
            made = {
                f"copy{path.suffix}": content,
                "bare": content,
                f"half{path.suffix}": content[: len(content) // 2],
                f"head{path.suffix}": content[:1024],
                f"shifted{path.suffix}": b"\n" + content,
                f"flipped{path.suffix}": bytes(flipped),
                f"longer{path.suffix}": content + chance.randbytes(5000),
            }
            for name, data in made.items():
                # a second generation differs from the first only in the bits that are flipped
                if generation and not name.startswith(("flipped", "longer")):
                    continue
                target = folder / f"{generation}-{number}-{name}"
                target.write_bytes(data)
                out.append(target)
        generation += 1
    return out


class Turn(NamedTuple):
    """Time for a chunk: seconds by the clock, seconds of the processor."""

    wall: float
    processor: float


def turn(engine: Engine, names: Sequence[str]) -> Turn:
    """One engine's turn at a chunk."""
    wall, processor = time.perf_counter(), time.process_time()
    for name in names:
        engine(name)
    return Turn(time.perf_counter() - wall, time.process_time() - processor)


def taken_in_turns(
    paths: Sequence[Path], ours: Mapping[str, Engine], peers: Mapping[str, tuple[Engine, float]], rounds: int = 1
) -> dict[str, list[Turn | None]]:
    """The turns of every engine, chunk by chunk; None where a peer, once it has had its seconds, was not asked any more."""
    names = [str(path) for path in paths]
    random.Random(2).shuffle(names)
    for engine in (*ours.values(), *(engine for engine, _ in peers.values())):
        turn(engine, names[:20])
    turns: dict[str, list[Turn | None]] = {name: [] for name in (*ours, *peers)}
    spent = dict.fromkeys(peers, 0.0)
    for start in list(range(0, len(names), _CHUNK)) * rounds:
        chunk = names[start : start + _CHUNK]
        for name in chunk:
            # all find the file in the page cache
            with open(name, "rb") as stream:
                while stream.read(1 << 20):
                    pass
        before = [turn(engine, chunk) for engine in ours.values()]
        for peer, (engine, seconds) in peers.items():
            taken = turn(engine, chunk) if spent[peer] < seconds else None
            spent[peer] += taken.wall if taken is not None else 0
            turns[peer].append(taken)
        after = [turn(engine, chunk) for engine in ours.values()]
        for name, first, second in zip(ours, before, after, strict=True):
            turns[name].append(Turn((first.wall + second.wall) / 2, (first.processor + second.processor) / 2))
    return turns


def row(own: Sequence[Turn | None], other: Sequence[Turn | None], sizes: Sequence[int]) -> str:
    """The figures of one engine of ours beside one peer."""
    pairs = [(mine, theirs, size) for mine, theirs, size in zip(own, other, sizes, strict=True) if mine is not None and theirs is not None]
    wall = [theirs.wall / mine.wall for mine, theirs, _ in pairs]
    processor = [theirs.processor / mine.processor for mine, theirs, _ in pairs]
    low, middle, high = statistics.quantiles(wall, n=4)
    files = sum(size for *_, size in pairs)
    speeds = [files / sum(each.wall for each in column) for column in ([pair[0] for pair in pairs], [pair[1] for pair in pairs])]
    figures = [f"{middle:.1f}", f"{low:.1f}–{high:.1f}", f"{statistics.median(processor):.1f}", f"{speeds[0]:,.0f}", f"{speeds[1]:,.0f}"]
    return " | ".join([*figures, f"{files:,}"])


def opened() -> tuple[float, float]:
    """Seconds to open the identifier from its cache, and MiB that this adds, in a process of its own."""
    # a process that starts another lends it the peak of its own memory, so what is there now is asked of the system
    code = (
        "import time, pathlib\n"
        "from tests.tools.identification import registry\n"
        "from preservation.identification import Identifier\n"
        "def resident(): return int(pathlib.Path('/proc/self/statm').read_text().split()[1]) * 4 / 1024\n"
        "release, folder = registry().bundled, registry().compiled\n"
        "before = resident()\n"
        "start = time.perf_counter()\n"
        "identifier = Identifier.open(folder, release)\n"
        "print(time.perf_counter() - start, resident() - before)\n"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() for _ in range(5)]
    return statistics.median(float(run[0]) for run in runs), statistics.median(float(run[1]) for run in runs)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40, help="that FIDO is given for set G")
    seconds = parser.parse_args().seconds
    corpora = Path(os.environ.get("JINGUI_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
    corpus = [path for path in sorted((corpora / "format-corpus").rglob("*")) if path.is_file()]
    if not corpus:
        sys.exit(f"no format corpus below {corpora}; set JINGUI_CORPORA")
    ours = identifier()
    same = Identifier.open(registry().compiled, registry().bundled, deep_window=0, second_opinion=False, media_types=False)
    fido, siegfried = Fido(), Siegfried()
    load, memory = opened()
    print(f"open from cache: {load * 1000:.0f} ms, {memory:.0f} MiB\n")
    print("| files | peer | ratio (median, by the clock) | quarters | by processor time | ours, files/s | peer, files/s | measured |")
    print("|---|---|---|---|---|---|---|---|")
    engines = {"same work": same.identify_path, "as used": ours.identify_path}
    with tempfile.TemporaryDirectory(prefix="bench-identification-") as folder:
        for name, paths, rounds in (("C", corpus, 3), ("G", mutants(corpus, Path(folder)), 1)):
            peers = {"FIDO, same signatures (V109)": (fido.opinion, seconds), "Siegfried in process (V125)": (siegfried.opinion, math.inf)}
            turns = taken_in_turns(paths, engines, peers, rounds)
            sizes = [min(_CHUNK, len(paths) - start) for start in range(0, len(paths), _CHUNK)] * rounds
            for peer in peers:
                for own in engines:
                    print(f"| {name} ({len(paths):,}) | {peer}; {own} | {row(turns[own], turns[peer], sizes)} |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process, all engines together: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
