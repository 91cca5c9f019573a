#!/usr/bin/env bash
# keepalived 2.2.7 (Debian's 1:2.2.7-1+b2), on Linux, with its defaults. Needs root, for network namespaces.
#
# Guess: when a partition heals and two masters become one, clients of the one that leaves find the other within a second:
# its adverts and gratuitous ARPs tell them.
#
# Behaviour: whose advert comes first decides. If the weaker one's does, the stronger answers with gratuitous ARPs. If the
# stronger one's does, the weaker removes the address without a word; the stronger never learns that there was another, and
# announces nothing (`garp_master_refresh` is off). Clients go on to send to the machine that has let go. What was in use a
# moment ago, Linux trusts for 15 to 45 s, and then for 5 s and three questions more: 23 to 53 s without an answer.
set -euo pipefail
version=1:2.2.7-1+b2
[ "$(dpkg-query -W -f '${Version}' keepalived 2>/dev/null)" = "$version" ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "keepalived=$version" >/dev/null
folder=$(mktemp -d)
tag=kl$$
cleanup() {
    for space in "$tag-1" "$tag-2" "$tag-3"; do
        ip netns pids "$space" 2>/dev/null | xargs -r kill -9 || true
        ip netns del "$space" 2>/dev/null || true
    done
    ip netns del "$tag-switch" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
ip netns add "$tag-switch"
ip -n "$tag-switch" link add br0 type bridge
ip -n "$tag-switch" link set br0 up
for n in 1 2 3; do
    ip netns add "$tag-$n"
    ip link add eth0 netns "$tag-$n" type veth peer name "p$n" netns "$tag-switch"
    ip -n "$tag-switch" link set "p$n" master br0 up
    ip -n "$tag-$n" addr add "10.9.0.$n/24" dev eth0
    ip -n "$tag-$n" link set lo up
    ip -n "$tag-$n" link set eth0 up
done
# What is sent to the other's address reaches nobody.
deaf() { ip -n "$tag-$1" neigh replace "10.9.0.$2" lladdr 02:00:00:00:00:99 dev eth0 nud permanent; }
deaf 1 2
deaf 2 1
for n in 1 2; do
    cat > "$folder/$n.conf" <<CONF
vrrp_instance one {
    interface eth0
    virtual_router_id 51
    priority $((200 - 50 * n))
    unicast_src_ip 10.9.0.$n
    unicast_peer { 10.9.0.$((3 - n)) }
    virtual_ipaddress { 10.9.0.100/24 }
}
CONF
    mkdir "$folder/$n"
    echo "$n" > "$folder/$n/who"
    ip netns exec "$tag-$n" python3 -m http.server 80 -d "$folder/$n" >/dev/null 2>&1 &
    disown
    ip netns exec "$tag-$n" keepalived -n -l -P -f "$folder/$n.conf" -p "$folder/$n.pid" -r "$folder/$n.vrrp" \
        >"$folder/$n.log" 2>&1 &
    disown
    # The weaker announces itself last, and has the client.
    sleep 2
done
cat > "$folder/ask.py" <<'PY'
import sys, time, urllib.request

begun, last = time.monotonic(), None
while time.monotonic() - begun < float(sys.argv[1]):
    try:
        last = urllib.request.urlopen("http://10.9.0.100/who", timeout=0.5).read().decode().strip()
        if last == sys.argv[2]:
            break
    except OSError:
        time.sleep(0.1)
print(f"{time.monotonic() - begun:.1f} {last}")
PY
ask() { ip netns exec "$tag-3" python3 "$folder/ask.py" "$@"; }
sleep 10
read -r _ who < <(ask 3 2)
[ "$who" = 2 ] || { echo "the client is not with the weaker one"; exit 1; }
# Only the stronger one is heard again: its advert comes first.
ip -n "$tag-1" neigh del 10.9.0.2 dev eth0
while [ -n "$(ip -n "$tag-2" addr show eth0 to 10.9.0.100)" ]; do ask 0.2 none >/dev/null; done
ip -n "$tag-2" neigh del 10.9.0.1 dev eth0
read -r seconds who < <(ask 90 1)
echo "the weaker master has left; the client found the stronger ($who) after $seconds s"
awk "BEGIN { exit !($seconds > 10 && $seconds < 60) }" || { echo "the behaviour has changed"; exit 1; }
