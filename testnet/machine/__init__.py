"""What this machine lets the local network do: privileges, the container engine, progress on the terminal."""
