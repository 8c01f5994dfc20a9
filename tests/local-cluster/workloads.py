"""The controllers: each looks at all objects after every change and does the next step, if there is one.

A Deployment is available once the Secrets that it mounts are there; it makes no pods. A Job makes one pod. A pod
whose first container has a command is run, as a process of this machine: no image is pulled, this machine's programs
run, as this user. Its volumes are fresh directories, and an environment variable that names a path below a mountPath
gets the directory's.
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

import kinds
from objects import Refusal, labels, now, selects


class Workloads:
    def __init__(self, store, issuer, passed):
        self.store, self.issuer, self.passed = store, issuer, passed
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="local-cluster-"))
        self.processes = {}

    def step(self):
        for namespace in self.store.select(kinds.NAMESPACES):
            self._namespace(namespace)
        for deployment in self.store.select(kinds.DEPLOYMENTS):
            self._deployment(deployment)
        for job in self.store.select(kinds.JOBS):
            self._job(job)
        self._collect()
        for pod in self.store.select(kinds.PODS):
            if pod["spec"]["containers"][0].get("command") and "status" not in pod:
                self._status(pod, phase="Pending")
                threading.Thread(target=self._run, args=(pod,), daemon=True).start()

    def log(self, pod):
        return self.scratch / pod["metadata"]["uid"] / "log"

    def stop(self, uid=None):
        """Ends a pod's process, or all of them."""
        for one in [uid] if uid else list(self.processes):
            if process := self.processes.pop(one, None):
                os.killpg(process.pid, signal.SIGKILL)

    def _status(self, found, **members):
        resource = {"Deployment": kinds.DEPLOYMENTS, "Job": kinds.JOBS, "Pod": kinds.PODS}[found["kind"]]
        status = found.get("status", {}) | members
        if status != found.get("status"):
            self.store.put(resource, found | {"status": status, "metadata": dict(found["metadata"])})

    def _namespace(self, namespace):
        name = namespace["metadata"]["name"]
        if "status" not in namespace:
            named = {"kubernetes.io/metadata.name": name}
            metadata = namespace["metadata"] | {"labels": labels(namespace) | named}
            self.store.put(
                kinds.NAMESPACES, namespace | {"metadata": metadata, "status": {"phase": "Active"}}
            )
        if (kinds.SERVICE_ACCOUNTS, name, "default") not in self.store.objects:
            self.store.create(kinds.SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})

    def _deployment(self, deployment):
        volumes = deployment["spec"]["template"]["spec"].get("volumes", [])
        mounted = [volume["secret"]["secretName"] for volume in volumes if "secret" in volume]
        namespace, replicas = deployment["metadata"]["namespace"], deployment["spec"].get("replicas", 1)
        ready = all((kinds.SECRETS, namespace, name) in self.store.objects for name in mounted)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": replicas,
            "updatedReplicas": replicas,
        }
        status |= {"readyReplicas": replicas, "availableReplicas": replicas} if ready else {}
        if not status.items() <= deployment.get("status", {}).items():
            self._status(
                deployment,
                conditions=[condition("Available", ready), condition("Progressing", True)],
                **status,
            )

    def _job(self, job):
        metadata, status = job["metadata"], job.get("status", {})
        if "conditions" in status:
            return
        pods = self.store.select(
            kinds.PODS, metadata["namespace"], lambda pod: selects(job["spec"]["selector"], labels(pod))
        )
        if not pods:
            owner = {
                "apiVersion": job["apiVersion"],
                "kind": "Job",
                "name": metadata["name"],
                "uid": metadata["uid"],
                "controller": True,
            }
            its = {
                "generateName": f"{metadata['name']}-",
                "ownerReferences": [owner],
                "labels": labels(job["spec"]["template"]),
            }
            spec = job["spec"]["template"]["spec"]
            if "activeDeadlineSeconds" in job["spec"]:  # the Job controller's, in a real cluster
                spec = spec | {"activeDeadlineSeconds": job["spec"]["activeDeadlineSeconds"]}
            try:
                self.store.create(kinds.PODS, metadata["namespace"], {"metadata": its, "spec": spec})
            except Refusal as refusal:
                print(
                    f"job {metadata['name']}: {refusal}", flush=True
                )  # an event in a real cluster; tried again at each change
                return
            self._status(job, active=1, startTime=now())
        elif (phase := pods[0]["status"]["phase"]) == "Succeeded":
            held = [condition("SuccessCriteriaMet", True), condition("Complete", True)]
            self._status(job, active=0, succeeded=1, completionTime=now(), conditions=held)
        elif phase == "Failed":
            reason = pods[0]["status"].get("reason", "BackoffLimitExceeded")
            held = [condition(kind, True, reason) for kind in ("FailureTarget", "Failed")]
            self._status(job, active=0, failed=1, conditions=held)

    def _collect(self):
        there = {found["metadata"]["uid"] for found in self.store.objects.values()}
        for (resource, namespace, name), found in list(self.store.objects.items()):
            owners = {owner["uid"] for owner in found["metadata"].get("ownerReferences", [])}
            if owners and not owners & there:
                self.store.delete(resource, namespace, name)
        for uid in [uid for uid in self.processes if uid not in there]:
            self.stop(uid)

    def _run(self, pod):
        spec, container, uid = pod["spec"], pod["spec"]["containers"][0], pod["metadata"]["uid"]
        self.log(pod).parent.mkdir()
        late = {}
        try:
            environment = self._environment(pod)
            command = [
                expanded(word, environment) for word in container["command"] + container.get("args", [])
            ]
            with self.log(pod).open("wb") as log:
                process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self.log(pod).parent, start_new_session=True,
                )  # fmt: skip
            self.processes[uid] = process
            self._turn(pod, phase="Running", startTime=now())
            code = process.wait(spec.get("activeDeadlineSeconds"))
        except subprocess.TimeoutExpired:
            self.stop(uid)
            code, late = 137, {"reason": "DeadlineExceeded"}
        except (OSError, KeyError, Refusal) as error:
            self.log(pod).write_text(f"{error!r}\n")
            code = 128
        self.processes.pop(uid, None)
        ended = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
        about = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False}
        statuses = [about | {"restartCount": 0, "state": ended}]
        self._turn(pod, phase="Failed" if code else "Succeeded", containerStatuses=statuses, **late)

    def _turn(self, pod, **members):
        with self.store.changed:
            found = self.store.objects.get(
                (kinds.PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
            )
            if found and found["metadata"]["uid"] == pod["metadata"]["uid"]:
                self._status(found, **members)
                self.store.settle()
            else:
                self.stop(pod["metadata"]["uid"])

    def _environment(self, pod):
        spec, container, home = pod["spec"], pod["spec"]["containers"][0], self.log(pod).parent
        mounts = {mount["mountPath"]: home / mount["name"] for mount in container.get("volumeMounts", [])}
        for directory in mounts.values():
            directory.mkdir(exist_ok=True)
        for volume in spec.get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []):
                if "serviceAccountToken" in source and home / volume["name"] in mounts.values():
                    token = home / volume["name"] / source["serviceAccountToken"]["path"]
                    token.write_text(self._token(pod, source["serviceAccountToken"]))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),
            "HOSTNAME": pod["metadata"]["name"],
        }
        environment |= {name: os.environ[name] for name in self.passed if name in os.environ}
        fields = {f"metadata.{name}": pod["metadata"][name] for name in ("name", "namespace", "uid")}
        fields["spec.serviceAccountName"] = spec["serviceAccountName"]
        for variable in container.get("env", []):
            path = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            value = fields[path] if path else expanded(variable.get("value", ""), environment)
            for mount in sorted(mounts, reverse=True):
                if f"{value}/".startswith(f"{mount}/"):
                    value = f"{mounts[mount]}{value[len(mount) :]}"
                    break
            environment[variable["name"]] = value
        return environment

    def _token(self, pod, source):
        with self.store.changed:
            account = self.store.find(
                kinds.SERVICE_ACCOUNTS, pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
            )
            audiences = [source["audience"]] if "audience" in source else None
            return self.issuer.token(account, audiences, source.get("expirationSeconds", 3600), pod)[0]


def condition(kind, held, reason=None):
    return {"type": kind, "status": str(held), "lastTransitionTime": now(), "reason": reason or kind}


def expanded(text, environment):
    """$(NAME) of a variable that is there, and two dollar signs for one."""
    return re.sub(
        r"\$\$|\$\(([A-Za-z_][\w.-]*)\)", lambda m: "$" if m[1] is None else environment.get(m[1], m[0]), text
    )
