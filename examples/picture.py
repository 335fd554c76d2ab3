"""Draw the picture of the README: ``python examples/picture.py`` (needs ``stackmeta[plot]``)."""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackmeta import ConvexClassifier, StackingClassifier
from stackmeta.inspection import SelectionPathDisplay, WeightsDisplay

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Stack seven learners of handwritten digits, and draw them."""
    X, y = load_digits(return_X_y=True)
    learners = [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))),
        ("discriminant", LinearDiscriminantAnalysis()),
        ("neighbours", KNeighborsClassifier(15)),
        ("forest", RandomForestClassifier(200)),
        ("extra trees", ExtraTreesClassifier(200)),
        ("bayes", make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.1))),
        ("near", KNeighborsClassifier(3)),
    ]
    stack = StackingClassifier(learners, ConvexClassifier(), random_state=0).fit(X, y)
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    WeightsDisplay.from_estimator(stack, ax=axes[0])
    SelectionPathDisplay.from_estimator(stack, ax=axes[1])
    plt.savefig(ROOT / "docs" / "_static" / "stack.png", dpi=120)


if __name__ == "__main__":
    main()
