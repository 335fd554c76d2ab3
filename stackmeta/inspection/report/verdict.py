"""The verdict: three sentences."""

from __future__ import annotations

from .findings import Expected, Findings
from .html import Html, join, number, tag

# Differences of more standard errors are called more than chance.
_BELIEVED = 1.96


def verdict(f: Findings) -> Html:
    """Say how good it is, whether stacking was worth it, and what to look at."""
    sentences = [_how_good(f), _worth_it(f), _look_at(f)]
    notes = [tag("p", note, class_="note") for note in dict.fromkeys(f.notes)]
    return join([tag("div", *(tag("p", s) for s in sentences), class_="verdict"), *notes])


def _how_good(f: Findings) -> str:
    n_rows, n = len(f.target.y), len(f.seen.oof.paths)
    made = f"A stack of {n} learner{'s' if n != 1 else ''}, fitted on {n_rows:,} rows,"
    e = f.expected
    if e is None:
        return f"{made} whose loss on new rows cannot be told from what it kept."
    whose = "" if e.of == "stack" else f" (judged by a {e.of})"
    return (
        f"{made} should have {_article(f.loss_label)} {f.loss_label} of about {number(e.mean)} on "
        f"new rows{whose}, with {e.level:.0%} confidence between {number(e.low)} and "
        f"{number(e.high)}."
    )


def _article(label: str) -> str:
    return "an" if label[:1].lower() in "aeio" or label == "RMSE" else "a"


def _worth_it(f: Findings) -> str:
    e = f.expected
    if e is None:
        board = f.leaderboard.dropna(subset=["loss"])
        if not len(board):
            return "No learner has a loss that could be compared."
        best = board.iloc[0]
        return f"The best learner is {best['learner']}, with {number(best['loss'])}."
    if e.fell_back:
        return (
            f"It fell back to its best learner, {e.best}: combining gained nothing that could be "
            "believed."
        )
    if len(f.seen.read) == 1:
        return f"It has one learner only, {e.best}, so there is nothing to combine."
    return f"Its best learner alone, {e.best}, has {number(e.best_loss)}: stacking {_gained(e)}."


def _gained(e: Expected) -> str:
    by = f"{number(abs(e.difference), 2)} ± {number(e.difference_se, 2)}"
    if e.difference > _BELIEVED * e.difference_se:
        return f"is better by {by}, more than chance does"
    if e.difference < -_BELIEVED * e.difference_se:
        return f"is worse by {by}, so that the learner alone would do better"
    how = "better" if e.difference > 0 else "worse"
    return f"is {how} by {by}, which is no more than chance does"


def _look_at(f: Findings) -> str:
    """Say what matters most among what could be wrong; else what it relies on."""
    failed = f.leaderboard.loc[f.leaderboard["path"].isin(["failed", "time limit"]), "learner"]
    if len(failed):
        return f"Not in it, because they failed or ran out of time: {_listed(list(failed))}."
    if f.slices is not None and len(f.slices):
        worst = f.slices.iloc[0]
        believed = worst["z"] > 3 if "z" in worst else bool(worst.get("worse", False))
        if believed:
            others = f", against {number(worst['others'])} elsewhere" if "others" in worst else ""
            return (
                f"It does worst where {worst['slice']}: {f.loss_label} {number(worst['loss'])}"
                f"{others}."
            )
    if f.diversity.copies:
        group = f.diversity.copies[0]
        return f"Some learners are copies of each other ({_listed(group)}): one would do."
    if f.weights is not None:
        named = sorted(f.weights.values.items(), key=lambda item: -abs(item[1]))
        used = [f"{name} ({weight:.2f})" for name, weight in named if abs(weight) >= 0.005][:3]
        if used:
            return f"It relies most on {_listed(used)}."
    return "Nothing stands out that would need a look."


def _listed(names: list[str]) -> str:
    if len(names) > 5:
        return f"{', '.join(names[:5])} and {len(names) - 5} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
