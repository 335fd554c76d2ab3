"""How to make the same stack again."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from inspect import Parameter, signature
from typing import Any

from sklearn import config_context

from .findings import Findings
from .html import Html, join, table, tag

_PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "lightgbm", "xgboost")
_LONGEST = 8_000


def reproduce(f: Findings) -> Html:
    """List parameters, folds and versions."""
    oof = f.seen.oof
    seed = getattr(f.stack, "random_state", None)
    rows = [
        ["rows", f"{len(oof.target.y):,}"],
        ["folds", f"{len(oof.splits)} fits a learner, {len(oof.by_repeat)} repeat(s)"],
        ["random_state", repr(seed)],
        ["python", platform.python_version()],
        *_versions(),
        ["machine", f"{platform.system()} {platform.machine()}"],
    ]
    seeded = (
        "The same rows in the same order, these versions and this seed give the same stack."
        if seed is not None
        else "random_state is None: the same fit again gives other folds or models where they "
        "are random."
    )
    return join(
        [
            tag("p", seeded),
            table(["", "value"], rows, label="What it was made with"),
            tag("h3", "The stack"),
            tag("pre", tag("code", _spelled_out(f))),
        ]
    )


def _spelled_out(f: Findings) -> str:
    """Parameters that are not defaults, and each learner on a line of its own."""
    stack = f.stack
    defaults = _defaults(type(stack))
    lines = [f"{type(stack).__name__}("]
    with config_context(print_changed_only=True):
        for name, value in stack.get_params(deep=False).items():
            if name == "estimators" and isinstance(value, list):
                lines += [
                    "  estimators=[",
                    *(f"    {_one_line(entry)}," for entry in value),
                    "  ],",
                ]
            elif name not in defaults or _one_line(value) != _one_line(defaults[name]):
                lines.append(f"  {name}={_one_line(value)},")
    return "\n".join([*lines, ")"])


def _defaults(kind: type) -> dict[str, Any]:
    parameters = signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not Parameter.empty}


def _one_line(value: Any) -> str:
    """Write what makes a value, of an estimator all of it: scikit-learn leaves out the middle."""
    if isinstance(value, (tuple, list)):
        inner = ", ".join(map(_one_line, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    try:
        text = value.__repr__(N_CHAR_MAX=_LONGEST)
    except TypeError:
        text = repr(value)
    return " ".join(text.split())


def _versions() -> list[list[str]]:
    ours = __name__.partition(".")[0]
    found = [[ours, sys.modules[ours].__version__]]
    for package in _PACKAGES:
        try:
            found.append([package, version(package)])
        except PackageNotFoundError:
            continue
    return found
