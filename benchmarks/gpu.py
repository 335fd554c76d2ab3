"""Boosters on a GPU beside the CPU: seconds, and how far predictions differ.

    python benchmarks/gpu.py [--rows 1000000] [--columns 50] [--repeats 3]

XGBoost and LightGBM (as far as the installed ones can) through ``out_of_fold``, four folds, on
made-up numbers; then the whole "fast" portfolio with device="cpu" and device="cuda". Without a GPU
only the CPU is measured.
"""

from __future__ import annotations

import argparse
import warnings
from time import perf_counter
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from xgboost import XGBRegressor

from stackmeta import SuperLearnerRegressor, out_of_fold
from stackmeta.learners.device import lightgbm_device, usable_device, xgboost_device


def table(n_rows: int, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers whose sum, product and steps are the target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    y = X[:, :5].sum(axis=1) + X[:, 5] * X[:, 6] + np.where(X[:, 7] > 0, 2, 0)
    return X, y + rng.normal(size=n_rows)


def learners(device: str) -> list[tuple[str, Any]]:
    """Boosters, on a device as far as they can."""
    common = {"n_estimators": 200, "learning_rate": 0.1, "random_state": 0}
    return [
        ("xgboost", XGBRegressor(**common, max_depth=8, device=xgboost_device(device))),
        (
            "lightgbm",
            LGBMRegressor(
                **common, num_leaves=127, verbosity=-1, device_type=lightgbm_device(device)
            ),
        ),
    ]


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    X, y = table(options.rows, options.columns)
    devices = ["cpu", "cuda"] if usable_device("cuda") == "cuda" else ["cpu"]
    found: dict[tuple[str, str], Any] = {}
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.repeats):
        for device in devices:
            for name, learner in learners(device):
                start = perf_counter()
                oof = out_of_fold([(name, learner)], X, y, cv=4, n_jobs=-1, random_state=0)
                seconds.setdefault((name, device), []).append(perf_counter() - start)
                found[name, device] = oof.matrix
            start = perf_counter()
            model = SuperLearnerRegressor(
                preset="fast", device=device, cv=4, n_jobs=-1, random_state=0
            )
            model.fit(X, y)
            seconds.setdefault(("fast portfolio", device), []).append(perf_counter() - start)
    print(f"{options.rows} rows x {options.columns} columns, medians of {options.repeats}\n")
    print("| what | CPU s | GPU s | ratio | correlation of predictions |\n|---|---|---|---|---|")
    for name in ("xgboost", "lightgbm", "fast portfolio"):
        cpu = float(np.median(seconds[name, "cpu"]))
        gpu = float(np.median(seconds.get((name, "cuda"), [np.nan])))
        both = [found[name, d].ravel() for d in devices if (name, d) in found]
        same = f"{np.corrcoef(*both)[0, 1]:.5f}" if len(both) == 2 else ""
        print(f"| {name} | {cpu:.1f} | {gpu:.1f} | {cpu / gpu:.1f} | {same} |")


if __name__ == "__main__":
    main()
