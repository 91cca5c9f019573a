#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian's 15.18-0+deb12u1). Needs root, to become `postgres`.
#
# Guess: a standby whose log went further than where its new primary branched off cannot follow it, and says so the same way
# however often it is started: who restarts it as it is does no harm.
#
# Behaviour: once it starts. It serves reads, and asks for the new timeline every 5 s in vain ("forked off current database
# system timeline 1 before current recovery point"). But it has fetched that timeline's history, which is in its own log from
# then on, and the next start is fatal: the new timeline does not contain what it had replayed. Nothing was configured,
# written or replayed in between: a restart alone takes away a server that answered.
set -euo pipefail
version=15.18-0+deb12u1
[ "$(dpkg-query -W -f '${Version}' postgresql-15 2>/dev/null)" = "$version" ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
        "postgresql-15=$version" >/dev/null
folder=$(mktemp -d)
bin=/usr/lib/postgresql/15/bin
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
cleanup() {
    trap '' INT TERM
    for data in "$folder"/*/postmaster.pid; do
        [ ! -e "$data" ] || as_postgres $bin/pg_ctl stop -D "${data%/*}" -m immediate >/dev/null 2>&1 || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
chmod 755 "$folder"
chown postgres "$folder"
cd "$folder"
# A server is a folder; its number, the name of its socket.
declare -A number=([old]=1 [behind]=2 [ahead]=3)
at() { echo "host=$folder port=${number[$1]} user=postgres dbname=postgres"; }
start() {
    as_postgres $bin/pg_ctl start -w -D "$1" -l "$1.log" \
        -o "-k $folder -p ${number[$1]} -c listen_addresses= -c fsync=off -c primary_conninfo='${2-}'" >/dev/null
}
stop() { as_postgres $bin/pg_ctl stop -D "$1" -m fast >/dev/null; }
ask() { as_postgres psql -Atq -d "$(at "$1")" -c "$2"; }
until_it() {
    for _ in $(seq 600); do
        [ "$("${@:2}" 2>/dev/null)" != "$1" ] || return 0
        sleep 0.1
    done
    echo "not within a minute: ${*:2} says $1"
    exit 1
}
as_postgres $bin/initdb -D old -U postgres -A trust --no-sync >/dev/null
start old
ask old 'create table written (number int)'
for standby in behind ahead; do
    as_postgres $bin/pg_basebackup -D $standby -d "$(at old)" -c fast --no-sync
    as_postgres touch $standby/standby.signal
    start $standby "$(at old)"
done
until_it 2 ask old "select count(*) from pg_stat_replication where state = 'streaming'"

# One standby lacks what the other has replayed, and is promoted.
stop behind
ask old 'insert into written select generate_series(1, 1000)'
until_it 1000 ask ahead 'select count(*) from written'
as_postgres $bin/pg_ctl stop -D old -m immediate >/dev/null
start behind "$(at old)"
ask behind 'select pg_promote()' >/dev/null

stop ahead
first=fails
if start ahead "$(at behind)"; then first=starts; fi
vain='forked off current database system timeline 1 before current recovery point'
until_it 1 sh -c "grep -q '$vain' ahead.log && echo 1"
rows=$(ask ahead 'select count(*) from written')

stop ahead
second=fails
if start ahead "$(at behind)" 2>/dev/null; then second=starts; fi
reason=$(grep -o 'FATAL:  requested timeline.*' ahead.log | tail -n 1)
echo "the first start: $first, and has $rows rows; the second: $second, '$reason'"
[ "$first, $rows, $second" = "starts, 1000, fails" ] && [ -n "$reason" ] || { echo "the behaviour has changed"; exit 1; }
