#!/usr/bin/env bash
# What action.yml does: one run of drydock check, and of it annotations, the job's summary, SARIF, one comment on the pull
# request that later runs update, and a review with suggestions. Without the right to comment (a pull request from a fork
# has none) the rest is done. Settings come as INPUT_…, the rest is the runner's environment. Needs bash, curl, git, jq, and Go
# unless INPUT_DRYDOCK names a drydock.
set -Eeuo pipefail

work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/drydock.XXXXXX")
api=${GITHUB_API_URL:-https://api.github.com}
most_suggestions=30

# quiet shows text of others in the log: no line of it is a command for the runner.
quiet() {
  local token
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$token"
  cat
  printf '\n::%s::\n' "$token"
}

lines() { grep -v -e '^[[:space:]]*$' <<<"$1" || true; }

output() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"; }

fail() {
  output verdict "$1"
  exit 0 # SARIF is uploaded before the job fails
}

case $INPUT_FAIL_ON in error | warning | note | never) ;; *)
  printf '::error title=drydock::fail-on is error, warning, note or never\n'
  exit 64
  ;;
esac
if [[ ! $INPUT_NAME =~ ^[A-Za-z0-9._-]{1,80}$ ]]; then
  printf '::error title=drydock::name takes letters, digits, dots, dashes and underscores\n'
  exit 64
fi
marker="<!-- drydock-action: $INPUT_NAME -->"

drydock=$INPUT_DRYDOCK
if [ -z "$drydock" ]; then
  drydock=$work/bin/drydock
  (cd "$ACTION_PATH" && GOFLAGS=-buildvcs=false GOWORK=off go build -trimpath -o "$drydock" ./cmd/drydock)
fi

mapfile -t paths < <(lines "$INPUT_PATHS")
mapfile -t arguments < <(lines "$INPUT_ARGUMENTS")
words=(check --format "json=$work/drydock.json" --format "sarif=$work/drydock.sarif" --format "markdown=$work/drydock.md" --format "github-review=$work/review.json")
[ "$INPUT_UNSAFE" != true ] || words+=(--unsafe)
[ "$INPUT_ANNOTATIONS" != true ] || words+=(--format github)
code=0
"$drydock" "${words[@]}" "${arguments[@]}" -- "${paths[@]}" >"$work/out" 2>"$work/err" || code=$?
if [ "$INPUT_ANNOTATIONS" = true ]; then cat "$work/out"; else quiet <"$work/out"; fi
[ ! -s "$work/err" ] || quiet <"$work/err"
if [ "$code" -gt 2 ] || ! jq -e . "$work/drydock.json" >/dev/null 2>&1 || [ ! -s "$work/drydock.md" ]; then
  printf '::error title=drydock::drydock ended with exit code %d: see the log\n' "$code"
  exit "$((code > 0 ? code : 1))"
fi

count() { jq "$1" "$work/drydock.json"; }
changes=$(count '[.files[].outcomes[] | select(.status == "applied")] | length')
findings=$(count '[.files[].findings[]] | length')
unreadable=$(count '[.files[] | select(.error != null)] | length')
output changes "$changes"
output findings "$findings"
output unreadable "$unreadable"
output folder "$work"
cat "$work/drydock.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

event() { jq -r "$1 // empty" "${GITHUB_EVENT_PATH:-/dev/null}" 2>/dev/null || true; }
number=$(event '.pull_request.number')
head=$(event '.pull_request.head.sha')
fork=$(event 'if .pull_request and .pull_request.head.repo.full_name != .repository.full_name then "yes" else null end')
[ "$INPUT_SARIF" != true ] || [ -n "$fork" ] || output sarif "$work/drydock.sarif"

