# bash completion for drydock: source <(drydock completion bash)
#
# bash takes "=" for the end of a word: the words are put together again for drydock, and what it
# answers is cut to the part behind the last "=". No package but bash is needed, 3.2 or newer.
_drydock() {
  local program=${COMP_WORDS[0]} word joined=() i cut='' answer hints line candidates=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]#[\"\']} word=${word//\\/} # as it is typed: "a b, a\ b
    if ((${#joined[@]} > 0)) && [[ $word == =* || ${COMP_WORDS[i-1]} == = ]]; then
      joined[${#joined[@]}-1]+=$word
    else
      joined+=("$word")
    fi
  done
  word=${joined[${#joined[@]}-1]}
  [[ $word == *=* ]] && cut=${word%"${word##*=}"}
  answer=$("$program" __complete "${joined[@]}" 2>/dev/null) || return
  hints=${answer##*:}
  while IFS= read -r line; do
    [[ $line == :* ]] && continue
    line=${line%%$'\t'*}
    [[ $line == "$cut"* ]] && candidates+=("${line#"$cut"}")
  done <<<"$answer"
  COMPREPLY=()
  if ((${#candidates[@]} == 0)); then
    word=${word#"$cut"}
    if ((hints & 16)); then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$word")
    elif ! ((hints & 4)); then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
    fi
    return
  fi
  if ((hints & 64)); then
    compopt -o filenames 2>/dev/null
    for i in "${!candidates[@]}"; do candidates[i]=${candidates[i]%/}; done # bash adds it
  fi
  ((hints & 2)) && compopt -o nospace 2>/dev/null
  COMPREPLY=("${candidates[@]}")
}
complete -F _drydock drydock
