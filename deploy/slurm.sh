#!/usr/bin/env bash
# One distributed job on SLURM: a replay server, a learner, and an evaluator for each further task.
#
#     sbatch deploy/slurm.sh --gin_file=gin_configs/particle.gin --root_dir=/shared/runs/particle --data_dir=/shared/datasets
#
# The arguments go to every role. It needs the project's environment on all nodes, and a --root_dir that
# they share. Started again, or requeued, the job goes on from the last checkpoint.
#
# The replay server listens on all interfaces of its node and asks nobody who they are: nodes of other users
# must not reach REPLAY_PORT.
#SBATCH --job-name=ibc_agents
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail

arguments=("$@")
# sed reads to the end; head would not, and the pipe that it breaks would end this script.
node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)
address="$node:${REPLAY_PORT:-43210}"

# Starts a role again whenever it dies; not after its end (0) or an error that would come again (1).
keep() {
  local role=$1 status
  shift
  while true; do
    status=0
    srun --exact --ntasks=1 "$@" python -m ibc_agents.distributed --role="$role" --public \
      --replay_address="$address" "${arguments[@]}" || status=$?
    if ((status <= 1)); then
      return "$status"
    fi
    echo "$role ended with status $status; starting it again"
    sleep "${RESTART_PAUSE:-5}"
  done
}

keep replay --nodelist="$node" &
for ((task = 2; task < SLURM_NTASKS; task++)); do
  keep evaluator &
done
if ! keep learner; then
  kill $(jobs -p) 2>/dev/null || true # some may have ended
  exit 1
fi
wait
