"""What a combiner says of itself beyond scikit-learn's tags."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sklearn.utils import Tags


@dataclass(slots=True)
class CombinerTags(Tags):
    """Tags of a combiner: scikit-learn's, and two that a stack asks for.

    Parameters
    ----------
    zero_weights : bool, default=False
        Whether the combiner can give a learner weight exactly 0 and then never reads its
        columns again, so that a stack need not refit that learner.
    reads_probabilities : bool, default=False
        Whether the columns must be class probabilities, not labels or decision values.

    Examples
    --------
    >>> from sklearn.utils import get_tags
    >>> from stackmeta.combiners import AveragingRegressor, ConvexClassifier
    >>> tags = get_tags(ConvexClassifier())
    >>> tags.zero_weights, tags.reads_probabilities
    (True, True)
    >>> get_tags(AveragingRegressor()).zero_weights
    False
    """

    zero_weights: bool = False
    reads_probabilities: bool = False

    @classmethod
    def extend(cls, tags: Tags, *, zero_weights: bool, reads_probabilities: bool) -> CombinerTags:
        """Copy scikit-learn's ``tags`` and add the combiner's own."""
        known = {field.name: getattr(tags, field.name) for field in fields(Tags)}
        return cls(**known, zero_weights=zero_weights, reads_probabilities=reads_probabilities)
