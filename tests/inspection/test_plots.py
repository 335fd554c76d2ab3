"""Displays: what they show of 3 and of 60 learners, and that names stay names."""

import builtins
import sys

import pytest

pytest.importorskip("matplotlib")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB

from stackmeta import ConvexClassifier, StackingClassifier, StackingRegressor
from stackmeta.inspection import (
    CombinerCurveDisplay,
    CostDisplay,
    DiversityDisplay,
    SelectionPathDisplay,
    TimelineDisplay,
    WeightsDisplay,
    calibration_display,
)
from stackmeta.inspection.costs import pareto_front
from stackmeta.inspection.plots.axes import shortened
from stackmeta.inspection.plots.timeline import _lanes
from stackmeta.out_of_fold.result import FitRecord

from .given import CLASSIFIERS, NUMBERS, TWO, of_flowers, of_numbers, of_sixty, super_learner

DISPLAYS = [
    CombinerCurveDisplay,
    CostDisplay,
    DiversityDisplay,
    SelectionPathDisplay,
    TimelineDisplay,
    WeightsDisplay,
]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(display):
    """Whether all that is drawn has room in the figure, and there is some text."""
    figure = display.figure_
    figure.canvas.draw()
    box, size = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= -0.05, box
    assert box.y0 >= -0.05, box
    assert box.x1 <= size[0] + 0.05, box
    assert box.y1 <= size[1] + 0.05, box
    return bool(display.ax_.get_xlabel() or display.ax_.get_xticklabels())


@pytest.mark.parametrize("stack", [of_numbers, of_flowers, of_sixty, super_learner])
@pytest.mark.parametrize("display", DISPLAYS)
def test_from_estimator(display, stack):
    found = display.from_estimator(stack())
    assert found.figure_ is found.ax_.figure
    assert drawn(found)


@pytest.mark.parametrize("display", DISPLAYS)
def test_on_axes_of_ones_own_and_again(display):
    _, ax = plt.subplots()
    found = display.from_estimator(of_numbers(), ax=ax)
    assert found.ax_ is ax
    assert found.plot().ax_ is not ax


def test_weights_are_those_of_the_stack():
    found = WeightsDisplay.from_estimator(of_numbers())
    weights = sorted((w for w in of_numbers().learner_weights_.values() if w), reverse=True)
    np.testing.assert_allclose([bar.get_width() for bar in found.bars_], weights)
    assert found.ax_.get_xlabel() == "weight"
    assert WeightsDisplay.from_estimator(super_learner()).meaning.startswith("weight in a convex")
    assert "of weight 0" in WeightsDisplay.from_estimator(of_sixty()).ax_.get_title(loc="right")


def test_coefficients():
    stack = StackingRegressor([("a", Ridge()), ("b", Ridge(10.0))]).fit(*NUMBERS)
    found = WeightsDisplay.from_estimator(stack)
    assert found.meaning == "coefficient"
    assert list(found.weights.values()) == list(stack.final_estimator_.coef_)


def test_names_are_no_formulas():
    learners = [
        ("$\\frac", GaussianNB()),
        ("<b>", CLASSIFIERS[1][1]),
        ("x" * 90, GaussianNB(var_smoothing=0.1)),
    ]
    stack = StackingClassifier(learners, ConvexClassifier()).fit(*TWO)
    for display in DISPLAYS:
        drawn(display.from_estimator(stack))


def test_long_names_stay_apart():
    names = [f"tree_of_depth_{k}_which_is_a_long_name" for k in range(30)]
    assert len(set(shortened(names, 20))) == 30
    assert all(len(name) <= 20 for name in shortened(names, 20))


def test_selection_path_is_the_loss_of_the_first_so_many():
    path = SelectionPathDisplay.from_estimator(of_numbers()).path
    assert list(path.n_learners) == [1, 2, 3]
    assert path.losses[0] == pytest.approx(of_numbers().oof_.loss()[path.names[0]])
    assert path.errors[path.losses.argmin()] == 0
    long = SelectionPathDisplay.from_estimator(of_sixty()).path
    assert long.n_learners[-1] == 60
    assert len(long.n_learners) < 25


def test_combiner_curve_ends_at_the_stack():
    curve = CombinerCurveDisplay.from_estimator(of_numbers()).curve
    assert curve.n_rows[-1] == pytest.approx(442 * 4 / 5, abs=1)
    assert list(curve.n_rows) == sorted(curve.n_rows)
    path = SelectionPathDisplay.from_estimator(of_numbers()).path
    assert curve.losses[-1] == pytest.approx(path.losses[-1])


def test_costs():
    assert list(pareto_front([3, 1, 2, np.nan], [1, 3, 4, 0])) == [1, 0]
    found = CostDisplay.from_estimator(of_numbers())
    best = of_numbers().leaderboard(gain=False)["learner"].iloc[0]
    assert found.front_[-1] == best
    assert CostDisplay.from_estimator(of_numbers(), NUMBERS[0]).seconds == "predict_seconds"


def test_timeline_has_a_lane_a_worker_and_no_overlap():
    def record(started, seconds, worker):
        return FitRecord("a", 0, seconds, started, worker)

    records = [record(0, 2, 7), record(2, 1, 7), record(0, 1, 9), record(0.5, 1, 9)]
    assert _lanes(records) == [0, 0, 1, 2]


def test_diversity_measures():
    for measure in ("q_statistic", "double_fault", "disagreement"):
        drawn(DiversityDisplay.from_estimator(of_flowers(), measure=measure))
    with pytest.raises(ValueError, match="for classes"):
        DiversityDisplay.from_estimator(of_numbers(), measure="q_statistic")
    with pytest.raises(ValueError, match="measure='kappa'"):
        DiversityDisplay.from_estimator(of_flowers(), measure="kappa")


def test_calibration_is_scikit_learns_on_rows_held_out():
    found = calibration_display(of_sixty())
    assert isinstance(found, CalibrationDisplay)
    in_sample = of_sixty().predict_proba(TWO[0])[:, 1]
    assert not np.isin(found.y_prob, in_sample).all()
    assert calibration_display(of_flowers(), pos_label=1)
    with pytest.raises(ValueError, match="pos_label"):
        calibration_display(of_flowers(), pos_label="rose")
    with pytest.raises(ValueError, match="no probabilities"):
        calibration_display(of_numbers())


def test_what_cannot_be_shown():
    with pytest.raises(TypeError, match="GaussianNB"):
        WeightsDisplay.from_estimator(GaussianNB())
    with pytest.raises(ValueError, match="no fit to show"):
        TimelineDisplay([]).plot()


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r'WeightsDisplay .* pip install "stackmeta\[plot\]"'):
        WeightsDisplay({"a": 1.0}).plot()
