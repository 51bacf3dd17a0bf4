#!/bin/sh
# Runs once inside the image while it is made: overlay/ has been copied in, the folder $1 holds the node's wheels.
set -eu
wheels=$1

# The operator: no password at all, a key is put in when a droplet is created.
useradd --create-home --shell /bin/bash ops
install -d -m 0700 -o ops -g ops /home/ops/.ssh
chmod 0440 /etc/sudoers.d/ops
visudo --check --quiet

# Two droplets must never share host keys: every one makes its own when it first starts.
rm -f /etc/ssh/ssh_host_*
systemctl enable droplet-host-keys.service

# Background jobs that would take the package lock or the disk at a random moment.
systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
# There is no console to log in on.
systemctl mask getty@tty1.service console-getty.service

# What watches a network is here to save its fetching, and silent: only playbooks/monitoring.yml starts it.
systemctl disable prometheus prometheus-alertmanager prometheus-blackbox-exporter prometheus-node-exporter
# Of the nodes only one kind has a proxy in front of its API.
systemctl disable nginx
rm /etc/nginx/sites-enabled/default

# The node's interpreter and libraries; their hashes have been checked when the wheels were made.
python3 -m venv /opt/coinjecture/venv
/opt/coinjecture/venv/bin/pip install -q --root-user-action=ignore --no-index --no-deps "$wheels"/*.whl
/opt/coinjecture/venv/bin/pip check
