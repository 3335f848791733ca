#!/bin/sh
# What multi-gitter runs in each repository; drydock lies in the PATH.
#
#   multi-gitter run ./drydock.sh --platform github --org my-organisation --branch drydock --conflict-strategy replace \
#     --fetch-depth 0 --pr-title 'Dockerfiles as drydock rewrites them' --pr-body 'Smaller, better cached and safer images.'
#
# Depth 0: the replay looks into the history. DRYDOCK_FLAGS are further flags of fix, separated by spaces: '--unsafe --offline'.
# A repository in which nothing changes gets no pull request.
set -u
# shellcheck disable=SC2086 # words, as said above
drydock fix ${DRYDOCK_FLAGS:-} . && exit
code=$?
# 2: a file could not be understood, which drydock told; the others are rewritten, and that is worth a pull request.
[ "$code" -eq 2 ] && exit
exit "$code"
