"""PostgreSQL on a machine: its files, its start, and what an observer beside it sees through its socket's file."""
import os
import select
import shutil
import threading
import time

import psycopg2
import psycopg2.extensions

from bed import PG, sh

SETTINGS = """
listen_addresses = '*'
max_connections = 100
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 10
wal_keep_size = 512MB
hot_standby = on
wal_log_hints = on
logging_collector = off
log_min_messages = warning
"""
TRUST = "local all all trust\nhost all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\nlocal replication all trust\n"
limit = threading.local()


def wait(connection):
    """What libpq waits for, and not for longer than its thread has said."""
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        left = limit.until - time.monotonic()
        reads = [connection.fileno()] if state == psycopg2.extensions.POLL_READ else []
        writes = [connection.fileno()] if state == psycopg2.extensions.POLL_WRITE else []
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            raise psycopg2.OperationalError("timed out")


psycopg2.extensions.set_wait_callback(wait)


def connect(seconds, **to):
    limit.until = time.monotonic() + seconds
    connection = psycopg2.connect(sslmode="disable", gssencmode="disable", **to)
    connection.autocommit = True
    return connection


def ask(connection, seconds, text, values=()):
    limit.until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else None


def ask_once(machine, text, seconds=5):
    connection = connect(seconds, host=str(machine.folder), user="postgres", dbname="postgres")
    try:
        return ask(connection, seconds, text)
    finally:
        connection.close()


def make(machine, settings=""):
    """Empty, with its own configuration inside, the same for all."""
    data = machine.folder / "data"
    machine.do(PG / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-k", user="postgres")
    with open(data / "postgresql.conf", "a") as conf:
        conf.write(SETTINGS + settings)
    (data / "pg_hba.conf").write_text(TRUST)


def copy(machine, other):
    shutil.copytree(machine.folder / "data", other.folder / "data", symlinks=True)
    sh("chown", "-R", "postgres:postgres", other.folder / "data")
    os.chmod(other.folder / "data", 0o700)


def words(machine):
    """How it is started: what differs between machines is said here."""
    return ["-D", machine.folder / "data", "-k", machine.folder, "-c", f"cluster_name={machine.name}"]


def start(machine):
    machine.start(PG / "postgres", *words(machine), user="postgres", log="postgres.log")


class Observer(threading.Thread):
    """Asks each database ten times a second what it is; one that stands still, or is not there, says nothing."""

    def __init__(self, machines):
        super().__init__(daemon=True)
        self.machines, self.seen, self.over = machines, [], threading.Event()
        self.now = {machine.name: None for machine in machines}

    def run(self):
        watchers = [threading.Thread(target=self.watch, args=[machine], daemon=True) for machine in self.machines]
        for watcher in watchers:
            watcher.start()
        while not self.over.wait(0.1):
            self.seen.append((time.monotonic(), [name for name, role in self.now.items() if role == "primary"]))

    def watch(self, machine):
        connection = None
        while not self.over.wait(0.05):
            try:
                connection = connection or connect(0.5, host=str(machine.folder), user="postgres", dbname="postgres")
                standby = ask(connection, 0.5, "select pg_is_in_recovery()")[0][0]
                self.now[machine.name] = "standby" if standby else "primary"
            except psycopg2.Error:
                self.now[machine.name] = None
                if connection:
                    connection.close()
                connection = None

    def primaries(self):
        return [name for name, role in self.now.items() if role == "primary"]
