#!/usr/bin/env bash
# Runs a distributed job on SLURM: replay servers, learners, actors, and an evaluator in each remaining task.
#
#     sbatch deploy/slurm.sh --gin_file=gin_configs/particle.gin --root_dir=/shared/runs/particle --data_dir=/shared/datasets
#     LEARNERS=2 ACTORS=1 sbatch --ntasks=6 deploy/slurm.sh …
#
# All roles get the arguments of this script. All nodes need the project's Python environment and a shared
# --root_dir. A job that is submitted again or requeued continues from the last checkpoint.
#
# Replay servers and learners listen on all interfaces of their nodes and have no authentication. Protect the
# ports from REPLAY_PORT and LEARNER_PORT upward against the nodes of other users.
#SBATCH --job-name=ibc_agents
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail

replay_servers=${REPLAY_SERVERS:-1} learners=${LEARNERS:-1} actors=${ACTORS:-0}
evaluators=$((SLURM_NTASKS - replay_servers - learners - actors))
if ((evaluators < 0)); then
  echo "$SLURM_NTASKS tasks are too few for $replay_servers replay servers, $learners learners and $actors actors" >&2
  exit 1
fi
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")

# Prints host:port of COUNT processes, assigned to the nodes in turn, with ports from PORT upward.
addresses() {
  local count=$1 port=$2 index
  for ((index = 0; index < count; index++)); do
    echo "${nodes[index % ${#nodes[@]}]}:$((port + index))"
  done | paste -sd,
}

arguments=(
  --public
  --replay_address="$(addresses "$replay_servers" "${REPLAY_PORT:-43210}")"
  --learner_addresses="$(addresses "$learners" "${LEARNER_PORT:-43310}")"
  "$@"
)

# Restarts a role when it dies, but not after exit code 0 (finished) or 1 (an error that the user must fix).
supervise() {
  local role=$1 index=$2 status
  shift 2
  while true; do
    status=0
    srun --exact --ntasks=1 "$@" python -m ibc_agents.distributed --role="$role" --index="$index" \
      "${arguments[@]}" || status=$?
    if ((status <= 1)); then
      return "$status"
    fi
    echo "$role-$index exited with code $status; restarting it"
    sleep "${RESTART_PAUSE:-5}"
  done
}

# Starts COUNT processes of a role. With a non-empty third argument, each runs on the node of its address.
start() {
  local role=$1 count=$2 placed=$3 index
  for ((index = 0; index < count; index++)); do
    supervise "$role" "$index" ${placed:+--nodelist="${nodes[index % ${#nodes[@]}]}"} &
  done
}

start replay "$replay_servers" placed
start learner "$learners" placed
start evaluator "$evaluators" ""
start actor "$actors" ""

# Waits until all roles have finished, or one has failed.
while true; do
  status=0
  wait -n || status=$?
  if ((status == 127)); then
    exit 0
  elif ((status != 0)); then
    kill $(jobs -p) 2>/dev/null || true # Some may have exited.
    exit 1
  fi
done
