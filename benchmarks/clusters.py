"""Clusterings, alone and stacked, against the classes of labelled tables.

    python benchmarks/clusters.py [--seeds 3] [--only NAME …] [--rows 5000] [--large 100000]

A StackingClusterer is told the number of classes, and its labels are compared with them by the
adjusted Rand index (ARI), as are its members'. Columns that name a group or a time are left out,
and of large tables so many rows are drawn. "chosen" is the consensus function that was taken,
"auto" the number of clusters that it finds untold. ClusterEnsembles is beside where it is
installed. ``--large`` fits a made table of so many rows in a process of its own: seconds, and the
peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from tempfile import TemporaryDirectory
from time import perf_counter

import measure
import numpy as np
import pandas as pd
import tables
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from stackmeta import StackingClusterer
from stackmeta.unsupervised.members import FUNCTIONS


def read(entry: dict, n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a raw table and its classes."""
    frame = pd.read_parquet(tables.DATA / f"{entry['name']}.parquet")
    frame = frame.sample(min(n_rows, len(frame)), random_state=seed).reset_index(drop=True)
    truth = pd.factorize(frame.pop("target"))[0]
    beside = [entry[key] for key in ("group_column", "time_column") if entry[key]]
    return frame.drop(columns=beside), truth


def judge(entry: dict, n_rows: int, seed: int) -> dict:
    """Compare a stack, its members and the other consensus functions with the classes."""
    X, truth = read(entry, n_rows, seed)
    k = len(np.unique(truth))
    started = perf_counter()
    stack = StackingClusterer(n_clusters=k, random_state=seed).fit(X)
    seconds = perf_counter() - started
    labels = stack.oof_.predict_matrix(X)
    members = np.array([adjusted_rand_score(truth, own) for own in labels.T])
    row = {
        "table": entry["name"],
        "stack": adjusted_rand_score(truth, stack.labels_),
        "mean member": members.mean(),
        "median member": np.median(members),
        "best member": members.max(),
        "chosen": stack.consensus_,
        "s": seconds,
    }
    try:
        from ClusterEnsembles import cluster_ensembles

        found = cluster_ensembles(labels.T.astype(int), nclass=k, random_state=seed)
        row["ClusterEnsembles"] = adjusted_rand_score(truth, found)
    except ImportError:
        pass
    return row


def consensus_functions(entry: dict, n_rows: int, seed: int) -> dict[str, float]:
    """ARI of each consensus function by itself; the members' fits come from a store."""
    X, truth = read(entry, n_rows, seed)
    found = {}
    with TemporaryDirectory() as store:
        for name in FUNCTIONS:
            stack = StackingClusterer(
                n_clusters=len(np.unique(truth)), consensus=name, random_state=seed, store=store
            ).fit(X)
            found[name] = adjusted_rand_score(truth, stack.labels_)
        free = StackingClusterer(random_state=seed).fit(X)
        found["auto"] = float(free.n_clusters_)
    return found


def child(options: dict) -> None:
    """Fit a large made table."""
    warnings.simplefilter("ignore")
    X, truth = make_blobs(options["n"], 10, centers=8, cluster_std=3.0, random_state=0)
    measure.child_ready()
    started = perf_counter()
    stack = StackingClusterer(n_clusters=8, random_state=0).fit(X)
    seconds = perf_counter() - started
    stack.predict(X[:10_000])
    predict = perf_counter() - started - seconds
    ari = adjusted_rand_score(truth, stack.labels_)
    measure.child_done(seconds=seconds, ari=ari, predict=predict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--large", type=int)
    parser.add_argument("--functions", action="store_true", help="each consensus function, too")
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return
    warnings.simplefilter("ignore")
    if options.large:
        found = measure.run_child(sys.argv[0], n=options.large)
        print(
            f"{options.large} rows, 10 columns: fit {found['seconds']:.0f} s, predict 10,000 rows "
            f"{found['predict']:.1f} s, ARI {found['ari']:.3f}, "
            f"peak {found['peak'] / 2**20:.0f} MiB"
        )
        return
    entries = [e for e in tables.manifest() if e["task"] == "multiclass"]
    rows = []
    for entry in entries:
        if options.only and entry["name"] not in options.only:
            continue
        for seed in range(options.seeds):
            rows.append(judge(entry, options.rows, seed))
            if options.functions and seed == 0:
                rows[-1] |= consensus_functions(entry, options.rows, seed)
            print(rows[-1], flush=True)
    frame = pd.DataFrame(rows)
    chosen = frame.groupby("table")["chosen"].agg(lambda names: ", ".join(sorted(set(names))))
    table = frame.drop(columns="chosen").groupby("table").mean()
    print(f"\n| table | {' | '.join(table)} | chosen |\n|{'---|' * (table.shape[1] + 2)}")
    for name, row in table.iterrows():
        print(f"| {name} | {' | '.join(f'{v:.3f}' for v in row)} | {chosen[name]} |")
    print(
        "\nabove the mean member on", int((table["stack"] > table["mean member"]).sum()), end=" "
    )
    print(f"of {len(table)} tables; median of stack / best member:", end=" ")
    print(f"{(table['stack'] / table['best member']).median():.2f}")


if __name__ == "__main__":
    main()
