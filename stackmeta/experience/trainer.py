"""MetaTrainer: fill a memory with tasks drawn from tables, and test what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from .._default_folds import make_folds
from ..compat import Interval, StrOptions, fit_context
from ..learners.portfolio import PRESETS, portfolio
from ..learners.preparation import sharing
from ..out_of_fold import out_of_fold
from .describe import describe_table
from .leave_one_table_out import TriedTask, leave_one_table_out
from .lessons import as_memory
from .recording import gram_of, record_of
from .sub_tasks import SubTask, sub_tasks


class MetaTrainer(BaseEstimator):
    """Learn from a distribution of tasks, and say what that is worth on tables never seen.

    Each table gives tasks of several sizes: draws of rows, of columns and of classes. The
    portfolio is fitted out of fold on each, which is recorded in the memory under the name of
    the table; the rows that are left judge it. :meth:`evaluate` leaves one *table* out at a time:
    nothing of it, nor of any task drawn from it, is known when it is tested.

    Parameters
    ----------
    memory : TaskMemory, str or Path
        Where tasks are recorded.
    n_rows : tuple of int, default=(100, 300, 1000)
        Training rows of the tasks.
    n_tasks : int, default=1
        Tasks of each size that are drawn from a table.
    least_columns : float, default=1.0
        Each task keeps a share of the columns that is drawn between this and 1.
    class_subsets : bool, default=False
        Whether tasks of more than two classes keep some of them, at random.
    preset : {"fast", "balanced", "best"}, default="best"
        Learners that are fitted, see :func:`stackmeta.learners.portfolio`.
    n_folds : int, default=8
        Folds of a task.
    n_jobs : int, default=None
        Fits that joblib runs at once.
    verbose : int, default=0
        1 prints a line a task.
    random_state : int, default=0
        Seed of the draws and of the learners.

    Attributes
    ----------
    tasks_ : list of TriedTask
        The tasks, and how their learners did on the rows that were left.

    See Also
    --------
    TaskMemory : The records.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_breast_cancer, load_iris, load_wine
    >>> from stackmeta.experience import MetaTrainer
    >>> tables = {
    ...     load.__name__: load(return_X_y=True)
    ...     for load in (load_breast_cancer, load_iris, load_wine)
    ... }
    >>> path = Path(tempfile.mkdtemp()) / "memory.sqlite"
    >>> trainer = MetaTrainer(path, n_rows=(60,), preset="fast", n_folds=3)
    >>> trainer = trainer.fit(classification=tables)
    >>> len(trainer.tasks_)
    3
    >>> trainer.evaluate(budgets=[0.5]).columns.tolist()
    ['table', 'task', 'rows', 'budget', 'without', 'with', 'change']
    """

    _parameter_constraints: dict = {
        "memory": "no_validation",
        "n_rows": ["array-like"],
        "n_tasks": [Interval(Integral, 1, None, closed="left")],
        "least_columns": [Interval(Real, 0, 1, closed="right")],
        "class_subsets": ["boolean"],
        "preset": [StrOptions(set(PRESETS))],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
        "random_state": [Integral],
    }

    def __init__(
        self,
        memory: Any,
        *,
        n_rows: Sequence[int] = (100, 300, 1000),
        n_tasks: int = 1,
        least_columns: float = 1.0,
        class_subsets: bool = False,
        preset: str = "best",
        n_folds: int = 8,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: int = 0,
    ) -> None:
        self.memory = memory
        self.n_rows = n_rows
        self.n_tasks = n_tasks
        self.least_columns = least_columns
        self.class_subsets = class_subsets
        self.preset = preset
        self.n_folds = n_folds
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        classification: Mapping[str, tuple] | None = None,
        regression: Mapping[str, tuple] | None = None,
    ) -> MetaTrainer:
        """Draw tasks from tables, fit the portfolio on each, and record them.

        Parameters
        ----------
        classification : dict of str to (X, y) or (X, y, groups), default=None
            Raw tables by name, with a target of classes.
        regression : dict of str to (X, y) or (X, y, groups), default=None
            Raw tables by name, with a target of numbers.

        Returns
        -------
        self : MetaTrainer

        Raises
        ------
        ValueError
            If no task can be drawn: all tables have too few rows for ``n_rows``.
        """
        memory = as_memory(self.memory)
        if memory is None:
            raise ValueError("memory='shipped' is only read: give a path for a memory.")
        self.tasks_: list[TriedTask] = []
        given = [(*item, True) for item in (classification or {}).items()]
        given += [(*item, False) for item in (regression or {}).items()]
        for name, (X, y, *groups), classifies in given:
            for task in sub_tasks(
                name,
                X,
                y,
                groups[0] if groups else None,
                classifies=classifies,
                n_rows=tuple(self.n_rows),
                n_tasks=self.n_tasks,
                least_columns=self.least_columns,
                class_subsets=self.class_subsets,
                seed=self.random_state,
            ):
                tried = self._try(task)
                memory.add(tried.record)
                self.tasks_.append(tried)
                if self.verbose:
                    print(f"{name}: {len(task.y)} rows, {len(tried.record.names)} learners.")
        if not self.tasks_:
            raise ValueError(
                f"No task could be drawn from {[name for name, *_ in given]} with "
                f"n_rows={self.n_rows}: a table needs half as many rows again, to judge on, and "
                "four of each class."
            )
        return self

    def _try(self, task: SubTask) -> TriedTask:
        learners = portfolio(
            "classification" if task.classifies else "regression",
            preset=self.preset,
            n_rows=len(task.y),
            n_classes=int(task.y.max()) + 1 if task.classifies else 1,
            random_state=self.random_state,
        )
        cv = make_folds(
            task.y,
            task.groups,
            classifies=task.classifies,
            n_folds=self.n_folds,
            n_repeats=1,
            random_state=self.random_state,
        )
        oof = out_of_fold(
            learners,
            task.X,
            task.y,
            cv=cv,
            groups=task.groups,
            keep_models=True,
            shortcuts="approximate",
            on_error="drop",
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        record = record_of(
            oof,
            describe_table(task.X, task.y, classifies=task.classifies),
            table=task.table,
            learners=learners,
        )
        with sharing(task.X_held_out):
            predicted = oof.predict_matrix(task.X_held_out)
        return TriedTask(record, gram_of(oof, predicted, task.y_held_out, record.names))

    def evaluate(self, budgets: Sequence[float] = (0.05, 0.1, 0.25, 0.5)) -> pd.DataFrame:
        """Test what other tables teach about each: see :func:`leave_one_table_out`.

        Parameters
        ----------
        budgets : list of float, default=(0.05, 0.1, 0.25, 0.5)
            Seconds, as shares of what all of a task's learners took.

        Returns
        -------
        table : DataFrame of shape (n_tasks * n_budgets, 7)
            Losses with and without what other tables taught, on rows held out.
        """
        if not hasattr(self, "tasks_"):
            raise ValueError("This MetaTrainer has no tasks yet: call fit with tables first.")
        if any(not 0 < budget <= 1 for budget in budgets):
            raise ValueError(f"budgets must be shares above 0 and up to 1, got {[*budgets]}.")
        return leave_one_table_out(self.tasks_, budgets)
