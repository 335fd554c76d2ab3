"""One page that says how good a stack is, what it is made of, and where it fails."""

from .page import write_report

__all__ = ["write_report"]
