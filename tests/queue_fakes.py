"""A server's queues and settings in memory, and the same behind real HTTP.

They behave as Immich does where it matters here: pausing moves waiting jobs
into `paused`, a job that ends feeds the queues further down, an unknown
setting is dropped silently, and a key without the right is refused.
"""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from piuploader.core.policy import Holding
from piuploader.core.queues import PIPELINE, Queue
from piuploader.errors import LedgerError, ServerError, ServerUnreachable

FOLLOWERS = {
    "metadataExtraction": ("storageTemplateMigration",),
    "storageTemplateMigration": ("thumbnailGeneration",),
    "thumbnailGeneration": ("smartSearch", "faceDetection", "ocr"),
    "smartSearch": ("duplicateDetection",),
    "faceDetection": ("facialRecognition",),
}


def default_settings():
    job = {
        "metadataExtraction": 5,
        "thumbnailGeneration": 3,
        "smartSearch": 2,
        "faceDetection": 2,
        "ocr": 1,
        "videoConversion": 1,
        "library": 5,
        "sidecar": 5,
    }
    return {
        "job": {name: {"concurrency": n} for name, n in job.items()},
        "machineLearning": {"enabled": True, "urls": ["http://immich-machine-learning:3003"]},
        "image": {"preview": {"size": 1440, "format": "jpeg"}, "colorspace": "p3"},
        "nightlyTasks": {"startTime": "00:00"},
        "backup": {"database": {"enabled": True, "cronExpression": "0 02 * * *"}},
        "notifications": {"smtp": {"transport": {"password": "secret"}}},
    }


@dataclass
class FakeQueueServer:
    """Fills the port QueueServer; what a test sets here, the server has."""

    jobs: dict = field(default_factory=dict)  # name -> jobs that have not ended
    paused: set = field(default_factory=set)
    flat: dict = field(
        default_factory=lambda: {
            "job.thumbnailGeneration.concurrency": 3,
            "job.smartSearch.concurrency": 2,
            "job.ocr.concurrency": 1,
        }
    )
    away: bool = False
    fails: list = field(default_factory=list)  # errors that the next calls that change raise
    names: tuple = (*PIPELINE, "aNewOne")
    did: list = field(default_factory=list)
    on_change: object = None  # called before each change, as (what, name)

    def queues(self):
        self._reach()
        return tuple(self._queue(name) for name in self.names)

    def pause(self, name):
        self._change("pause", name)
        self.paused.add(name)

    def resume(self, name):
        self._change("resume", name)
        self.paused.discard(name)

    def settings(self):
        self._reach()
        return dict(self.flat)

    def change(self, wanted):
        for key, value in wanted.items():
            self._change("set", f"{key}={value}")
            self.flat[key] = value
        return self.settings()

    def work(self, name, jobs=1):
        """Let jobs of one queue end, and feed the queues that follow."""
        done = min(jobs, self.jobs.get(name, 0)) if name not in self.paused else 0
        self.jobs[name] = self.jobs.get(name, 0) - done
        for follower in FOLLOWERS.get(name, ()) if done else ():
            self.jobs[follower] = self.jobs.get(follower, 0) + done

    def _queue(self, name):
        jobs = self.jobs.get(name, 0)
        if name in self.paused:
            return Queue(name, is_paused=True, paused=jobs)
        return Queue(name, active=min(jobs, 2), waiting=max(0, jobs - 2))

    def _change(self, what, name):
        self._reach()
        if self.on_change:
            self.on_change(what, name)
        if self.fails:
            raise self.fails.pop(0)
        self.did.append((what, name))

    def _reach(self):
        if self.away:
            raise ServerUnreachable("no route")


