"""Sends what the wrapper tells the system log on to Sentry and Datadog, from a process of its own."""
