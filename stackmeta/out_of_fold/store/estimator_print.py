"""Fingerprints of learners: class, parameters, source of what users define, versions."""

from __future__ import annotations

import inspect
import os
import site
import sys
import sysconfig
import types
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator

from ...compat import is_pandas, is_polars
from .data_print import digest, fingerprint_data

_SEEDS = "random_state"
_PATHS = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
_PATHS |= {*site.getsitepackages(), site.getusersitepackages()}
_LIBRARIES = tuple(os.path.join(os.path.realpath(path), "") for path in _PATHS if path)


class NotKeyableError(Exception):
    """Raised for what cannot be told apart by its content."""


def fingerprint_estimator(estimator: Any) -> tuple[str, dict[str, str]]:
    """Fingerprint an unfitted estimator.

    Parameters
    ----------
    estimator : estimator
        With all its seeds set.

    Returns
    -------
    fingerprint : str
    versions : dict of str to str
        Of the libraries that its classes, and those of its parameters, come from.

    Raises
    ------
    NotKeyableError
        If a parameter is a lambda, an unset seed, a generator of random numbers, or something
        else whose content is out of reach.
    """
    spelled = _Spelled()
    text = spelled.spell(estimator, "")
    versions = {name: _version(name) for name in sorted(spelled.packages)}
    return digest([text, repr(versions)]), versions


class _Spelled:
    """Spells values out, and notes the packages that they come from."""

    def __init__(self) -> None:
        self.packages = {"stackmeta", "sklearn", "numpy", "scipy"}

    def spell(self, value: Any, where: str) -> str:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, (np.random.RandomState, np.random.Generator)):
            raise NotKeyableError(f"{where} is a generator of random numbers: give an int.")
        if isinstance(value, (np.ndarray, np.generic)) or issparse(value):
            return f"data {fingerprint_data(np.asarray(value) if np.isscalar(value) else value)}"
        if is_pandas(value) or is_polars(value):
            return f"data {fingerprint_data(value)}"
        if isinstance(value, (list, tuple)):
            parts = (self.spell(part, f"{where}[{i}]") for i, part in enumerate(value))
            return f"{type(value).__name__} [{', '.join(parts)}]"
        if isinstance(value, (set, frozenset)):
            return f"set [{', '.join(sorted(self.spell(part, where) for part in value))}]"
        if isinstance(value, Mapping):
            parts = (
                f"{self.spell(key, where)}: {self.spell(part, f'{where}[{key!r}]')}"
                for key, part in value.items()
            )
            return f"{type(value).__name__} {{{', '.join(parts)}}}"
        if isinstance(value, (slice, range, np.dtype)):
            return repr(value)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
            return self._code(value, where)
        if isinstance(value, types.MethodType):
            return f"method {value.__name__} of {self.spell(value.__self__, where)}"
        if isinstance(value, partial):
            return f"partial {self.spell([value.func, value.args, value.keywords], where)}"
        return self._object(value, where)

    def _object(self, value: Any, where: str) -> str:
        """Spell an estimator, or any other object with attributes."""
        kind = self._code(type(value), where)
        if isinstance(value, FrozenEstimator):
            inner = value.estimator
            return f"{kind} {self._code(type(inner), where)} {fingerprint_data(inner)}"
        if hasattr(value, "get_params"):
            params = value.get_params(deep=False)
        elif hasattr(value, "__dict__"):
            params = vars(value)
        else:
            raise NotKeyableError(
                f"{where} is a {type(value).__name__}, whose content is unknown."
            )
        parts = []
        for name, param in sorted(params.items()):
            path = f"{where}.{name}" if where else name
            if name == _SEEDS and param is None:
                raise NotKeyableError(
                    f"{path} is None, so no two fits are alike: give the stack, or the learner, a "
                    "random_state."
                )
            parts.append(f"{name}={self.spell(param, path)}")
        return f"{kind}({', '.join(parts)})"

    def _code(self, thing: Any, where: str) -> str:
        """Name a class or function; of what users define, the source counts."""
        module = getattr(thing, "__module__", None) or "numpy"
        name = f"{module}.{getattr(thing, '__qualname__', thing.__name__)}"
        if "<lambda>" in name:
            raise NotKeyableError(f"{where} is a lambda: give a function that has a name.")
        package = module.partition(".")[0]
        if _is_installed(module):
            self.packages.add(package)
            return name
        return f"{name} {digest(_sources(thing))}"


def _is_installed(module: str) -> bool:
    """Whether a module belongs to a library, whose version says what is in it."""
    package = module.partition(".")[0]
    if package == "stackmeta" or package in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(_LIBRARIES)


def _sources(thing: Any) -> list[str]:
    """Source of a function, or of a class and those above it that users define."""
    line = thing.__mro__ if isinstance(thing, type) else (thing,)
    own = [one for one in line if not _is_installed(one.__module__)]
    try:
        return [inspect.getsource(one) for one in own]
    except (OSError, TypeError) as error:
        raise NotKeyableError(
            f"the source of {thing.__qualname__} cannot be read ({error}): put it into a file."
        ) from error


def _version(package: str) -> str:
    module = sys.modules.get(package)
    if package in sys.stdlib_module_names:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    found = getattr(module, "__version__", None)
    if isinstance(found, str):
        return found
    try:
        return version(packages_distributions().get(package, [package])[0])
    except PackageNotFoundError:
        return "unknown"
