"""The report as text: what it says, that it is one file, and that users' words stay words."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from stackmeta import ConvexClassifier, StackingClassifier
from stackmeta.inspection.report.findings import find
from stackmeta.inspection.report.html import anything, number, table, tag
from stackmeta.inspection.report.page import page

from .given import FLOWERS, NUMBERS, TWO, of_flowers, of_numbers, of_sixty, of_two, super_learner

VOID = {"meta", "line", "br", "link"}


class Reader(HTMLParser):
    """Checks nesting, and collects tags, text and attributes."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.words = [], [], [], []

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += [(name, *pair) for pair in attributes]
        if name not in {"meta"}:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(path):
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    assert reader.open == []
    return reader


def report(stack, tmp_path, *args, **kwargs):
    path = tmp_path / "report.html"
    assert stack.report(path, *args, **kwargs) == str(path)
    return read(path)


HEADINGS = ["Verdict", "Expected loss", "Leaderboard", "Weights", "Diversity"]
LATER = ["Errors and worst slices", "Costs", "How to reproduce"]


@pytest.mark.parametrize("stack", [of_numbers, of_flowers, of_two, of_sixty, super_learner])
def test_sections(stack, tmp_path):
    found = report(stack(), tmp_path)
    for heading in [*HEADINGS, *LATER]:
        assert heading in found.text
    classifies = hasattr(stack(), "predict_proba")
    assert ("Expected calibration error" in found.text) == classifies
    assert ("Nine of ten held-out rows" in found.text) == (not classifies)
    ids = [value for _, key, value in found.attributes if key == "id"]
    links = [value[1:] for _, key, value in found.attributes if key == "href"]
    assert len(set(ids)) == len(ids)
    assert set(links) <= set(ids)


def test_one_file_under_two_megabytes(tmp_path):
    """Nothing is loaded, with 60 learners; and no other file is left."""
    X, y = TWO
    found = report(of_sixty(), tmp_path, X, y)
    size = (tmp_path / "report.html").stat().st_size
    assert size < 2_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert {"link", "img", "iframe", "object"} & set(found.tags) == set()
    assert not [1 for _, key, _ in found.attributes if key in ("src", "srcset", "onclick")]
    text = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text


def test_verdict_has_three_sentences(tmp_path):
    text = (report(of_numbers(), tmp_path), (tmp_path / "report.html").read_text("utf-8"))[1]
    verdict = re.search(r'<div class="verdict">(.*?)</div>', text, re.S).group(1)
    assert verdict.count("<p>") == 3
    assert "442 rows" in verdict


def test_accessible_frame(tmp_path):
    found = report(of_numbers(), tmp_path)
    assert ("html", "lang", "en") in found.attributes
    assert {"main", "nav", "header", "h1", "caption"} <= set(found.tags)
    assert found.tags.count("table") == found.tags.count("caption")
    images = [
        value for name, key, value in found.attributes if name == "svg" and key == "aria-label"
    ]
    assert len(images) == found.tags.count("svg") > 0
    assert ("th", "scope", "col") in found.attributes
    assert ("th", "scope", "row") in found.attributes


HOSTILE = ["<script>alert(1)</script>", "\"onload='x'", "a & b </style></title>"]


def test_users_words_stay_words(tmp_path):
    X, _ = FLOWERS
    frame = X.copy()
    frame.columns = [f"<b>{i}</b>" for i in range(4)]
    frame.index = [f"<i>{i}</i>" for i in range(150)]
    labels = np.array(HOSTILE)[FLOWERS[1]]
    learners = [
        (HOSTILE[0], GaussianNB()),
        (HOSTILE[1], DecisionTreeClassifier(max_depth=1)),
        (HOSTILE[2], DummyClassifier()),
    ]
    stack = StackingClassifier(learners, ConvexClassifier()).fit(frame, labels)
    found = report(stack, tmp_path, frame, labels, title="<h1>&")
    assert found.tags.count("script") == 1
    assert {"b", "i"} & set(found.tags) == set()
    assert not [1 for _, key, _ in found.attributes if key.startswith("on")]
    for words in [*HOSTILE, "<h1>&"]:
        assert words in found.text
    assert "&lt;script&gt;" in stack.oof_._repr_html_()


