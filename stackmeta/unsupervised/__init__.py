"""Learners without a target: outlier detectors, clusterings, and how their answers combine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cluster_labels import ClusterLabels
    from .clusterings import default_clusterings
    from .components import ComponentDetector
    from .detectors import default_detectors
    from .distances import MahalanobisDetector, NeighbourDetector
    from .histograms import HistogramDetector
    from .sample import SubsampledDetector
    from .score import AbnormalityScore
    from .tails import TailDetector

__all__ = [
    "AbnormalityScore",
    "ClusterLabels",
    "ComponentDetector",
    "HistogramDetector",
    "MahalanobisDetector",
    "NeighbourDetector",
    "SubsampledDetector",
    "TailDetector",
    "default_clusterings",
    "default_detectors",
]

# Loaded where first asked for: the faces need none of it to be imported.
_HOMES = {
    "AbnormalityScore": "score",
    "ClusterLabels": "cluster_labels",
    "ComponentDetector": "components",
    "HistogramDetector": "histograms",
    "MahalanobisDetector": "distances",
    "NeighbourDetector": "distances",
    "SubsampledDetector": "sample",
    "TailDetector": "tails",
    "default_clusterings": "clusterings",
    "default_detectors": "detectors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
