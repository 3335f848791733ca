# What a container of the two Jobs does.
#
#   sh run.sh shard   one shard, with a journal in the volume: a container that takes a dead one's place goes on where that ended
#   sh run.sh merge   one report of all journals
set -eu
settings=${DRYDOCK_SETTINGS:-/etc/drydock}
results=${DRYDOCK_RESULTS:-/results}

# run WORD…: the shell is process 1 and a shell passes no signal on, so it is done here: drydock then ends in good order at once
# and not by SIGKILL when the pod's grace is over. Exit code 2, some repositories failed, is told by the report; a restart would
# not mend it.
run() {
  child='' told=''
  trap 'told=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true' TERM INT
  "$@" &
  child=$!
  [ -z "$told" ] || kill -TERM "$child" 2>/dev/null || true
  while :; do
    code=0
    wait "$child" || code=$?
    # a wait that a signal broke off gives more than 128, and the child still runs
    [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null || break
  done
  [ "$code" -ne 2 ] || code=0
  exit "$code"
}

case ${1:-} in
shard)
  set --
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) ;; *) set -- "$@" "$line" ;; esac
  done <"$settings/flags"
  if grep -qv -e '^#' -e '^$' "$settings/sources"; then set -- "$@" "$settings/sources"; fi
  run drydock bulk --shard auto --journal "$results/shard-$JOB_COMPLETION_INDEX.journal" "$@"
  ;;
merge)
  set --
  index=0
  while [ "$index" -lt "$DRYDOCK_SHARDS" ]; do
    set -- "$@" "$results/shard-$index.journal"
    index=$((index + 1))
  done
  run drydock bulk merge --csv "$results/report.csv" --jsonl "$results/report.jsonl" --sarif "$results/report.sarif" --html "$results/report.html" "$@"
  ;;
*)
  echo "run.sh: say shard or merge" >&2
  exit 64
  ;;
esac