@dataclass
class FakeJournal:
    """Fills the port Journal; `now` is what a disk would hold."""

    now: Holding = field(default_factory=Holding)
    elsewhere: Holding = field(default_factory=Holding)
    full: bool = False
    closed: bool = False

    def write(self, holding):
        if self.full and holding:
            raise LedgerError("no space left on device")
        self.now = holding

    def others(self):
        return self.elsewhere

    def abandoned(self):
        yield from ()

    def close(self):
        self.closed = True


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@dataclass
class HttpImmich:
    """Queues, settings and permissions behind real HTTP, as an Immich of some version."""

    queues: FakeQueueServer = field(default_factory=FakeQueueServer)
    version: tuple = (3, 2, 2)
    permissions: frozenset = frozenset({"all"})
    is_admin: bool = True
    config: dict = field(default_factory=default_settings)
    config_file: bool = False
    url: str = ""
    asked: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method, path, body):  # noqa: C901, PLR0912 - one branch a call
        """Return (status, JSON)."""
        self.asked.append((method, path))
        new_queues, new_config = self.version >= (2, 4, 0), self.version >= (3, 2, 0)
        with self.lock:
            match [method, *path.removeprefix("/api/").split("/")]:
                case ["GET", "server", "ping"]:
                    return 200, {"res": "pong"}
                case ["GET", "server", "version"]:
                    return 200, dict(zip(("major", "minor", "patch"), self.version, strict=True))
                case ["GET", "server", "features"]:
                    return 200, {"configFile": self.config_file}
                case ["GET", "server", "storage"]:
                    self.need("server.storage", admin=False)
                    return 200, {"diskSizeRaw": 10**12, "diskAvailableRaw": 5 * 10**11}
                case ["GET", "api-keys", "me"]:
                    return 200, {"permissions": sorted(self.permissions)}
                case ["GET", "queues"] if new_queues:
                    self.need("queue.read")
                    return 200, [self.as_queue(q) for q in self.queues.queues()]
                case ["PUT", "queues", name] if new_queues:
                    self.need("queue.update")
                    self.steer(name, paused=body["isPaused"])
                    return 200, self.as_queue(self.queues._queue(name))
                case ["GET", "jobs"]:
                    self.need("job.read")
                    return 200, {q.name: self.as_job(q) for q in self.queues.queues()}
                case ["PUT", "jobs", name]:
                    self.need("job.create")
                    self.steer(name, paused={"pause": True, "resume": False}[body["command"]])
                    return 200, self.as_job(self.queues._queue(name))
                case ["GET", "admin", "config"] if new_config:
                    self.need("adminConfig.read")
                    return 200, self.config
                case ["PUT", "admin", "config"] if new_config:
                    self.need("adminConfig.update")
                    return self.put_config(body)
                case ["GET", "system-config"] if not new_config:
                    self.need("systemConfig.read")
                    return 200, self.config
                case ["PUT", "system-config"] if not new_config:
                    self.need("systemConfig.update")
                    return self.put_config(body)
        return 404, {"message": f"Cannot {method} {path}", "statusCode": 404}

    def need(self, permission, *, admin=True):
        if not self.permissions & {"all", permission}:
            raise ServerError(f"Missing required permission: {permission}")
        if admin and not self.is_admin:
            raise ServerError("Forbidden")

    def steer(self, name, *, paused):
        (self.queues.pause if paused else self.queues.resume)(name)

    def put_config(self, body):
        if self.config_file:
            return 400, {"message": "Cannot update configuration while IMMICH_CONFIG_FILE is used"}
        if body.keys() != self.config.keys():
            return 400, {"message": "Validation failed", "errors": [{"path": ["job"]}]}
        self.config = body
        return 200, body

    @staticmethod
    def as_queue(queue):
        return {
            "name": queue.name,
            "isPaused": queue.is_paused,
            "statistics": HttpImmich.counts(queue),
        }

    @staticmethod
    def as_job(queue):
        status = {"isPaused": queue.is_paused, "isActive": queue.active > 0}
        return {"queueStatus": status, "jobCounts": HttpImmich.counts(queue)}

    @staticmethod
    def counts(queue):
        names = ("active", "waiting", "delayed", "paused", "failed", "completed")
        return {name: getattr(queue, name) for name in names}


@contextmanager
def serving(immich):
    """Serve an HttpImmich on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                status, answer = immich.answer(self.command, self.path, body)
            except ServerError as refusal:
                status, answer = 403, {"message": str(refusal)}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = handle_any  # noqa: N815 - the library looks for these

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    immich.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield immich
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
