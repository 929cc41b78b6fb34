"""Runs every benchmark, one after the other, and prints what each says as one Markdown document.

    python -m tests.benchmarks [NAME…]

Names are those of the modules without ``bench_``. The figures depend on the machine and on what else it does; the ratios,
taken in pairs within one run, much less.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Runs the named benchmarks, or all."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n",
        flush=True,
    )
    worst = 0
    for name in names or known:
        print(f"## {name}\n", flush=True)
        started = time.monotonic()
        worst = max(worst, subprocess.run([sys.executable, "-m", f"tests.benchmarks.bench_{name}"], check=False).returncode)
        print(f"\n({time.monotonic() - started:.0f} s: `python -m tests.benchmarks {name}`)\n", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
