#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian's 15.18-0+deb12u1). Needs root, to become `postgres`.
#
# Guess: pg_rewind compares the histories of two servers, so it knows when both went on from one place on their own, and
# rewinds one to there. If it cannot, it refuses.
#
# Behaviour: it compares the numbers of their timelines first, and a number is no identity. Two standbys of one primary that
# are both promoted, as after a partition, are both on timeline 2; whatever they have written since, it says "no rewind
# required" and exits with 0. Started as the other's standby, the server keeps the rows that the other never had, and has
# none of the other's. Had the second been promoted after it had followed the first, it would be on timeline 3, and rewound.
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
    for data in "$folder"/*/*/postmaster.pid; do
        [ ! -e "$data" ] || as_postgres $bin/pg_ctl stop -D "${data%/*}" -m immediate >/dev/null 2>&1 || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
chmod 755 "$folder"
chown postgres "$folder"
# A server is a folder; its number, the name of its socket.
declare -A number=([old]=1 [one]=2 [other]=3)
at() { echo "host=$folder port=${number[$1]} user=postgres dbname=postgres"; }
start() {
    as_postgres $bin/pg_ctl start -w -D "$1" -l "$1.log" \
        -o "-k $folder -p ${number[$1]} -c listen_addresses= -c fsync=off -c primary_conninfo='${2-}'" >/dev/null
}
stop() { as_postgres $bin/pg_ctl stop -D "$1" -m fast >/dev/null; }
ask() { as_postgres psql -Atq -d "$(at "$1")" -c "$2"; }
until_it() {
    for _ in $(seq 600); do
        [ "$(ask "$1" "$2")" != "$3" ] || return 0
        sleep 0.1
    done
    echo "not within a minute: $2 is $3"
    exit 1
}
# Promotes two standbys, both at once or the second after it has followed the first, and rewinds the second.
run() {
    as_postgres mkdir "$folder/$1"
    cd "$folder/$1"
    as_postgres $bin/initdb -D old -U postgres -A trust -k --no-sync >/dev/null
    start old
    ask old 'create table written (who text)'
    for standby in one other; do
        as_postgres $bin/pg_basebackup -D $standby -d "$(at old)" -c fast --no-sync
        as_postgres touch $standby/standby.signal
        start $standby "$(at old)"
    done
    until_it old "select count(*) from pg_stat_replication where state = 'streaming'" 2
    stop old
    ask one 'select pg_promote()' >/dev/null
    if [ "$1" = in-turn ]; then
        stop other
        start other "$(at one)"
        until_it other 'select received_tli from pg_stat_wal_receiver' 2
    fi
    ask other 'select pg_promote()' >/dev/null
    for server in one other; do
        ask $server "insert into written select '$server' from generate_series(1, 10)"
        # pg_rewind learns of a promotion from the checkpoint after it.
        ask $server checkpoint
    done
    timelines="$(ask one 'select timeline_id from pg_control_checkpoint()') and $(
        ask other 'select timeline_id from pg_control_checkpoint()')"
    stop other
    code=0
    as_postgres $bin/pg_rewind -D other --no-sync --source-server="$(at one)" >rewind.log 2>&1 || code=$?
    as_postgres touch other/standby.signal
    start other "$(at one)"
    if [ "$1" = in-turn ]; then
        until_it other "select count(*) from written where who = 'one'" 10
    fi
    rows="$(ask other "select count(*) filter (where who = 'one') || ' of the one, ' ||
        count(*) filter (where who = 'other') || ' of its own' from written")"
    echo "$1: timelines $timelines, '$(tail -n 1 rewind.log)' (exit code $code); as a standby it has rows: $rows"
    stop other
    stop one
}
run in-turn
[ "$timelines, $code, $rows" = "2 and 3, 0, 10 of the one, 0 of its own" ] && grep -q Done rewind.log ||
    { echo "it was expected to rewind"; exit 1; }
run at-once
[ "$timelines, $code, $rows" = "2 and 2, 0, 0 of the one, 10 of its own" ] && grep -q 'no rewind required' rewind.log ||
    { echo "the behaviour has changed"; exit 1; }
