"""What `import stackmeta` does not load. Its time is measured in benchmarks/import_time.py."""

import json
import subprocess
import sys

HEAVY = {"lightgbm", "matplotlib", "pandas", "polars", "pyarrow", "xgboost"}


def loaded_by(module: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after one import."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_import_loads_nothing_heavy():
    ours = loaded_by("stackmeta")
    assert "stackmeta" in ours
    # scikit-learn itself loads pandas where it is installed; we add nothing to that.
    assert sorted((ours - loaded_by("sklearn.ensemble")) & HEAVY) == []
