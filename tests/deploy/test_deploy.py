"""The files in deploy/ are valid and start all roles with valid flags; no cluster is needed."""

import collections
import copy
import json
import os
import pathlib
import subprocess
import sys

import kubernetes_validate
import pytest

from tests.system import helpers

DEPLOY = helpers.ROOT / "deploy"
COUNTS = {"replay": 2, "learner": 3, "evaluator": 4, "actor": 1}


def check_arguments(arguments: list[str], folder: pathlib.Path) -> dict[str, str]:
    """Checks that the command accepts the arguments; returns the values of the flags."""
    command = [sys.executable, "-m", "ibc_agents.distributed", "--only_check_args", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(helpers.ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: value for name, _, value in (word[2:].partition("=") for word in arguments)}


def print_objects(*flags):
    """Returns the Kubernetes objects by kind and name."""
    command = [sys.executable, DEPLOY / "kubernetes.py", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    manifest = json.loads(done.stdout)
    assert (manifest["apiVersion"], manifest["kind"]) == ("v1", "List")
    named = {(item["kind"], item["metadata"]["name"]): item for item in manifest["items"]}
    assert len(named) == len(manifest["items"])
    return named


@pytest.fixture(scope="module")
def objects():
    """The objects of a job with several processes of most roles."""
    return print_objects("--replay_servers=2", "--learners=3", "--actors=1")


def jobs(objects):
    """Returns the spec of each Job and its only container."""
    found = [item["spec"] for (kind, _), item in objects.items() if kind == "Job"]
    return [(job, *job["template"]["spec"]["containers"]) for job in found]


def test_kubernetes_objects_are_valid_by_the_published_schema(objects):
    for item in objects.values():
        kubernetes_validate.validate(item, "1.29", strict=True)
    misspelled = copy.deepcopy(next(iter(objects.values())))
    misspelled["spec"]["nonsense"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="nonsense"):
        kubernetes_validate.validate(misspelled, "1.29", strict=True)


def test_each_kubernetes_job_starts_a_role(objects, tmp_path):
    versions = {
        "Job": "batch/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "PersistentVolumeClaim": "v1",
        "Service": "v1",
    }
    assert {kind: item["apiVersion"] for (kind, _), item in objects.items()} == versions
    counts, shared = {}, set()
    for job, container in jobs(objects):
        assert container["command"] == ["python", "-m", "ibc_agents.distributed"]
        (variable,) = container["env"]
        assert variable["name"] == "INDEX" and job["completionMode"] == "Indexed"
        flags = check_arguments(
            [word.replace("$(INDEX)", "1") for word in container["args"]], tmp_path
        )
        counts[flags.pop("role")] = job["completions"]
        assert flags.pop("index") == "1"
        shared.add(tuple(flags.items()))
    assert counts == COUNTS
    (flags,) = map(dict, shared)
    assert (helpers.ROOT / flags["gin_file"]).exists()


def test_kubernetes_omits_roles_without_pods():
    names = {name for kind, name in print_objects("--evaluators=0") if kind == "Job"}
    assert names == {"ibc-replay", "ibc-learner"}


def test_kubernetes_restarts_pods_unless_the_user_must_fix_an_error(objects):
    for job, container in jobs(objects):
        pod = job["template"]["spec"]
        assert pod["restartPolicy"] == "Never"  # The Job creates a new pod.
        assert pod["terminationGracePeriodSeconds"] > 10
        assert job["backoffLimit"] > 0
        (rule,) = job["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"] == {
            "containerName": container["name"], "operator": "In", "values": [1],
        }  # fmt: skip
        assert job["parallelism"] == job["completions"]


def test_kubernetes_addresses_and_volumes_exist(objects):
    """The address of an indexed Job's pod is NAME-INDEX.SUBDOMAIN in its headless Service."""
    found = collections.defaultdict(list)
    for (kind, name), item in objects.items():
        if kind != "Job":
            continue
        template = item["spec"]["template"]
        pod, labels = template["spec"], template["metadata"]["labels"]
        (container,) = pod["containers"]
        ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
        assert f"--health_port={ports['health']}" in container["args"]
        assert container["readinessProbe"]["httpGet"]["port"] == "health"
        if "subdomain" in pod:
            service = objects["Service", pod["subdomain"]]["spec"]
            assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"]
            assert labels == service["selector"]
            (port,) = service["ports"]
            assert ports[port["name"]] == port["port"]
            found[labels["role"]] = [
                f"{name}-{index}.{pod['subdomain']}:{port['port']}"
                for index in range(item["spec"]["completions"])
            ]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
        for volume in pod.get("volumes", []):
            claim = volume["persistentVolumeClaim"]["claimName"]
            assert ("PersistentVolumeClaim", claim) in objects
    for _, container in jobs(objects):
        for role, addresses in found.items():
            assert (
                f"--{role}_address{'es' * (role == 'learner')}={','.join(addresses)}"
                in (container["args"])
            )


def test_kubernetes_admits_only_the_pods_of_the_job(objects):
    policy = objects["NetworkPolicy", "ibc"]["spec"]
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"podSelector": policy["podSelector"]}]
    shared_labels = policy["podSelector"]["matchLabels"].items()
    services = [item["spec"] for (kind, _), item in objects.items() if kind == "Service"]
    assert {entry["port"] for entry in rule["ports"]} == {
        port["port"] for service in services for port in service["ports"]
    }
    for job, _ in jobs(objects):
        assert job["template"]["metadata"]["labels"].items() >= shared_labels


