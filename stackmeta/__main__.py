"""The command line: ``stackmeta fit``, ``stackmeta predict`` and ``stackmeta report``."""

from __future__ import annotations

import argparse
import math
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ._cli_io import UserError
from ._cli_memory import add_memory

if TYPE_CHECKING:
    import pandas as pd

# Share of --time-limit that is kept for scoring the held-out rows and saving.
_KEPT_SHARE = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process by default.

    Returns
    -------
    status : int
        0; 2 after an error that the user can put right; 130 after Ctrl-C.
    """
    options = _parser().parse_args(argv)
    try:
        with _warnings_as_lines():
            options.run(options)
            sys.stdout.flush()
    except UserError as error:
        print(f"stackmeta: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stackmeta: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stackmeta", description="Stacked generalization of a table, in two commands."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser(
        "fit",
        help="stack learners on a table and save the model",
        description="Stack seven kinds of learners on a table, score the stack on rows held out "
        "from it, and save it.",
    )
    fit.add_argument("table", metavar="TABLE", help="CSV or parquet file")
    fit.add_argument("--target", required=True, metavar="COLUMN", help="column to predict")
    fit.add_argument(
        "--task",
        choices=("auto", "classification", "regression"),
        default="auto",
        help="auto (default): classification for labels and few whole numbers",
    )
    fit.add_argument(
        "--time-limit", type=_positive, metavar="S", help="seconds for the whole command"
    )
    fit.add_argument(
        "--out",
        default="stackmeta_model",
        metavar="DIR",
        help="folder to save to (default: stackmeta_model)",
    )
    fit.add_argument("--cv", type=_folds, default=5, metavar="N", help="folds (default: 5)")
    fit.add_argument(
        "--group",
        metavar="COLUMN",
        help="rows of one group stay together in every split; the column is no feature",
    )
    fit.add_argument("--n-jobs", type=int, metavar="N", help="fits at once; -1: all processors")
    fit.add_argument(
        "--holdout",
        type=_share,
        default=0.2,
        metavar="FRACTION",
        help="share of rows that the stack is scored on, not fitted (default: 0.2; 0: none)",
    )
    fit.add_argument(
        "--store",
        metavar="DIR",
        help="folder that keeps every finished fit: the same command, run again, repeats none",
    )
    fit.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")
    fit.set_defaults(run=_fit)

    predict = commands.add_parser(
        "predict",
        help="predict a table with a saved model",
        description="Predict a table. A model file is a pickle, which can run any code when it "
        "is loaded: use only models from people you trust.",
    )
    predict.add_argument("model", metavar="MODEL", help="folder or file that fit saved")
    predict.add_argument("table", metavar="TABLE", help="CSV or parquet file")
    predict.add_argument(
        "--out", metavar="FILE", help="CSV or parquet file to write (default: standard output)"
    )
    predict.set_defaults(run=_predict)

    report = commands.add_parser(
        "report",
        help="write a page that says how good a saved model is",
        description="Write one HTML page about a model, judged on the rows of a table that it "
        "was not fitted on. A model file is a pickle, which can run any code when it is loaded: "
        "use only models from people you trust.",
    )
    report.add_argument("model", metavar="MODEL", help="folder or file that fit saved")
    report.add_argument(
        "table", metavar="TABLE", help="CSV or parquet file with the target, such as that of fit"
    )
    report.add_argument(
        "--out",
        default="report.html",
        metavar="FILE",
        help="HTML file to write (default: report.html)",
    )
    report.set_defaults(run=_report)
    add_memory(commands)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and finite")
    return value


def _folds(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError(f"{text} is not at least 2")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _one_line(message: Warning | Exception | str) -> str:
    return " ".join(str(message).split())


@contextmanager
def _warnings_as_lines() -> Any:
    """Print each warning once, as one line without the source code."""
    seen = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        line = _one_line(message)
        if line not in seen:
            seen.add(line)
            print(f"stackmeta: warning: {line}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _fit(options: argparse.Namespace) -> None:
    from ._cli_data import (
        check_column,
        choose_task,
        drop_rows_without,
        split_rows,
        target_values,
    )
    from ._cli_io import LEADERBOARD_FILE, make_folder, read_table, save_model
    from ._cli_page import row_prints
    from ._cli_report import leaderboard_text, scores_text

    started = perf_counter()
    table = read_table(options.table)
    check_column(table, options.target, "--target")
    if options.group is not None:
        check_column(table, options.group, "--group")
        if options.group == options.target:
            raise UserError("--group and --target name the same column.")
    table = drop_rows_without(table, options.target)
    if options.group is not None:
        table = drop_rows_without(table, options.group)
    target = table[options.target]
    task, reason = choose_task(target, options.task)
    y = target_values(target, task)
    groups = None if options.group is None else table[options.group].astype(str).to_numpy(object)
    X = table.drop(columns=[c for c in (options.target, options.group) if c is not None])
    if X.shape[1] == 0:
        raise UserError("The table has no column besides the target.")
    folder = make_folder(options.out)

    print(f"{options.table}: {len(X)} rows, {X.shape[1]} columns to learn from")
    other = "regression" if task == "classification" else "classification"
    print(f"Task: {task} ({reason}; --task {other} overrules it)")
    try:
        train, test = split_rows(y, task, options.holdout, groups, options.seed)
        stack = _make_stack(task, options, started)
        stack.fit(X.iloc[train], y[train], groups=None if groups is None else groups[train])
    except (ValueError, TimeoutError) as error:
        raise UserError(str(error)) from error

    leaderboard = stack.leaderboard()
    print(f"\n{leaderboard_text(leaderboard)}")
    if len(test):
        print(f"\nOn {len(test)} rows held out from all of this:")
        print(scores_text(stack, leaderboard, task, X.iloc[test], y[test]))
    leaderboard.to_csv(folder / LEADERBOARD_FILE, index=False)
    fitted = row_prints(X.iloc[train], y[train])
    file = save_model(folder, stack, list(X.columns), options.target, task, fitted)
    print(f"\nModel: {file}   leaderboard: {folder / LEADERBOARD_FILE}")
    print(f"Predict with: stackmeta predict {folder} TABLE   ({perf_counter() - started:.0f} s)")
    print(f"See it with: stackmeta report {folder} {options.table}")


def _make_stack(task: str, options: argparse.Namespace, started: float) -> Any:
    from .combiners import ConvexClassifier, ConvexRegressor
    from .learners import default_learners
    from .stacking import StackingClassifier, StackingRegressor

    classifies = task == "classification"
    learners = default_learners(task, random_state=options.seed)
    time_limit = options.time_limit
    if time_limit is not None:
        # At least a little, so that too short a limit gets the stack's own error.
        left = time_limit * (1 - _KEPT_SHARE) - (perf_counter() - started)
        time_limit = max(round(left, 1), 0.1)
    return (StackingClassifier if classifies else StackingRegressor)(
        learners,
        ConvexClassifier() if classifies else ConvexRegressor(),
        cv=_folds_like_holdout(classifies, options),
        n_jobs=options.n_jobs,
        on_error="drop",
        time_limit=time_limit,
        store=options.store,
        random_state=options.seed,
        verbose=1,
    )


def _folds_like_holdout(classifies: bool, options: argparse.Namespace) -> Any:
    """Draw folds as the held-out rows are drawn: at random, or by group."""
    from sklearn.model_selection import KFold, StratifiedKFold

    if options.group is not None:
        return options.cv
    splitter = StratifiedKFold if classifies else KFold
    return splitter(options.cv, shuffle=True, random_state=options.seed)


def _predict(options: argparse.Namespace) -> None:
    from ._cli_io import check_table_path, load_model, read_table, write_table

    if options.out is not None:
        check_table_path(options.out)
    saved = load_model(options.model)
    table = read_table(options.table)
    if missing := [name for name in saved["columns"] if name not in table.columns]:
        raise UserError(
            f"{options.table} lacks columns that the model needs: {', '.join(missing)}."
        )
    predictions = _predictions(saved["stack"], table[saved["columns"]], saved["task"])
    write_table(predictions, options.out)
    if options.out is not None:
        print(f"{len(predictions)} predictions: {options.out}")


def _report(options: argparse.Namespace) -> None:
    from ._cli_io import load_model, read_table
    from ._cli_page import check_page_path, rows_to_judge

    check_page_path(options.out)
    saved = load_model(options.model)
    X, y = rows_to_judge(saved, read_table(options.table), options.table)
    title = f"Predicting {saved['target']}"
    try:
        path = saved["stack"].report(options.out, X, y, title=title)
    except (ValueError, AttributeError) as error:
        raise UserError(str(error)) from error
    print(f"Report: {path}")


def _predictions(stack: Any, X: pd.DataFrame, task: str) -> pd.DataFrame:
    import pandas as pd

    if task == "regression":
        return pd.DataFrame({"prediction": stack.predict(X)})
    probabilities = stack.predict_proba(X)
    # The likeliest class is what the stack's predict gives, without asking the learners again.
    return pd.DataFrame(
        {
            "prediction": stack.classes_[probabilities.argmax(axis=1)],
            **{
                f"probability_{label}": column
                for label, column in zip(stack.classes_, probabilities.T, strict=True)
            },
        }
    )


if __name__ == "__main__":
    sys.exit(main())
