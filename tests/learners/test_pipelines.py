"""From a learner of numbers to one of raw tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPRegressor

from stackmeta.learners.early_stopping import EarlyStoppingRegressor
from stackmeta.learners.pipelines import on_numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_is_as_precise_as_its_rows(dtype):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=80), "b": rng.choice(["x", "y"], 80)})
    y = 100 * X["a"].to_numpy() + 7
    network = on_numbers(
        MLPRegressor(hidden_layer_sizes=(8,), random_state=0, learning_rate_init=0.05), dtype=dtype
    )
    model = EarlyStoppingRegressor(network, max_rounds=40, random_state=0).fit(X, y)
    assert {weights.dtype for weights in model.estimator_[-1].coefs_} == {np.dtype(dtype)}
    assert model.score(X, y) > 0.5
