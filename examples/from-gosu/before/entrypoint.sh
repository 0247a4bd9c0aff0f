#!/bin/sh
set -e
PUID=${PUID:-1000}
PGID=${PGID:-1000}
if [ "$(id -u)" != 0 ]; then
    exec "$@"
fi
if [ "$(id -g app)" != "$PGID" ]; then
    groupmod -o -g "$PGID" app
fi
if [ "$(id -u app)" != "$PUID" ]; then
    usermod -o -u "$PUID" app
fi
mkdir -p /run/app
chown -R app:app /data /run/app
if [ -n "$UMASK" ]; then
    umask "$UMASK"
fi
exec gosu app "$@"
