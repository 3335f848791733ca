#!/bin/sh
set -eu
case $1 in
serve) exec python /srv/harbour/harbour.py ;;
*) exec "$@" ;;
esac
