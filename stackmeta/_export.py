"""Fitted models as skops files, which can be loaded without trusting a pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def export(model: Any, path: str | os.PathLike) -> list[str]:
    """Write a fitted model to a skops file, which runs no code that was not agreed to.

    A pickle runs whatever it holds. A skops file names the types that it is made of; whoever loads
    it says which of those they trust.

    Parameters
    ----------
    model : estimator
        A fitted stack, super learner, combiner or learner.
    path : str or Path
        File to write; one that is there is replaced.

    Returns
    -------
    trusted : list of str
        Types that :func:`skops.io.load` has to be told to trust, beyond those that it trusts
        anyway: read them, then pass them as its ``trusted``.

    Raises
    ------
    ImportError
        If skops is not installed: it comes with ``stackmeta[export]``.
    TypeError
        If the model holds something that a skops file cannot, such as a lambda.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skops.io
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from stackmeta import StackingClassifier, export
    >>> X, y = load_iris(return_X_y=True)
    >>> learners = [("line", LogisticRegression(max_iter=500)), ("bayes", GaussianNB())]
    >>> stack = StackingClassifier(learners, keep_oof=False).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trusted = export(stack, Path(folder, "stack.skops"))
    ...     loaded = skops.io.load(Path(folder, "stack.skops"), trusted=trusted)
    >>> [name for name in trusted if "stacking" in name]
    ['stackmeta.stacking.StackingClassifier']
    >>> bool((loaded.predict(X) == stack.predict(X)).all())
    True
    """
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            "export() writes skops files: pip install 'stackmeta[export]'."
        ) from error
    path = Path(path)
    try:
        data = skops.io.dumps(model)
        # What cannot be loaded is better noticed here than by whom it is for.
        trusted = list(skops.io.get_untrusted_types(data=data))
        skops.io.loads(data, trusted=trusted)
    except Exception as error:
        raise TypeError(
            f"{type(model).__name__} cannot be a skops file: {error}. A learner in it holds "
            "something that skops cannot write, such as a lambda: use functions and classes of a "
            "module that can be imported, or joblib.dump."
        ) from error
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return trusted
