# Sourced by ./tests/run and ./examples/quickstart: Debian packages, installed without a question,
# and a sentence for each way in which that goes wrong.
# shellcheck shell=bash disable=SC2034

# What building slotd needs.
SLOTD_BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libev-dev libinih-dev
    libsystemd-dev libmicrohttpd-dev libexpat1-dev libjansson-dev libcurl4-openssl-dev libedit-dev
    libseccomp-dev libcap-ng-dev libcrypt-dev nettle-dev)
# Seconds to wait while another apt or dpkg runs.
SLOTD_APT_PATIENCE=${SLOTD_APT_PATIENCE:-300}

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
        packages_why="these packages are missing, and only root can install them: $*
    Run: sudo apt-get install $*"
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
    if grep -q 'Could not get lock' "$log"; then
        holder=$(grep -o 'held by process [0-9]* ([^)]*)' "$log" | tail -n 1)
        printf 'another apt or dpkg is at work (%s) and did not finish in %s seconds.' \
            "${holder:-unknown process}" "$SLOTD_APT_PATIENCE"
        printf ' Wait for it to end and try again.'
    elif grep -qE 'Temporary failure resolving|Could not (connect|resolve)|Failed to fetch|timed out' \
        "$log"; then
        printf 'the packages could not be fetched: no network, or no way to the Debian archive.\n'
        printf '    %s\n' "$(grep -E '^(Err|E|W):' "$log" | tail -n 1)"
        printf '    Needed: %s' "$wanted"
    elif grep -q 'Unable to locate package' "$log"; then
        printf 'the Debian archive of this machine does not have: %s\n' \
            "$(sed -n 's/.*Unable to locate package //p' "$log" | tr '\n' ' ')"
        printf '    slotd is built on Debian 12 or newer.'
    elif grep -q 'No space left' "$log"; then
        printf 'the disk is full: the packages need some 500 MB.'
    else
        printf 'apt-get could not install %s:\n%s' "$wanted" "$(tail -n 5 "$log" | sed 's/^/    /')"
    fi
}
