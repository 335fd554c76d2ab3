"""What earlier tasks taught: a memory of them, and what it makes of the next."""

from .describe import describe_table
from .memory import TaskMemory
from .record import TaskRecord
from .trainer import MetaTrainer

__all__ = ["MetaTrainer", "TaskMemory", "TaskRecord", "describe_table"]
