"""The sections of a report: from findings to HTML."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...out_of_fold import OutOfFold
from ..costs import pareto_front
from ..judged import Judged
from ..row_losses import LOSS_LABELS, overall, standard_error
from .findings import Findings
from .html import Cell, Html, anything, frame, join, number, table, tag
from .reliability import expected_calibration_error, reliability
from .reproduce import reproduce
from .svg import axes, bar, chart, dots, heatmap, line, scales
from .verdict import verdict

_MOST_MAPPED = 50


def expected_loss(f: Findings) -> Html | None:
    """Say what the stack loses on new rows."""
    e = f.expected
    if e is None:
        return None
    sure = "better" if e.difference > 0 else "worse"
    return join(
        [
            tag("p", number(e.mean), class_="big"),
            tag(
                "p",
                f"{f.loss_label[:1].upper()}{f.loss_label[1:]} on new rows of the same kind "
                f"({e.of}): {number(e.mean)} ± {number(e.se, 2)}; {e.level:.0%} interval "
                f"{number(e.low)} to {number(e.high)}.",
            ),
            tag(
                "p",
                f"The best learner, {e.best}, has {number(e.best_loss)}: the {e.of} is "
                f"{number(abs(e.difference), 2)} ± {number(e.difference_se, 2)} {sure}.",
            ),
            tag("p", f"Found by {e.how}.", class_="note"),
        ]
    )


def leaderboard(f: Findings) -> Html:
    """List the learners."""
    board = f.leaderboard
    header = ["Learner", f"Loss ({f.loss_label})", "± se", "Weight", "Gain", "± se"]
    header += ["Fit s", "Predict s", "Path"]
    rows = [
        [
            row["learner"],
            row["loss"],
            Cell(number(row["loss_se"], 2), row["loss_se"]),
            Cell(_weight(row["weight"]), row["weight"]),
            Cell(number(row["gain"], 2), row["gain"]),
            Cell(number(row["gain_se"], 2), row["gain_se"]),
            Cell(number(row["fit_seconds"], 2), row["fit_seconds"]),
            Cell(number(row["predict_seconds"], 2), row["predict_seconds"]),
            row["path"],
        ]
        for row in board.to_dict("records")
    ]
    gained = board.attrs.get("gain")
    text = (
        "Losses are out of fold. Gain: how far the loss of the combination rises without the "
        "learner; about 0 for one that others can stand in for. Predict s: seconds for 1,000 rows."
    )
    if gained is not None:
        text += f" Gains are of {gained}."
    return join(
        [
            table(header, rows, label="Learners", sortable=True, numeric=range(1, 8), sorted_by=1),
            tag("p", text, class_="note"),
        ]
    )


def _weight(weight: float) -> str:
    return "–" if np.isnan(weight) else f"{weight:.3f}"


def weights(f: Findings) -> Html | None:
    """Show how much say each learner has."""
    parts = []
    if f.weights is not None:
        named = sorted(f.weights.values.items(), key=lambda item: -abs(item[1]))
        shown = [(name, weight) for name, weight in named if weight != 0] or named
        largest = max((abs(weight) for _, weight in shown), default=0.0)
        rows = [[name, bar(weight, largest), f"{weight:.3f}"] for name, weight in shown]
        meaning = f.weights.meaning
        label = f"{meaning[:1].upper()}{meaning[1:]} of each learner"
        parts.append(table(["Learner", "", "Value"], rows, label=label, numeric=[2]))
        if without := len(named) - len(shown):
            parts.append(tag("p", f"{without} more have weight 0.", class_="note"))
        if not f.weights.are_own:
            text = (
                "The meta-learner has no weight a learner. These say how much of each a simple "
                "weighted mean would take."
            )
            parts.append(tag("p", text, class_="note"))
    candidates = getattr(f.seen.final, "candidate_weights_", None)
    if candidates:
        losses = getattr(f.seen.final, "losses_", {})
        rows = [
            [name, bar(weight, 1.0), f"{weight:.3f}", losses.get(name, np.nan)]
            for name, weight in sorted(candidates.items(), key=lambda item: -item[1])
        ]
        header = ["Candidate", "", "Weight", "Cross-fitted loss"]
        parts.append(table(header, rows, label="Second level: the blend", numeric=[2, 3]))
    return join(parts) if parts else None


def diversity(f: Findings) -> Html | None:
    """Show which learners err alike."""
    d = f.diversity
    if len(d.correlation) < 2:
        return None
    names = d.order()[:_MOST_MAPPED]
    values = d.correlation.loc[names, names].to_numpy()
    label = "Correlation of out-of-fold errors; learners that err alike stand together"
    copies = (
        "No learner is a copy of another."
        if not d.copies
        else "Copies (errors correlate above "
        f"{d.copies_above:g}): {'; '.join(' = '.join(group) for group in d.copies)}. One of each "
        "group would do."
    )
    pairs = d.pairs.rename(columns=lambda name: name.replace("_", " "))
    return join(
        [
            tag("p", copies),
            heatmap(values, [str(name) for name in names], label),
            tag("p", label, ".", class_="note"),
            frame(pairs, label="Pairs that err most alike", most=10),
        ]
    )


def calibration(f: Findings) -> Html | None:
    """Compare probabilities with how often they come true."""
    parts, judged = [], f.judged
    if judged is not None and judged.probabilities is not None:
        found = reliability(judged)
        error = expected_calibration_error(found)
        x, y = scales([0.0, 1.0], [0.0, 1.0], pad=0.02)
        label = f"Reliability: {found.what}"
        drawn = [
            *axes(x, y, "predicted probability", "share that came true"),
            line(x([0, 1]), y([0, 1]), "ideal"),
            line(x(found.predicted), y(found.observed)),
            *dots(
                x(found.predicted),
                y(found.observed),
                [
                    f"predicted {p:.3f}, came true {o:.3f}, {n} rows"
                    for p, o, n in zip(found.predicted, found.observed, found.n_rows, strict=True)
                ],
                ["dot"] * len(found.predicted),
            ),
        ]
        rows = [
            [f"{p:.3f}", f"{o:.3f}", int(n)]
            for p, o, n in zip(found.predicted, found.observed, found.n_rows, strict=True)
        ]
        parts = [
            tag(
                "p", f"Expected calibration error {number(error, 2)} ({f.rows_are}; {judged.of})."
            ),
            tag(
                "div",
                chart(drawn, label),
                table(["Predicted", "Came true", "Rows"], rows, label=label, numeric=range(3)),
                class_="columns",
            ),
        ]
    if f.calibration is not None:
        parts.append(anything(f.calibration, label="calibration()"))
    return join(parts) if parts else None


def errors(f: Findings) -> Html | None:
    """Show how the stack errs, and where."""
    judged = f.judged
    if judged is None:
        return None
    loss = overall(judged.losses, judged.loss_name)
    error = standard_error(judged.losses, loss, judged.loss_name)
    label = LOSS_LABELS.get(judged.loss_name, judged.loss_name)
    said = f"{label} {number(loss)} ± {number(error, 2)} on {f.rows_are} ({judged.of})."
    parts = [tag("p", said[:1].upper() + said[1:])]
    if judged.target.kind == "numbers" and judged.block.shape[1] == 1:
        parts.append(_residuals(judged))
    elif judged.classes is not None:
        parts.append(_confusion(judged))
    if judged.target.kind != "multilabel" and judged.block.shape[1] >= 1:
        parts.append(_worst_rows(f, judged))
    if f.slices is not None and len(f.slices):
        parts.append(frame(f.slices, label="Worst slices of the rows"))
        if (tried := f.slices.attrs.get("tried")) is not None:
            text = (
                f"The worst of {tried} slices that were tried. z: standard errors between the "
                "slice and the other rows; searching for the worst makes 2 to 3 no surprise."
            )
            parts.append(tag("p", text, class_="note"))
    elif f.slices is not None:
        parts.append(tag("p", "No slice of the rows is worse than the others."))
    else:
        text = "report(path, X, y) with a table adds the worst slices of its rows."
        parts.append(tag("p", text, class_="note"))
    return join(parts)


def _residuals(judged: Judged) -> Html:
    truth, said = judged.target.y.ravel(), judged.block[:, 0]
    some = np.linspace(0, len(truth) - 1, min(len(truth), 600)).astype(int)
    x, y = scales(said[some], truth[some])
    ends = max(x.low, y.low), min(x.high, y.high)
    label = f"Truth against prediction, {len(some)} rows"
    drawn = [
        *axes(x, y, "prediction", "truth"),
        *([line(x(ends), y(ends), "ideal")] if ends[0] < ends[1] else []),
        *(
            Html(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" class="small"/>')
            for a, b in zip(x(said[some]), y(truth[some]), strict=True)
        ),
    ]
    errors = truth - said
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    rows = [[f"{share:.0%}", float(np.quantile(errors, share))] for share in shares]
    rows += [["mean", float(errors.mean())], ["mean size", float(np.abs(errors).mean())]]
    label_of_table = "Truth minus prediction"
    return tag(
        "div",
        chart(drawn, label),
        table(["Quantile", "Error"], rows, label=label_of_table, numeric=[1]),
        class_="columns",
    )


_MOST_CLASSES = 12


def _confusion(judged: Judged) -> Html:
    from ...out_of_fold.losses import class_codes

    assert judged.classes is not None
    classes = judged.classes
    said = class_codes(judged.block, judged.method, judged.target)
    n = len(classes)
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (judged.codes, said), 1)
    right = counts.diagonal()
    rows = [
        [
            str(classes[i]),
            int(counts[i].sum()),
            *(counts[i].tolist() if n <= _MOST_CLASSES else []),
            f"{right[i] / counts[i].sum():.1%}" if counts[i].sum() else "–",
            f"{right[i] / counts[:, i].sum():.1%}" if counts[:, i].sum() else "–",
        ]
        for i in range(n)
    ]
    header = ["Truth", "Rows"]
    header += [f"as {label}" for label in classes] if n <= _MOST_CLASSES else []
    header += ["Recall", "Precision"]
    share = right.sum() / max(counts.sum(), 1)
    label = f"What classes were taken for; {share:.1%} right"
    return table(header, rows, label=label, numeric=range(1, len(header)))


_N_WORST = 10


def _worst_rows(f: Findings, judged: Judged) -> Html:
    worst = np.argsort(-np.nan_to_num(judged.losses, nan=-np.inf), kind="stable")[:_N_WORST]
    labels = f.row_labels
    if labels is None and f.new is None:
        labels = f.seen.oof.index
    rows = []
    for i in worst:
        row = int(judged.rows[i])
        name = row if labels is None else labels[row]
        rows.append([str(name), _truth(judged, i), _answer(judged, i), float(judged.losses[i])])
    header = ["Row", "Truth", "Prediction", "Loss of the row"]
    return table(header, rows, label="Rows of greatest loss", numeric=[3])


def _truth(judged: Judged, i: int) -> str:
    if judged.classes is not None:
        return str(judged.classes[judged.codes[i]])
    return ", ".join(number(value) for value in np.ravel(judged.target.y[i]))


def _answer(judged: Judged, i: int) -> str:
    if judged.classes is None:
        return ", ".join(number(value) for value in np.ravel(judged.block[i]))
    found = judged.probabilities
    if found is None:
        from ...out_of_fold.losses import class_codes

        code = int(class_codes(judged.block[[i]], judged.method, judged.target)[0])
        return str(judged.classes[code])
    best = int(found[i].argmax())
    return f"{judged.classes[best]} ({found[i, best]:.2f})"


def intervals(f: Findings) -> Html | None:
    """Say how far off predictions may be."""
    parts, judged = [], f.out_of_fold
    if f.intervals is not None and "width" in f.intervals:
        text = (
            f"90 % intervals of predict_interval cover {f.intervals['coverage']:.1%} of the rows "
            f"given; mean width {number(f.intervals['width'])}."
        )
        parts.append(tag("p", text))
    elif f.intervals is not None:
        text = (
            f"90 % sets of predict_set hold the truth for {f.intervals['coverage']:.1%} of the "
            f"rows given; mean size {number(f.intervals['size'], 3)} classes."
        )
        parts.append(tag("p", text))
    elif f.target.kind != "multilabel":
        kind = "predict_interval" if f.target.kind == "numbers" else "predict_set"
        text = f"{kind}(X) gives each new row its own; report(path, X, y) counts what it covers."
        parts.append(tag("p", text, class_="note"))
    if judged is not None and f.target.kind == "numbers" and judged.block.shape[1] == 1:
        off = judged.target.y.ravel() - judged.block[:, 0]
        low, high = np.quantile(off, [0.05, 0.95])
        text = (
            f"Nine of ten held-out rows lay between prediction {_signed(low)} and prediction "
            f"{_signed(high)}."
        )
        parts.append(tag("p", text))
    return join(parts) if parts else None


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'} {number(abs(float(value)), 3)}"


def costs(f: Findings) -> Html:
    """Show what learners cost."""
    board, parts = f.leaderboard, []
    total = float(board["fit_seconds"].sum())
    text = f"All fits together took {number(total, 3)} s."
    if f.seconds is not None:
        text += f" A prediction of 1,000 rows takes {number(f.seconds, 2)} s on this machine."
    parts.append(tag("p", text))
    shown = board[board["loss"].notna()]
    if len(shown) >= 2:
        seconds = np.maximum(shown["fit_seconds"].to_numpy(), 1e-4)
        losses, names = shown["loss"].to_numpy(), list(shown["learner"])
        front = pareto_front(seconds, losses)
        log_y = losses.min() > 0 and losses.max() > 5 * losses.min()
        x, y = scales(seconds, losses, log_x=True, log_y=log_y)
        label = f"Out-of-fold {f.loss_label} against seconds of all fits"
        kinds = ["hollow" if weight == 0 else "dot" for weight in shown["weight"]]
        drawn = [
            *axes(x, y, "seconds of all fits", f"out-of-fold {f.loss_label}"),
            line(x(seconds[front]), y(losses[front]), "front"),
            *dots(
                x(seconds),
                y(losses),
                [
                    f"{name}: {number(loss)}, {number(second, 2)} s"
                    for name, loss, second in zip(names, losses, seconds, strict=True)
                ],
                kinds,
            ),
        ]
        rows = [[names[i], Cell(number(seconds[i], 2)), losses[i]] for i in front]
        best = table(
            ["Learner", "Seconds", "Loss"],
            rows,
            label="Learners that none beats in both",
            numeric=[1, 2],
        )
        parts.append(tag("div", chart(drawn, label), best, class_="columns"))
        if (shown["weight"] == 0).any():
            parts.append(tag("p", "Hollow points: learners of weight 0.", class_="note"))
    return join([*parts, _workers(f.seen.oof)])


def _workers(oof: OutOfFold) -> Html | None:
    """Sum up who was busy when."""
    records = oof.records
    if not records:
        return None
    begin = min(r.started for r in records)
    span = max(r.started + r.seconds for r in records) - begin
    busy = sum(r.seconds for r in records)
    workers = len({r.worker for r in records})
    text = (
        f"{len(records)} fits, on {workers} {'process' if workers == 1 else 'processes'}, within "
        f"{number(span, 3)} s of the clock ({number(busy, 3)} s of fits)."
    )
    return tag("p", text, class_="note")


#: Heading, anchor and maker of each section.
SECTIONS: list[tuple[str, str, Callable[[Findings], Html | None]]] = [
    ("Verdict", "verdict", verdict),
    ("Expected loss", "expected-loss", expected_loss),
    ("Leaderboard", "leaderboard", leaderboard),
    ("Weights", "weights", weights),
    ("Diversity", "diversity", diversity),
    ("Calibration", "calibration", calibration),
    ("Errors and worst slices", "errors", errors),
    ("Intervals", "intervals", intervals),
    ("Costs", "costs", costs),
    ("How to reproduce", "reproduce", reproduce),
]
