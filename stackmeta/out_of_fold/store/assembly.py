"""From the fits of a store to an OutOfFold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..folds import Split, repeat_of_each_split
from ..result import FitRecord, OutOfFold, slices_of
from ..rounds import Staged, choose_stages
from ..target import Target
from .files import DamagedError

if TYPE_CHECKING:
    from .folder import OutOfFoldStore

_ALL = "all folds"


def assemble(store: OutOfFoldStore, data: str | None) -> OutOfFold:
    """Put together the predictions of one X and y, of learners all of whose folds are there.

    Parameters
    ----------
    store : OutOfFoldStore
    data : str or None
        Which X and y; None: the only one there is.
    """
    indices = dict(store.indices())
    levels = {index["data"]: index["level"] for index in indices.values()}
    known = sorted(key for key, level in levels.items() if level == 1 or key == data)
    if data is None and len(known) > 1:
        raise ValueError(
            f"The store holds fits of several X and y: say which, data= one of {known}."
        )
    data = known[0] if data is None and known else data
    if data not in known:
        raise ValueError(f"The store holds no fit of data={data!r}; it knows {known}.")
    target = _target(store, str(data))
    found = [
        _complete(store, key, {k: x for k, x in indices.items() if x["data"] == data})
        for key in store.partitions
    ]
    found = [one for one in found if one[1]]
    if not found:
        raise ValueError(f"No learner of data={data!r} has all of its folds in the store.")
    splits, learners = max(found, key=lambda one: len(one[1]))
    return _put_together(store, target, splits, learners)


def _target(store: OutOfFoldStore, data: str) -> Target:
    index = store.data.index(data)
    classes = index["classes"]
    if classes is not None:
        multilabel = index["kind"] == "multilabel"
        classes = [np.asarray(one) for one in classes] if multilabel else np.asarray(classes)
    return Target(index["kind"], store.data.array(data, index, "y"), index["n_outputs"], classes)


def _complete(
    store: OutOfFoldStore, partition: str, indices: Mapping[str, Any]
) -> tuple[list[Split], dict[str, list[str]]]:
    """Give the folds of a partition, and the fits of each learner that has all of them."""
    try:
        index = store.partitions.index(partition)
        train, test = (store.partitions.array(partition, index, x) for x in ("train", "test"))
    except DamagedError:
        return [], {}
    ends = np.cumsum(index["lengths"], axis=0)[:-1].T
    splits = list(zip(np.split(train, ends[0]), np.split(test, ends[1]), strict=True))
    by_learner: dict[str, dict[Any, str]] = defaultdict(dict)
    for key, fit in indices.items():
        if fit["what"] == "fold" or (fit["what"] == _ALL and fit["partition"] == partition):
            by_learner[fit["learner_id"]][fit["split"]] = key
    found = {}
    for fits in by_learner.values():
        if None in fits:
            found[fits[None]] = [fits[None]]
        elif set(index["splits"]) <= fits.keys():
            found[fits[index["splits"][0]]] = [fits[split] for split in index["splits"]]
    return splits, found


def _put_together(
    store: OutOfFoldStore, target: Target, splits: list[Split], learners: dict[str, list[str]]
) -> OutOfFold:
    repeats = repeat_of_each_split(splits, len(target.y))
    blocks, methods, paths, labels, records = {}, {}, {}, set(), []
    for keys in learners.values():
        indices = [store.fits.index(key) for key in keys]
        first = indices[0]
        name, number = first["learner"], 2
        while name in blocks:
            name, number = f"{first['learner']}_{number}", number + 1
        blocks[name] = _blocks(store, keys, indices, splits, target)
        methods[name], paths[name] = first["method"], first["path"] or "refit"
        labels |= {name} if first["labels"] else set()
        records += [
            FitRecord(
                name,
                -2 if index["fold"] is None else index["fold"],
                index["seconds"],
                index["started"],
                index["worker"],
            )
            for index in indices
        ]
    columns = slices_of({name: parts[0].shape[1] for name, parts in blocks.items()})
    width = max(part.stop for part in columns.values())
    by_repeat = np.full((repeats[-1] + 1, len(target.y), width), np.nan)
    for name, parts in blocks.items():
        for repeat, (_, test), block in zip(repeats, splits, parts, strict=True):
            by_repeat[repeat, test, columns[name]] = block
    return OutOfFold(
        by_repeat,
        columns,
        splits,
        methods=methods,
        target=target,
        paths=paths,
        models={},
        learner_columns={},
        label_learners=frozenset(labels),
        records=records,
    )


def _blocks(
    store: OutOfFoldStore,
    keys: list[str],
    indices: list[dict],
    splits: list[Split],
    target: Target,
) -> list[np.ndarray]:
    """Predictions of a learner, fold by fold."""
    found = [
        store.fits.array(key, index, "predictions")
        for key, index in zip(keys, indices, strict=True)
    ]
    if indices[0]["what"] == _ALL:
        return np.split(found[0], np.cumsum([len(test) for _, test in splits])[:-1])
    if indices[0]["rounds"] is None:
        return found
    weights = None
    if "weights.npy" in indices[0]["files"]:
        weights = np.ones(len(target.y))
        for key, index, (_, test) in zip(keys, indices, splits, strict=True):
            weights[test] = store.fits.array(key, index, "weights")
    staged = [
        Staged(np.asarray(index["rounds"]), part)
        for index, part in zip(indices, found, strict=True)
    ]
    stages, _ = choose_stages(staged, splits, target, indices[0]["method"], weights)
    return [part[stage] for part, stage in zip(found, stages, strict=True)]
