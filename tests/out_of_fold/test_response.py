"""What a learner answers → a block of columns."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stackmeta.out_of_fold.response import fill_probabilities, respond
from stackmeta.out_of_fold.target import encode_target

THREE = encode_target(["a", "b", "c", "a"], classifier=True, caller="Tester")
TWO = encode_target(["a", "b", "b", "b"], classifier=True, caller="Tester")
NUMBERS = encode_target([1.0, 2.0], classifier=False, caller="Tester")
LABELS = encode_target([[0, 1], [1, 1], [0, 0]], classifier=True, caller="Tester")
X = np.zeros((2, 1))


def model(method, answer, **attributes):
    answer = answer if isinstance(answer, list) else np.asarray(answer)
    return SimpleNamespace(**{method: lambda X: answer}, **attributes)


def test_binary_probabilities_are_one_column():
    block = respond(model("predict_proba", [[0.2, 0.8], [1, 0]]), X, "predict_proba", TWO)
    assert_array_equal(block, [[0.8], [0]])


def test_missing_class_gets_its_share_of_y():
    answer = [[0.25, 0.75], [1.0, 0.0]]
    present = np.array([0, 2])
    block = respond(model("predict_proba", answer), X, "predict_proba", THREE, present)
    # share of b is 1/4; a and c split the rest as the learner said
    assert_allclose(block, [[0.1875, 0.25, 0.5625], [0.75, 0.25, 0]])
    log = respond(
        model("predict_log_proba", np.log([[0.25, 0.75]])), X, "predict_log_proba", THREE, present
    )
    assert_allclose(log, np.log([[0.1875, 0.25, 0.5625]]))


def test_missing_class_of_a_binary_target():
    one = np.array([0])
    block = respond(model("predict_proba", [[1.0], [1.0]]), X, "predict_proba", TWO, one)
    assert_allclose(block, [[0.75], [0.75]])


def test_filled_rows_sum_to_one_and_keep_dtype():
    given = np.random.RandomState(0).dirichlet([1, 1], size=5).astype(np.float32)
    full = fill_probabilities(given, np.array([1, 3]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert full.dtype == np.float32
    assert_allclose(full.sum(axis=1), 1, rtol=1e-6)
    assert_allclose(full[:, [0, 2]], [[0.1, 0.3]] * 5)


def test_decision_values_of_a_missing_class_are_the_lowest():
    present = np.array([0, 2])
    block = respond(
        model("decision_function", [2.0, -1.0]), X, "decision_function", THREE, present
    )
    assert_array_equal(block, [[-2, -2, 2], [1, -1, -1]])
    wide = model("decision_function", np.zeros((2, 3)))
    with pytest.raises(ValueError, match="decision_function gave 3 columns for 2 classes"):
        respond(wide, X, "decision_function", THREE, present)


def test_predicted_labels_of_a_fold_without_a_class():
    block = respond(model("predict", [0, 1]), X, "predict", THREE, np.array([0, 2]))
    assert_array_equal(block, [[0], [2]])


def test_a_model_fitted_on_the_original_labels():
    prefit = model("predict", ["c", "a"], classes_=np.array(["a", "b", "c"]))
    assert_array_equal(respond(prefit, X, "predict", THREE), [[2], [0]])


def test_a_model_fitted_elsewhere_on_fewer_classes():
    known = np.array(["a", "c"])
    prefit = model("predict_proba", [[0.25, 0.75], [1.0, 0.0]], classes_=known)
    block = respond(prefit, X, "predict_proba", THREE)
    assert_allclose(block, [[0.1875, 0.25, 0.5625], [0.75, 0.25, 0]])


@pytest.mark.parametrize("labels", [["a", "c"], [1, 3]], ids=["str", "int"])
def test_labels_of_a_model_fitted_elsewhere_on_fewer_classes(labels):
    """Labels 1, 3 must not be taken for the codes 1, 3 of other classes."""
    names = ["a", "b", "c"] if labels[0] == "a" else [1, 2, 3]
    target = encode_target(names, classifier=True, caller="Tester")
    prefit = model("predict", [labels[1], labels[0]], classes_=np.array(labels))
    assert_array_equal(respond(prefit, X, "predict", target), [[2], [0]])


def test_wrong_number_of_columns_is_named():
    with pytest.raises(ValueError, match=r"predict_proba gave .*\(2, 4\); expected .*3"):
        respond(model("predict_proba", np.zeros((2, 4))), X, "predict_proba", THREE)


def test_numbers_become_columns():
    assert respond(model("predict", [1.0, 2.0]), X, "predict", NUMBERS).shape == (2, 1)
    assert respond(model("predict", [[1.0], [2.0]]), X, "predict", NUMBERS).shape == (2, 1)


def test_multilabel_lists_and_arrays():
    first, second = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[0.3, 0.7], [0.2, 0.8]])
    expected = [[0.1, 0.7], [0.6, 0.8]]
    answers = ([first, second], np.array(expected))
    for answer in answers:
        block = respond(model("predict_proba", answer), X, "predict_proba", LABELS)
        assert_allclose(block, expected)


def test_multilabel_output_of_one_class_gets_its_share():
    answer = [np.array([[0.9, 0.1], [0.4, 0.6]]), np.ones((2, 1))]
    block = respond(model("predict_proba", answer), X, "predict_proba", LABELS)
    assert_allclose(block, [[0.1, 2 / 3], [0.6, 2 / 3]])
    log = respond(
        model("predict_log_proba", [np.log(answer[0]), np.zeros((2, 1))]),
        X,
        "predict_log_proba",
        LABELS,
    )
    assert_allclose(log, np.log([[0.1, 2 / 3], [0.6, 2 / 3]]))


def test_probabilities_of_half_precision_sum_to_one():
    """GaussianNB answers in float16 for rows in float16: sums off by 1e-3 were refused."""
    answer = np.full((2, 3), 1 / 3, dtype=np.float16) + np.float16(1e-3)
    target = encode_target(["a", "b", "c"], classifier=True, caller="test")
    block = respond(model("predict_proba", answer), np.zeros((2, 1)), "predict_proba", target)
    assert block.dtype == np.float32
    assert_allclose(block.sum(axis=1), 1, atol=1e-6)


def test_numbers_as_objects_become_numbers():
    """Ridge answers so for a frame of categories that are numbers; loss() could not read it."""
    target = encode_target([1.0, 2.0], classifier=False, caller="test")
    answer = np.array([1.0, 2.5], dtype=object)
    block = respond(model("predict", answer), np.zeros((2, 1)), "predict", target)
    assert block.dtype == np.float64
