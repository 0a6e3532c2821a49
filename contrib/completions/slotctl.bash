# bash completion for slotctl; needs no bash-completion package

_slotctl_workers()
{
	local name
	"${slotctl[@]}" status 2>/dev/null | while read -r name _; do
		printf '%s\n' "$name"
		case $name in
		*:*) printf '%s\n' "${name%%:*}:*" ;;
		esac
	done | sort -u
}

_slotctl_groups()
{
	local name
	"${slotctl[@]}" status 2>/dev/null | while read -r name _; do
		printf '%s\n' "${name%%:*}"
	done | sort -u
}

_slotctl_services()
{
	"${slotctl[@]}" slots 2>/dev/null | sed -n '2,$ s/^\([^ ][^ ]*\) .*/\1/p'
}

_slotctl_choices()
{
	local commands='abort add attach avail clear deploy drain exit fg help history import-check
		leave log-level maintail open pid quit reload remove reopen reread restart
		restart-daemon rollback shutdown
		signal slots start status stop swap tail update version'

	case $1 in
	'') echo "$commands -c -s -u -p -r -i -h -V" ;;
	start | clear | fg) _slotctl_workers; echo all ;;
	stop | restart) _slotctl_workers; echo all --force ;;
	status | pid) _slotctl_workers; echo all --json ;;
	tail) _slotctl_workers; echo -f stdout stderr ;;
	maintail) echo -f ;;
	signal)
		if [ "$2" = signal ]; then
			echo HUP INT QUIT TERM KILL USR1 USR2 STOP CONT
		else
			_slotctl_workers; echo all
		fi
		;;
	add | remove) _slotctl_groups ;;
	update) _slotctl_groups; echo all --dry-run --force ;;
	deploy | swap | rollback) _slotctl_services; echo --wait --json ;;
	slots | attach | history) _slotctl_services; echo --json ;;
	abort) _slotctl_services ;;
	drain) _slotctl_services; echo --now ;;
	avail | reread | version) echo --json ;;
	reload) echo --force --json ;;
	shutdown | restart-daemon) echo --force ;;
	log-level) echo error warn info debug ;;
	help) echo "$commands" ;;
	esac
}

_slotctl()
{
	# names have colons, at which bash would break them: split at blanks only
	local line=${COMP_LINE:0:COMP_POINT} cur prev command= i word
	local -a words slotctl
	read -ra words <<<"$line"
	case $line in
	*' ') words+=('') ;;
	esac
	cur=${words[-1]}
	prev=${words[-2]}

	# the options that say which slotd is meant go along when names are asked for
	slotctl=("${words[0]}")
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-c | -s | -u | -p | -r)
			slotctl+=("${words[i]}" "${words[i + 1]}")
			((i++))
			;;
		-*)
			slotctl+=("${words[i]}")
			;;
		*)
			command=${words[i]}
			break
			;;
		esac
	done

	COMPREPLY=()
	case $prev in
	-c | -r)
		compopt -o default
		return
		;;
	-s | -u | -p | --wait)
		return
		;;
	esac

	# "group:*" must stay a word
	set -f
	for word in $(_slotctl_choices "$command" "$prev"); do
		case $word in
		"$cur"*)
			case $cur in
			*:*) word=${word#"${cur%:*}:"} ;; # readline has what stands before the colon
			esac
			COMPREPLY+=("$word")
			;;
		esac
	done
	set +f
}

complete -F _slotctl slotctl
