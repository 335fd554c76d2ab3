"""Whether settings that were good on other tables are good here: a table left out at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor

from stackmeta.combiners.log_loss import minimise_log_loss
from stackmeta.combiners.simplex import minimise_quadratic
from stackmeta.experience.distance import START, features_of, learn_distance
from stackmeta.experience.record import TaskRecord
from stackmeta.experience.settings import FAMILIES, MARK, starting_points

_LEAST = 1e-7
#: The present defaults of families that a stack has in any case.
ALWAYS = ("forest", "network")
DEFAULTS = {name: family.default for name, family in FAMILIES.items()}
#: What the portfolio has beside the default.
SECOND = ("forest", "lightgbm_extra", "xgboost")


class Draw:
    """A task with predictions for rows that no fit saw."""

    def __init__(self, made: dict[str, Any], pace: float) -> None:
        self.table, self.size = made["table"], made["size"]
        self._made, self._stacks = made, {}
        self.classifies, self.y, self.y_test = made["classifies"], made["y"], made["y_test"]
        self.names = [name for name in made["columns"] if np.isfinite(self._both(name)).all()]
        self.place = {name: i for i, name in enumerate(self.names)}
        self._oof = [self._block("oof", name) for name in self.names]
        self._test = [self._block("test", name) for name in self.names]
        self.losses = self._losses(self._oof, self.y)
        self.test_losses = self._losses(self._test, self.y_test)
        self.record = self._record(pace)

    def _both(self, name: str) -> np.ndarray:
        return np.concatenate(
            [self._made[k][:, self._made["columns"][name]] for k in ("oof", "test")]
        )

    def _block(self, which: str, name: str) -> np.ndarray:
        block = self._made[which][:, self._made["columns"][name]].astype(float)
        y = self.y if which == "oof" else self.y_test
        if not self.classifies:
            return block.ravel() - y
        if block.shape[1] == 1:
            block = np.column_stack([1 - block, block])
        return np.clip(block, _LEAST, 1.0)

    def _losses(self, blocks: list[np.ndarray], y: np.ndarray) -> np.ndarray:
        if not self.classifies:
            return np.array([np.sqrt((block**2).mean()) for block in blocks])
        return np.array([-np.log(block[np.arange(len(y)), y]).mean() for block in blocks])

    def _record(self, pace: float) -> TaskRecord:
        n, settings = len(self.names), {}
        for name in self.names:
            found = dict(self._made["settings"][name])
            if "lightgbm" in name or "xgboost" in name:
                found["learning_rate"] = float(f"{found['learning_rate'] / pace:.3g}")
            settings[name] = found
        return TaskRecord(
            table=self.table,
            task="classification" if self.classifies else "regression",
            description=self._made["description"],
            names=tuple(self.names),
            losses=self.losses,
            gram=self.gram,
            seconds=np.array([self._made["seconds"][name] for name in self.names]),
            weights=np.full(n, 1 / n),
            settings=settings,
        )

    @cached_property
    def gram(self) -> np.ndarray:
        """Products of out-of-fold errors of the learners."""
        if self.classifies:
            truth = np.eye(self._made["n_classes"])[self.y]
            errors = np.array([(block - truth).ravel() for block in self._oof])
        else:
            errors = np.array(self._oof)
        return errors @ errors.T / len(self.y)

    def squared(self, names: Iterable[str]) -> float:
        """Half the logarithm of the out-of-fold squared error of the best blend."""
        where = sorted({self.place[name] for name in names if name in self.place})
        gram = self.gram[np.ix_(where, where)]
        weights = _quadratic(gram)
        return float(np.log(weights @ gram @ weights) / 2)

    def stack(self, names: Iterable[str]) -> float:
        """Test loss of a convex stack."""
        key = tuple(sorted({self.place[name] for name in names if name in self.place}))
        if key not in self._stacks:
            self._stacks[key] = self._stack(list(key))
        return self._stacks[key]

    def _stack(self, where: list[int]) -> float:
        if not self.classifies:
            weights = _quadratic(self.gram[np.ix_(where, where)])
            errors = weights @ np.array([self._test[i] for i in where])
            return float(np.sqrt((errors**2).mean()))
        rows = np.arange(len(self.y))
        truth = np.array([self._oof[i][rows, self.y] for i in where]).T
        equal = np.full(len(rows), 1 / len(rows))
        weights = minimise_log_loss(lambda of: truth[of], equal, len(where))[0]
        rows = np.arange(len(self.y_test))
        found = weights @ np.array([self._test[i][rows, self.y_test] for i in where])
        return float(-np.log(found).mean())


def _quadratic(gram: np.ndarray) -> np.ndarray:
    n = len(gram)
    return minimise_quadratic(2 * gram, np.zeros(n), np.full(n, 1 / n))[0]


Choice = dict[str, str]


def report(draws: Sequence[Draw]) -> pd.DataFrame:
    """Judge all ways to choose, on each draw with the records of other tables."""
    lines = []
    for draw in draws:
        others = [o for o in draws if o.table != draw.table and o.classifies == draw.classifies]
        default = draw.stack([*DEFAULTS.values(), *ALWAYS])
        choices = {way: choose(draw, others) for way, choose in WAYS.items()}
        for way, choice in choices.items():
            line = {"table": draw.table, "rows": draw.size, "way": way}
            for family, name in choice.items():
                before = draw.test_losses[draw.place[DEFAULTS[family]]]
                line[family] = np.log(draw.test_losses[draw.place[name]] / before)
            line["stack"] = np.log(draw.stack([*choice.values(), *ALWAYS]) / default)
            lines.append(line)
        near = [*choices["nearest tables"].values()]
        stacks = {
            "two a family: portfolio": [*DEFAULTS.values(), *ALWAYS, *SECOND],
            "two a family: default and nearest": [*DEFAULTS.values(), *ALWAYS, *near],
            "two a family: default and complement": [
                *DEFAULTS.values(),
                *ALWAYS,
                *complements(draw, others),
            ],
            "two a family: greedy over tables": [*greedy(draw, others), *ALWAYS],
            "all that were fitted": draw.names,
        }
        for way, names in stacks.items():
            loss = np.log(draw.stack(names) / default)
            lines.append({"table": draw.table, "rows": draw.size, "way": way, "stack": loss})
    return pd.DataFrame(lines)


def _by_points(distance: Callable[[list[TaskRecord]], np.ndarray]) -> Callable:
    def choose(draw: Draw, others: Sequence[Draw]) -> Choice:
        records = [other.record for other in others]
        points = starting_points(records, draw.record.description, distance=distance(records))
        return {family: _named(draw, family, found) for family, found in points.items()}

    return choose


def _named(draw: Draw, family: str, settings: dict[str, Any]) -> str:
    """Find the learner with these settings."""
    if not settings:
        return DEFAULTS[family]
    for name in candidates(draw, family):
        had = {**FAMILIES[family].usual, **draw.record.settings[name]}
        if {k: had[k] for k in FAMILIES[family].parameters if k in had} == settings:
            return name
    raise LookupError(f"{draw.table} did not fit {family} with {settings}.")


def candidates(draw: Draw, family: str) -> list[str]:
    """Name the learners of a family."""
    members = FAMILIES[family].members
    return [n for n in draw.names if n in members or n.startswith(family + MARK)]


def _ranked(draw: Draw, others: Sequence[Draw]) -> Choice:
    """Let a forest predict by how much each of the settings loses on a table like this."""
    choice = {}
    for family, default in DEFAULTS.items():
        names = candidates(draw, family)
        rows, gains = [], []
        for other in others:
            base = other.losses[other.place[default]]
            for i, name in enumerate(names):
                if name in other.place:
                    rows.append([*features_of(other.record.description), *np.eye(len(names))[i]])
                    gains.append(
                        np.clip(np.log(other.losses[other.place[name]] / base), -0.5, 0.5)
                    )
        model = ExtraTreesRegressor(100, min_samples_leaf=3, random_state=0).fit(rows, gains)
        own = features_of(draw.record.description)
        choice[family] = names[
            int(model.predict([[*own, *line] for line in np.eye(len(names))]).argmin())
        ]
    return choice


def _own(draw: Draw, others: Sequence[Draw]) -> Choice:
    """All are fitted, and the least out-of-fold loss taken: what a search costs and gives."""
    best = {}
    for family in DEFAULTS:
        names = candidates(draw, family)
        best[family] = min(names, key=lambda name: draw.losses[draw.place[name]])
    return best


def complements(draw: Draw, others: Sequence[Draw]) -> list[str]:
    """Name, of each family, what lowers the loss of a blend of all defaults most elsewhere."""
    start = [*DEFAULTS.values()]
    return [
        min(candidates(draw, family), key=lambda name: _mean_blend(others, [*start, name]))
        for family in DEFAULTS
    ]


def greedy(draw: Draw, others: Sequence[Draw]) -> list[str]:
    """Two settings a family, one after the other, that lower the blend's loss on other tables."""
    chosen: list[str] = []
    count = dict.fromkeys(DEFAULTS, 0)
    family_of = {name: family for family in DEFAULTS for name in candidates(draw, family)}
    while open_ := [n for n, f in family_of.items() if count[f] < 2 and n not in chosen]:
        best = min(open_, key=lambda name: _mean_blend(others, [*chosen, name]))
        chosen.append(best)
        count[family_of[best]] += 1
    return chosen


