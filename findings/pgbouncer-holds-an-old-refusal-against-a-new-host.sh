#!/usr/bin/env bash
# PgBouncer 1.18.0 (Debian's 1.18.0-1+deb12u1) with its defaults, before PostgreSQL 15. Needs root, to become `postgres`.
#
# Guess: after a failover PgBouncer is told the new primary's address by RELOAD, and goes there for the next client. What
# the manual says of `server_login_retry` is about the server that failed; the new one has refused nobody.
#
# Behaviour: a refusal is remembered of the database's name, whatever its host. If one client has asked between the old
# primary's end and the RELOAD, no host is tried for 15 s from that refusal. That client and all new ones wait, although the
# new primary is there. RECONNECT, after which the manual has new connections made "immediately", does not change that. If
# nobody has asked, the first client after the RELOAD is served at once. So it is the busy poolers that are late.
set -euo pipefail
install=()
for package in pgbouncer=1.18.0-1+deb12u1 postgresql-15=15.18-0+deb12u1; do
    [ "$(dpkg-query -W -f '${Version}' "${package%%=*}" 2>/dev/null)" = "${package#*=}" ] || install+=("$package")
done
[ ${#install[@]} = 0 ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${install[@]}" >/dev/null
folder=$(mktemp -d)
bin=/usr/lib/postgresql/15/bin
as_postgres() { timeout 60 setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
stop() { as_postgres $bin/pg_ctl stop -D "$folder/$1" -m fast >/dev/null 2>&1; }
cleanup() {
    trap '' INT TERM
    kill "$(cat "$folder/bouncer.pid" 2>/dev/null)" 2>/dev/null || true
    stop old || true
    stop new || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$folder"
chmod 755 .
chown postgres .
# Neither is the other's copy: it is about who answers.
for server in old new; do
    as_postgres $bin/initdb -D $server -U postgres -A trust --no-sync >/dev/null
done
start() { as_postgres $bin/pg_ctl start -w -D "$1" -l "$1.log" -o "-k $folder/$1 -c listen_addresses= -c cluster_name=$1" \
    >/dev/null; }
start new
point_to() { echo "postgres = host=$folder/$1" > database.ini; }
echo '"postgres" ""' > users
cat > bouncer.ini <<INI
[databases]
%include $folder/database.ini
[pgbouncer]
listen_addr =
unix_socket_dir = $folder
auth_type = trust
auth_file = users
admin_users = postgres
logfile = bouncer.log
pidfile = bouncer.pid
INI
point_to old
as_postgres pgbouncer -q -d bouncer.ini
through() { as_postgres psql -Atq -h "$folder" -p 6432 -U postgres -d "$1" -c "$2"; }
who() { through postgres "select current_setting('cluster_name')"; }
refusals() { grep -c 'closing because: connect failed' bouncer.log || true; }
# Fails over, where asked to after a client has been refused: prints how long after that (or else after the old one's end) a
# new client is served, in seconds, and by whom.
fail_over() {
    local begun before
    start old
    point_to old
    through pgbouncer reload
    [ "$(who)" = old ] || { echo "the old one was expected to serve" >&2; exit 1; }
    stop old
    before=$(refusals)
    if [ "$1" = asked ]; then
        who >refused-one &
        for _ in $(seq 300); do
            [ "$(refusals)" = "$before" ] || break
            sleep 0.1
        done
        [ "$(refusals)" != "$before" ] || { echo "nobody was refused" >&2; exit 1; }
    fi
    begun=$SECONDS
    point_to new
    through pgbouncer reload
    through pgbouncer reconnect
    server=$(who)
    echo "$((SECONDS - begun)) $server"
    wait
}
read -r seconds server < <(fail_over quietly)
echo "nobody asked between: a client is served by the $server after $seconds s"
[ "$server" = new ] && [ "$seconds" -lt 10 ] || { echo "it was expected to be served at once"; exit 1; }
fail_over asked >answer
read -r seconds server <answer
echo "one was refused between: a new client is served by the $server after $seconds s, that one by the $(cat refused-one)"
[ "$server $(cat refused-one)" = "new new" ] && [ "$seconds" -ge 10 ] || { echo "the behaviour has changed"; exit 1; }
