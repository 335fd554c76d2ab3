"""What a fit of each learner of the portfolio is expected to cost."""

from __future__ import annotations

# Seconds of a fit on 1,000 rows x 10 columns with one or two targets, and the powers by which they
# grow with rows, columns, and classes. Least squares of log seconds over eleven real tables of 400
# to 7,000 training rows, drawn towards powers of 0.7, 0.4 and 0.4; mostly right within a factor of
# 1.5, which is enough to begin with: once fits have ended, their own seconds count.
_COSTS = {
    "linear": (0.05, 0.24, 0.63, 0.20),
    "splines": (0.07, 0.42, 0.68, 0.20),
    "lightgbm_small": (0.15, 0.54, 0.44, 0.40),
    "neighbours": (0.04, 0.32, 0.57, 0.03),
    "xgboost_lossguide": (0.38, 0.31, 0.42, 0.36),
    "kernel": (0.11, 0.66, 0.27, 0.36),
    "lightgbm_crosses": (0.50, 0.56, 0.14, 0.36),
    "network": (0.83, 0.45, -0.13, 0.11),
    "lightgbm_linear": (0.16, 0.42, 0.42, 0.40),
    "lightgbm_extra": (0.26, 0.69, 0.26, 0.27),
    "xgboost": (0.27, 0.44, 0.52, 0.33),
    "network_bins": (0.68, 0.59, 0.39, 0.02),
    "extra_trees": (0.18, 0.65, 0.47, 0.05),
    "extra_trees_wide": (0.25, 0.70, 0.60, 0.05),
    "gaussian_process": (0.85, 0.44, -0.02, 0.35),
    "network_wide": (0.79, 0.51, -0.05, 0.19),
    "forest": (0.24, 0.66, 0.31, -0.05),
    "lightgbm": (0.19, 0.64, 0.47, 0.40),
    "xgboost_indicators": (0.30, 0.60, 0.50, 0.40),
    "elastic_net": (0.10, 0.60, 0.50, 0.80),
    "naive_bayes": (0.07, 0.50, 0.40, 0.10),
    "lightgbm_deep": (0.50, 0.60, 0.45, 0.60),
    "lightgbm_median": (0.30, 0.60, 0.50, 0.40),
    "network_smooth": (1.12, 0.59, 0.21, 0.18),
    "xgboost_dart": (1.60, 0.80, 0.40, 0.80),
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
