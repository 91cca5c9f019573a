"""Patroni on three machines, etcd on three others, and HAProxy with the configuration that Patroni's documentation has.

Every timer is its default: ttl 30, loop_wait 10, retry_timeout 10. etcd's heartbeat and election are the model's scenarios'.
"""
import time

from bed import PG, until

MACHINES, MODEL = 7, "patroni"
PACKAGES = ["patroni", "etcd-server", "haproxy", "postgresql-15"]
SET = ["cluster.options.router.check_timeout=5s"]
YML = """scope: real
name: {name}
restapi: {{listen: "0.0.0.0:8008", connect_address: "{address}:8008"}}
etcd3: {{hosts: "10.9.0.1:2379,10.9.0.2:2379,10.9.0.3:2379"}}
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 10
    retry_timeout: 10
    maximum_lag_on_failover: 1048576
    postgresql: {{use_pg_rewind: true}}
  initdb: [{{encoding: UTF8}}, data-checksums]
postgresql:
  listen: 0.0.0.0:5432
  connect_address: {address}:5432
  data_dir: {folder}/data
  bin_dir: {pg}
  pgpass: {folder}/pgpass
  pg_hba: ["local all all trust", "host all all 0.0.0.0/0 trust", "host replication all 0.0.0.0/0 trust"]
  authentication:
    replication: {{username: replicator, password: x}}
    superuser: {{username: postgres, password: x}}
  parameters: {{unix_socket_directories: {folder}, cluster_name: {name}, shared_buffers: 32MB}}
"""
PROXY = """global
    maxconn 100
defaults
    log global
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
listen batman
    bind *:5000
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
"""


class Manager:
    def __init__(self, bed, chance):
        self.stores, self.databases = bed.machines[:3], bed.machines[3:6]
        self.target = (bed[7].address, 5000)
        peers = ",".join(f"{store.name}=http://{store.address}:2380" for store in self.stores)
        for store in self.stores:
            store.start(
                "etcd", "--name", store.name, "--data-dir", store.folder / "etcd", "--initial-cluster", peers,
                "--listen-peer-urls", f"http://{store.address}:2380",
                "--initial-advertise-peer-urls", f"http://{store.address}:2380",
                "--listen-client-urls", f"http://{store.address}:2379",
                "--advertise-client-urls", f"http://{store.address}:2379",
                "--heartbeat-interval", "500", "--election-timeout", "2500", log="etcd.log")
        healthy = ["etcdctl", "--endpoints", "10.9.0.1:2379", "endpoint", "health"]
        until("etcd", lambda: self.quietly(bed.client, healthy))
        begun = time.monotonic()
        for due, number in sorted((chance.uniform(0, 10), machine.number) for machine in self.databases):
            time.sleep(max(0, begun + due - time.monotonic()))
            bed[number].write("patroni.yml", YML.format(
                name=bed[number].name, address=bed[number].address, folder=bed[number].folder, pg=PG))
            self.boot(bed[number])
        servers = [f"    server {on.name} {on.address}:5432 maxconn 100 check port 8008\n" for on in self.databases]
        bed[7].start("haproxy", "-db", "-f", bed[7].write("haproxy.cfg", PROXY + "".join(servers)), log="haproxy.log")

    @staticmethod
    def quietly(machine, words):
        try:
            return machine.do(*words) or True
        except Exception:
            return False

    def boot(self, machine):
        machine.start("/usr/bin/python3", "/usr/bin/patroni", "patroni.yml", user="postgres", log="patroni.log")
