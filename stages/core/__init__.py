"""Code that every stage runs: params, paths, tables, errors, and the frame around a stage."""

import os

# Some libraries report how they are used, or ask for newer versions. They read these variables when they are imported,
# and every stage and tool imports this package before.
SILENCE = (
    "DO_NOT_TRACK",
    "DVC_NO_ANALYTICS",
    "HF_HUB_DISABLE_TELEMETRY",
    "ITERATIVE_DO_NOT_TRACK",
    "NO_ALBUMENTATIONS_UPDATE",
)
os.environ.update(dict.fromkeys(SILENCE, "1"))
# MKL, which multiplies matrices for torch, rounds a row differently by its place in a batch on some processors, unless
# this is set before torch is imported. It costs no time.
# https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2024-0/reproducibility-conditions.html
os.environ["MKL_CBWR"] = "AUTO,STRICT"
