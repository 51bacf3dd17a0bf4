"""`scripts/screenshots [RUN STATUS]`: pictures of page and screen for the documents, by headless Chromium.

They show what is recorded in tests/report/fixtures/, or a run.json and a status.json that are given.
Chromium comes from the distribution and is needed for nothing else.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import status_lines
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import COLOURS, coloured
from report.page import write
from report.run import load

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests/report/fixtures"
IMAGES = ROOT / "docs/images"
CLASSES = {code: name for name, code in COLOURS.items()}
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #14181f; color: #d7dce3; }
pre { margin: 0; padding: 18px 22px; font: 14px/1.4 "DejaVu Sans Mono", monospace; }
.good { color: #4cc38a; } .bad { color: #ff7b72; font-weight: 700; } .busy { color: #e0b04a; }
.dim { color: #8a95a3; } .strong { font-weight: 700; }
</style><pre>%s</pre>"""


def terminal(lines: list[str]) -> str:
    """Coloured lines as a page that looks like a terminal."""
    text = html.escape("\n".join(lines))
    opened = re.sub(r"\x1b\[([0-9;]+)m", lambda match: _tag(match.group(1)), text)
    return TERMINAL % opened


def _tag(code: str) -> str:
    return "</span>" if code == "0" else f'<span class="{CLASSES[code]}">'


def shoot(page: Path, target: Path, width: int, height: int) -> None:
    """Take a picture of a page.

    Raises:
        subprocess.CalledProcessError: Chromium failed.
    """
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("needs chromium. On Debian: sudo apt-get install -y chromium")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={profile}", f"--window-size={width},{height}"),
                *(f"--screenshot={target}", page.as_uri()),
            ],
            check=True,
            capture_output=True,
        )
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KiB")


def main(arguments: Sequence[str]) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", default=FIXTURES / "rehearsal.json")
    parser.add_argument("status", type=Path, nargs="?", default=FIXTURES / "status.json")
    options = parser.parse_args(arguments)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        status, page = Path(folder) / "status.html", Path(folder) / "report.html"
        report = json.loads(options.status.read_text())
        status.write_text(terminal(status_lines(report, coloured)))
        write(load(options.run), page)
        shoot(status, IMAGES / "status.png", 900, 560)
        shoot(page, IMAGES / "report.png", 1000, 1350)
        shoot(page, IMAGES / "report-phone.png", 500, 1100)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
