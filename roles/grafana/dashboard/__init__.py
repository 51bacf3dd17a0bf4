"""The Grafana dashboard: `python -m roles.grafana.dashboard` writes it into the files of the role."""
