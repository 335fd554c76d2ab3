"""What a few labelled rows say about a column, and about the whole table.

Both are numbers of about unit size that mean the same in every table: what was learned on columns
of earlier tables can be said of columns never seen.
"""

from __future__ import annotations

import numpy as np

from .features import KINDS, ColumnFeatures

#: Descriptors of a column, in the order of ``theta``.
COLUMN_DESCRIPTORS = (
    "association",
    "log_f",
    "category",
    "text",
    "date",
    "missing_indicator",
    "log_distinct_share",
    "missing",
    "skew",
    "redundancy",
)
#: Descriptors of a labelled table, in the order of ``sharpness``.
TABLE_DESCRIPTORS = (
    "one",
    "log_columns",
    "log_rows_a_class",
    "log_classes",
    "mean_association",
    "largest_association",
)
# Rows beyond the classes at which a share of explained variance is half believed.
_HALF_BELIEVED = 4.0


def describe_columns(
    features: np.ndarray, fitted: ColumnFeatures, codes: np.ndarray, n_classes: int
) -> np.ndarray:
    """Describe each column by the labelled rows.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        Labelled rows.
    fitted : ColumnFeatures
        That made them.
    codes : ndarray of shape (n_rows,)
        Classes 0 … n_classes - 1.
    n_classes : int
        Number of classes.

    Returns
    -------
    descriptors : ndarray of shape (n_columns, n_descriptors)
        As ``COLUMN_DESCRIPTORS``.
    """
    n_columns, n_rows = len(fitted.kinds_), len(features)
    association, log_f = _association(features, fitted.column_of_, codes, n_classes, n_columns)
    kind = {name: (fitted.kinds_ == i).astype(float) for i, name in enumerate(KINDS)}
    return np.column_stack(
        [
            association,
            log_f,
            kind["category"],
            kind["text"],
            kind["date"],
            kind["missing"],
            np.log(np.maximum(fitted.distinct_, 1.0) / max(n_rows, 1)),
            fitted.missing_,
            np.log1p(np.abs(fitted.skew_)),
            _redundancy(features, fitted.column_of_, n_columns),
        ]
    ).reshape(n_columns, len(COLUMN_DESCRIPTORS))


def describe_table(descriptors: np.ndarray, n_rows: int, n_classes: int) -> np.ndarray:
    """Describe a labelled table.

    Parameters
    ----------
    descriptors : ndarray of shape (n_columns, n_descriptors)
        Of its columns.
    n_rows : int
        Labelled rows.
    n_classes : int
        Number of classes.

    Returns
    -------
    descriptors : ndarray of shape (n_table_descriptors,)
        As ``TABLE_DESCRIPTORS``; about 0 for a usual table.
    """
    association = descriptors[:, 0] if len(descriptors) else np.zeros(1)
    return np.array(
        [
            1.0,
            np.log(max(len(descriptors), 1) / 15),
            np.log(n_rows / n_classes / 5),
            np.log(n_classes / 3),
            association.mean(),
            association.max(),
        ]
    )


def _association(
    features: np.ndarray, column_of: np.ndarray, codes: np.ndarray, n_classes: int, n_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of a column's variance between classes, freed of its bias; the shrunken log F.

    With one row a class there is nothing within classes to compare with: both are 0.
    """
    n_rows = len(features)
    freedom = n_rows - n_classes
    if freedom < 1 or n_classes < 2:
        return np.zeros(n_columns), np.zeros(n_columns)
    indicator = np.eye(n_classes)[codes]
    counts = np.maximum(indicator.sum(axis=0), 1.0)
    means = (indicator.T @ features) / counts[:, None]
    between = np.bincount(column_of, counts @ means**2, minlength=n_columns)
    total = np.bincount(column_of, (features**2).sum(axis=0), minlength=n_columns)
    share = np.clip(between / np.maximum(total, 1e-12), 0.0, 1.0)
    trust = freedom / (freedom + _HALF_BELIEVED)
    unbiased = np.clip(1 - (1 - share) * (n_rows - 1) / freedom, 0.0, 1.0)
    ratio = (share / (n_classes - 1)) / (np.maximum(1 - share, 0.02) / freedom)
    return trust * unbiased, trust * np.log(np.maximum(ratio, 0.1))


def _redundancy(features: np.ndarray, column_of: np.ndarray, n_columns: int) -> np.ndarray:
    """How much of a column's geometry other columns have, too, beyond chance.

    The mean RV coefficient with the other columns: of two numbers, the squared correlation.
    """
    n_rows = len(features)
    if n_columns < 2 or n_rows < 3:
        return np.zeros(n_columns)
    squares = (features.T @ features) ** 2
    member = np.zeros((len(column_of), n_columns))
    member[np.arange(len(column_of)), column_of] = 1.0
    products = member.T @ squares @ member
    norms = np.sqrt(np.maximum(np.diag(products), 1e-12))
    coefficient = products / norms[:, None] / norms
    mean = (coefficient.sum(axis=1) - 1) / (n_columns - 1)
    chance = 1 / (n_rows - 1)
    return np.clip((mean - chance) / (1 - chance), 0.0, 1.0)
