"""What the command line prints about a fitted stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

from ._cli_io import text_table

if TYPE_CHECKING:
    import pandas as pd


def leaderboard_text(leaderboard: pd.DataFrame) -> str:
    """Lay out the leaderboard; a learner that is not in the stack says why.

    Parameters
    ----------
    leaderboard : DataFrame
        What ``stack.leaderboard()`` returned.

    Returns
    -------
    text : str
    """
    loss = _loss_name(leaderboard)
    rows = [
        (
            row["learner"],
            row["path"] if np.isnan(row["loss"]) else f"{row['loss']:.5g}",
            "-" if np.isnan(row["weight"]) else f"{row['weight']:.3f}",
            f"{row['fit_seconds']:.1f}",
        )
        for row in leaderboard.to_dict("records")
    ]
    return text_table(("learner", f"out-of-fold {loss}", "weight", "seconds"), rows)


def scores_text(
    stack: Any, leaderboard: pd.DataFrame, task: str, X: pd.DataFrame, y: np.ndarray
) -> str:
    """Score the stack and its best learner on held-out rows.

    Parameters
    ----------
    stack : StackingClassifier or StackingRegressor
        Fitted.
    leaderboard : DataFrame
        What ``stack.leaderboard()`` returned.
    task : {"classification", "regression"}
    X : DataFrame
        Held-out rows.
    y : ndarray of shape (n_rows,)
        Their target.

    Returns
    -------
    text : str
    """
    # A learner without weight is not fitted on all rows, so it cannot be scored.
    fitted = [name for name in leaderboard["learner"] if stack.named_estimators_[name] != "drop"]
    learner = stack.named_estimators_[fitted[0]]
    label = f"best single learner ({fitted[0]})"
    if task == "regression":
        header = ("", "RMSE", "R2")
        answers = {"stack": stack.predict(X), label: learner.predict(X)}
        pairs = {
            name: (root_mean_squared_error(y, answer), r2_score(y, answer))
            for name, answer in answers.items()
        }
    else:
        header = ("", "log loss", "accuracy")
        # Learners are fitted on codes, whose order is that of the classes.
        codes = np.searchsorted(stack.classes_, y)
        labels = np.arange(len(stack.classes_))
        answers = {
            "stack": stack.predict_proba(X),
            label: _with_sum_one(learner.predict_proba(X)),
        }
        pairs = {
            name: (
                log_loss(codes, answer, labels=labels),
                accuracy_score(codes, answer.argmax(axis=1)),
            )
            for name, answer in answers.items()
        }
    rows = [(name, f"{first:.5g}", f"{second:.4f}") for name, (first, second) in pairs.items()]
    return text_table(header, rows)


def _with_sum_one(probabilities: np.ndarray) -> np.ndarray:
    """Undo the rounding of XGBoost's float32 probabilities, of which log_loss would warn."""
    probabilities = probabilities.astype(np.float64)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _loss_name(leaderboard: pd.DataFrame) -> str:
    name = leaderboard.attrs["loss"]
    return "RMSE" if name == "root_mean_squared_error" else name.replace("_", " ")
