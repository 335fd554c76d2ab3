"""Learn the metrics and priors of few-shot learners that ship with the package.

    python benchmarks/train_few_shot.py [--folder /tmp/few_shot]

From all supervised tables, as benchmarks/few_shot.py, but with none left out; writes
stackmeta/learners/few_shot/learned.json: coefficients of descriptors, no rows and no names of
columns.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import few_shot

from stackmeta.experience.few_shot import fit_learner
from stackmeta.experience.few_shot_losses import LOSSES
from stackmeta.learners.few_shot.descriptors import COLUMN_DESCRIPTORS, TABLE_DESCRIPTORS
from stackmeta.learners.few_shot.learned import FILE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=few_shot.FOLDER)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    episodes = few_shot.all_episodes(options.folder)
    written = {
        "made_by": "benchmarks/train_few_shot.py",
        "tables": sorted({episode.table for episode in episodes}),
        "column_descriptors": COLUMN_DESCRIPTORS,
        "table_descriptors": TABLE_DESCRIPTORS,
        "learners": {name: short(fit_learner(name, episodes)) for name in LOSSES},
    }
    FILE.write_text(json.dumps(written, indent=1) + "\n")
    print(FILE.read_text())


def short(parameters: dict) -> dict:
    """Four decimals: more is chance."""
    return {
        name: [round(x, 4) for x in value] if isinstance(value, list) else round(value, 4)
        for name, value in parameters.items()
    }


if __name__ == "__main__":
    main()
