#!/usr/bin/env bash
# PostgreSQL 15.18 (Debian's 15.18-0+deb12u1). Needs root, to become `postgres`.
#
# Guess: `statement_timeout` ends any statement that takes longer, a write that waits for a synchronous standby among them,
# and what was ended so has failed, as far as its client knows.
#
# Behaviour: the clock is stopped before the commit begins. A write of one statement, and a COMMIT, wait for the standby
# without end, whatever the time-out; nobody sees the row meanwhile. What does end the wait is a cancellation from outside,
# and then the client is told that it succeeded, with a warning beside it: the exit code of psql is 0 and the row is there,
# on one machine. A statement that is slow for another reason is ended in time, and has failed.
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
    as_postgres $bin/pg_ctl stop -D "$folder/data" -m immediate >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$folder"
chmod 755 .
chown postgres .
as_postgres $bin/initdb -D data -U postgres -A trust --no-sync >/dev/null
as_postgres $bin/pg_ctl start -w -D data -l log -o "-k $folder -c listen_addresses=" >/dev/null
ask() { as_postgres psql -At -h "$folder" -d postgres "$@"; }
ask -qc 'create table written (who text)'
# A standby that is not there.
ask -qc "alter system set synchronous_standby_names = 'elsewhere'" -c 'select pg_reload_conf()' >/dev/null
until [ "$(ask -c 'show synchronous_standby_names')" = elsewhere ]; do sleep 0.1; done
# A client with a time-out of 1 s.
impatient() { PGOPTIONS='-c statement_timeout=1s' ask "${@:2}" >"$1.log" 2>&1; }
waiting() { ask -c "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"; }
rows() { ask -c 'select count(*) from written'; }
code=0
impatient slow -c "insert into written select 'slow' from pg_sleep(60)" || code=$?
echo "a slow statement: $(cat slow.log) (exit code $code)"
[ $code = 1 ] && grep -q 'due to statement timeout' slow.log || { echo "it was expected to end"; exit 1; }
impatient one -c "insert into written values ('one')" &
one=$!
impatient block -c begin -c "insert into written values ('block')" -c commit &
block=$!
for _ in $(seq 300); do
    [ "$(waiting)" != 2 ] || break
    sleep 0.1
done
sleep 10
waiting=$(waiting)
seen=$(rows)
ask -c "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'" >/dev/null
codes=
for client in $one $block; do
    code=0
    wait "$client" || code=$?
    codes+="$code "
done
echo "ten seconds later there wait for the standby: $waiting of 2; rows seen: $seen"
echo "cancelled: $(tr '\n' ' ' <one.log)(exit codes ${codes% }); rows seen: $(rows)"
[ "$waiting $seen $codes$(rows)" = "2 0 0 0 2" ] && grep -q WARNING one.log && grep -q COMMIT block.log ||
    { echo "the behaviour has changed"; exit 1; }
