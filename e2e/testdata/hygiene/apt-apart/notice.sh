#!/bin/sh
# Prints today's notice from the depths in DIR.
set -eu
shallow() { jq -r ".berths | min_by(.metres) | .$1" "$dir/depths.json"; }

dir=$1
HARBOUR=$(jq -r .harbour "$dir/depths.json")
LEAST=$(shallow metres)
BERTH=$(shallow name)
export HARBOUR LEAST BERTH
envsubst <"$dir/notice.txt"
