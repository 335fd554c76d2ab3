"""What an audit finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 95


@dataclass(frozen=True)
class Finding:
    """One way in which losses out of fold may look better than those on new rows will be.

    Attributes
    ----------
    what : str
        Kind of leak, such as "rows that are there twice".
    where : str
        Column, learner or fold.
    evidence : dict of str to float
        The numbers that speak for it.
    advice : str
        What to do.
    """

    what: str
    where: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {_plain(value)}" for name, value in self.evidence.items())
        lines = [f"{self.what}: {self.where}", f"  {numbers}" if numbers else ""]
        lines.append(fill(self.advice, _WIDTH, initial_indent="  ", subsequent_indent="  "))
        return "\n".join(line for line in lines if line.strip())


class Audit(Sequence):
    """Findings of an audit, a sequence of :class:`Finding`; empty where nothing was found.

    Parameters
    ----------
    findings : sequence of Finding
    checked : sequence of str
        What was looked for.

    Examples
    --------
    >>> from stackmeta.evaluation.findings import Audit, Finding
    >>> Audit([], ["rows that are there twice"])
    Audit: nothing found.
    Looked for: rows that are there twice.
    >>> finding = Finding("a column that identifies the row", "'id'", {"values": 90}, "Drop it.")
    >>> Audit([finding], [])
    Audit: 1 finding.
    a column that identifies the row: 'id'
      values 90
      Drop it.
    """

    def __init__(self, findings: Sequence[Finding], checked: Sequence[str]) -> None:
        self._findings = list(findings)
        self.checked = list(checked)

    def __len__(self) -> int:
        return len(self._findings)

    def __getitem__(self, position):  # type: ignore[no-untyped-def]
        return self._findings[position]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __repr__(self) -> str:
        if not self:
            looked = ", ".join(self.checked)
            return "Audit: nothing found." + (
                "\n" + fill(f"Looked for: {looked}.", _WIDTH) if looked else ""
            )
        n = len(self)
        head = f"Audit: {n} finding{'s' if n > 1 else ''}."
        return "\n".join([head, *map(str, self._findings)])

    def to_frame(self) -> pd.DataFrame:
        """Return a row a finding.

        Returns
        -------
        table : DataFrame
            ``what``, ``where``, ``evidence`` (a dict) and ``advice``.
        """
        import pandas as pd

        columns = ["what", "where", "evidence", "advice"]
        rows = [(f.what, f.where, dict(f.evidence), f.advice) for f in self._findings]
        return pd.DataFrame(rows, columns=columns)


def _plain(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.3g}"
