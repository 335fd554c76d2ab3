"""AutoGluon's part of ``accuracy.py``: run by its own environment's Python, on a folder."""

import pickle
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
task = pickle.loads((folder / "task.pkl").read_bytes())
train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
n_classes = len(set(task["y"]))
kind = ("binary" if n_classes == 2 else "multiclass") if task["classifies"] else "regression"
start = time.perf_counter()
train["target__"] = task["y"]
options = {}
if task["groups"] is not None:
    train["group__"] = pd.Series(task["groups"]).map(lambda group: group % 8)
    options["groups"] = "group__"
predictor = TabularPredictor(
    "target__",
    problem_type=kind,
    eval_metric="log_loss" if task["classifies"] else "root_mean_squared_error",
    path=str(folder / "models"),
    verbosity=0,
    **options,
)
predictor.fit(train, presets="best_quality", time_limit=task["seconds"], num_cpus=2)
fitted = time.perf_counter()
if task["classifies"]:
    answer = predictor.predict_proba(test)
    predictions = answer[sorted(answer.columns)].to_numpy()
else:
    predictions = predictor.predict(test).to_numpy()
board = predictor.leaderboard()
found = {
    "promised": -float(board.loc[board["model"] == predictor.model_best, "score_val"].iloc[0]),
    "predictions": predictions,
    "fit_seconds": fitted - start,
    "predict_seconds": time.perf_counter() - fitted,
    "note": predictor.model_best,
}
(folder / "found.pkl").write_bytes(pickle.dumps(found))