_blends: dict[tuple, float] = {}


def _mean_blend(draws: Sequence[Draw], names: list[str]) -> float:
    found: dict[str, list[float]] = {}
    for draw in draws:
        key = (draw.table, draw.size, *sorted({*names}))
        if key not in _blends:
            _blends[key] = draw.squared([*names, *ALWAYS])
        found.setdefault(draw.table, []).append(_blends[key])
    return float(np.mean([np.mean(losses) for losses in found.values()]))


WAYS: dict[str, Callable[[Draw, Sequence[Draw]], Choice]] = {
    "best on all other tables": _by_points(lambda records: np.zeros_like(START)),
    "nearest tables": _by_points(lambda records: START),
    "nearest, learned distance": _by_points(learn_distance),
    "ranking model": _ranked,
    "search (all fitted)": _own,
}


def printed(lines: pd.DataFrame) -> str:
    """Mean, median and worst per cent by which test loss changes; below 0 is better."""
    text = []
    columns = [*DEFAULTS, "stack"]
    for rows, of_size in lines.groupby("rows"):
        text.append(f"\n{rows} rows, {of_size.table.nunique()} tables: mean / median / worst, %\n")
        text.append("| settings | " + " | ".join(columns) + " | ± of stack |")
        text.append("|---|" + "---|" * (len(columns) + 1))
        for way, found in of_size.groupby("way", sort=False):
            cells = []
            for column in columns:
                values = 100 * found[column].dropna()
                cells.append(
                    f"{values.mean():+.1f} / {values.median():+.1f} / {values.max():+.1f}"
                    if len(values)
                    else ""
                )
            error = 100 * found.groupby("table")["stack"].mean().sem()
            text.append(f"| {way} | " + " | ".join(cells) + f" | {error:.1f} |")
    return "\n".join(text)
