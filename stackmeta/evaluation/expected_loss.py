"""What a stack will lose on new rows, with an interval, beside each of its learners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..out_of_fold import OutOfFold
from .growth import gain_of_all_rows
from .judging import Candidate, Judge, candidates_of
from .uncertainty import Measured, interval, proportion_interval

if TYPE_CHECKING:
    import pandas as pd

# No learner has a name with two underscores in it.
STACK = "__stack__"
# How far off the gain by all rows is, as a part of it: for the stack, and for one learner.
_DOUBT, _DOUBT_OF_ONE = 0.75, 2.0


@dataclass(frozen=True, repr=False)
class ExpectedLoss:
    """The loss on new rows that out-of-fold predictions lead to expect.

    Attributes
    ----------
    mean : float
        Loss of the stack.
    se : float
        Its standard error.
    low, high : float
        Its interval.
    loss : str
        Name of the loss; ``"-roc_auc"`` is minus that score.
    level : float
        Confidence level of all intervals.
    gain : float
        What ``mean`` is below the cross-fitted loss, since the stack's learners see all rows.
    n_rows : int
        Rows that were judged.
    n_groups : int or None
        Groups among them, where groups are known: standard errors are then of groups.
    learners : DataFrame
        A row a learner, best first: ``learner``, ``loss``, ``se``, ``low``, ``high``,
        and by how much it loses more than the stack: ``difference``, ``difference_se``,
        ``difference_low``, ``difference_high``.
    fell_back : bool
        Whether the meta-learner has fallen back to the best single learner.
    by : DataFrame or None
        A row a slice, where slices were asked for; see :func:`loss_by`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import StackingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", Ridge(0.1)), ("neighbours", KNeighborsRegressor(15))]
    >>> expected = StackingRegressor(learners).fit(X, y).expected_loss()
    >>> expected.loss, round(expected.mean), round(expected.low), round(expected.high)
    ('root_mean_squared_error', 54, 51, 58)
    >>> list(expected.learners["learner"])
    ['ridge', 'neighbours']
    """

    mean: float
    se: float
    low: float
    high: float
    loss: str
    level: float
    gain: float
    n_rows: int
    n_groups: int | None
    learners: pd.DataFrame
    fell_back: bool = False
    by: pd.DataFrame | None = None

    @property
    def beats_best(self) -> bool:
        """Whether the stack is better than the best learner beyond doubt: an interval above 0."""
        return bool(len(self.learners)) and bool(self.learners["difference_low"].iloc[0] > 0)

    def __float__(self) -> float:
        return self.mean

    def __repr__(self) -> str:
        among = f"{self.n_rows} rows"
        among += "" if self.n_groups is None else f" in {self.n_groups} groups"
        lines = [
            f"Expected {self.loss} on new rows: {self.mean:.4g} ± {self.se:.2g} "
            f"({self.level:.0%} interval {self.low:.4g} to {self.high:.4g}; {among})"
        ]
        if len(self.learners):
            lines.append(self._beside_the_best())
        if self.fell_back:
            lines.append(
                "The meta-learner fell back to the best single learner: blending lost against it."
            )
        return "\n".join(lines)

    def _beside_the_best(self) -> str:
        best = self.learners.iloc[0]
        if best["difference"] == 0 and best["difference_se"] == 0:
            return f"Best learner: {best['learner']}, whose predictions are the stack's"
        how = "better" if best["difference"] >= 0 else "worse"
        sure = best["difference_low"] > 0 or best["difference_high"] < 0
        return (
            f"Best learner: {best['learner']}, {best['loss']:.4g}; the stack is {how} by "
            f"{abs(best['difference']):.2g} ± {best['difference_se']:.2g}"
            + ("" if sure else ", which is within what chance does")
        )


def expected_loss(
    oof: OutOfFold,
    stack: Candidate,
    *,
    read: list[str] | None = None,
    scoring: Any = None,
    groups: Any = None,
    level: float = 0.95,
    fell_back: bool = False,
) -> ExpectedLoss:
    """Expect the loss of a stack on new rows, and those of its learners.

    Parameters
    ----------
    oof : OutOfFold
        The learners' out-of-fold predictions.
    stack : Candidate
        The stack's: its meta-learner cross-fitted over the same folds.
    read : list of str, default=None
        Learners that the stack reads; None: all.
    scoring : str or callable, default=None
        A scikit-learn scorer; the loss is minus its score. None: root mean squared error, log
        loss, or the error rate where some learner gives no probabilities.
    groups : array-like of shape (n_rows,), default=None
        What was drawn together.
    level : float, default=0.95
        Confidence level of the intervals.
    fell_back : bool, default=False
        Whether the meta-learner has fallen back to the best single learner.

    Returns
    -------
    expected : ExpectedLoss

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from stackmeta import out_of_fold
    >>> from stackmeta.evaluation import Candidate, expected_loss
    >>> X, y = load_diabetes(return_X_y=True)
    >>> learners = [("ridge", Ridge(0.1)), ("neighbours", KNeighborsRegressor(15))]
    >>> oof = out_of_fold(learners, X, y)
    >>> mean = Candidate(oof.matrix.mean(axis=1, keepdims=True), "predict")
    >>> round(expected_loss(oof, mean).mean)
    54
    """
    import pandas as pd

    judge = judge_of(oof, stack, scoring, groups)
    gain = gain_of_all_rows(oof if read is None else oof.select(read), judge)
    rows = judge.rows(STACK)
    if len(rows) == 0:
        raise ValueError("No row is predicted by the stack out of fold: nothing can be judged.")
    whole = judge.measure(stack, rows)
    found = _with_gain(whole, gain, _DOUBT, judge, level)
    learners = [_beside(judge, name, gain, level) for name in oof.names if judge.comparable(name)]
    table = pd.DataFrame(learners, columns=_COLUMNS).sort_values(
        "loss", kind="stable", ignore_index=True
    )
    table.attrs["loss"] = judge.loss_name
    return ExpectedLoss(
        mean=found["mean"],
        se=found["se"],
        low=found["low"],
        high=found["high"],
        loss=judge.loss_name,
        level=level,
        gain=whole.value - found["mean"],
        n_rows=len(rows),
        n_groups=None if judge.groups is None else judge.clusters(rows).n,
        learners=table,
        fell_back=fell_back,
    )


_COLUMNS = ["learner", "loss", "se", "low", "high", "difference"]
_COLUMNS += ["difference_se", "difference_low", "difference_high"]


def judge_of(oof: OutOfFold, stack: Candidate, scoring: Any, groups: Any) -> Judge:
    """Put the stack among its learners, under a name that none of them has."""
    return Judge({**candidates_of(oof), STACK: stack}, oof.target, scoring, groups)


def _beside(judge: Judge, name: str, gain: float, level: float) -> dict[str, Any]:
    """Loss of a learner, and by how much it is above the stack's on the same rows."""
    rows = judge.rows(name, STACK)
    one, stack = (judge.measure(judge.candidates[x], rows) for x in (name, STACK))
    found = _with_gain(one, gain, _DOUBT_OF_ONE, judge, level)
    before = stack.value - _after(stack.value, gain, judge)
    difference = found["mean"] - _after(stack.value, gain, judge)
    apart = one.minus(stack)
    same = not apart.influence.any()
    se = 0.0 if same else float(np.hypot(apart.se, _DOUBT_OF_ONE * before))
    low, high = interval(difference, se, apart.dof, level)
    return {
        "learner": name,
        "loss": found.pop("mean"),
        **found,
        "difference": difference,
        "difference_se": se,
        "difference_low": low,
        "difference_high": high,
    }


def _after(loss: float, gain: float, judge: Judge) -> float:
    """Loss when learners see all rows."""
    if judge.loss_name == "root_mean_squared_error":
        return float(np.sqrt(max(loss * loss - gain, 0.0)))
    return max(loss - gain, 0.0) if judge.positive else loss - gain


def _with_gain(
    measured: Measured, gain: float, doubt: float, judge: Judge, level: float
) -> dict[str, float]:
    """Lower a measured loss by the gain, and widen its interval by the doubt about it."""
    mean = _after(measured.value, gain, judge)
    se = float(np.hypot(measured.se, doubt * (measured.value - mean)))
    if judge.loss_name == "error_rate" and judge.target.kind == "classes":
        n = mean * (1 - mean) / se**2 if se > 0 and 0 < mean < 1 else len(measured.influence)
        low, high = proportion_interval(mean * n, n, level)
    else:
        low, high = interval(mean, se, measured.dof, level, positive=judge.positive)
    return {"mean": mean, "se": se, "low": low, "high": high}