# call METHOD PATH [BODY] asks GitHub; the answer is in $work/answer, the status in $status. The token goes by a file
# descriptor: a process list shows the words of a program.
call() {
  local words=(--silent --show-error --max-time 60 --request "$1" --output "$work/answer" --write-out '%{http_code}'
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28')
  [ "$1" != GET ] || words+=(--retry 3)
  [ $# -lt 3 ] || words+=(--header 'Content-Type: application/json' --data-binary "@$3")
  : >"$work/answer"
  status=$(curl "${words[@]}" --config <(printf 'header = "Authorization: Bearer %s"\n' "${INPUT_TOKEN//[$'\n\r\"\\']/}") "$api$2" 2>"$work/curl") || {
    status=000
    quiet <"$work/curl" >&2
  }
}

# all PATH gathers the pages of a list in $work/list; false when GitHub gives none.
all() {
  local page
  echo '[]' >"$work/list"
  for page in $(seq 1 30); do
    call GET "$1?per_page=100&page=$page"
    [ "$status" = 200 ] || return 1
    jq -s 'add' "$work/list" "$work/answer" >"$work/longer"
    mv "$work/longer" "$work/list"
    [ "$(jq length "$work/answer")" -eq 100 ] || return 0
  done
}

cannot() { printf '::notice title=drydock::%s (GitHub said %s). The job needs the permission pull-requests: write; a pull request from a fork never has it. The job summary has the same text.\n' "$1" "$status"; }

# me is whose comments are ours: a user by name, or any bot, for a bot can't ask who it is.
me() {
  call GET /user
  if [ "$status" = 200 ]; then jq -r '.login' "$work/answer"; fi
}

comment() {
  local id='' todo=$((changes + findings + unreadable))
  if ! all "/repos/$GITHUB_REPOSITORY/issues/$number/comments"; then
    cannot 'the comments of the pull request can not be read'
    return 0
  fi
  id=$(jq -r --arg marker "$marker" --arg me "$who" \
    '[.[] | select(.body != null and (.body | startswith($marker)) and (if $me != "" then .user.login == $me else .user.type == "Bot" end))][0].id // empty' "$work/list")
  jq -n --rawfile text "$work/drydock.md" --arg marker "$marker" '{body: ($marker + "\n" + $text)}' >"$work/body.json"
  if [ -n "$id" ]; then
    call PATCH "/repos/$GITHUB_REPOSITORY/issues/comments/$id" "$work/body.json"
  elif [ "$todo" -gt 0 ]; then
    call POST "/repos/$GITHUB_REPOSITORY/issues/$number/comments" "$work/body.json"
  else
    return 0 # nothing to say, and nothing that was said before
  fi
  case $status in 200 | 201) ;; *) cannot 'the comment could not be written' ;; esac
}

# review suggests what lies on lines that the pull request's diff shows, in files that are here as they are at its head (the
# runner may have checked out a merge), and that wasn't suggested before.
review() {
  if ! all "/repos/$GITHUB_REPOSITORY/pulls/$number/files"; then
    cannot 'the files of the pull request can not be read'
    return 0
  fi
  local top path sha
  top=$(git rev-parse --show-toplevel) || return 0
  : >"$work/same"
  while IFS= read -r -d '' path && IFS= read -r -d '' sha; do
    [ "$(git -C "$top" hash-object --no-filters -- "$path" 2>/dev/null)" != "$sha" ] || printf '%s\0' "$path" >>"$work/same"
  done < <(jq -j '.[] | select(.status != "removed" and .patch != null) | .filename, "\u0000", .sha, "\u0000"' "$work/list")
  jq --rawfile same "$work/same" '($same | split("\u0000")) as $names |
    [.[] | select(.filename as $f | $names | index($f)) | {key: .filename, value: [.patch | scan("(?m)^@@ -[0-9,]+ \\+([0-9]+)(?:,([0-9]+))? @@")
      | (.[0] | tonumber) as $from | {from: $from, to: ($from + ((.[1] // "1") | tonumber) - 1)}]}] | from_entries' "$work/list" >"$work/shown.json"
  if ! all "/repos/$GITHUB_REPOSITORY/pulls/$number/comments"; then
    cannot 'the reviews of the pull request can not be read'
    return 0
  fi
  jq --slurpfile shown "$work/shown.json" --slurpfile old "$work/list" --arg head "$head" --argjson most "$most_suggestions" '
    ([.comments[] | . as $c | select(any(($shown[0][.path] // [])[]; .from <= ($c.start_line // $c.line) and .to >= $c.line))
      | select(any($old[0][]; .path == $c.path and .line == $c.line and ((.body // "") | gsub("\r"; "")) == $c.body) | not)]) as $fit
    | {event, commit_id: $head, comments: $fit[:$most],
       body: (if ($fit | length) > $most then "drydock suggests \($most) of \($fit | length) changes here; the others come when these are made." else "drydock suggests:" end)}' \
    "$work/review.json" >"$work/body.json"
  [ "$(jq '.comments | length' "$work/body.json")" -gt 0 ] || return 0
  call POST "/repos/$GITHUB_REPOSITORY/pulls/$number/reviews" "$work/body.json"
  case $status in 200 | 201) ;; *) cannot 'the suggestions could not be made' ;; esac
}

if [ -n "$number" ] && [ -n "$INPUT_TOKEN" ]; then
  who=$(me)
  [ "$INPUT_COMMENT" != true ] || comment
  [ "$INPUT_REVIEW" != true ] || review
fi

[ "$INPUT_FAIL_ON" != never ] || exit 0
[ "$unreadable" -eq 0 ] || fail "$unreadable of the Dockerfiles could not be read"
weighs=$(jq --arg from "$INPUT_FAIL_ON" '["note", "warning", "error"] as $order | ($order | index($from)) as $least
  | [.files[] | (.outcomes[] | select(.status == "applied")), .findings[] | .severity as $s | select(($order | index($s // "warning")) >= $least)] | length' "$work/drydock.json")
[ "$weighs" -eq 0 ] || fail "$weighs of what drydock found weigh as much as fail-on: $INPUT_FAIL_ON, or more"
