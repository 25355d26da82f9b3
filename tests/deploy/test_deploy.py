"""The files for clusters are whole and start what there is, found out without a cluster."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.system import helpers

DEPLOY = helpers.ROOT / "deploy"
ROLES = ["evaluator", "evaluator", "learner", "replay"]


def check_arguments(arguments: list[str], folder: pathlib.Path) -> str:
    """Whether the command takes these arguments; returns the role."""
    command = [sys.executable, "-m", "ibc_agents.distributed", "--only_check_args", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(helpers.ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (role,) = (word for word in arguments if word.startswith("--role="))
    return role.removeprefix("--role=")


@pytest.fixture(scope="module")
def objects():
    """The Kubernetes objects, by kind and name."""
    manifest = json.loads((DEPLOY / "kubernetes.json").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("v1", "List")
    named = {(item["kind"], item["metadata"]["name"]): item for item in manifest["items"]}
    assert len(named) == len(manifest["items"])
    return named


def jobs(objects):
    return [item for (kind, _), item in objects.items() if kind == "Job"]


def container(job):
    (only,) = job["spec"]["template"]["spec"]["containers"]
    return only


def test_every_kubernetes_job_starts_a_role(objects, tmp_path):
    versions = {
        "Job": "batch/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "PersistentVolumeClaim": "v1",
        "Service": "v1",
    }
    assert {kind: item["apiVersion"] for (kind, _), item in objects.items()} == versions
    shared = []
    for job in jobs(objects):
        role = check_arguments(container(job)["args"], tmp_path)
        assert job["metadata"]["name"] == f"ibc-{role}"
        assert container(job)["command"] == ["python", "-m", "ibc_agents.distributed"]
        shared.append(sorted(set(container(job)["args"]) - {f"--role={role}"}))
        (config,) = (word for word in container(job)["args"] if word.startswith("--gin_file="))
        assert (helpers.ROOT / config.removeprefix("--gin_file=")).exists()
    assert len(shared) == 3 and shared[0] == shared[1] == shared[2]


def test_kubernetes_restarts_what_dies_but_not_after_an_error_of_the_users(objects):
    for job in jobs(objects):
        pod = job["spec"]["template"]["spec"]
        assert pod["restartPolicy"] == "Never"  # of the pod; the job makes another one
        assert pod["terminationGracePeriodSeconds"] > 10
        assert job["spec"]["backoffLimit"] > 0
        (rule,) = job["spec"]["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"] == {
            "containerName": container(job)["name"], "operator": "In", "values": [1],
        }  # fmt: skip
        assert job["spec"]["parallelism"] == job["spec"]["completions"]


def test_kubernetes_selectors_volumes_and_ports_lead_somewhere(objects):
    service = objects["Service", "ibc-replay"]["spec"]
    (port,) = service["ports"]
    chosen = [job for job in jobs(objects) if labels(job).items() >= service["selector"].items()]
    assert [job["metadata"]["name"] for job in chosen] == ["ibc-replay"]
    ports = {entry["name"]: entry["containerPort"] for entry in container(chosen[0])["ports"]}
    assert ports[port["targetPort"]] == port["port"]
    for job in jobs(objects):
        arguments = container(job)["args"]
        assert f"--replay_address=ibc-replay:{port['port']}" in arguments
        health = {entry["name"]: entry["containerPort"] for entry in container(job)["ports"]}
        assert f"--health_port={health['health']}" in arguments
        assert container(job)["readinessProbe"]["httpGet"]["port"] == "health"
        pod = job["spec"]["template"]["spec"]
        mounted = {mount["name"] for mount in container(job).get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
        for volume in pod.get("volumes", []):
            claim = volume["persistentVolumeClaim"]["claimName"]
            assert ("PersistentVolumeClaim", claim) in objects


def test_kubernetes_lets_only_the_jobs_pods_reach_reverb(objects):
    fence = objects["NetworkPolicy", "ibc-fence"]["spec"]
    (rule,) = fence["ingress"]
    everyone = fence["podSelector"]["matchLabels"]
    assert rule["from"] == [{"podSelector": {"matchLabels": everyone}}]
    assert all(labels(job).items() >= everyone.items() for job in jobs(objects))


def labels(job):
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    return job["metadata"]["labels"]


# Each records how it was started; the evaluators die once each, and the learner once.
SRUN = """#!/usr/bin/env bash
set -eu
echo "$*" >> "$RECORD"
case "$*" in
  *--role=replay*) exit 0 ;;
  *) if mkdir "$RECORD.$(echo "$*" | tr -dc a-z).died" 2>/dev/null; then exit 75; fi ;;
esac
exit "${LEARNER_STATUS:-0}"
"""


@pytest.fixture
def slurm(tmp_path):
    """Runs the script where SLURM's commands only record; returns status and records."""
    for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho node-7\necho node-8\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(**environment):
        record = tmp_path / "record"
        done = subprocess.run(
            ["bash", DEPLOY / "slurm.sh", "--gin_file=a.gin", "--root_dir=/shared/run 1"],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "RECORD": str(record),
                "RESTART_PAUSE": "0",
                "SLURM_NTASKS": "4",
                "SLURM_JOB_NODELIST": "node-[7-8]",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done, record.read_text().splitlines()

    return run


def test_the_slurm_script_starts_every_role_and_starts_again_what_died(slurm, tmp_path):
    done, records = slurm()
    assert done.returncode == 0, done.stderr
    roles = []
    for record in records:
        options, _, arguments = record.partition(" python -m ibc_agents.distributed ")
        assert "--ntasks=1" in options
        words = arguments.replace("/shared/run 1", "/shared/run_1").split()
        assert "--replay_address=node-7:43210" in words
        roles.append(check_arguments(words, tmp_path))
        assert ("--nodelist=node-7" in options) == (roles[-1] == "replay")
    # One more evaluator and one more learner than there are: those died.
    assert sorted(roles) == sorted([*ROLES, "evaluator", "learner"])
    assert "learner ended with status 75; starting it again" in done.stdout


def test_the_slurm_script_ends_after_an_error_of_the_users(slurm):
    done, records = slurm(LEARNER_STATUS="1")
    assert done.returncode == 1
    assert len([record for record in records if "--role=learner" in record]) == 2