# Records its arguments. Every role except replay servers fails once.
SRUN = """#!/usr/bin/env bash
set -eu
echo "$*" >> "$RECORD"
case "$*" in
  *--role=replay*) exit 0 ;;
  *) if mkdir "$RECORD.$(echo "$*" | tr -dc a-z0-9).died" 2>/dev/null; then exit 75; fi ;;
esac
exit "${LEARNER_STATUS:-0}"
"""


@pytest.fixture
def slurm(tmp_path):
    """Runs the script with substitutes for SLURM's commands; returns their records."""
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
                "SLURM_NTASKS": "10",
                "REPLAY_SERVERS": "2",
                "LEARNERS": "3",
                "ACTORS": "1",
                "SLURM_JOB_NODELIST": "node-[7-8]",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done, record.read_text().splitlines()

    return run


def test_the_slurm_script_starts_and_restarts_every_role(slurm, tmp_path):
    done, records = slurm()
    assert done.returncode == 0, done.stderr
    started = collections.Counter()
    for record in records:
        options, _, arguments = record.partition(" python -m ibc_agents.distributed ")
        assert "--ntasks=1" in options
        words = arguments.replace("/shared/run 1", "/shared/run_1").split()
        flags = check_arguments(words, tmp_path)
        assert flags["replay_address"] == "node-7:43210,node-8:43211"
        assert flags["learner_addresses"] == "node-7:43310,node-8:43311,node-7:43312"
        role, index = flags["role"], int(flags["index"])
        placed = f"--nodelist=node-{7 + index % 2}" if role in ("replay", "learner") else ""
        assert options.partition("--ntasks=1")[2].strip() == placed
        started[role, index] += 1
    assert started == {
        (role, index): 1 if role == "replay" else 2
        for role, count in COUNTS.items()
        for index in range(count)
    }
    assert "learner-2 exited with code 75; restarting it" in done.stdout


def test_the_slurm_script_exits_after_an_error_of_the_user(slurm):
    done, records = slurm(LEARNER_STATUS="1")
    assert done.returncode == 1
    assert any("--role=learner" in record for record in records)


def test_the_slurm_script_requires_a_task_for_each_process(slurm, tmp_path):
    (tmp_path / "record").touch()
    done, records = slurm(SLURM_NTASKS="5")
    assert (done.returncode, records) == (1, [])
    assert "5 tasks are too few for 2 replay servers, 3 learners and 1 actors" in done.stderr
