"""repmgrd on three databases and a witness, and a PgBouncer that the promote script points to the new primary.

Every timer is its default: six pings, 10 s apart, one every 2 s before. The script is in the order of repmgr's
documentation: promote, then tell PgBouncer. It writes PgBouncer's file by the file system that machines here have in common.
"""
import time

import database
from bed import PG, until

MACHINES, MODEL = 5, "repmgr"
PACKAGES = ["repmgr", "postgresql-15-repmgr", "pgbouncer", "postgresql-15"]
CONF = """node_id={number}
node_name='{name}'
conninfo='host={address} user=repmgr dbname=repmgr connect_timeout=2'
data_directory='{folder}/data'
pg_bindir='{pg}'
failover=automatic
promote_command='{folder}/promote'
follow_command='{repmgr} -f {folder}/repmgr.conf standby follow --upstream-node-id=%n'
service_start_command='{folder}/control start'
service_stop_command='{folder}/control stop'
service_restart_command='{folder}/control restart'
log_level=INFO
"""
PROMOTE = """#!/bin/bash
{repmgr} -f {folder}/repmgr.conf standby promote || exit 1
echo "postgres = host={address} port=5432 dbname=postgres" > {bouncer}/databases.new
sed -i '1i [databases]' {bouncer}/databases.new
mv {bouncer}/databases.new {bouncer}/databases.ini
psql -h {bouncer_address} -p 6432 -U postgres -d pgbouncer -c reload
"""
CONTROL = """#!/bin/bash
case "$1" in
stop | restart) {pg}/pg_ctl stop -D {folder}/data -m fast ;;
esac
case "$1" in
start | restart) {pg}/pg_ctl start -w -D {folder}/data -l {folder}/postgres.log -o "{start}" ;;
esac
"""
BOUNCER = """%include {folder}/databases.ini
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


class Manager:
    def __init__(self, bed, chance):
        self.databases, self.stores, self.bouncer = bed.machines[:3], [], bed[5]
        self.target = (self.bouncer.address, 6432)
        first, *standbys = self.databases
        witness = bed[4]
        for machine in bed.machines[:4]:
            named = {"number": machine.number, "name": machine.name, "folder": machine.folder, "pg": PG,
                     "address": machine.address, "bouncer": self.bouncer.folder, "repmgr": PG / "repmgr",
                     "bouncer_address": self.bouncer.address,
                     "start": " ".join(str(word) for word in database.words(machine)[2:])}
            machine.write("repmgr.conf", CONF.format(**named))
            machine.write("promote", PROMOTE.format(**named), 0o755)
            machine.write("control", CONTROL.format(**named), 0o755)
        for machine in first, witness:
            database.make(machine, "shared_preload_libraries = 'repmgr'\n")
            database.start(machine)
            until("a database", lambda machine=machine: self.answers(machine))
            for made in "create role repmgr superuser login", "create database repmgr owner repmgr":
                database.ask_once(machine, made)
        self.tell(first, "primary", "register")
        for machine in standbys:
            self.tell(machine, "-h", first.address, "-U", "repmgr", "-d", "repmgr", "standby", "clone", "--fast-checkpoint")
            database.start(machine)
            until("a standby", lambda machine=machine: self.answers(machine))
            self.tell(machine, "standby", "register")
        self.tell(witness, "-h", first.address, "-U", "repmgr", "-d", "repmgr", "witness", "register")
        self.bouncer.write("databases.ini", f"[databases]\npostgres = host={first.address} port=5432 dbname=postgres\n")
        self.bouncer.write("users", '"postgres" ""\n')
        self.bouncer.write("pgbouncer.ini", BOUNCER.format(folder=self.bouncer.folder))
        self.bouncer.start("pgbouncer", "pgbouncer.ini", user="postgres")
        begun = time.monotonic()
        for due, number in sorted((chance.uniform(0, 10), machine.number) for machine in bed.machines[:4]):
            time.sleep(max(0, begun + due - time.monotonic()))
            self.daemon(bed[number])

    @staticmethod
    def answers(machine):
        try:
            return database.ask_once(machine, "select 1")
        except database.psycopg2.Error:
            return None

    @staticmethod
    def tell(machine, *words):
        machine.do(PG / "repmgr", "-f", machine.folder / "repmgr.conf", *words, user="postgres")

    @staticmethod
    def daemon(machine):
        machine.start(PG / "repmgrd", "-f", machine.folder / "repmgr.conf", "--daemonize=false",
                      "--pid-file", machine.folder / "repmgrd.pid", user="postgres", log="repmgrd.log")

    def boot(self, machine):
        """As its system would: the database as what it was, and repmgrd."""
        for stale in "data/postmaster.pid", "repmgrd.pid":
            (machine.folder / stale).unlink(missing_ok=True)
        database.start(machine)
        until("a database", lambda: self.answers(machine))
        self.daemon(machine)
