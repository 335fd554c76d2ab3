"""Where fit parameters go: to learners, splitter and meta-learner, routed or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from sklearn import get_config
from sklearn.model_selection import GroupKFold
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRequest,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)

from .compat import metadata_router
from .out_of_fold.checks import Entry, check_plain_keys, plain_fit_params, weights_and_groups


@dataclass
class Routed:
    """Keyword arguments by receiver.

    Attributes
    ----------
    learners : dict of str -> dict
    split : dict
    final : dict
    """

    learners: dict[str, dict[str, Any]] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)


class LearnerRouting:
    """Mixin: metadata routing to learners and splitter.

    As in scikit-learn's stack, except that the splitter receives what it requests.
    """

    cv: Any
    _pairs: Any

    # groups is the splitter's, never consumed by the estimator itself.
    __metadata_request__fit = {"groups": UNUSED}

    def _check_fit_params(self, fit_params: Mapping[str, Any]) -> None:
        """Refuse what cannot be placed, before anything else is looked at."""
        if not get_config()["enable_metadata_routing"]:
            names = [pair[0] for pair in self._pairs if isinstance(pair, tuple)]
            check_plain_keys(fit_params, names, f"{type(self).__name__}.fit")

    def _route(self, entries: list[Entry], groups: Any, fit_params: Mapping[str, Any]) -> Routed:
        """Share out what ``fit`` was given."""
        given = {} if groups is None else {"groups": groups}
        if not get_config()["enable_metadata_routing"]:
            return Routed(plain_fit_params(entries, fit_params, groups), given)
        if not (given or fit_params):
            return Routed({name: {} for name, _, _ in entries})
        routed = process_routing(self, "fit", **given, **fit_params)
        return Routed(
            {name: routed[name].fit for name, _, _ in entries},
            routed["cv"].split if "cv" in routed else {},
            routed["final_estimator_"].fit if "final_estimator_" in routed else {},
        )

    def get_metadata_routing(self) -> Any:
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
        """
        router = metadata_router(self)
        to_fit = _mapping("fit")
        for name, estimator in self._pairs:
            router.add(**{name: estimator}, method_mapping=to_fit)
        # With groups, an int stands for a splitter that respects them.
        by_number = self.cv is None or isinstance(self.cv, Integral)
        splitter = GroupKFold() if by_number else self.cv
        if hasattr(splitter, "split") and not isinstance(splitter, str):
            router.add(cv=splitter, method_mapping=_mapping("split"))
        return router


class StackRouting(LearnerRouting):
    """Mixin: metadata routing of a stack.

    An explicit ``final_estimator.set_fit_request(...)`` is obeyed; where the meta-learner
    leaves a request open, it is given what its ``fit`` names.
    """

    final_estimator_: Any
    _final_or_default: Callable[[], Any]

    def _route(self, entries: list[Entry], groups: Any, fit_params: Mapping[str, Any]) -> Routed:
        routed = super()._route(entries, groups, fit_params)
        if not get_config()["enable_metadata_routing"]:
            weights = fit_params.get("sample_weight")
            routed.final = weights_and_groups(self.final_estimator_, weights, groups)
        return routed

    def get_metadata_routing(self) -> Any:
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
        """
        final = getattr(self, "final_estimator_", None)
        final = self._final_or_default() if final is None else final
        return (
            super()
            .get_metadata_routing()
            .add(
                final_estimator_=_with_defaults(final),
                method_mapping=_mapping("fit").add(caller="predict", callee="predict"),
            )
        )


def _mapping(callee: str) -> MethodMapping:
    """Send to ``callee`` what ``fit`` is given, also when a pipeline calls ``fit_transform``."""
    callers = ("fit", "fit_transform")
    mapping = MethodMapping()
    for caller in callers:
        mapping.add(caller=caller, callee=callee)
    return mapping


def _with_defaults(final: Any) -> Any:
    """Meta-learner's requests, where what was left open in ``fit`` counts as requested."""
    request = get_routing_for_object(final)
    if isinstance(request, MetadataRequest):
        for name, alias in request.fit.requests.items():
            if alias is None:
                request.fit.add_request(param=name, alias=True)
    return request
