"""`scripts/screenshots [--record RUN STATUS]`: the pictures in docs/images, by headless Chromium.

Without arguments they show the recorded run again, in tests/report/fixtures/. With a run.json and a
status.json, such as those of the rehearsal that has just ended, these become the recorded run first.
`docs/images/drawn.json` says what the pictures were taken of; tests/report/test_screenshots.py compares it
with what the code draws now. Chromium comes from the distribution, for this command alone.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.screen import status_lines
from ansible_collections.coinjecture.migration.plugins.plugin_utils.status.words import COLOURS, coloured
from report.page import render
from report.run import load
from report.schemas import validator

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests/report/fixtures"
RECORDED = {"run": FIXTURES / "rehearsal.json", "status": FIXTURES / "status.json"}
IMAGES = ROOT / "docs/images"
DRAWN = IMAGES / "drawn.json"
DARK = "--blink-settings=preferredColorScheme=0"
CLASSES = {code: name for name, code in COLOURS.items()}
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #14181f; color: #d7dce3; }
pre { margin: 0; padding: 18px 22px; font: 14px/1.4 "DejaVu Sans Mono", monospace; }
.good { color: #4cc38a; } .bad { color: #ff7b72; font-weight: 700; } .busy { color: #e0b04a; }
.dim { color: #8a95a3; } .strong { font-weight: 700; }
</style><pre>%s</pre>"""


@dataclass(frozen=True)
class Picture:
    """A picture of `status` or `page`, so many pixels wide and high, in the dark or not."""

    of: str
    width: int
    height: int
    dark: bool = False


PICTURES = {
    "status.png": Picture("status", 720, 500),
    "report.png": Picture("page", 1000, 1350),
    "report-dark.png": Picture("page", 1000, 1350, dark=True),
    "report-phone.png": Picture("page", 500, 1100),
}


def drawings() -> dict[str, str]:
    """The pages that pictures are taken of, as the code draws the recorded run now."""
    report = json.loads(RECORDED["status"].read_text())
    return {"status": terminal(status_lines(report, coloured)), "page": render(load(RECORDED["run"]))}


def digests(pages: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of each page."""
    return {name: hashlib.sha256(page.encode()).hexdigest() for name, page in sorted(pages.items())}


def terminal(lines: list[str]) -> str:
    """Coloured lines as a page that looks like a terminal."""
    text = html.escape("\n".join(lines))
    opened = re.sub(r"\x1b\[([0-9;]+)m", lambda match: _tag(match.group(1)), text)
    return TERMINAL % opened


def _tag(code: str) -> str:
    return "</span>" if code == "0" else f'<span class="{CLASSES[code]}">'


def shoot(page: Path, target: Path, picture: Picture) -> None:
    """Take a picture of a page.

    Raises:
        SystemExit: There is no Chromium.
        subprocess.CalledProcessError: Chromium failed.
    """
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("screenshots: needs chromium. On Debian: sudo apt-get install -y chromium")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={profile}", f"--window-size={picture.width},{picture.height}"),
                *((DARK,) if picture.dark else ()),
                *(f"--screenshot={target}", page.as_uri()),
            ],
            check=True,
            capture_output=True,
        )
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KiB", flush=True)


def record(run: Path, status: Path) -> None:
    """Make a run and a status the recorded ones.

    Raises:
        MaterialError: The run has another form.
        jsonschema.ValidationError: The status has.
    """
    found = json.loads(status.read_text())
    validator("network").validate(found)
    RECORDED["run"].write_text(json.dumps(load(run), separators=(",", ":")) + "\n")
    RECORDED["status"].write_text(json.dumps(found, sort_keys=True) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument(
        "--record",
        type=Path,
        nargs=2,
        metavar=("RUN", "STATUS"),
        help="build/rehearsal/run.json of a complete rehearsal, and build/status.json read while a soak ran",
    )
    if given := parser.parse_args(arguments).record:
        record(*given)
    IMAGES.mkdir(parents=True, exist_ok=True)
    pages = drawings()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in pages.items():
            (Path(folder) / f"{name}.html").write_text(text, encoding="utf-8")
        for name, picture in PICTURES.items():
            shoot(Path(folder) / f"{picture.of}.html", IMAGES / name, picture)
    DRAWN.write_text(json.dumps(digests(pages), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
