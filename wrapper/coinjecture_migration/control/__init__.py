"""The control socket, and the status it answers."""
