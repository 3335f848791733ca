# What a container of the two Jobs does.
#
#   sh run.sh shard   one shard, with a journal in the volume: a container that takes a dead one's place goes on where that ended
#   sh run.sh merge   one report of all journals
#
# drydock ends with 2 when some repositories failed, and also when the run itself did. The first is told by the report, and a restart would
# not mend it, so it is no failure here; the second is one. The journal tells which: its last record says that the run came to its end.
set -eu
settings=${DRYDOCK_SETTINGS:-/etc/drydock}
results=${DRYDOCK_RESULTS:-/results}

# run WORD…: a shell passes no signal on, so it is done here: drydock then ends in good order at once, and not by SIGKILL when the
# pod's grace is over. Its exit code is left in $code.
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
}

# ended JOURNAL: its run came to its end.
ended() { tail -n 1 "$1" 2>/dev/null | grep -q '^\["[0-9a-f]*","[0-9a-f]*",{"end":'; }

case ${1:-} in
shard)
  journal=$results/shard-$JOB_COMPLETION_INDEX.journal
  set --
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) ;; *) set -- "$@" "$line" ;; esac
  done <"$settings/flags"
  if grep -qv -e '^#' -e '^$' "$settings/sources"; then set -- "$@" "$settings/sources"; fi
  run drydock bulk --shard auto --journal "$journal" "$@"
  if [ "$code" -eq 2 ] && ended "$journal"; then code=0; fi
  exit "$code"
  ;;
merge)
  set --
  index=0
  while [ "$index" -lt "$DRYDOCK_SHARDS" ]; do
    journal=$results/shard-$index.journal
    ended "$journal" || {
      echo "run.sh: $journal is missing or unfinished: the Job drydock-bulk must be complete before this one starts" >&2
      exit 1
    }
    set -- "$@" "$journal"
    index=$((index + 1))
  done
  rm -f "$results"/report.*
  run drydock bulk merge --csv "$results/report.csv" --jsonl "$results/report.jsonl" --sarif "$results/report.sarif" --html "$results/report.html" "$@"
  if [ "$code" -eq 2 ] && [ -e "$results/report.csv" ] && [ -e "$results/report.jsonl" ] && [ -e "$results/report.sarif" ] && [ -e "$results/report.html" ]; then code=0; fi
  exit "$code"
  ;;
*)
  echo "run.sh: say shard or merge" >&2
  exit 64
  ;;
esac
