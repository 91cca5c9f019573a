#!/usr/bin/env bash
# A sweep on a real Slurm: Debian's slurm-wlm and munge on this machine alone, an array of eight shards, one of which is
# killed on its way; what they found, merged, must be what one sweep finds, digest by digest.
#
# Needs root, Debian, and a machine whose processes it may kill: no part of `.ci/run`. Give it the release binary.
#
#     tests/slurm/run.sh target/release/splitbrain
set -euo pipefail
program=$(realpath "${1:?the release binary}")
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in sbatch slurmctld slurmd munged; do
    command -v "$tool" >/dev/null || {
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
        break
    }
done

folder=$(mktemp -d)
export SLURM_CONF="$folder/slurm.conf"
cleanup() {
    pkill -f "slurmctld -f $SLURM_CONF" || true
    pkill -f "slurmd -f $SLURM_CONF" || true
    [ -z "${started_munge:-}" ] || pkill munged || true
    while pgrep -f "slurm(ctld|d) -f $SLURM_CONF" >/dev/null; do sleep 0.2; done
    rm -rf "$folder"
}
trap cleanup EXIT
mkdir "$folder/state" "$folder/spool"
host=$(hostname -s)
cat > "$SLURM_CONF" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
SlurmUser=root
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SchedulerParameters=sched_interval=2,requeue_delay=0
MinJobAge=3600
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

if ! pgrep munged >/dev/null; then
    mkdir -p /run/munge && chown munge: /run/munge
    [ -s /etc/munge/munge.key ] || { dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 2>/dev/null; chown munge: /etc/munge/munge.key; chmod 400 /etc/munge/munge.key; }
    runuser -u munge -- munged
    started_munge=1
fi
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
until sinfo -h -o %t 2>/dev/null | grep -q idle; do sleep 1; done

cd "$root"
what=(registry/swarm zoo/loser-not-broadcast --seeds 0..4000 --set check.expect=valid)
"$program" cluster slurm "${what[@]}" --shards 8 --program "$program" --out "$folder/cluster"
"$folder/cluster/submit.sh" "$root"

# One shard is killed while it runs.
until victim=$(pgrep -f "$program sweep .*--shard 5/8" | head -1) && [ -n "$victim" ]; do sleep 0.1; done
sleep 1
kill -KILL "$victim"
echo "shard 5/8 was killed"
until [ -s "$folder/cluster/results/report.xml" ]; do sleep 1; done
sleep 1
grep -h "requeue\|Killed" "$folder/cluster/"shard-5.log || true
scontrol -o show job | grep -o 'ArrayTaskId=5 .*Restarts=[0-9]*' | grep -o 'Restarts=[0-9]*'

figures() { python3 -c 'import json, sys; d = json.loads(sys.stdin.read().splitlines()[-1]); print(*(d[k] for k in ["runs", "violations", "first_failing_seed", "digest"]))'; }
merged=$("$program" merge "$folder/cluster/results" --json | figures) || true
alone=$("$program" sweep "${what[@]}" --json 2>/dev/null | figures) || true
echo "eight shards, merged: $merged"
echo "one sweep:            $alone"
[ "$merged" = "$alone" ]
