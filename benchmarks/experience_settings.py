"""What settings are worth on other tables: families of learners, each with settings drawn.

    python benchmarks/experience_settings.py --make [--folder /tmp/settings] [--seconds 1500]
    python benchmarks/experience_settings.py --report [--folder /tmp/settings]

``--make`` fits, on draws of real tables, the portfolio's settings of each family and some of a
low-discrepancy sequence; draws that are there are not made again. ``--report`` asks, leaving a
table out at a time, whether settings that were good on the others are better here than the
portfolio's: of a learner alone, and of a convex stack. Boosters learn at twice the pace.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import corpus
import joblib
import numpy as np
import tables
from experience_draws import rows_of
from scipy.stats import qmc

from stackmeta import out_of_fold
from stackmeta.experience.describe import describe_table
from stackmeta.experience.settings import last_of, with_settings
from stackmeta.learners import portfolio
from stackmeta.learners.preparation import sharing

FOLDER = Path("/tmp/settings")
SIZES, FOLDS, SEED, PACE = (300, 1_000), 3, 0, 2.0
#: The portfolio's own of each family, the present default first.
PRESENT = {
    "linear": ("linear",),
    "extra_trees": ("extra_trees",),
    "forest": ("forest",),
    "lightgbm": ("lightgbm_small", "lightgbm_extra", "lightgbm"),
    "xgboost": ("xgboost_lossguide", "xgboost", "xgboost_shallow"),
    "network": ("network",),
}
#: Range of each parameter, and whether it is drawn as a logarithm; how many settings.
DRAWN: dict[str, tuple[int, dict[str, tuple[float, float, bool]]]] = {
    "linear": (4, {"C": (0.01, 10.0, True)}),
    "extra_trees": (3, {"min_samples_leaf": (1, 8, True), "max_features": (0.3, 1.0, False)}),
    "lightgbm": (
        8,
        {
            "num_leaves": (3, 63, True),
            "learning_rate": (0.03, 0.12, True),
            "min_child_samples": (2, 40, True),
            "colsample_bytree": (0.3, 1.0, False),
            "reg_lambda": (0.3, 30.0, True),
            "extra_trees": (0, 1, False),
        },
    ),
    "xgboost": (
        6,
        {
            "max_depth": (2, 8, False),
            "learning_rate": (0.03, 0.12, True),
            "min_child_weight": (0.3, 10.0, True),
            "subsample": (0.5, 1.0, False),
            "colsample_bytree": (0.3, 1.0, False),
            "reg_lambda": (0.3, 20.0, True),
        },
    ),
}
_WHOLE = {"num_leaves", "min_child_samples", "max_depth", "min_samples_leaf"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--tables", nargs="*", help="names; all by default")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--seconds", type=float, default=1500.0, help="no draw begins later")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.make:
        options.folder.mkdir(parents=True, exist_ok=True)
        entries = sorted(tables.supervised(), key=_cost)
        entries = [e for e in entries if not options.tables or e["name"] in options.tables]
        make_all(options.folder, entries, options.sizes, options.seconds)
    if options.report:
        import experience_settings_report as judge

        draws = [judge.Draw(made, PACE) for made in load(options.folder)]
        lines = judge.report(draws)
        lines.to_csv(options.folder / "lines.csv", index=False)
        print(judge.printed(lines))


def make_all(folder: Path, entries: list[dict], sizes: list[int], seconds: float) -> None:
    """Make what is not there."""
    started = perf_counter()
    for size in sizes:
        for entry in entries:
            path = folder / f"{entry['name']}-{size}.joblib"
            if path.exists() or perf_counter() - started > seconds:
                continue
            begun = perf_counter()
            joblib.dump(make(entry, size), path, compress=1)
            print(f"{path.stem}: {perf_counter() - begun:.0f} s", flush=True)


def _cost(entry: dict) -> tuple[bool, int]:
    return entry["task"] == "multiclass", entry["columns"]


def load(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """Read all draws that are there."""
    for path in sorted(folder.glob("*.joblib")):
        if (found := joblib.load(path)) is not None:
            yield found


def drawn(family: str) -> Iterator[dict[str, Any]]:
    """Draw settings of a family: the same for all tables."""
    count, ranges = DRAWN[family]
    points = qmc.Sobol(len(ranges), seed=SEED).random_base2(3)[:count]
    for point in points:
        values: dict[str, Any] = {}
        for unit, (name, (low, high, logarithm)) in zip(point, ranges.items(), strict=True):
            value = low * (high / low) ** unit if logarithm else low + (high - low) * unit
            if name == "extra_trees":
                values[name] = bool(unit > 0.5)
            else:
                values[name] = round(value) if name in _WHOLE else float(f"{value:.2g}")
        yield values


def candidates(classifies: bool, n_rows: int, n_classes: int) -> list[tuple[str, Any]]:
    """List the portfolio's learners of all families, and those with drawn settings."""
    made = dict(
        portfolio(
            "classification" if classifies else "regression",
            preset="best",
            n_rows=n_rows,
            n_classes=n_classes,
            pace=PACE,
            random_state=SEED,
        )
    )
    found = []
    for family, names in PRESENT.items():
        found += [(name, made[name]) for name in names]
        if family not in DRAWN or (family == "linear" and not classifies):
            continue  # ridge regression finds its own penalty
        start = made["lightgbm" if family == "lightgbm" else names[0]]
        if family == "xgboost":
            start = made["xgboost"]
        for i, settings in enumerate(drawn(family)):
            found.append((f"{family}#{i}", with_settings(start, settings, pace=PACE)))
    return found


def make(entry: dict, size: int) -> dict[str, Any] | None:
    """Fit all candidates on one draw."""
    given = rows_of(entry, size, SEED)
    if given is None:
        return None
    X, y, groups, train, test = given
    classifies = entry["task"] != "regression"
    n_classes = int(y.max()) + 1 if classifies else 1
    learners = candidates(classifies, len(train), n_classes)
    rows = X.iloc[train].reset_index(drop=True)
    oof = out_of_fold(
        learners,
        rows,
        y[train],
        cv=corpus.splitter(classifies, groups, FOLDS, SEED),
        groups=None if groups is None else groups[train],
        keep_models=True,
        on_error="drop",
        n_jobs=1,
        random_state=SEED,
    )
    with sharing(X.iloc[test]):
        predicted = oof.predict_matrix(X.iloc[test])
    return {
        "table": entry["name"],
        "size": size,
        "classifies": classifies,
        "n_classes": n_classes,
        "description": describe_table(rows, y[train], classifies=classifies),
        "y": y[train],
        "y_test": y[test],
        "columns": {name: oof.columns[name] for name in oof.names},
        "oof": oof.matrix.astype(np.float32),
        "test": predicted.astype(np.float32),
        "seconds": {name: oof.fit_seconds[name] / FOLDS for name in oof.names},
        "settings": {name: _settings(dict(learners)[name]) for name in oof.names},
    }


def _settings(learner: Any) -> dict[str, Any]:
    found = last_of(learner).get_params(deep=False)
    return {name: x for name, x in found.items() if isinstance(x, bool | int | float | str)}


if __name__ == "__main__":
    main()
