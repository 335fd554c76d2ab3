"""Groups and time that a split ignores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import GroupKFold

from .audited import Audited, dates_of, days_of, is_category
from .findings import Finding
from .quick import Judged, judge

# A column of so many values, that come back so often, may name groups.
# Numbers of fewer values are a scale, where each value is a regime.
_LEAST_VALUES, _LEAST_NUMBERS, _LEAST_REPEATS = 8, 20, 3
_MOST_COLUMNS = 8
# What other values of a name tell of the target is about nothing.
_NAME = 0.8
# A value of more rows is a regime of its own, which no other value tells of.
_LARGEST = 0.2
# The split looks better than one that keeps groups together by this factor, and so many
# standard errors.
_FACTOR, _SURE, _LEAST_SHARE = 1.5, 3.0, 0.08
# Tables are often sorted by what other columns tell: that alone is no leak.
_FACTOR_OF_ROWS = 4.0
_N_FOLDS, _N_BLOCKS = 3, 24
_ORDERED = 0.99
_MOST_FITTED = 3_000


def find_split_groups(audited: Audited) -> list[Finding]:
    """Find groups that were given, but that the splits part."""
    if audited.groups is None:
        return []
    parted, n_groups = set(), len(np.unique(audited.groups))
    for train, test in audited.splits:
        parted.update(np.intersect1d(audited.groups[train], audited.groups[test]).tolist())
    if not parted:
        return []
    grouped = _grouped(audited, audited.numbers, audited.groups)
    return [
        Finding(
            "groups that the split parts",
            "groups",
            {
                "groups on both sides of a fold": len(parted),
                "of": n_groups,
                "unexplained, split as given": audited.judged.unexplained,
                "groups kept together": grouped.unexplained,
            },
            "Use a splitter that keeps groups together: GroupKFold, StratifiedGroupKFold, or "
            "cv=5 with groups=.",
        )
    ]


def find_ignored_groups(audited: Audited) -> list[Finding]:
    """Find columns whose equal values make rows predict each other, though the column is dropped.

    Both splits are judged without the column itself, so that one that merely predicts well
    is not found: what is found names what other columns, or the rows themselves, give away.
    """
    found = []
    for place, all_codes in _may_name_groups(audited):
        rows = _whole_groups(all_codes)
        part, codes = audited.at(rows), np.unique(all_codes[rows], return_inverse=True)[1]
        table = part.without(place, *_same_as(audited, all_codes, place))
        given = judge(table, part.target, part.splits)
        kept = _grouped(part, table, codes)
        if far_better(given, kept, codes) and not _measures(part, place, codes):
            found.append(
                Finding(
                    "a group column that the split ignores",
                    audited.name(place),
                    {
                        "values": len(np.unique(codes)),
                        "unexplained, split as given": given.unexplained,
                        "its values kept together": kept.unexplained,
                    },
                    "If new rows will have new values of it, pass it as groups= (and leave it "
                    "out of X). If they will have the same values, this split is right.",
                )
            )
    return sorted(found, key=lambda f: -f.evidence["its values kept together"])


def _measures(audited: Audited, place: int, codes: np.ndarray) -> bool:
    """Whether near numbers mean near targets: a quantity then, and no name."""
    if is_category(audited.frame.iloc[:, place]):
        return False
    return _grouped(audited, audited.features[place], codes).unexplained < _NAME


def _whole_groups(codes: np.ndarray) -> np.ndarray:
    """Draw groups, with all of their rows, until there are enough rows."""
    if len(codes) <= _MOST_FITTED:
        return np.arange(len(codes))
    order = np.random.default_rng(0).permutation(codes.max() + 1)
    rank = np.argsort(order)[codes]
    sizes = np.bincount(rank)
    # Few groups would be regimes of their own, not examples of many.
    n_groups = max(int(np.searchsorted(np.cumsum(sizes), _MOST_FITTED)), _N_BLOCKS)
    rows = np.flatnonzero(rank < n_groups)
    return np.sort(np.random.default_rng(0).permutation(rows)[:_MOST_FITTED])


def _grouped(audited: Audited, table: np.ndarray, codes: np.ndarray) -> Judged:
    n_folds = min(max(_N_FOLDS, len(audited.splits)), len(np.unique(codes)))
    splitter = GroupKFold(n_folds, shuffle=True, random_state=0)
    return judge(table, audited.target, list(splitter.split(table, groups=codes)))


def far_better(given: Judged, kept: Judged, codes: np.ndarray, factor: float = _FACTOR) -> bool:
    """Whether a split looks far better than one that keeps groups together.

    The standard error of the difference takes groups for what was drawn.
    """
    a, b = given.unexplained, kept.unexplained
    if b < factor * a or b - a < _LEAST_SHARE:
        return False
    rows, at_given, at_kept = np.intersect1d(given.rows, kept.rows, return_indices=True)
    if len(rows) < 2:
        return False
    difference = kept.errors[at_kept] - given.errors[at_given]
    mean = difference.mean()
    sums = np.bincount(np.unique(codes[rows], return_inverse=True)[1], difference - mean)
    error = np.sqrt((sums**2).sum()) / len(rows)
    return bool(mean > _SURE * error)


def _may_name_groups(audited: Audited) -> Iterator[tuple[int, np.ndarray]]:
    """Give columns that may name groups, those with most values first, and their codes."""
    found = []
    for place, values in audited.features.items():
        codes = np.unique(np.nan_to_num(values[:, 0], nan=-1e9), return_inverse=True)[1]
        sizes = np.bincount(codes)
        often = sizes[codes] >= _LEAST_REPEATS
        least = _LEAST_VALUES if is_category(audited.frame.iloc[:, place]) else _LEAST_NUMBERS
        if len(sizes) < least or often.mean() < 0.8 or sizes.max() > _LARGEST * len(codes):
            continue
        if not _parts(audited, codes):
            continue
        found.append((-len(sizes), _is_measured(values), place, codes))
    found.sort(key=lambda entry: entry[:3])
    seen: list[np.ndarray] = []
    for *_, place, codes in found:
        if len(seen) == _MOST_COLUMNS:
            return
        if not any(_one_to_one(codes, other) for other in seen):
            seen.append(codes)
            yield place, codes


def _parts(audited: Audited, codes: np.ndarray) -> bool:
    """Whether a fold has equal values on both sides for most of what it holds out."""
    shared = [np.isin(codes[test], codes[train]).mean() for train, test in audited.splits]
    return float(np.mean(shared)) > 0.5


def _same_as(audited: Audited, codes: np.ndarray, place: int) -> list[int]:
    """Give columns that name the same groups; what was measured once a group is no name."""
    found = []
    for other, values in audited.features.items():
        if _is_measured(values):
            continue
        theirs = np.unique(np.nan_to_num(values[:, 0], nan=-1e9), return_inverse=True)[1]
        if other != place and _one_to_one(codes, theirs):
            found.append(other)
    return found


def _is_measured(values: np.ndarray) -> bool:
    """Whether numbers have fractions, which names have not."""
    return bool((np.nan_to_num(values) % 1 != 0).any())


def _one_to_one(codes: np.ndarray, others: np.ndarray) -> bool:
    n_pairs = len(np.unique(codes * (others.max() + 1) + others))
    return n_pairs == codes.max() + 1 == others.max() + 1


def find_ignored_order(audited: Audited) -> list[Finding]:
    """Find a time, or an order of the rows, in which neighbours predict each other."""
    if audited.groups is not None or _keeps_order(audited):
        return []
    found: list[Finding] = []
    seen: list[np.ndarray] = []
    for name, where, ranks, places in _orders(audited):
        places_of_time = name.startswith("a time")
        if any(abs(np.corrcoef(ranks, other)[0, 1]) > _ORDERED for other in seen):
            continue
        seen.append(ranks)
        rows, blocks = _blocks(ranks)
        if blocks.max() < _N_FOLDS:
            continue
        part = audited.at(rows)
        table = part.without(*places)
        given = judge(table, part.target, part.splits)
        kept = _grouped(part, table, blocks)
        if far_better(given, kept, blocks, _FACTOR if places_of_time else _FACTOR_OF_ROWS):
            found.append(
                Finding(
                    name,
                    where,
                    {
                        "unexplained, split as given": given.unexplained,
                        "blocks kept together": kept.unexplained,
                    },
                    "If new rows come later, or from elsewhere, split accordingly: "
                    "TimeSeriesSplit, or blocks (weeks, sites, subjects) as groups=.",
                )
            )
    return found


def _blocks(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut an order into blocks; of many rows, neighbours in the midst of each are taken."""
    n_rows, n_blocks = len(ranks), min(_N_BLOCKS, len(ranks) // 10)
    if n_blocks == 0:
        return np.arange(n_rows), np.zeros(n_rows, dtype=int)
    blocks = ranks * n_blocks // n_rows
    within = ranks - blocks * n_rows // n_blocks
    rows = np.flatnonzero(within < _MOST_FITTED // n_blocks)
    return rows, blocks[rows]


def _orders(audited: Audited) -> Iterator[tuple[str, str, np.ndarray, list[int]]]:
    """Give columns of time, and the order of the rows: the rank of each row, and the columns."""
    columns = {}
    for place in range(audited.frame.shape[1]):
        ranks = _time_ranks(audited, place)
        if ranks is not None:
            columns[place] = ranks
    for place, ranks in columns.items():
        yield "a time column that the split ignores", audited.name(place), ranks, [place]
    yield (
        "an order of the rows that the split ignores",
        "the rows as they come",
        np.arange(audited.n_rows),
        list(columns),
    )


def _time_ranks(audited: Audited, place: int) -> np.ndarray | None:
    """Rank rows by a column of dates, or by numbers that grow with the rows."""
    column = audited.frame.iloc[:, place]
    dates = dates_of(column)
    if dates is not None:
        values = np.array(days_of(dates))
    elif is_category(column):
        return None
    else:
        values = audited.features[place][:, 0]
        many = len(np.unique(values)) > audited.n_rows / 20
        known = values[~np.isnan(values)]
        filled = np.nan_to_num(values, nan=float(np.median(known)) if len(known) else 0.0)
        order = np.argsort(np.argsort(filled, kind="stable"))
        if not many or abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < _ORDERED:
            return None
    filled = np.nan_to_num(values, nan=float(np.nanmedian(values)))
    return np.argsort(np.argsort(filled, kind="stable"))


def _keeps_order(audited: Audited) -> bool:
    """Whether the folds are blocks of rows already."""
    fold = audited.fold
    changes = int((np.diff(fold) != 0).sum())
    return changes <= max(2 * len(audited.splits), audited.n_rows // 20)
