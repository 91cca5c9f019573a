"""Four clients that write in turn, so many rows a second, each with an id; what was acknowledged goes to a file, with when and by whom.

    load.py HOST PORT RATE FILE     until it is told to end
"""
import signal
import sys
import threading
import time

import psycopg2

from database import ask, connect

CLIENTS, TIMEOUT = 4, 2.0
over = threading.Event()


def client(number, every, host, port, out):
    connection, at = None, 1
    due = time.monotonic() + number * every / CLIENTS
    while not over.is_set():
        if (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)
        due = max(due + every, time.monotonic())
        key, at = number * 1_000_000 + at, at + 1
        # The folder of its socket is the machine's. Patroni gives all of them one cluster_name.
        asked = "insert into writes values (%s) returning substring(current_setting('unix_socket_directories') from '[^/]*$')"
        try:
            connection = connection or connect(TIMEOUT, host=host, port=port, user="postgres", dbname="postgres")
            [[by]] = ask(connection, TIMEOUT, asked, [key])
            out.write(f"{time.monotonic():.4f} {key} {by}\n")
        except psycopg2.Error:
            if connection:
                connection.close()
            connection = None


def main(host, port, rate, path):
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with open(path, "w", buffering=1) as out:
        clients = [threading.Thread(target=client, args=[n, CLIENTS / rate, host, port, out], daemon=True) for n in range(CLIENTS)]
        for one in clients:
            one.start()
        over.wait()
        for one in clients:
            one.join(2 * TIMEOUT)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
