"""Which device each library of boosters can compute on."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

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
    """Take "cuda" where there is a device, else "cpu"; one warning says what stays on the CPU.

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
    if not _n_cuda_devices():
        warn_caller("device='cuda': no CUDA device is to be found, so everything runs on the CPU.")
        return "cpu"
    found = {"XGBoost": xgboost_device(device), "LightGBM": lightgbm_device(device)}
    if stays := [library for library, usable in found.items() if usable == "cpu"]:
        warn_caller(
            f"device='cuda': {' and '.join(stays)}, as installed here, cannot compute on a GPU "
            "and stays on the CPU."
        )
    return device


def xgboost_device(device: str) -> str:
    """Say what XGBoost, as it is installed, can compute on.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        What is there.

    Returns
    -------
    device : {"cpu", "cuda"}
    """
    import xgboost

    return device if xgboost.build_info().get("USE_CUDA") else "cpu"


def lightgbm_device(device: str) -> str:
    """Say what LightGBM, as it is installed, can compute on.

    Parameters
    ----------
    device : {"cpu", "cuda"}
        What is there.

    Returns
    -------
    device : {"cpu", "gpu", "cuda"}
        "gpu" is OpenCL, for which wheels are built; most are built without CUDA.
    """
    return "cpu" if device == "cpu" else _lightgbm_on_gpu()


@cache
def _lightgbm_on_gpu() -> str:
    """Try: LightGBM does not say what it was built with."""
    from lightgbm import LGBMRegressor
    from lightgbm.basic import LightGBMError

    X = np.arange(64.0).reshape(-1, 1)
    for device in ("cuda", "gpu"):
        booster = LGBMRegressor(n_estimators=1, device_type=device, verbosity=-1)
        try:
            booster.fit(X, X[:, 0])
        except LightGBMError:
            continue
        return device
    return "cpu"
