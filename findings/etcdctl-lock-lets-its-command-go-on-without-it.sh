#!/usr/bin/env bash
# etcd and etcdctl 3.4.23 (Debian's 3.4.23-4+b4). Needs root, for network namespaces.
#
# Guess: `etcdctl lock NAME -- COMMAND` stops the command when the lock is lost, or says at the end that it was: without a
# command, `etcdctl lock NAME` ends at once with "session expired" and exit code 1.
#
# Behaviour: with a command nobody looks at the session. Cut off until its lease has ended, the command goes on, and the
# next holder's command runs beside it. After the heal etcdctl unlocks what it no longer has without complaint, and the exit
# code is 0. Only the command itself can find out, by a look at the key that `ETCD_LOCK_KEY` names.
set -euo pipefail
version=3.4.23-4+b4
install=()
for package in etcd-server etcd-client; do
    [ "$(dpkg-query -W -f '${Version}' $package 2>/dev/null)" = "$version" ] || install+=("$package=$version")
done
[ ${#install[@]} = 0 ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${install[@]}" >/dev/null
folder=$(mktemp -d)
tag=el$$
cleanup() {
    trap '' INT TERM
    for space in "$tag-1" "$tag-2"; do
        ip netns pids "$space" 2>/dev/null | xargs -r kill -9 || true
        ip netns del "$space" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$folder"
export ETCDCTL_API=3
for n in 1 2; do
    ip netns add "$tag-$n"
    ip -n "$tag-$n" link set lo up
done
ip link add eth0 netns "$tag-1" type veth peer name eth0 netns "$tag-2"
for n in 1 2; do
    ip -n "$tag-$n" addr add "10.9.0.$n/24" dev eth0
    ip -n "$tag-$n" link set eth0 up
done
until_it() {
    for _ in $(seq 600); do
        ! "$@" || return 0
        sleep 0.1
    done
    echo "not within a minute: $*"
    exit 1
}
ctl() { timeout 90 ip netns exec "$tag-$1" etcdctl --endpoints=10.9.0.1:2379 "${@:2}"; }
keys() { [ "$(ctl 1 get --prefix "$1/" --keys-only | grep -c .)" = "$2" ]; }
ip netns exec "$tag-1" etcd --data-dir data --listen-client-urls http://10.9.0.1:2379 \
    --advertise-client-urls http://10.9.0.1:2379 >etcd.log 2>&1 &
disown
until_it ctl 1 endpoint health >/dev/null 2>&1
# On which machine, and its name. The command runs until it is told to end.
hold() {
    ctl "$1" lock --ttl 10 held -- \
        sh -c "echo \$ETCD_LOCK_KEY > $2-in; until [ -e $2-ends ]; do sleep 0.1; done; touch $2-out" >"$2.log" 2>&1
}
hold 2 first &
first=$!
until_it [ -e first-in ]
ctl 2 lock --ttl 10 plain >plain.log 2>&1 &
plain=$!
until_it keys plain 1
hold 1 second &
second=$!
until_it keys held 2
sleep 2
[ ! -e second-in ] || { echo "the second one did not wait"; exit 1; }
# Cut off, until the next one has the lock.
ip -n "$tag-2" link set eth0 down
until_it [ -e second-in ]
code=0
wait $plain || code=$?
echo "without a command, cut off: $(tail -n 1 plain.log) (exit code $code)"
[ "$code" = 1 ] && grep -q 'session expired' plain.log || { echo "it was expected to notice"; exit 1; }
! kill -0 $first 2>/dev/null || [ -e first-out ] || beside=yes
ip -n "$tag-2" link set eth0 up
[ -z "$(ctl 1 get --keys-only "$(cat first-in)")" ] || { echo "the first one has not lost the lock"; exit 1; }
touch first-ends
code=0
wait $first || code=$?
[ ! -e first-out ] || finished=yes
[ ! -e second-out ] || { echo "the second one ended early"; exit 1; }
echo "with one: beside the second ${beside-no}, ran to its end ${finished-no}, said '$(cat first.log)' (exit code $code)"
touch second-ends
wait $second
[ "${beside-no} ${finished-no} $code" = "yes yes 0" ] || { echo "the behaviour has changed"; exit 1; }
