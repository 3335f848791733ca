#compdef drydock
# zsh completion for drydock: put it as _drydock into a folder of fpath, or: source <(drydock completion zsh)

_drydock() {
  local answer hints line word about lead=${words[CURRENT]}
  local -a given lines candidates options
  given=("${(@)words[2,CURRENT]}")
  answer=$("${(Q)words[1]}" __complete "${(@Q)given}" 2>/dev/null) || return 1
  hints=${answer##*:}
  lines=("${(@f)answer}")
  # What stands before the last "=" or "," of a word is no part of what is shown.
  lead=${(Q)lead}
  if ((hints & 64)) || [[ $lead != *[=,]* ]]; then
    lead=
  else
    lead=${lead%${lead##*[=,]}}
    compset -P '*[=,]'
  fi
  for line in $lines; do
    [[ $line == :* ]] && continue
    word=${line%%$'\t'*} about=
    [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
    [[ $word == "$lead"* ]] || continue
    word=${word#"$lead"}
    candidates+=("${${word//\\/\\\\}//:/\\:}${about:+:$about}")
  done
  if (($#candidates == 0)); then
    if ((hints & 16)); then
      _files -/
    elif ! ((hints & 4)); then
      _files
    fi
    return
  fi
  if ((hints & 64)); then
    local -a names
    names=("${(@)${(@)lines:#:*}%%$'\t'*}")
    local -a folders=(${(M)names:#*/}) files=(${names:#*/})
    (($#files)) && compadd -f -- $files
    (($#folders)) && compadd -f -S '' -- $folders
    return
  fi
  ((hints & 2)) && options=(-S '')
  _describe -V drydock candidates "${options[@]}"
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _drydock "$@"
else
  compdef _drydock drydock
fi
