"""Time of `import stackmeta` beside `import sklearn.ensemble`, each in a fresh interpreter.

    python benchmarks/import_time.py [--rounds 15]

The target is a ratio of medians below 1.5. Rounds alternate between the two, after one that
does not count (it compiles bytecode and warms the disk's cache).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median

STATEMENTS = ["import sklearn.ensemble", "import stackmeta"]
TARGET = 1.5


def seconds(statement: str) -> float:
    """Time one import from within the interpreter that does it."""
    code = f"from time import perf_counter as t; a = t(); {statement}; print(t() - a)"
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for number in range(rounds + 1):
        for statement in STATEMENTS if number % 2 else STATEMENTS[::-1]:
            elapsed = seconds(statement)
            if number:
                times[statement].append(elapsed)

    reference = median(times[STATEMENTS[0]])
    print(f"{'statement':<26}{'median s':>10}{'min s':>8}{'ratio':>7}")
    for statement, took in times.items():
        middle = median(took)
        print(f"{statement:<26}{middle:>10.3f}{min(took):>8.3f}{middle / reference:>7.2f}")
    print(f"{rounds} rounds, target: ratio < {TARGET}")


if __name__ == "__main__":
    main()
