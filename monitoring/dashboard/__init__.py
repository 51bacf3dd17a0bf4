"""The Grafana dashboard, generated: `python -m monitoring.dashboard` writes monitoring/dashboards/migration.json."""
