"""Settings that all tests share."""

import os

from hypothesis import settings

# In CI the same examples every time; elsewhere new ones. Machines are shared: no deadlines.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
