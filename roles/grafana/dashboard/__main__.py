"""`python -m roles.grafana.dashboard`: write roles/grafana/files/dashboards/migration.json anew."""

from __future__ import annotations

from pathlib import Path

from roles.grafana.dashboard.build import encode

TARGET = Path(__file__).resolve().parents[1] / "files" / "dashboards" / "migration.json"

if __name__ == "__main__":
    TARGET.write_text(encode(), encoding="utf-8")
    print(f"wrote {TARGET}")
