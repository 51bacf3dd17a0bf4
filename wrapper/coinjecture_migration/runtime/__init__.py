"""What any room takes of the process and the system: durable files, threads, clocks, log, alerts, errors."""
