"""Ready-made learners for raw tables.

>>> from stackmeta.learners import default_learners
>>> [name for name, _ in default_learners("regression")][:3]
['linear', 'neighbours', 'forest']
"""

from .defaults import default_learners
from .early_stopping import EarlyStoppingClassifier, EarlyStoppingRegressor
from .kernel_features import KernelFeatures
from .portfolio import portfolio
from .table import TableCleaner

__all__ = [
    "EarlyStoppingClassifier",
    "EarlyStoppingRegressor",
    "KernelFeatures",
    "TableCleaner",
    "default_learners",
    "portfolio",
]
