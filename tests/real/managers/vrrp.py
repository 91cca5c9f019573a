"""keepalived on three machines, and scripts that promote where the address is and follow it elsewhere.

As the model: VRRPv2, 1 s, `nopreempt`, priorities 150, 120 and 100, adverts to each peer; machines begin up to 10 s apart.
"""
import time

import database
from bed import PG, VIRTUAL

MACHINES, MODEL = 3, "keepalived"
PACKAGES = ["keepalived", "postgresql-15"]
PRIORITIES = [150, 120, 100]
NOTIFY = r"""#!/bin/bash
# notify master|backup|fault: one after the other, and one that is no longer due gives up.
cd {folder}
echo "$1" > due
exec 9> notify.lock
flock 9
pg() {{ setpriv --reuid=postgres --regid=postgres --clear-groups "$@" 9>&-; }}
due() {{ [ "$(cat due)" = "$1" ]; }}
standby() {{ pg psql -h "$1" -U postgres -d postgres -Atc 'select pg_is_in_recovery()' 2> notify.err; }}
export PGCONNECT_TIMEOUT=2
echo "$(date +%T.%N) $1"
case "$1" in
master)
    while due master && ! [ "$(standby {folder})" = f ]; do
        pg psql -h {folder} -U postgres -d postgres -Atc 'select pg_promote()' || sleep 0.2
    done ;;
backup)
    if ! [ "$(standby {folder})" = t ]; then
        pg {pg}/pg_ctl stop -D data -m fast
        while due backup && ! [ "$(standby {virtual})" = f ]; do sleep 0.5; done
        due backup || exit
        pg {pg}/pg_rewind -D data --source-server="host={virtual} user=postgres dbname=postgres" || {{
            rm -rf data
            pg {pg}/pg_basebackup -D data -h {virtual} -U postgres -c fast
        }}
        pg touch data/standby.signal
        setsid setpriv --reuid=postgres --regid=postgres --clear-groups {start} >> postgres.log 2>&1 9>&- &
    fi ;;
fault) pg {pg}/pg_ctl stop -D data -m fast ;;
esac
echo "$(date +%T.%N) $1: done"
"""
CONF = """global_defs {{
    router_id {name}
    script_user root
}}
vrrp_instance database {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    nopreempt
    unicast_src_ip {address}
    unicast_peer {{
        {peers}
    }}
    virtual_ipaddress {{
        {virtual}/24
    }}
    notify_master "{folder}/notify master"
    notify_backup "{folder}/notify backup"
    notify_fault "{folder}/notify fault"
}}
"""


class Manager:
    target = (VIRTUAL, 5432)

    def __init__(self, bed, chance):
        self.databases, self.stores = bed.machines[:3], []
        first = self.databases[0]
        database.make(first, f"primary_conninfo = 'host={VIRTUAL} user=postgres connect_timeout=2'\n"
                             "wal_retrieve_retry_interval = 1s\nwal_receiver_timeout = 10s\n")
        for machine in self.databases[1:]:
            database.copy(first, machine)
        for machine, priority in zip(self.databases, PRIORITIES):
            (machine.folder / "data/standby.signal").touch()
            start = " ".join(str(word) for word in [PG / "postgres", *database.words(machine)])
            machine.write("notify", NOTIFY.format(folder=machine.folder, pg=PG, virtual=VIRTUAL, start=start), 0o755)
            peers = "\n        ".join(other.address for other in self.databases if other is not machine)
            machine.write("keepalived.conf", CONF.format(
                name=machine.name, priority=priority, address=machine.address, peers=peers, virtual=VIRTUAL,
                folder=machine.folder))
            database.start(machine)
        begun = time.monotonic()
        for due, number in sorted((chance.uniform(0, 10), machine.number) for machine in self.databases):
            time.sleep(max(0, begun + due - time.monotonic()))
            self.daemon(bed[number])

    def daemon(self, machine):
        machine.start("keepalived", "-n", "-l", "-D", "-P", "-f", "keepalived.conf", "-p", machine.folder / "pid",
                      "-r", machine.folder / "vrrp.pid", log="keepalived.log")

    def boot(self, machine):
        (machine.folder / "data/postmaster.pid").unlink(missing_ok=True)
        database.start(machine)
        self.daemon(machine)
