"""Whether a GPU is there for those learners that can use one."""

from __future__ import annotations

import ctypes
from functools import cache

from ..out_of_fold.warning import warn_caller


@cache
def _n_cuda_devices() -> int:
    """Ask the driver, which is there without any library of ours."""
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except OSError:
        return 0
    return count.value if found else 0


def usable_device(device: str) -> str:
    """Take "cuda" where XGBoost can compute on it, else "cpu" with one warning.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        What is wanted.

    Returns
    -------
    device : {"cpu", "cuda"}
    """
    if device == "cpu":
        return device
    import xgboost

    if not _n_cuda_devices():
        warn_caller("device='cuda': no CUDA device is to be found, so everything runs on the CPU.")
        return "cpu"
    if not xgboost.build_info().get("USE_CUDA"):
        warn_caller("device='cuda': this XGBoost was built without CUDA; it runs on the CPU.")
        return "cpu"
    return device
