"""What `stackmeta report` decides about a table: which of its rows the model was not fitted on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cli_io import UserError

if TYPE_CHECKING:
    import pandas as pd

# With fewer rows, what they say of a model is mostly chance.
_LEAST_ROWS = 10


def row_prints(X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """Take a fingerprint of each row and its target.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)

    Returns
    -------
    prints : ndarray of shape (n_distinct,)
        Sorted 64-bit numbers, from which no value can be read.
    """
    return np.unique(_prints(X, y))


def _prints(X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    import pandas as pd
    from pandas.api.types import is_numeric_dtype
    from pandas.util import hash_array, hash_pandas_object

    # A column of whole numbers is read as floats where one is missing.
    plain = {
        str(i): X.iloc[:, i].to_numpy(float, na_value=np.nan)
        if is_numeric_dtype(X.dtypes.iloc[i])
        else X.iloc[:, i].astype(str).to_numpy(object)
        for i in range(X.shape[1])
    }
    labels = np.asarray([str(value) for value in y], dtype=object)
    return hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy() ^ hash_array(labels)


def check_page_path(path: str) -> None:
    """Refuse, before any work, a path that no page can be written to.

    Raises
    ------
    UserError
        If it is a folder, or in none, or its extension is not that of a page.
    """
    file = Path(path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {path}: a report is an .html file.")
    if file.is_dir() or not file.parent.is_dir():
        raise UserError(f"--out {path} cannot be written: there is no folder {file.parent}.")


def rows_to_judge(saved: dict[str, Any], table: pd.DataFrame, path: str) -> tuple[Any, Any]:
    """Choose the rows of a table that a model is judged on, and say so.

    Parameters
    ----------
    saved : dict
        What ``fit`` saved.
    table : DataFrame
    path : str
        Where the table came from.

    Returns
    -------
    X : DataFrame or None
        Rows that the model was not fitted on; None where there are hardly any.
    y : ndarray or None

    Raises
    ------
    UserError
        If columns are missing, or the target holds what the model does not know.
    """
    from ._cli_data import drop_rows_without, target_values

    target, columns = saved["target"], saved["columns"]
    if missing := [name for name in [*columns, target] if name not in table.columns]:
        raise UserError(f"{path} lacks columns that the report needs: {', '.join(missing)}.")
    table = drop_rows_without(table, target)
    if saved["task"] == "classification":
        y = _labels(table[target], saved["stack"].classes_)
    else:
        y = target_values(table[target], "regression")
    X = table[columns]
    if "fitted_rows" not in saved:
        print("The model does not say which rows it was fitted on: all rows are judged.")
        return X, y
    new = ~np.isin(_prints(X, y), saved["fitted_rows"])
    if new.sum() >= _LEAST_ROWS:
        print(f"{path}: judged on the {new.sum()} rows that the model was not fitted on")
        return X[new], y[new]
    print(
        f"{path}: the model was fitted on {len(X) - new.sum()} of its {len(X)} rows, so it is "
        "judged by its out-of-fold predictions alone"
    )
    return None, None


def _labels(values: pd.Series, classes: np.ndarray) -> np.ndarray:
    """Read a target column as labels of the classes' type."""
    by_text = {str(label): label for label in classes}
    if classes.dtype.kind in "iu":
        # Whole numbers that a missing value turned into floats.
        texts = [f"{value:.0f}" if isinstance(value, float) else str(value) for value in values]
    else:
        texts = [str(value) for value in values]
    if strange := sorted({text for text in texts if text not in by_text}):
        raise UserError(
            f"The target holds {', '.join(strange[:5])}, which the model does not know; it knows "
            f"{', '.join(list(by_text)[:10])}."
        )
    return np.array([by_text[text] for text in texts], dtype=classes.dtype)
