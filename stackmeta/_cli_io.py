"""What the command line reads and writes: tables, models, text."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.joblib"
PARTIAL_FILE = "model.partial"
LEADERBOARD_FILE = "leaderboard.csv"

_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_PARQUET = (".parquet", ".pq")
_SEPARATORS = ",;\t|"


class UserError(Exception):
    """Something that the user can put right; its message is all that is printed."""


def read_table(path: str) -> pd.DataFrame:
    """Read a CSV or parquet file.

    The separator of a CSV file (comma, semicolon, tab or bar) is told from its first line.

    Raises
    ------
    UserError
        If there is no such file, or it is not a table with rows and distinct columns.
    """
    import pandas as pd

    file = Path(path)
    is_csv = _has_table_extension(file)
    if not file.is_file():
        raise UserError(f"There is no file {path}.")
    try:
        if is_csv:
            table = pd.read_csv(file, sep=_separator(file), low_memory=False)
        else:
            table = pd.read_parquet(file).reset_index(drop=True)
    except ImportError as error:
        raise UserError(
            f"Parquet needs pyarrow: pip install 'stackmeta[parquet]' ({path})."
        ) from (error)
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} cannot be read as a table: {reason}") from error
    if table.empty:
        raise UserError(f"{path} holds no rows.")
    table.columns = [str(name) for name in table.columns]
    return table


def write_table(table: pd.DataFrame, path: str | None) -> None:
    """Write CSV or parquet by the extension; CSV to standard output without a path.

    Raises
    ------
    UserError
        If the extension is unknown or the file cannot be written.
    """
    if path is None:
        table.to_csv(sys.stdout, index=False)
        return
    file = Path(path)
    is_csv = _has_table_extension(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if is_csv:
            table.to_csv(file, index=False, sep="\t" if ".tsv" in file.suffixes else ",")
        else:
            table.to_parquet(file, index=False)
    except ImportError as error:
        raise UserError(
            f"Parquet needs pyarrow: pip install 'stackmeta[parquet]' ({path})."
        ) from (error)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def check_table_path(path: str) -> None:
    """Refuse, before any work, a path that no table can be written to.

    Raises
    ------
    UserError
        If the extension is unknown.
    """
    _has_table_extension(Path(path))


def _has_table_extension(file: Path) -> bool:
    """Tell CSV (True) from parquet (False)."""
    name = file.name.lower()
    if name.endswith((*_CSV, *_PARQUET)):
        return name.endswith(_CSV)
    raise UserError(f"{file} is no table: use {', '.join((*_CSV, *_PARQUET))}.")


def _separator(file: Path) -> str:
    import gzip

    open_text = gzip.open if file.suffix.lower() == ".gz" else open
    with open_text(file, "rt", encoding="utf-8") as lines:
        header = lines.readline()
    return max(_SEPARATORS, key=header.count)


def make_folder(path: str) -> Path:
    """Make the folder of a model before the fit, so that none is fitted in vain.

    Raises
    ------
    UserError
        If it cannot be made or written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PARTIAL_FILE).touch()
        (folder / PARTIAL_FILE).unlink()
    except OSError as error:
        raise UserError(f"--out {path} cannot be written: {error.strerror}.") from error
    return folder


def save_model(
    folder: Path, stack: Any, columns: Sequence[str], target: str, task: str, fitted: Any
) -> Path:
    """Save a fitted stack, and what is needed to give it a table, as a dict.

    ``fitted`` tells the rows that it was fitted on from others.

    Returns
    -------
    file : Path
    """
    import joblib

    file = folder / MODEL_FILE
    saved = {
        "stack": stack,
        "columns": list(columns),
        "target": target,
        "task": task,
        "fitted_rows": fitted,
        "versions": _versions(),
    }
    # Written beside and renamed: an interrupted save leaves no half file under the name.
    partial = folder / PARTIAL_FILE
    joblib.dump(saved, partial, compress=("zlib", 1))
    partial.replace(file)
    return file


def load_model(path: str) -> dict[str, Any]:
    """Load what :func:`save_model` saved, from the folder or the file.

    Raises
    ------
    UserError
        If there is no model.
    """
    import joblib

    file = Path(path)
    if file.is_dir():
        file = file / MODEL_FILE
    if not file.is_file():
        raise UserError(
            f"There is no model {file}. `stackmeta fit TABLE --target COLUMN` makes one."
        )
    try:
        saved = joblib.load(file)
    # Unpickling what is no model, or one of other versions, can raise anything.
    except Exception as error:
        raise UserError(f"{file} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(saved, dict) or not {"stack", "columns", "task"} <= saved.keys():
        raise UserError(f"{file} is no model that `stackmeta fit` saved.")
    return saved


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("stackmeta", "scikit-learn", "pandas", "lightgbm", "xgboost"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table for the terminal: first column left, numbers right."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        ).rstrip()
        for line in lines
    )
