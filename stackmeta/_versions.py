"""Which versions a pickled model was made with."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import version

_LIBRARIES = ("scikit-learn", "lightgbm", "xgboost", "numpy")
_MODULES = {"scikit-learn": "sklearn"}


def versions() -> dict[str, str]:
    """Versions of the libraries whose models a pickle may hold."""
    found = {}
    for name in _LIBRARIES:
        module = sys.modules.get(_MODULES.get(name, name))
        found[name] = version(name) if module is None else module.__version__
    return found


def warn_of_versions(what: str, pickled: Mapping[str, str]) -> None:
    """Warn where a pickle was made with other versions than those that are here.

    Parameters
    ----------
    what : str
        What was pickled.
    pickled : dict of str to str
        As :func:`versions` gave when it was.
    """
    here = versions()
    others = [
        f"{name} {was} (here {here[name]})"
        for name, was in pickled.items()
        if here.get(name, was) != was
    ]
    if others:
        warnings.warn(
            f"This {what} was pickled with {', '.join(others)}: it may fail, or predict something "
            "else. Load it where the versions are the same, or fit again.",
            UserWarning,
            stacklevel=3,
        )
