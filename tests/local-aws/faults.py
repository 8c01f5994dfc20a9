"""What goes wrong on the way of one call, the nth since it was planned: it is refused, its answer
is lost or broken, or it is held until the test says how to go on.
"""

import threading
import time

from answer import Answer, AwsError

# Long past what a test waits for.
HELD = 120
NOT_HTTP = b"\x16\x03\x01\x00\xff\x00garbage\xff\xfe\r\n\r\n" * 8
PORTAL = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Welcome</body></html>"


class Broken(Exception):
    """The connection ends after these bytes, which are no answer."""

    def __init__(self, sent=b""):
        super().__init__()
        self.sent = sent


class Hold:
    """Where one held call waits, whether it gets there before or after it is told to go on."""

    def __init__(self):
        self.resume, self.commit = threading.Event(), True

    def go(self, commit):
        self.commit = commit
        self.resume.set()

    def wait(self):
        self.resume.wait(HELD)
        if not self.commit:
            raise Broken


class Faults:
    """The plan of one fault. A held call makes the file `held` in `directory`."""

    def __init__(self, directory):
        self.directory, self.plan, self.count = directory, None, 0
        self.lock = threading.Lock()

    def arm(self, plan):
        with self.lock:
            self.plan, self.count = {**plan, "hold": Hold()}, 0

    def go(self, commit):
        """Lets the held call of the present plan go on."""
        self.plan["hold"].go(commit)

    def next(self):
        """The fault of the call that has just arrived; none of most."""
        with self.lock:
            self.count += 1
            planned = self.plan is not None and self.plan["nth"] == self.count
            return self.plan if planned else None

    def before(self, plan):
        """What happens before the call has an effect."""
        match plan["kind"]:
            case "error":
                raise AwsError(plan["status"], plan["code"], "A planned fault.")
            case "delay":
                time.sleep(plan["seconds"])
            case "reset-before":
                raise Broken
            case "hold-before":
                self._hold(plan)

    def instead(self, plan):
        """The answer of somebody between who does not pass the call on."""
        return Answer(200, {"Content-Type": "text/html"}, PORTAL) if plan["kind"] == "html" else None

    def after(self, plan, answer):
        """What becomes of the answer of a call that has had its effect."""
        match plan["kind"]:
            case "reset-after":
                raise Broken
            case "garbage":
                raise Broken(NOT_HTTP)
            case "truncated":
                body = answer.body or b'<?xml version="1.0" encoding="UTF-8"?>\n<Result><Na'
                headers = {name: value for name, value in answer.headers.items()
                           if not name.lower().startswith("x-amz-checksum")}
                status = 200 if answer.status == 204 else answer.status
                return Answer(status, headers, body[:len(body) // 2], answer.code)
            case "hold-after":
                self._hold(plan)
        return answer

    def _hold(self, plan):
        (self.directory / "held").touch()
        plan["hold"].wait()
