# Sourced by ./tests/run and ./examples/quickstart: a directory that builds can be made in, and Debian
# packages, installed without a question; a sentence for each way in which that goes wrong.
# shellcheck shell=bash disable=SC2034

# What building slotd needs.
SLOTD_BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libev-dev libinih-dev
    libmicrohttpd-dev libexpat1-dev libjansson-dev libcurl4-openssl-dev libedit-dev
    libseccomp-dev libcap-ng-dev libcrypt-dev nettle-dev libsystemd-dev node-llhttp)
# Seconds to wait while another apt or dpkg runs.
SLOTD_APT_PATIENCE=${SLOTD_APT_PATIENCE:-300}

# usable_directory DIR MEGABYTES: makes DIR. Sets directory_why and returns 1 when it cannot be made,
# programs may not be run in it, or its disk has not that much room.
usable_directory() {
    local dir=$1 wanted=$2 free probe=$1/probe.$$
    directory_why=
    if ! mkdir -p "$dir" 2>/dev/null || ! printf '#!/bin/sh\n' 2>/dev/null >"$probe"; then
        free=$(_free_megabytes "$(dirname "$dir")")
        if [ "${free:-1}" -eq 0 ]; then
            directory_why="the disk of $dir is full; $wanted MB are needed."
        else
            directory_why="$dir cannot be written. Clone slotd into a directory of yours."
        fi
        return 1
    fi
    chmod 755 "$probe"
    "$probe" 2>/dev/null || directory_why="programs may not be run in $dir: its file system is mounted noexec
    ($(findmnt -nro TARGET,OPTIONS -T "$dir" 2>/dev/null)). Clone slotd somewhere else, for example into your home."
    rm -f "$probe"
    free=$(_free_megabytes "$dir")
    if [ -z "$directory_why" ] && [ "${free:-$wanted}" -lt "$wanted" ]; then
        directory_why="only $free MB are free on the disk of $dir; $wanted MB are needed."
    fi
    [ -z "$directory_why" ]
}

_free_megabytes() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

# missing_packages PKG...: those that are not installed, one a line.
missing_packages() {
    local pkg
    for pkg; do
        dpkg-query -W -f '${db:Status-Status}\n' "$pkg" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$pkg"
    done
}

# Who holds dpkg's or apt's lock, if anybody.
packages_lock_holder() {
    lslocks -nr -o COMMAND,PID,PATH 2>/dev/null |
        awk '$3 ~ "^/var/(lib|cache)/(dpkg|apt)/" { print $1 " (pid " $2 ")"; exit }'
}

# install_packages PKG...: installs them. Sets packages_why and returns 1 when that is not possible.
install_packages() {
    local log holder status=0
    packages_why=
    command -v apt-get >/dev/null || {
        packages_why="these packages are missing and there is no apt-get here: $*"
        return 1
    }
    if [ "$(id -u)" -ne 0 ]; then
        packages_why="packages are missing, and only root can install them. In a root shell (sudo -s, or su -):
    apt-get update && apt-get install --no-install-recommends $*"
        return 1
    fi
    holder=$(packages_lock_holder)
    [ -z "$holder" ] || printf 'Packages are being installed by %s; waiting for it, at most %d s ...\n' \
        "$holder" "$SLOTD_APT_PATIENCE"
    log=$(mktemp) || return 1
    _apt_get install -y --no-install-recommends "$@" >"$log" 2>&1 || status=$?
    if [ $status -ne 0 ] && ! grep -q 'Could not get lock' "$log"; then
        # Perhaps only the lists are old or were never fetched.
        status=0
        { _apt_get update && _apt_get install -y --no-install-recommends "$@"; } >"$log" 2>&1 ||
            status=$?
    fi
    [ $status -eq 0 ] || packages_why=$(_packages_sentence "$log" "$*")
    rm -f "$log"
    return $status
}

# No question is asked, no service of a new package is started: this machine may have its own plans
# for port 80.
_apt_get() {
    local policy=${SLOTD_POLICY_RC:-/usr/sbin/policy-rc.d} made='' status=0
    if [ "$1" = install ] && [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -q -o "DPkg::Lock::Timeout=$SLOTD_APT_PATIENCE" \
        -o Acquire::Retries=2 "$@" </dev/null || status=$?
    [ -z "$made" ] || rm -f "$policy"
    return $status
}

_packages_sentence() {
    local log=$1 wanted=$2 holder
    local unreachable='Temporary failure resolving|Could not (connect|resolve)|Failed to fetch|timed out'
    if grep -q 'Could not get lock' "$log"; then
        holder=$(grep -o 'held by process [0-9]* ([^)]*)' "$log" | tail -n 1)
        printf 'another apt or dpkg is at work (%s) and did not finish in %s seconds.' \
            "${holder:-unknown process}" "$SLOTD_APT_PATIENCE"
        printf ' Wait for it to end and try again.'
    elif grep -qE "$unreachable" "$log"; then
        printf 'the packages could not be fetched: no network, or no way to the Debian archive.\n'
        printf '    %s\n' "$(grep -E "$unreachable" "$log" | head -n 1 | sed 's/^ *//')"
        printf '    Needed: %s' "$wanted"
    elif grep -q 'Unable to locate package' "$log"; then
        printf 'the Debian archive of this machine does not have: %s\n' \
            "$(sed -n 's/.*Unable to locate package //p' "$log" | tr '\n' ' ')"
        printf '    slotd is built on Debian 12 or newer.'
    elif grep -qE "No space left|enough free space" "$log"; then
        printf 'the disk is too full for the packages: %s' \
            "$(grep -E 'No space left|enough free space' "$log" | head -n 1)"
    else
        printf 'apt-get could not install %s:\n%s' "$wanted" "$(tail -n 5 "$log" | sed 's/^/    /')"
    fi
}
