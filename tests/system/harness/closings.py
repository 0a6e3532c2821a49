"""Who ends connections: a witness of what a public port sends, whatever stands in front of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Optional, Sequence

WITNESS = Path(__file__).with_name("witness.py")


class Closings:
    """Counts from now on, where this user may listen to packets."""

    def __init__(self, port: int, wrap: Sequence[str] = ()) -> None:
        self._process: Optional[subprocess.Popen] = subprocess.Popen(
            [*wrap, sys.executable, str(WITNESS), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self._process.stdout.readline()
        if said == "may not\n":
            self._process.communicate(timeout=30)
            self._process = None
        else:
            assert said == "listens\n", said

    def stop(self) -> Optional[dict]:
        """{"opened": N, "by_server": N, "by_client": N, "spare": N, "missed": packets}, or None."""
        if not self._process:
            return None
        out, _ = self._process.communicate(timeout=30)
        self._process = None
        return json.loads(out)

    def __enter__(self) -> "Closings":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
