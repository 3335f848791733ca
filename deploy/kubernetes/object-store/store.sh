# Between the folder of results and the bucket.
#
#   sh store.sh bring   the journals from the bucket: a shard's own (SHARD is its index), or all for the merge (SHARD is empty)
#   sh store.sh keep    everything into the bucket, once a minute and when told to end
set -eu
results=${DRYDOCK_RESULTS:-/results}
store=${RCLONE:-rclone}

case ${1:-} in
bring)
  "$store" copy "$BUCKET" "$results" --include "shard-${SHARD:-*}.journal"
  ;;
keep)
  last() {
    "$store" copy "$results" "$BUCKET" --local-no-check-updated
    exit 0
  }
  trap last TERM INT
  while :; do
    sleep "${EVERY:-60}" &
    wait $! || true
    # What can't be copied now can be in a minute.
    "$store" copy "$results" "$BUCKET" --local-no-check-updated || echo "store.sh: not copied, trying again in a minute" >&2
  done
  ;;
*)
  echo "store.sh: say bring or keep" >&2
  exit 64
  ;;
esac
