"""Where the sources and the build under test are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("SLOTD_BUILD", ROOT / "build")).resolve()

SLOTD = BUILD / "src/supervisor/slotd"
SLOTCTL = BUILD / "src/ctl/slotctl"
WEB = BUILD / "tests/system/web"  # a worker of tests: web.c


def helper_path(name: str) -> Path:
    """helper_path("probe") is slotd-probe in the build tree."""
    return BUILD / "src" / name / f"slotd-{name}"
