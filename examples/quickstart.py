"""Stack seven learners on a table, and compare with scikit-learn's own stack of the same.

Run it from anywhere: ``python examples/quickstart.py``. It takes some seconds.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import joblib
import pandas as pd
import sklearn.ensemble
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from stackmeta import ConvexClassifier, StackingClassifier
from stackmeta.learners import default_learners

TABLE = Path(__file__).with_name("breast_cancer.csv")
MODEL = Path("quickstart_model")


def main() -> None:
    """Fit both stacks, print how good they are, and save ours."""
    table = pd.read_csv(TABLE)
    X, y = table.drop(columns="diagnosis"), table["diagnosis"]
    X, X_new, y, y_new = train_test_split(X, y, stratify=y, random_state=0)
    learners = default_learners("classification")
    warm_up(learners, X, y)

    ours = StackingClassifier(learners, ConvexClassifier(), n_jobs=2, random_state=0)
    seconds = fit(ours, X, y)
    leaderboard = ours.leaderboard().drop(columns="path").round(3)
    print(f"{len(X)} rows, out-of-fold {leaderboard.attrs['loss'].replace('_', ' ')}:\n")
    print(leaderboard.to_string(index=False))

    # The same class name, learners and folds; its default meta-learner is a logistic regression.
    theirs = sklearn.ensemble.StackingClassifier(learners, n_jobs=2)
    scores = {
        "stackmeta": score(ours, X_new, y_new) | {"fit seconds": seconds},
        "scikit-learn": {"fit seconds": fit(theirs, X, y)} | score(theirs, X_new, y_new),
    }
    print(f"\n{len(X_new)} held-out rows:\n")
    print(pd.DataFrame(scores).T.round(4).to_string())

    MODEL.mkdir(exist_ok=True)
    joblib.dump(ours, MODEL / "model.joblib")
    print(f"\nModel: {(MODEL / 'model.joblib').resolve()}")


def warm_up(learners: list, X: pd.DataFrame, y: pd.Series) -> None:
    """Start joblib's worker processes, so that neither stack is billed for it."""
    StackingClassifier(learners, n_jobs=2, cv=2).fit(X, y)


def fit(stack: sklearn.ensemble.StackingClassifier, X: pd.DataFrame, y: pd.Series) -> float:
    """Fit a stack; return the seconds that it took."""
    started = perf_counter()
    stack.fit(X, y)
    return perf_counter() - started


def score(
    stack: sklearn.ensemble.StackingClassifier, X: pd.DataFrame, y: pd.Series
) -> dict[str, float]:
    """Score a stack on rows that it has not seen."""
    probabilities = stack.predict_proba(X)
    return {
        "log loss": log_loss(y, probabilities, labels=stack.classes_),
        "accuracy": accuracy_score(y, stack.predict(X)),
    }


if __name__ == "__main__":
    main()
