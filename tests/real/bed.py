"""Machines on one machine: each a network namespace on a bridge, whose wires can be cut, and whose processes are known."""
import os
import pathlib
import pwd
import signal
import subprocess
import time

PG = pathlib.Path("/usr/lib/postgresql/15/bin")
# Frames to it reach nobody.
NOBODY = "02:00:00:00:00:99"
VIRTUAL = "10.9.0.100"


def sh(*words, **named):
    return subprocess.run([str(word) for word in words], check=True, text=True, capture_output=True, **named).stdout


class Machine:
    """`n1` is 10.9.0.1, and so on."""

    def __init__(self, bed, number):
        self.bed, self.number, self.name = bed, number, f"n{number}"
        self.space = f"{bed.tag}-{self.name}"
        self.address = f"10.9.0.{number}"
        self.folder = bed.folder / self.name
        self.folder.mkdir()
        os.chown(self.folder, bed.user.pw_uid, bed.user.pw_gid)
        sh("ip", "netns", "add", self.space)
        sh("ip", "link", "add", "eth0", "netns", self.space, "type", "veth", "peer", "name", self.name, "netns", bed.switch)
        sh("ip", "-n", self.space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in "eth0", "lo":
            sh("ip", "-n", self.space, "link", "set", device, "up")
        self.plug(True)

    def plug(self, inserted):
        """The cable: without it the carrier stays, and nothing passes."""
        sh("ip", "-n", self.bed.switch, "link", "set", self.name, *(["master", "br0"] if inserted else ["nomaster"]), "up")

    def hears(self, other, whether):
        """Whether frames to another's address arrive there."""
        if whether:
            sh("ip", "-n", self.space, "neigh", "del", other.address, "dev", "eth0")
        else:
            sh("ip", "-n", self.space, "neigh", "replace", other.address, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def inside(self, *words, user=None):
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        return ["nsenter", f"--net=/run/netns/{self.space}", *as_user, *[str(word) for word in words]]

    def start(self, *words, user=None, log="log", **environment):
        with open(self.folder / log, "ab") as out:
            return subprocess.Popen(
                self.inside(*words, user=user), stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                cwd=self.folder, env={"PATH": f"{PG}:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **environment})

    def do(self, *words, user=None, **named):
        return sh(*self.inside(*words, user=user), cwd=self.folder, **named)

    def signal(self, number):
        """To everything that runs there, until nothing new has been born meanwhile."""
        told = set()
        while new := set(sh("ip", "netns", "pids", self.space).split()) - told:
            for pid in new:
                try:
                    os.kill(int(pid), number)
                except ProcessLookupError:
                    pass
            told |= new

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, self.bed.user.pw_uid, self.bed.user.pw_gid)
        return path


class Bed:
    """A switch and what is plugged in. Closed, nothing of it is left."""

    def __init__(self, tag, folder, machines):
        self.tag, self.folder, self.user = tag, pathlib.Path(folder), pwd.getpwnam("postgres")
        self.switch, self.machines = f"{tag}-sw", []
        self.folder.mkdir()
        self.folder.chmod(0o755)
        try:
            sh("ip", "netns", "add", self.switch)
            sh("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge")
            sh("ip", "-n", self.switch, "link", "set", "br0", "up")
            for number in range(1, machines + 2):
                self.machines.append(Machine(self, number))
            # Clients are the last.
            self.client = self.machines[-1]
        except BaseException:
            self.close()
            raise

    def close(self):
        for machine in self.machines:
            machine.signal(signal.SIGKILL)
        time.sleep(0.3)
        for space in [machine.space for machine in self.machines] + [self.switch]:
            subprocess.run(["ip", "netns", "del", space], capture_output=True)

    def __getitem__(self, number):
        return self.machines[number - 1]


def until(what, holds, seconds=60, every=0.2):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(every)
    raise TimeoutError(f"{what}: not within {seconds} s")
