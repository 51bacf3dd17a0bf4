"""The droplet image: Debian with systemd and sshd, and the node's interpreter and libraries baked in."""
