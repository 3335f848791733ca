# Between the folder of results and the bucket.
#
#   sh store.sh bring   the journals from the bucket: a shard's own (SHARD is its index), or all for the merge (SHARD is empty)
#   sh store.sh keep    everything into the bucket, once a minute and when told to end
set -eu
results=${DRYDOCK_RESULTS:-/results}

# A journal grows while it is copied. What arrives is its beginning, and a journal that was cut anywhere is a journal.
up() { rclone copy "$results" "$BUCKET" --local-no-check-updated; }

# The pod waits for this as long as its grace lasts. What doesn't arrive is missed by the merge, which then fails.
last() {
  for pause in 1 5 15 0; do
    if up; then exit 0; fi
    sleep "$pause"
  done
  exit 1
}

case ${1:-} in
bring)
  rclone copy "$BUCKET" "$results" --include "shard-${SHARD:-*}.journal"
  ;;
keep)
  trap last TERM INT
  while :; do
    up || echo "store.sh: not copied, trying again in a minute" >&2
    sleep "${EVERY:-60}" &
    wait $! || true
  done
  ;;
*)
  echo "store.sh: say bring or keep" >&2
  exit 64
  ;;
esac
