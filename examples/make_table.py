"""Write ``breast_cancer.csv`` from the data set that scikit-learn bundles.

python examples/make_table.py
"""

from pathlib import Path

from sklearn.datasets import load_breast_cancer


def main() -> None:
    """Write the table beside this file: 30 measurements and ``diagnosis``."""
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    table["diagnosis"] = bunch.target_names[bunch.target]
    table.to_csv(Path(__file__).with_name("breast_cancer.csv"), index=False)


if __name__ == "__main__":
    main()
