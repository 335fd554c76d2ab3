"""scikit-learn's common checks, on any table and on valid predictions."""

import pytest
from sklearn.base import is_classifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from stackmeta.combiners import (
    AveragingClassifier,
    AveragingRegressor,
    BayesianClassifier,
    BayesianRegressor,
    BestLearnerClassifier,
    BestLearnerRegressor,
    ConvexClassifier,
    ConvexRegressor,
    CrossFittedBlendClassifier,
    CrossFittedBlendRegressor,
    EnsembleSelectionClassifier,
    EnsembleSelectionRegressor,
    FeatureWeightedClassifier,
    FeatureWeightedRegressor,
    LocalCompetenceClassifier,
    LocalCompetenceRegressor,
    MetaLearnerClassifier,
    MetaLearnerRegressor,
    OnlineWeightsClassifier,
    OnlineWeightsRegressor,
    PartiallyPooledClassifier,
    PartiallyPooledRegressor,
    RecentRegressor,
    SignedWeightsClassifier,
    SignedWeightsRegressor,
)

from .given import (
    AveragingOfAnything,
    BayesianOfAnything,
    BestLearnerOfAnything,
    ConvexOfAnything,
    CrossFittedBlendOfAnything,
    EnsembleSelectionOfAnything,
    FeatureWeightedOfAnything,
    LocalCompetenceOfAnything,
    MetaLearnerOfAnything,
    OnlineWeightsOfAnything,
    PartiallyPooledOfAnything,
    SignedWeightsOfAnything,
)

# The one list of expected failures. These checks fit classifiers on tables of any numbers,
# which are no probabilities: the combiners refuse them, as they should. The same checks pass
# below, where the numbers are turned into probabilities first.
NO_PROBABILITIES = [
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_dict_unchanged",
    "check_dont_overwrite_attributes",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
    "check_supervised_y_2d",
]
# More of them, for combiners that take sparse tables, or rows later.
NO_PROBABILITIES_SPARSE = [
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_sample_weight_equivalence_on_sparse_data",
]
NO_PROBABILITIES_LATER = ["check_estimators_partial_fit_n_features"]

# This check blanks out predictions at random, so that some row has none of any learner that
# has a weight (ConvexRegressor weighs so many that none is left bare). test_missing.py pickles
# combiners with NaN where others cover the row.
NO_LEARNER_LEFT = "check_estimators_pickle"

# Weights that follow a stream depend on the order of the rows: a row of weight 2 is not the same
# as the row twice, and one of weight 0 still makes those before it older.
ORDER_COUNTS = "check_sample_weight_equivalence_on_dense_data"


def expected_failures(combiner):
    """Names of the checks that feed ``combiner`` what it must refuse, and why."""
    expected = {}
    spread = isinstance(combiner, ConvexRegressor | EnsembleSelectionRegressor | BayesianRegressor)
    if isinstance(combiner, OnlineWeightsClassifier | OnlineWeightsRegressor | RecentRegressor):
        expected[ORDER_COUNTS] = "the order of rows counts"
    spread |= isinstance(combiner, RecentRegressor)
    if isinstance(combiner, PartiallyPooledClassifier | PartiallyPooledRegressor):
        expected[NO_LEARNER_LEFT] = "rows without a prediction of any learner"
    blends = isinstance(combiner, CrossFittedBlendClassifier)  # of combiners with weights of 0
    if blends or (get_tags(combiner).zero_weights and not spread):
        expected[NO_LEARNER_LEFT] = "rows without a prediction of any learner with a weight"
    if is_classifier(combiner) and "OfAnything" not in type(combiner).__name__:
        names = NO_PROBABILITIES.copy()
        names += NO_PROBABILITIES_SPARSE * isinstance(combiner, PartiallyPooledClassifier)
        names += NO_PROBABILITIES_LATER * isinstance(combiner, OnlineWeightsClassifier)
        expected |= dict.fromkeys(names, "X holds no probabilities")
    return expected


FEW = [("convex", ConvexClassifier()), ("signed", SignedWeightsClassifier())]
FEW_NUMBERS = [("convex", ConvexRegressor()), ("signed", SignedWeightsRegressor())]
COMBINERS = [
    ConvexClassifier(),
    AveragingClassifier(),
    BestLearnerClassifier(),
    EnsembleSelectionClassifier(),
    ConvexOfAnything(),
    MetaLearnerClassifier(),
    MetaLearnerOfAnything(),
    MetaLearnerRegressor(),
    SignedWeightsClassifier(),
    SignedWeightsOfAnything(),
    SignedWeightsRegressor(),
    CrossFittedBlendClassifier(FEW),
    CrossFittedBlendOfAnything(FEW),
    CrossFittedBlendRegressor(FEW_NUMBERS),
    AveragingOfAnything(),
    BestLearnerOfAnything(),
    EnsembleSelectionOfAnything(),
    ConvexRegressor(),
    AveragingRegressor(),
    BestLearnerRegressor(),
    EnsembleSelectionRegressor(),
    LocalCompetenceClassifier(),
    LocalCompetenceOfAnything(),
    LocalCompetenceRegressor(),
    FeatureWeightedClassifier(),
    FeatureWeightedOfAnything(),
    FeatureWeightedRegressor(),
    BayesianClassifier(),
    BayesianOfAnything(),
    BayesianRegressor(),
    PartiallyPooledClassifier(),
    PartiallyPooledOfAnything(pooling=5.0),
    PartiallyPooledRegressor(pooling=5.0),
    OnlineWeightsClassifier(),
    OnlineWeightsOfAnything(),
    OnlineWeightsRegressor(),
    RecentRegressor(ConvexRegressor(), half_life=5.0),
]
# Other methods and losses of these.
VARIANTS = [
    ConvexOfAnything(calibrate=True),
    ConvexOfAnything(loss="brier"),
    AveragingOfAnything(method="median"),
    EnsembleSelectionOfAnything(scoring="accuracy"),
    ConvexRegressor(loss="absolute_error"),
    AveragingRegressor(method="rank"),
    LocalCompetenceOfAnything(method="knora_e", n_neighbors=7),
    LocalCompetenceOfAnything(method="des_p", n_neighbors=7),
    LocalCompetenceRegressor(n_neighbors=7),
    LocalCompetenceRegressor(method="knora_e", n_neighbors=7),
    LocalCompetenceRegressor(method="knora_u", n_neighbors=7),
    LocalCompetenceRegressor(method="des_p", n_neighbors=7),
    BayesianOfAnything(method="pseudo_bma", n_samples=100),
    BayesianOfAnything(method="stacking"),
    BayesianRegressor(method="pseudo_bma", n_samples=100),
    BayesianRegressor(method="stacking"),
    # Cross-validates its pooling, here over a task a row.
    PartiallyPooledOfAnything(),
    PartiallyPooledRegressor(),
]


@parametrize_with_checks(COMBINERS, expected_failed_checks=expected_failures)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(VARIANTS, expected_failed_checks=expected_failures)
def test_sklearn_checks_of_variants(estimator, check):
    check(estimator)
