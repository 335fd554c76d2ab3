"""Parameters that were learned over earlier tables, as shipped with the package."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("learned.json")


@cache
def _read() -> dict[str, dict[str, Any]]:
    return json.loads(FILE.read_text())["learners"]


def learned(name: str) -> dict[str, Any]:
    """Give the parameters of a learner.

    Parameters
    ----------
    name : {"prototype", "neighbours", "bayesian"}
        Which learner.

    Returns
    -------
    parameters : dict
        Not to be changed.

    Examples
    --------
    >>> from stackmeta.learners.few_shot.learned import learned
    >>> sorted(learned("prototype"))
    ['sharpness', 'shrinkage', 'theta']
    """
    return _read()[name]
