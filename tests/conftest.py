"""Settings that all tests share."""

import os

# Before numpy is imported, here and in the worker processes: on few cores, threads of small
# matrix products only wait for each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from hypothesis import settings  # noqa: E402

# In CI the same examples every time; elsewhere new ones. Machines are shared: no deadlines.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
