"""What it means that a learner fails, or does not end in time."""

from __future__ import annotations

from collections.abc import Iterator

from sklearn.exceptions import FitFailedWarning

from .plan import REFIT
from .warning import warn_caller


class Failures:
    """The errors of learners, each with the fold in which it came first.

    Parameters
    ----------
    on_error : {"raise", "drop"}
        Whether the first one ends the fit.
    n_folds : int
    time_limit : float or None
    """

    def __init__(self, on_error: str, n_folds: int, time_limit: float | None) -> None:
        self._raises = on_error == "raise"
        self._n_folds = n_folds
        self._time_limit = time_limit
        self._errors: dict[str, tuple[int, Exception]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._errors

    def __iter__(self) -> Iterator[str]:
        return iter(self._errors)

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, name: str, fold: int, error: Exception) -> None:
        """Raise the error with a note that names learner and fold, or remember it."""
        self._errors.setdefault(name, (fold, error))
        if self._raises:
            error.add_note(f"stackmeta: learner {name!r} failed in {self._place(fold)}.")
            raise error

    def _place(self, fold: int) -> str:
        if fold == REFIT:
            return "the fit on all rows"
        return f"fold {fold} (of {self._n_folds}, counted from 0)"

    def report(self, done: list[str], late: list[str]) -> None:
        """Warn of the learners that are not in the stack.

        Raises
        ------
        ValueError
            If every learner failed.
        TimeoutError
            If none was done in time.
        """
        if not done:
            self._raise_nothing_done(late)
        for name in self:
            self.warn(name)
        if late:
            warn_caller(
                f"time_limit={self._time_limit} s ended before these learners were done; they "
                f"are not in the stack: {late}."
            )

    def _raise_nothing_done(self, late: list[str]) -> None:
        causes = "; ".join(
            f"{name!r} in {self._place(fold)}: {type(error).__name__}: {error}"
            for name, (fold, error) in self._errors.items()
        )
        if not late:
            raise ValueError(f"Every learner failed. {causes}")
        raise TimeoutError(
            f"time_limit={self._time_limit} s ended before any learner was done"
            + (f" (and some failed: {causes})" if causes else "")
            + ". Raise it, use fewer folds, or put quicker learners first."
        )

    def warn(self, name: str) -> None:
        """Warn that a learner leaves the stack."""
        fold, error = self._errors[name]
        warn_caller(
            f"Learner {name!r} failed in {self._place(fold)} and leaves the stack: "
            f"{type(error).__name__}: {error}",
            FitFailedWarning,
        )
