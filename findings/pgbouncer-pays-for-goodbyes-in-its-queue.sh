#!/usr/bin/env bash
# PgBouncer 1.18.0 (Debian's 1.18.0-1+deb12u1), pooling by transaction, before PostgreSQL 15. Needs root, to become `postgres`.
#
# Guess: a client that gives up while it waits for a server is out of the queue. If one of those costs anything, it is one
# that vanished, not one that said goodbye.
#
# Behaviour: nobody reads from clients that wait, so both kinds keep their places until a server is free. One whose
# connection is merely closed is then found out and dropped. One that took its leave, as libpq's `PQfinish` does, is given
# the server, its query is taken for begun and its goodbye for one in mid-query: the server's connection is closed and
# another made, for each of them, before the next in the queue has its turn. None of the queries is run. So after an outage
# in which clients timed out politely, those who still wait pay a login for each who left.
set -euo pipefail
install=()
for package in pgbouncer=1.18.0-1+deb12u1 postgresql-15=15.18-0+deb12u1 python3-psycopg2=2.9.5-1+b1; do
    [ "$(dpkg-query -W -f '${Version}' "${package%%=*}" 2>/dev/null)" = "${package#*=}" ] || install+=("$package")
done
[ ${#install[@]} = 0 ] ||
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${install[@]}" >/dev/null
folder=$(mktemp -d)
bin=/usr/lib/postgresql/15/bin
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
cleanup() {
    trap '' INT TERM
    kill "$(cat "$folder/bouncer.pid" 2>/dev/null)" 2>/dev/null || true
    as_postgres $bin/pg_ctl stop -D "$folder/data" -m immediate >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$folder"
chmod 755 .
chown postgres .
as_postgres $bin/initdb -D data -U postgres -A trust --no-sync >/dev/null
as_postgres $bin/pg_ctl start -w -D data -l database.log \
    -o "-k $folder -c listen_addresses= -c log_connections=on" >/dev/null
as_postgres psql -q -h "$folder" -d postgres -c 'create role app login; create table done (); grant all on done to app'
echo '"app" ""' > users
cat > bouncer.ini <<INI
[databases]
postgres = host=$folder
[pgbouncer]
listen_addr =
unix_socket_dir = $folder
auth_type = trust
auth_file = users
stats_users = app
pool_mode = transaction
default_pool_size = 1
logfile = bouncer.log
pidfile = bouncer.pid
INI
as_postgres pgbouncer -q -d bouncer.ini
cat > ask.py <<'PY'
import select
import socket
import sys
import time

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

FOLDER, CLIENTS = sys.argv[1], 10
BOUNCER, DATABASE = {"port": 6432, "user": "app"}, {"port": 5432, "user": "postgres"}


def connect(to, dbname="postgres", **how):
    return psycopg2.connect(host=FOLDER, dbname=dbname, **to, **how)


def ask(connection, query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def until(what, holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, f"{what}: not within a minute"
        time.sleep(0.05)


def finish(connection):
    """Waits for the answer."""
    while (state := connection.poll()) != POLL_OK:
        assert any(select.select([connection][: state == POLL_READ], [connection][: state == POLL_WRITE], [], 60))


def send(query):
    """A client whose query is on its way."""
    connection = connect(BOUNCER, async_=True)
    finish(connection)
    cursors.append(connection.cursor())
    cursors[-1].execute(query)
    until("sent", lambda: connection.poll() == POLL_READ)
    return connection


def vanish(connection):
    """Closes its end without a word."""
    with socket.socket(fileno=connection.fileno()) as end:
        end.shutdown(socket.SHUT_RDWR)
        end.detach()


# Or they would be gone before their answers.
cursors = []
console = connect(BOUNCER, "pgbouncer")
console.autocommit = True
observer = connect(DATABASE)
observer.autocommit = True


def waiting():
    with console.cursor() as cursor:
        cursor.execute("show pools")
        names = [column.name for column in cursor.description]
        return sum(dict(zip(names, row))["cl_waiting"] for row in cursor.fetchall())


def logins():
    with open("database.log") as log:
        return sum("connection authorized: user=app" in line for line in log)


def run(leave):
    """Who left and was in the queue still, logins to the server, and queries run of those who left."""
    holder = connect(BOUNCER)
    ask(holder, "select 1")
    before, [(done,)] = logins(), ask(observer, "select count(*) from done")
    clients = [send("insert into done default values") for _ in range(CLIENTS)]
    until("all wait", lambda: waiting() == CLIENTS)
    for client in clients:
        leave(client)
    last = send("select 1")
    until("the last one waits", lambda: waiting() > CLIENTS)
    queued = waiting() - 1
    holder.rollback()
    finish(last)
    result = queued, logins() - before, ask(observer, "select count(*) from done")[0][0] - done
    print(f"of {CLIENTS} that {leave.__name__.replace('_', ' ')}: in the queue afterwards, logins, queries run: {result}")
    return result


def stay(_):
    pass


def say_goodbye(connection):
    connection.close()


results = [run(stay), run(vanish), run(say_goodbye)]
assert results[:2] == [(CLIENTS, 0, CLIENTS), (CLIENTS, 0, 0)], "clients that stay, or vanish, cost logins"
assert results[2] == (CLIENTS, CLIENTS, 0), "the behaviour has changed"
PY
/usr/bin/python3 ask.py "$folder"
