"""Ready-made learners for raw tables.

>>> from stackmeta.learners import default_learners
>>> [name for name, _ in default_learners("regression")][:3]
['linear', 'neighbours', 'forest']
"""

from .defaults import default_learners
from .early_stopping import EarlyStoppingClassifier, EarlyStoppingRegressor
from .portfolio import portfolio
from .table import TableCleaner

__all__ = [
    "EarlyStoppingClassifier",
    "EarlyStoppingRegressor",
    "TableCleaner",
    "default_learners",
    "portfolio",
]
