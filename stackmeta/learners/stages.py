"""What can be done with models that are trained in rounds, whatever library they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_RATIO = 1.1
_LEAST = 1e-7


def stages_up_to(rounds: int) -> np.ndarray:
    """Numbers of rounds after which a model is asked, each about a tenth larger than the last.

    Examples
    --------
    >>> from stackmeta.learners.stages import stages_up_to
    >>> stages_up_to(15)
    array([ 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15])
    >>> stages_up_to(100)[-5:]
    array([68, 75, 82, 90, 99])
    """
    stages = [1]
    while stages[-1] <= rounds:
        stages.append(max(stages[-1] + 1, round(stages[-1] * _RATIO)))
    return np.array(stages[:-1])


def log_loss_of(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """Mean log loss of class codes."""
    found = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(found, _LEAST)).mean())


def _keep_all(model: Any, rounds: int) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """What can be done with the models of a library.

    Attributes
    ----------
    fit : callable ``(model, X, y, rounds, params)``
        Train so many rounds.
    watch : callable ``(model, X, y, held, rounds, patience, params) -> int``
        Train until ``held``, a pair of X and y, has not gained for ``patience`` rounds, or to
        ``rounds``; return how many there were.
    answer : callable ``(model, X, method, rounds) -> ndarray``
        Predict with the first rounds.
    answers : callable ``(model, X, method, stages) -> iterator``, default=None
        The same for increasing numbers of rounds, where there is a quicker way.
    keep : callable ``(model, rounds)``
        Forget what other numbers of rounds would need, where that takes memory.
    """

    fit: Callable
    watch: Callable
    answer: Callable
    answers: Callable | None = None
    keep: Callable = _keep_all

    def each(self, model: Any, X: Any, method: str, stages: np.ndarray) -> Iterator[np.ndarray]:
        """Predict with the first rounds, for each of increasing numbers of them."""
        if self.answers is not None:
            yield from self.answers(model, X, method, stages)
        else:
            for rounds in stages:
                yield self.answer(model, X, method, int(rounds))
