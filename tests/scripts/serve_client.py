"""What tests of `volley serve` share: the server as a process, and a client of
its own that sends what it is told to (standard library alone)."""
import atexit
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

count = {"passed": 0, "failed": 0, "skipped": 0}


def judge(name, good, text=""):
    count["passed" if good else "failed"] += 1
    if not good:
        print("FAIL %s: %s" % (name, str(text)[:600]), flush=True)
    return bool(good)


def skip(name, why):
    count["skipped"] += 1
    print("skip %s: %s" % (name, why), flush=True)


def ended():
    """The last line, and the exit code."""
    print("%(passed)d passed, %(failed)d failed" % count
          + (", %(skipped)d skipped" % count if count["skipped"] else ""))
    return count["failed"] > 0


def environment(**more):
    return dict(os.environ, no_proxy="*", OMP_NUM_THREADS="1", **more)


def volley(command, *words, **more):
    ran = subprocess.run([command, *map(str, words)], capture_output=True,
                         text=True, stdin=subprocess.DEVNULL,
                         env=environment(**more), timeout=600)
    return ran.returncode, ran.stdout, ran.stderr


class Server:
    """A server that listens at a port that the system chose, or at `port`."""

    def __init__(self, command, models, store, *options, port=0, before=(),
                 wait=60):
        self.words = [*before, command, "serve", *models, "--store", store,
                      "--port", str(port), "--threads", "1",
                      *map(str, options)]
        self.log, self.port = [], None
        self.run = subprocess.Popen(self.words, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True,
                                    stdin=subprocess.DEVNULL,
                                    env=environment())
        atexit.register(self.run.kill)          # if a test breaks off
        self.heard = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()
        self.heard.wait(wait)
        if self.port is None:
            self.run.kill()
            raise RuntimeError("no server: " + "".join(self.log))
        self.pid, self.url = self.run.pid, "http://127.0.0.1:%d" % self.port

    def read(self):
        for line in self.run.stderr:
            self.log.append(line)
            port = re.search(r"port (\d+)", line)
            if port and self.port is None:
                self.port = int(port[1])
                self.heard.set()
        self.heard.set()

    def memory(self):
        """(most, now) MiB that the server itself has had."""
        with open("/proc/%d/status" % self.pid) as f:
            text = f.read()
        return tuple(int(re.search(name + r":\s+(\d+) kB", text)[1]) / 1024
                     for name in ("VmHWM", "VmRSS"))

    def children(self):
        path = "/proc/%d/task/%d/children" % (self.pid, self.pid)
        with open(path) as f:
            return [int(pid) for pid in f.read().split()]

    def kill(self):
        """As a power cut, as far as the server can tell."""
        self.run.send_signal(signal.SIGKILL)
        self.run.wait(30)

    def end(self):
        if self.run.poll() is None:
            self.run.terminate()
        try:
            return self.run.wait(60)
        except subprocess.TimeoutExpired:
            self.run.kill()
            return -9


class Client:
    def __init__(self, port, token=None):
        self.port, self.token = port, token
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method, path, body=None, **headers):
        """(status, headers, bytes); a dictionary goes as JSON."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        for attempt in (0, 1):
            try:
                self.line.request(method, path, body, headers)
                answer = self.line.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.HTTPException, OSError):
                self.line.close()       # a kept line that was closed
                if attempt:
                    raise
        return None

    def json(self, method, path, body=None):
        status, _, text = self.call(method, path, body)
        return status, json.loads(text) if text else None

    def begin(self, kind, of, size):
        return self.json("POST", "/v1/uploads", {
            "kind": kind, "model" if kind == "keys" else "keys": of,
            "bytes": size})

    def send(self, kind, of, data):
        """The id of keys or of a job."""
        status, begun = self.begin(kind, of, len(data))
        if status != 201:
            raise RuntimeError((status, begun))
        size = begun["piece_bytes"]
        for k in range(begun["pieces"]):
            status, _, text = self.call(
                "PUT", "/v1/uploads/%s/%d" % (begun["upload"], k),
                data[k * size:(k + 1) * size])
            if status != 204:
                raise RuntimeError((status, text))
        status, done = self.finish(begun["upload"])
        if status != 201:
            raise RuntimeError((status, done))
        return done[kind]

    def finish(self, upload):
        return self.json("POST", "/v1/uploads/%s/finish" % upload, b"")

    def state(self, job):
        return self.json("GET", "/v1/jobs/" + job)[1]

    def until(self, job, states=("done", "failed"), wait=300):
        for _ in range(wait * 20):
            state = self.state(job)
            if state.get("state") in states:
                return state
            time.sleep(0.05)
        return state

    def result(self, job):
        status, _, data = self.call("GET", "/v1/jobs/%s/result" % job)
        return data if status == 200 else None


def raw(port, data, wait=5, half=False):
    """Bytes to the server, and what comes back until it closes or `wait`
    seconds of silence."""
    got = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            s.settimeout(wait)
            s.sendall(data)
            if half:
                s.shutdown(socket.SHUT_WR)
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
    except OSError:
        pass
    return got
