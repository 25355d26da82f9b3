#!/usr/bin/env bash
# One distributed job on SLURM: replay servers, learners, actors, and an evaluator for each further task.
#
#     sbatch deploy/slurm.sh --gin_file=gin_configs/particle.gin --root_dir=/shared/runs/particle --data_dir=/shared/datasets
#     LEARNERS=2 ACTORS=1 sbatch --ntasks=6 deploy/slurm.sh …
#
# The arguments go to every role. It needs the project's environment on all nodes, and a --root_dir that
# they share. Started again, or requeued, the job goes on from the last checkpoint.
#
# Replay servers and learners listen on all interfaces of their nodes and ask nobody who they are: nodes of
# other users must not reach the ports from REPLAY_PORT and LEARNER_PORT on.
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

# Prints host:port of so many processes, which are dealt to the nodes in turn.
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

# Starts a role again whenever it dies; not after its end (0) or an error that would come again (1).
keep() {
  local role=$1 index=$2 status
  shift 2
  while true; do
    status=0
    srun --exact --ntasks=1 "$@" python -m ibc_agents.distributed --role="$role" --index="$index" \
      "${arguments[@]}" || status=$?
    if ((status <= 1)); then
      return "$status"
    fi
    echo "$role-$index ended with status $status; starting it again"
    sleep "${RESTART_PAUSE:-5}"
  done
}

# Starts so many of a role; those that have an address, on the node of that address.
start() {
  local role=$1 count=$2 placed=$3 index
  for ((index = 0; index < count; index++)); do
    keep "$role" "$index" ${placed:+--nodelist="${nodes[index % ${#nodes[@]}]}"} &
  done
}

start replay "$replay_servers" placed
start learner "$learners" placed
start evaluator "$evaluators" ""
start actor "$actors" ""

# Until none is left, or one cannot go on.
while true; do
  status=0
  wait -n || status=$?
  if ((status == 127)); then
    exit 0
  elif ((status != 0)); then
    kill $(jobs -p) 2>/dev/null || true # some may have ended
    exit 1
  fi
done
