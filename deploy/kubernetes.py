"""Prints the Kubernetes objects of a distributed job.

Usage: python deploy/kubernetes.py --image=IMAGE --gin_file=gin_configs/particle.gin
           --root_dir=/job/runs/particle [--learners=2 --actors=1 ...] | kubectl apply -f -

It prints an indexed Job for each role, headless Services for replay servers and learners, a
NetworkPolicy that admits only the job's pods to Reverb and TensorFlow, which have no
authentication, and a claim for the volume of replay servers and learners. Equal flags give equal
output.
"""

from __future__ import annotations

import argparse
import json
from typing import Any, NamedTuple

_VOLUME = "job"
_MOUNT = "/job"
_HEALTH_PORT = 8080


class _Role(NamedTuple):
    """The properties of a role's pods.

    Attributes:
        name: Name of the role.
        flag: Flag of this command for the number of pods.
        count: Default number of pods.
        cpus: CPU request of a pod.
        memory: Memory request and limit of a pod.
        port: Port that other pods connect to; None for no port.
        has_volume: Whether a pod mounts the volume with the dataset and the run.
    """

    name: str
    flag: str
    count: int
    cpus: str
    memory: str
    port: int | None = None
    has_volume: bool = False


_ROLES = (
    _Role("replay", "replay_servers", 1, "2", "8Gi", port=43210, has_volume=True),
    _Role("learner", "learners", 1, "4", "8Gi", port=43211, has_volume=True),
    _Role("evaluator", "evaluators", 4, "2", "2Gi"),
    _Role("actor", "actors", 0, "2", "2Gi"),
)


def make_objects(
    name: str, image: str, storage: str, counts: dict[str, int], flags: list[str]
) -> Any:
    """Returns a Kubernetes `List` of all objects, of JSON types.

    Args:
        name: Name of the job, the prefix of all names.
        image: Container image with the project and its dependencies.
        storage: Size of the volume, for example `20Gi`.
        counts: Number of pods of each role, by its name.
        flags: Flags for all roles.
    """
    serving = [role for role in _ROLES if role.port]
    present = [role for role in _ROLES if counts[role.name] > 0]
    addresses = {role.name: _addresses(name, role, counts[role.name]) for role in serving}
    shared = [
        f"--replay_address={','.join(addresses['replay'])}",
        f"--learner_addresses={','.join(addresses['learner'])}",
        f"--health_port={_HEALTH_PORT}",
        "--public",
        *flags,
    ]
    items = [
        _claim(name, storage),
        _network_policy(name, [role.port for role in serving]),
        *(_service(name, role) for role in serving),
        *(_job(name, role, image, counts[role.name], shared) for role in present),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _addresses(name: str, role: _Role, count: int) -> list[str]:
    """Returns the addresses of the pods of an indexed Job in its headless Service."""
    service = f"{name}-{role.name}"
    return [f"{service}-{index}.{service}:{role.port}" for index in range(count)]


def _labels(name: str, role: _Role) -> dict[str, str]:
    return {"app": name, "role": role.name}


def _claim(name: str, storage: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": storage}},
        },
    }


def _network_policy(name: str, ports: list[int | None]) -> Any:
    own = {"podSelector": {"matchLabels": {"app": name}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            **own,
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [own], "ports": [{"protocol": "TCP", "port": p} for p in ports]}],
        },
    }


def _service(name: str, role: _Role) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{name}-{role.name}"},
        "spec": {
            "clusterIP": "None",
            "selector": _labels(name, role),
            "publishNotReadyAddresses": True,
            "ports": [{"name": role.name, "port": role.port}],
        },
    }


def _job(name: str, role: _Role, image: str, count: int, flags: list[str]) -> Any:
    labels = _labels(name, role)
    # Exit code 1, an error that the user must fix, ends the Job. After others it creates a new pod.
    failure = {
        "action": "FailJob",
        "onExitCodes": {"containerName": role.name, "operator": "In", "values": [1]},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{name}-{role.name}", "labels": labels},
        "spec": {
            "completionMode": "Indexed",
            "parallelism": count,
            "completions": count,
            "backoffLimit": 20 * count,
            "podFailurePolicy": {"rules": [failure]},
            "template": {"metadata": {"labels": labels}, "spec": _pod(name, role, image, flags)},
        },
    }


def _pod(name: str, role: _Role, image: str, flags: list[str]) -> Any:
    index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    container: dict[str, Any] = {
        "name": role.name,
        "image": image,
        "command": ["python", "-m", "ibc_agents.distributed"],
        "args": [f"--role={role.name}", "--index=$(INDEX)", *flags],
        "env": [{"name": "INDEX", "valueFrom": {"fieldRef": {"fieldPath": index}}}],
        "ports": [{"name": "health", "containerPort": _HEALTH_PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "health"}, "periodSeconds": 5},
        "livenessProbe": {
            "httpGet": {"path": "/alive", "port": "health"},
            "initialDelaySeconds": 120,
            "periodSeconds": 20,
            "timeoutSeconds": 5,
        },
        "resources": {
            "requests": {"cpu": role.cpus, "memory": role.memory},
            "limits": {"memory": role.memory},
        },
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        # A role exits within 10 s of SIGTERM.
        "terminationGracePeriodSeconds": 15,
        "containers": [container],
    }
    if role.port:
        pod["subdomain"] = f"{name}-{role.name}"
        container["ports"].append({"name": role.name, "containerPort": role.port})
    if role.has_volume:
        container["volumeMounts"] = [{"name": _VOLUME, "mountPath": _MOUNT}]
        pod["volumes"] = [{"name": _VOLUME, "persistentVolumeClaim": {"claimName": name}}]
    return pod


def main() -> None:
    """Prints the objects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="ibc", help="name of the job")
    parser.add_argument("--image", default="ibc-agents:0.1.0", help="container image")
    parser.add_argument("--gin_file", default="gin_configs/particle.gin")
    parser.add_argument("--gin_bindings", action="append", default=[])
    parser.add_argument(
        "--root_dir", default=f"{_MOUNT}/runs/particle", help=f"folder of the run, under {_MOUNT}"
    )
    parser.add_argument(
        "--data_dir", default=f"{_MOUNT}/datasets", help=f"folder of demonstrations, under {_MOUNT}"
    )
    parser.add_argument("--storage", default="20Gi", help="size of the volume")
    for role in _ROLES:
        parser.add_argument(f"--{role.flag}", type=int, default=role.count, help="number of pods")
    arguments = parser.parse_args()
    counts = {role.name: getattr(arguments, role.flag) for role in _ROLES}
    if counts["replay"] < 1 or counts["learner"] < 1:
        parser.error("--replay_servers and --learners must be at least 1")
    flags = [
        f"--gin_file={arguments.gin_file}",
        *(f"--gin_bindings={binding}" for binding in arguments.gin_bindings),
        f"--root_dir={arguments.root_dir}",
        f"--data_dir={arguments.data_dir}",
    ]
    print(
        json.dumps(
            make_objects(arguments.name, arguments.image, arguments.storage, counts, flags),
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
