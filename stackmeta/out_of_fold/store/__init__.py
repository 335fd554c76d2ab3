"""Predictions and models on disk."""

from .folder import OutOfFoldStore, as_store

__all__ = ["OutOfFoldStore", "as_store"]
