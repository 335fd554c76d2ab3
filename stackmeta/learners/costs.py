"""What a fit of each learner of the portfolio is expected to cost."""

from __future__ import annotations

# Seconds of a fit on 1,000 rows x 10 columns with one or two targets, and the powers by which they
# grow with rows, columns, and classes. Least squares of log seconds over real tables of 450 to
# 7,000 training rows, drawn towards powers of 0.8, 0.6 and 0.7; right within a factor of two,
# which is enough to begin with: once fits have ended, their own seconds count.
_COSTS = {
    "extra_trees": (0.33, 0.76, 0.42, -0.11),
    "forest": (0.45, 0.91, 0.30, 0.12),
    "gaussian_process": (1.16, 0.46, -0.11, 0.27),
    "kernel": (0.10, 0.70, 0.23, 0.29),
    "lightgbm": (0.20, 0.64, 0.45, 0.79),
    "lightgbm_crosses": (0.37, 0.75, 0.22, 0.81),
    "lightgbm_extra": (0.22, 0.70, 0.37, 0.82),
    "lightgbm_linear": (0.18, 0.47, 0.58, 0.70),
    "lightgbm_small": (0.14, 0.64, 0.47, 0.80),
    "linear": (0.03, 0.28, 0.78, 0.08),
    "neighbours": (0.03, 0.39, 0.62, -0.06),
    "network": (0.64, 0.54, -0.03, 0.12),
    "network_bins": (0.59, 0.74, 0.44, 0.13),
    "network_smooth": (1.28, 0.70, 0.27, 0.36),
    "network_wide": (0.73, 0.62, -0.05, 0.41),
    "splines": (0.05, 0.51, 0.85, 0.07),
    "xgboost": (0.24, 0.53, 0.70, 0.79),
    "xgboost_lossguide": (0.25, 0.51, 0.68, 0.76),
}
_OTHERS = (0.3, 0.8, 0.5, 0.3)


def expected_seconds(name: str, n_rows: int, n_columns: int, n_classes: int) -> float:
    """Seconds of one fit on one core.

    Parameters
    ----------
    name : str
        A learner of the portfolio; of others, a guess.
    n_rows : int
        Training rows.
    n_columns : int
        Columns of the raw table.
    n_classes : int
        1 for a target of numbers.

    Returns
    -------
    seconds : float

    Examples
    --------
    >>> from stackmeta.learners.costs import expected_seconds
    >>> expected_seconds("lightgbm", 7000, 20, 26) > expected_seconds("linear", 7000, 20, 26)
    True
    """
    seconds, *powers = _COSTS.get(name, _OTHERS)
    sizes = (n_rows / 1000, n_columns / 10, max(n_classes - 1, 1))
    for size, power in zip(sizes, powers, strict=True):
        seconds *= size**power
    return seconds
