"""Speed of identification, as ratios to named peers on the same files in the same process.

    python -m tests.benchmarks.bench_identification [--seconds N]

Files: C, the format corpus; G, mutants of it (copy, no extension, half, first 1 KiB, shifted by one byte, three bits flipped, 5 KB of
rubbish at the end), 3,900 of them or more. Runs are paired: our engine and the peer take turns on chunks of the same files, and the
figure is the median of the chunks' ratios, with the lowest and the highest quarter.

"as used": 128 KiB at either end of a file, up to 16 MiB where that leaves open which of several formats it is, libmagic for the
media type where PRONOM has none; without second opinions, which would be the peer's own work. "same work": 128 KiB at either end
and no libmagic, as FIDO does. Siegfried reads files whole and has no libmagic either.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from preservation.identification import Identifier
from preservation.identification.opinions import Fido, Siegfried
from tests.tools.identification import identifier, registry

_CHUNK = 40


def mutants(corpus: Sequence[Path], folder: Path, at_least: int = 3900) -> list[Path]:
    """Writes set G. The bits to flip are drawn with a fixed seed, so every run measures the same files."""
    chance = random.Random(1)
    out = []
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


def paired(
    paths: Sequence[Path], ours: Callable[[str], object], theirs: Callable[[str], object], seconds: float
) -> tuple[list[float], float, float, int]:
    """Ratios of time, theirs to ours, chunk by chunk; files per second of each; files measured."""
    names = [str(path) for path in paths]
    random.Random(2).shuffle(names)
    for name in names[:20]:
        ours(name)
        theirs(name)
    ratios = []
    spent = [0.0, 0.0]
    measured = 0
    end = time.perf_counter() + seconds
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        for name in chunk:
            # both find the file in the page cache
            with open(name, "rb") as stream:
                while stream.read(1 << 20):
                    pass
        times = []
        for engine in (ours, theirs):
            begin = time.perf_counter()
            for name in chunk:
                engine(name)
            times.append(time.perf_counter() - begin)
        ratios.append(times[1] / times[0])
        spent = [spent[0] + times[0], spent[1] + times[1]]
        measured += len(chunk)
        if time.perf_counter() > end:
            break
    return ratios, measured / spent[0], measured / spent[1], measured


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
    parser.add_argument("--seconds", type=float, default=12, help="for each row of the table")
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
    print("| files | peer | ratio (median) | quarters | ours, files/s | peer, files/s | measured |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="bench-identification-") as folder:
        sets = {"C": corpus, "G": mutants(corpus, Path(folder))}
        for name, paths in sets.items():
            for peer, engine, theirs in (
                ("FIDO, same signatures (V109); same work", same, fido.opinion),
                ("FIDO, same signatures (V109); as used", ours, fido.opinion),
                ("Siegfried in process (V125); same work but windowed", same, siegfried.opinion),
                ("Siegfried in process (V125); as used", ours, siegfried.opinion),
            ):
                ratios, own, other, measured = paired(paths, engine.identify_path, theirs, seconds)
                low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
                figures = f"{middle:.1f} | {low:.1f}–{high:.1f} | {own:,.0f} | {other:,.0f} | {measured:,}"
                print(f"| {name} ({len(paths):,}) | {peer} | {figures} |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process, all engines together: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
