#!/bin/sh
# Runs in a throw-away container of the droplets' base: a wheel of every library of node.txt goes to the folder $1.
# Some libraries are published as source only; Debian's own setuptools builds them, so nothing unlocked is fetched.
set -eu
wheels=$1
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
apt-get install -y -qq --no-install-recommends gcc libc6-dev libgmp-dev python3-dev python3-setuptools python3-wheel
python3 -m venv --system-site-packages /opt/venv
/opt/venv/bin/pip wheel -q --no-build-isolation --require-hashes -r /opt/node.txt -w "$wheels"
touch "$wheels/.complete"
