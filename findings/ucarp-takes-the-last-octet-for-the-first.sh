#!/usr/bin/env bash
# UCARP 1.5.2 (Debian's 1.5.2+git20192404.1a9aaf7-1), on a little-endian machine. Needs root, for network namespaces.
#
# Guess: of two masters with one interval, the one with the lower IP address stays, as its README says.
#
# Behaviour: the addresses are compared as they lie in memory, in the order of the network, and a little-endian machine takes
# the last octet there for the first. In one /24 it is as the README says. In a wider net it is chance: 10.77.1.2 stays, and
# 10.77.0.9 leaves.
set -euo pipefail
version=1.5.2+git20192404.1a9aaf7-1
[ "$(dpkg-query -W -f '${Version}' ucarp 2>/dev/null)" = "$version" ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "ucarp=$version" >/dev/null
[ "$(python3 -c 'import sys; print(sys.byteorder)')" = little ] || { echo "not a little-endian machine"; exit 1; }
folder=$(mktemp -d)
tag=uc$$
clear_away() {
    for n in 1 2; do
        ip netns pids "$tag-$n" 2>/dev/null | xargs -r kill -9 || true
        ip netns del "$tag-$n" 2>/dev/null || true
    done
    ip netns del "$tag-switch" 2>/dev/null || true
}
cleanup() {
    trap '' INT TERM
    clear_away
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
for what in add del; do
    printf '#!/bin/sh\nip addr %s "$2/32" dev "$1" 2>/dev/null || true\n' $what > "$folder/$what"
    chmod +x "$folder/$what"
done
shared=10.77.200.1
has() { [ -n "$(ip -n "$tag-$1" addr show dev eth0 to $shared)" ]; }
both_have() { has 1 && has 2; }
one_has() { if has 1; then ! has 2; else has 2; fi; }
until_it() {
    for _ in $(seq 600); do
        ! "$@" || return 0
        sleep 0.1
    done
    echo "not within a minute: $*" >&2
    exit 1
}
# Two machines that do not hear each other until both are masters, and then do: prints the address of the one that stays.
stays() {
    local addresses=("$1" "$2") n
    ip netns add "$tag-switch"
    ip -n "$tag-switch" link add br0 type bridge
    ip -n "$tag-switch" link set br0 up
    for n in 1 2; do
        ip netns add "$tag-$n"
        ip link add eth0 netns "$tag-$n" type veth peer name "p$n" netns "$tag-switch"
        ip -n "$tag-switch" link set "p$n" up
        ip -n "$tag-$n" addr add "${addresses[n - 1]}/16" dev eth0
        ip -n "$tag-$n" link set lo up
        ip -n "$tag-$n" link set eth0 up
        ip netns exec "$tag-$n" ucarp -i eth0 -s "${addresses[n - 1]}" -a $shared -v 1 -p secret \
            -u "$folder/add" -d "$folder/del" >"$folder/$n.log" 2>&1 &
        disown
    done
    until_it both_have
    for n in 1 2; do ip -n "$tag-switch" link set "p$n" master br0; done
    until_it one_has
    # It is not to be taken for the end of it while they still argue.
    sleep 5
    one_has || { echo "nobody has won" >&2; exit 1; }
    for n in 1 2; do ! has $n || echo "${addresses[n - 1]}"; done
    clear_away
}
near="$(stays 10.77.0.2 10.77.0.9) $(stays 10.77.0.9 10.77.0.2)"
far="$(stays 10.77.0.9 10.77.1.2) $(stays 10.77.1.2 10.77.0.9)"
echo "of 10.77.0.2 and 10.77.0.9, either way round, there stayed $near; of 10.77.0.9 and 10.77.1.2: $far"
[ "$near" = "10.77.0.2 10.77.0.2" ] || { echo "the lower one was expected to stay in one /24"; exit 1; }
[ "$far" = "10.77.1.2 10.77.1.2" ] || { echo "the behaviour has changed"; exit 1; }
