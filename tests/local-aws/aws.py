"""Takes each request to its service, with planned failures, and logs it."""

import json
import os
import threading
import time
import traceback

import accounts
import iam
import key_stores
import s3
import s3control
import sts
from answer import Answer, AwsError
from faults import Broken, Faults

SERVICES = {"s3": s3.answer, "s3control": s3control.answer, "iam": iam.answer, "sts": sts.answer,
            "secretsmanager": key_stores.secrets_manager, "ssm": key_stores.parameter_store}


class Aws:
    def __init__(self, log):
        self.log = log
        self.issuers = None
        self.count, self.failures, self.delay = 0, [], 0
        self.lock = threading.Lock()
        self.faults = Faults(log.parent)
        log.write_text("")

    def answer(self, request):
        if request.path.startswith("/_local/") and not request.secure:
            return self._control(request)
        request.started = time.time()
        time.sleep(self.delay)
        fault = self.faults.next()
        request.fault = fault and fault["kind"]
        try:
            answer = fault and self.faults.instead(fault)
            if fault:
                self.faults.before(fault)
            self._refuse(request)
            answer = answer or SERVICES[request.service](request, self.issuers)
        except Broken:
            self._write(request, Answer(0))
            raise
        except AwsError as error:
            answer = error.answer(request)
        except Exception:
            traceback.print_exc()
            answer = AwsError(500, "InternalFailure", "The local AWS failed.").answer(request)
        self._write(request, answer)
        return self.faults.after(fault, answer) if fault else answer

    def _refuse(self, request):
        if request.service not in SERVICES:
            raise AwsError(404, "UnknownOperationException", f"{request.host} is not modelled")
        failure = self._next_failure(request)
        if failure and "delay" in failure:
            time.sleep(failure["delay"])
        elif failure:
            raise AwsError(failure["status"], failure["code"], failure.get("message", ""))
        if request.access_key in accounts.INVALID_KEYS:
            if request.service == "s3":
                raise AwsError(403, "InvalidAccessKeyId",
                               "The AWS Access Key Id you provided does not exist in our records.")
            raise AwsError(403, "InvalidClientTokenId",
                           "The security token included in the request is invalid.")
        unsigned = request.service == "s3" or request.operation == "AssumeRoleWithWebIdentity"
        if request.anonymous and not unsigned:
            raise AwsError(403, "MissingAuthenticationToken",
                           "Request is missing Authentication Token")

    def _next_failure(self, request):
        with self.lock:
            for failure in self.failures:
                # An anonymous call names no app, but a bucket.
                if failure["operation"] == request.operation and all(
                        failure.get(name) in (None, getattr(request, name))
                        for name in ("app", "anonymous", "bucket", "key")):
                    failure["times"] -= 1
                    if not failure["times"]:
                        self.failures.remove(failure)
                    return failure
        return None

    def _control(self, request):
        if (request.method, request.path) == ("GET", "/_local/health"):
            return Answer()
        if (request.method, request.path) == ("POST", "/_local/fail"):
            failure = {"times": 1, "status": 500, "code": "InternalError", **json.loads(request.body)}
            with self.lock:
                self.failures.append(failure)
            return Answer()
        if (request.method, request.path) == ("POST", "/_local/delay"):
            self.delay = json.loads(request.body)["seconds"]
            return Answer()
        if (request.method, request.path) == ("POST", "/_local/fault"):
            self.faults.arm(json.loads(request.body))
            return Answer()
        if (request.method, request.path) == ("POST", "/_local/go"):
            self.faults.go(**json.loads(request.body))
            return Answer()
        if (request.method, request.path) == ("POST", "/_local/exit"):
            os._exit(0)
        return Answer(404)

    def _write(self, request, answer):
        entry = {
            "app": request.app,
            "account": request.account,
            "service": request.service,
            "operation": request.operation,
            "bucket": request.bucket,
            "key": request.key,
            "changing": request.changing,
            "anonymous": request.anonymous,
            "host": request.host,
            "method": request.method,
            "path": request.raw_path,
            "query": request.raw_query,
            "headers": request.headers,
            "body": key_stores.redacted(request) or request.body.decode("latin-1"),
            "status": answer.status,
            "code": answer.code,
            "fault": request.fault,
            "started": request.started,
            "ended": time.time(),
        }
        with self.lock:
            self.count += 1
            try:
                with self.log.open("a") as log:
                    log.write(json.dumps({"n": self.count, **entry}) + "\n")
            except FileNotFoundError:
                pass  # The test has ended, its directory is gone, and nobody reads this any more.
