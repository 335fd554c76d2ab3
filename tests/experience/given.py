"""Records of made-up tasks."""

import numpy as np

from stackmeta.experience import TaskRecord

NAMES = ("linear", "forest", "booster", "network")


def made_record(
    table="a", *, spreads=(0.9, 0.6, 0.5, 0.7), n_rows=200, seed=0, names=NAMES, **description
):
    """Learners whose errors have given spreads and a part in common."""
    rng = np.random.default_rng(seed)
    errors = 0.5 * rng.normal(size=500) + rng.normal(size=(len(names), 500))
    errors *= np.array(spreads)[:, None]
    gram = errors @ errors.T / 500
    about = {"n_rows": n_rows, "n_columns": 8.0, "n_classes": 1.0, "tails": 0.0, **description}
    return TaskRecord(
        table=table,
        task="regression",
        description=about,
        names=tuple(names),
        losses=np.sqrt(np.diag(gram)),
        gram=gram,
        seconds=np.array([0.01, 0.2, 0.3, 0.5])[: len(names)],
        weights=np.full(len(names), 1 / len(names)),
        settings={names[0]: {"alpha": 1.0}},
    )
