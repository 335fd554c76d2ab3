"""What a fit of each learner of the portfolio is expected to cost."""

from __future__ import annotations

# Seconds of a fit on 1,000 rows x 10 columns with one or two targets, and the powers by which they
# grow with rows, columns, and classes. Least squares of log seconds over real tables of 450 to
# 7,000 training rows, drawn towards powers of 0.8, 0.6 and 0.7; right within a factor of two,
# which is enough to begin with: once fits have ended, their own seconds count.
_COSTS = {
    "extra_trees": (0.35, 0.89, 0.38, -0.01),
    "forest": (0.52, 1.09, 0.24, 0.05),
    "gaussian_process": (1.22, 0.53, -0.05, 0.18),
    "kernel": (0.11, 0.67, 0.30, 0.08),
    "lightgbm": (0.23, 0.63, 0.51, 0.40),
    "lightgbm_crosses": (0.40, 0.75, 0.32, 0.55),
    "lightgbm_extra": (0.24, 0.69, 0.45, 0.60),
    "lightgbm_linear": (0.16, 0.23, 0.76, 0.70),
    "lightgbm_small": (0.15, 0.58, 0.55, 0.42),
    "linear": (0.04, 0.27, 0.76, -0.03),
    "neighbours": (0.04, 0.39, 0.61, -0.09),
    "network": (0.64, 0.63, -0.04, 0.24),
    "network_bins": (0.63, 0.81, 0.47, 0.05),
    "network_smooth": (1.14, 0.74, 0.30, 0.62),
    "network_wide": (0.73, 0.59, 0.08, 0.21),
    "splines": (0.05, 0.55, 0.81, -0.04),
    "xgboost": (0.28, 0.59, 0.71, 0.53),
    "xgboost_lossguide": (0.29, 0.58, 0.70, 0.49),
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