def test_rows_of_fit_are_judged_out_of_fold(tmp_path):
    """A stack that knows its rows by heart is no better for being shown them again."""
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame(rng.normal(size=(300, 3))), rng.integers(0, 2, 300)
    learners = [("tree", DecisionTreeClassifier(random_state=0)), ("bayes", GaussianNB())]
    stack = StackingClassifier(learners, ConvexClassifier()).fit(X, y)
    found = find(stack, X, y, None)
    assert found.new is None
    judged = found.judged
    right = (judged.probabilities.argmax(axis=1) == judged.codes).mean()
    assert right < 0.62
    assert "the rows of fit" in found.rows_are
    assert find(stack, X[:150], y[:150], None).new is not None


def test_worst_slice_is_found(tmp_path):
    X, y = NUMBERS
    rng = np.random.default_rng(0)
    table = X.assign(place=rng.choice(["here", "there", None], len(X)))
    noisy = y + 200 * rng.normal(size=len(y)) * (table["place"] == "there")
    columns = list(X.columns)
    from sklearn.linear_model import Ridge

    from stackmeta import StackingRegressor

    learners = [("a", Ridge(), columns), ("b", Ridge(10.0), columns)]
    stack = StackingRegressor(learners).fit(table, noisy)
    found = find(stack, table, noisy, None)
    worst = found.slices["slice"].iloc[0]
    assert "there" in worst
    assert "place = " in page(found)


def test_reproduce_names_every_learner(tmp_path):
    text = report(of_sixty(), tmp_path).text
    assert "random_state=0" in text
    assert all(f"neighbours_{k}'" in text for k in range(1, 31))
    assert "..." not in text


@dataclass
class Expectation:
    mean: float = 1.25
    se: float = 0.1
    low: float = 1.05
    high: float = 1.45
    level: float = 0.95
    fell_back: bool = False

    @property
    def learners(self):
        columns = ["learner", "loss", "difference", "difference_se"]
        return pd.DataFrame([["ridge", 1.5, 0.25, 0.01]], columns=columns)


def test_what_the_stack_says_of_itself_is_taken(tmp_path, monkeypatch):
    stack = of_numbers()
    kind = type(stack)
    monkeypatch.setattr(kind, "expected_loss", lambda self, **_: Expectation(), raising=False)
    wide = {"predict_interval": lambda self, X, coverage: np.tile([-1e9, 1e9], (len(X), 1))}
    for name, method in wide.items():
        monkeypatch.setattr(kind, name, method, raising=False)
    X, y = NUMBERS
    text = report(stack, tmp_path, X[:99], y[:99]).text
    assert "1.25 ± 0.1" in text
    assert "better by 0.25 ± 0.01, more than chance does" in text
    assert "cover 100.0% of the rows" in text


def test_what_the_stack_refuses_is_told(tmp_path, monkeypatch):
    def refuse(self, **_):
        raise ValueError("no groups, no loss")

    monkeypatch.setattr(type(of_numbers()), "expected_loss", refuse, raising=False)
    text = report(of_numbers(), tmp_path).text
    assert "no groups, no loss" in text
    assert "RMSE of about" in text


def test_bad_input(tmp_path):
    stack, (X, y) = of_flowers(), FLOWERS
    with pytest.raises(ValueError, match="or neither"):
        stack.report(tmp_path / "a.html", X)
    with pytest.raises(ValueError, match="150 rows, y has 9"):
        stack.report(tmp_path / "a.html", X, y[:9])
    with pytest.raises(ValueError, match="y holds 10"):
        stack.report(tmp_path / "a.html", X, y + 10)
    with pytest.raises(ValueError, match="no rows"):
        stack.report(tmp_path / "a.html", X[:0], y[:0])
    with pytest.raises(ValueError, match="is a folder"):
        stack.report(tmp_path)
    with pytest.raises(ValueError, match="no folder"):
        stack.report(tmp_path / "b" / "a.html")
    assert list(tmp_path.iterdir()) == []


def test_html():
    assert tag("p", "a<b", tag("b", "&"), title='"') == '<p title="&quot;">a&lt;b<b>&amp;</b></p>'
    assert 'data-v=""' in table(["a", "b"], [["x", np.nan]], label="t", sortable=True)
    assert anything(BaseEstimator(), label="x") == "<pre>BaseEstimator()</pre>"
    shown = anything(Expectation(), label="x")
    assert "1.25" in shown
    assert [number(v) for v in (0, 1234567, -0.5, np.nan, 1e-9, True, 3)] == [
        "0", "1,234,567", "−0.5", "–", "1.00e-09", "yes", "3",
    ]  # fmt: skip
