# fish completion for drydock: drydock completion fish | source

function __drydock_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct | string unescape)
    test (count $typed) -eq 1; or set typed (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    or return
    set -l hints (string replace -r '^:' '' -- $answer[-1])
    set -l candidates $answer[1..-2]
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        # fish offers files for the whole word: what stands before "=" is put back
        set -l lead (string match -r -- '^-.*=' $typed; or echo)
        set -l rest (string replace -r -- '^-.*=' '' $typed)
        if test (math "bitand($hints, 16)") -ne 0
            printf '%s\n' $lead(__fish_complete_directories $rest '')
        else if test (math "bitand($hints, 4)") -eq 0
            printf '%s\n' $lead(__fish_complete_path $rest '')
        end
    end
end

complete -c drydock -f -k -a '(__drydock_complete)'
