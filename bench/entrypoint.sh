#!/bin/sh
# What images do at a start where they have no pydrop: give `app` the numbers asked for, own its volume, make its
# folder in /run, drop. The peer of bench/run's case `job`.
set -eu
groupmod -o -g "$PGID" app
usermod -o -u "$PUID" app
mkdir -p /run/app
chown app:app /run/app
chown -R app:app "$DATA"
exec gosu app "$@"
