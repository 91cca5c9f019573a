#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian's 2.6.12-1+deb12u4).
#
# Guess: `inter 3s` is what the manual says, the interval between two consecutive checks. A server is asked every 3 s, hung
# or not; with `timeout check 5s` and `fall 3` it is down 11 s after the first question that it left open.
#
# Behaviour: `inter` counts from the end of one check to the start of the next. A server that answers is asked every 3 s. One
# that accepts and never answers is asked every 8 s, and down after 21 s. Without `timeout check` it is every 6 s and 15 s,
# since `inter` is the time-out then, too. So the server about which something is to be found out is asked the least.
set -euo pipefail
version=2.6.12-1+deb12u4
[ "$(dpkg-query -W -f '${Version}' haproxy 2>/dev/null)" = "$version" ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "haproxy=$version" >/dev/null
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
cat > "$folder/serve.py" <<'PY'
import collections
import itertools
import signal
import socket
import subprocess
import sys
import threading
import time

FOLDER, SECONDS, SETTLED = sys.argv[1], 45, 2
asked = collections.defaultdict(list)


def serve(name, answers):
    """On a port of its own, which is returned; after so many answers it hangs, and what it is asked is remembered."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def run():
        for number in itertools.count():
            client, _ = listener.accept()
            if number >= SETTLED:
                asked[name].append(time.monotonic())
            if number < answers:
                client.recv(4096)
                client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                client.close()
            else:
                kept.append(client)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


with open(f"{FOLDER}/haproxy.cfg", "w") as config:
    config.write(f"""
defaults
    mode http
    timeout connect 3s
    timeout client 30s
    timeout server 30s
    option httpchk
    default-server inter 3s fall 3
frontend front
    bind {FOLDER}/front
    default_backend patient
backend patient
    timeout check 5s
    server prompt 127.0.0.1:{serve("prompt", SECONDS)} check
    server hung 127.0.0.1:{serve("hung", SETTLED)} check
backend plain
    server hung-plain 127.0.0.1:{serve("hung-plain", SETTLED)} check
""")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
haproxy = subprocess.Popen(["haproxy", "-db", "-f", f"{FOLDER}/haproxy.cfg"], stderr=subprocess.PIPE, text=True)
try:
    down = {}

    def read():
        for line in haproxy.stderr:
            for name in list(asked):
                if f"/{name} is DOWN" in line:
                    down[name] = time.monotonic() - asked[name][0]

    threading.Thread(target=read, daemon=True).start()
    time.sleep(SECONDS)
finally:
    haproxy.terminate()
    haproxy.wait()
gaps = {}
for name, at in sorted(asked.items()):
    gaps[name] = (at[-1] - at[0]) / (len(at) - 1)
    end = f", down {down[name]:.1f} s after the first of these questions" if name in down else ""
    print(f"{name}: asked every {gaps[name]:.1f} s{end}")
assert 2.5 < gaps["prompt"] < 4, "a prompt server was expected to be asked every 3 s"
assert 7 < gaps["hung"] < 10 and 5 < gaps["hung-plain"] < 7.5, "the behaviour has changed"
assert 15 < down["hung"] < 30, "the behaviour has changed"
PY
python3 "$folder/serve.py" "$folder"
