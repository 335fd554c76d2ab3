"""Sub-tasks of few rows, drawn from what is known of a table."""

from __future__ import annotations

import numpy as np

from .table_grams import TableGrams

#: Grams that are drawn of each table and number of rows.
DRAWS = 4


class WishartTasks:
    """Gram matrices that so many rows of each table might have shown.

    Records hold no rows, so the Gram matrix of a subset of rows is drawn from the Wishart
    distribution around that of the table. Errors have heavier tails than the normal distribution
    behind it: sub-tasks vary somewhat less than subsets of real rows do.

    Parameters
    ----------
    grams : TableGrams
        Tables.
    rows : sequence of int
        Numbers of rows.
    random_state : int
        Seeds the draws. A table's draws depend on its name and not on which others there are.

    Attributes
    ----------
    truth : list of ndarray of shape (n_known, n_known)
        Of each table, the Gram matrix of many rows.
    known : list of ndarray
        Positions of the learners that each table has.
    drawn : list of ndarray of shape (n_rows, DRAWS, n_known, n_known)
        Of each table, those of few.
    """

    def __init__(self, grams: TableGrams, rows: tuple[int, ...], random_state: int) -> None:
        self.grams, self.rows = grams, rows
        self.known = [grams.known(t) for t in range(len(grams))]
        self.truth = [grams.own(t) for t in range(len(grams))]
        self.drawn = []
        for name, gram in zip(grams.tables, self.truth, strict=True):
            rng = np.random.default_rng([random_state, *name.encode()])
            self.drawn.append(
                np.array([[wishart_mean(gram, n, rng) for _ in range(DRAWS)] for n in rows])
            )


def wishart_mean(gram: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the Gram matrix of ``n_rows`` rows where that of many rows is ``gram``.

    Parameters
    ----------
    gram : ndarray of shape (n_learners, n_learners)
        Positive semi-definite.
    n_rows : int
        Rows, at least 1; fewer than learners are fine.
    rng : numpy.random.Generator

    Returns
    -------
    drawn : ndarray of shape (n_learners, n_learners)

    Examples
    --------
    >>> import numpy as np
    >>> from stackmeta.experience.wishart_tasks import wishart_mean
    >>> gram = np.array([[2.0, 1.0], [1.0, 1.0]])
    >>> wishart_mean(gram, 100_000, np.random.default_rng(0)).round(1)
    array([[2., 1.],
           [1., 1.]])
    """
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(values.clip(0.0))
    errors = root @ rng.normal(size=(len(gram), n_rows))
    return errors @ errors.T / n_rows
