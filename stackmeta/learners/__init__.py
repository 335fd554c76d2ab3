"""Ready-made learners for raw tables.

>>> from stackmeta.learners import default_learners
>>> [name for name, _ in default_learners("regression")][:3]
['linear', 'neighbours', 'forest']
"""

from .defaults import default_learners
from .table import TableCleaner

__all__ = ["TableCleaner", "default_learners"]
