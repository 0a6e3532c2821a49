# fish completion for slotctl

function __slotctl_call
    # the options that say which slotd is meant go along when names are asked for
    set -l words (commandline -opc)
    set -l options
    set -l i 2
    while test $i -le (count $words)
        switch $words[$i]
            case -c -s -u -p -r
                set -a options $words[$i] $words[(math $i + 1)]
                set i (math $i + 2)
            case '-*'
                set -a options $words[$i]
                set i (math $i + 1)
            case '*'
                break
        end
    end
    slotctl $options $argv 2>/dev/null
end

function __slotctl_workers
    __slotctl_call status | string replace -r ' .*' ''
    __slotctl_call status | string match -r '^[^ :]+:' | sort -u | string replace -r '$' '*'
    echo all
end

function __slotctl_groups
    __slotctl_call status | string replace -r '[: ].*' '' | sort -u
end

function __slotctl_services
    __slotctl_call slots | tail -n +2 | string match -r '^[^ ]+'
end

set -l commands abort add attach avail clear deploy drain exit fg help history import-check leave log-level \
    maintail open pid \
    quit reload remove reopen reread restart restart-daemon rollback shutdown signal slots start \
    status stop swap tail update version

complete -c slotctl -f
complete -c slotctl -s c -l configuration -r -F -d 'configuration file'
complete -c slotctl -s s -l serverurl -x -d 'where slotd listens'
complete -c slotctl -s u -l username -x -d user
complete -c slotctl -s p -l password -x -d password
complete -c slotctl -s r -l history_file -r -F -d 'history of the shell'
complete -c slotctl -s i -l interactive -d 'ask before a shutdown'
complete -c slotctl -s h -l help -d summary
complete -c slotctl -s V -l version -d version

complete -c slotctl -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c slotctl -n '__fish_seen_subcommand_from start stop restart clear fg status pid tail signal' \
    -a '(__slotctl_workers)'
complete -c slotctl -n '__fish_seen_subcommand_from add remove update' -a '(__slotctl_groups)'
complete -c slotctl -n '__fish_seen_subcommand_from deploy swap rollback slots attach abort drain history' \
    -a '(__slotctl_services)'
complete -c slotctl -n '__fish_seen_subcommand_from import-check leave' -F
complete -c slotctl -n '__fish_seen_subcommand_from help' -a "$commands"
complete -c slotctl -n '__fish_seen_subcommand_from signal' -a 'HUP INT QUIT TERM KILL USR1 USR2'
complete -c slotctl -n '__fish_seen_subcommand_from log-level' -a 'error warn info debug'
complete -c slotctl -n '__fish_seen_subcommand_from tail' -a 'stdout stderr'
complete -c slotctl -n '__fish_seen_subcommand_from tail maintail' -s f -d 'and what comes'
complete -c slotctl -n '__fish_seen_subcommand_from stop restart update shutdown restart-daemon' \
    -l force -d 'also what is live'
complete -c slotctl -n '__fish_seen_subcommand_from update' -l dry-run -d 'only say what it would do'
complete -c slotctl -n '__fish_seen_subcommand_from deploy swap rollback' -l wait -x -d 'queue this long'
complete -c slotctl -n '__fish_seen_subcommand_from drain' -l now -d 'close what is left'
complete -c slotctl \
    -n '__fish_seen_subcommand_from status slots pid avail reread reload version deploy swap rollback attach history' \
    -l json -d 'for programs'
