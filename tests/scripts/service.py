"""service.py BUILD -- docs/service.json against the real server: every path and
method in it answers as it says, with every status that it says and no other,
with bodies of the forms that it says; any other method is 405.  Then the unit
of examples/serve, where systemd is, and its container file.  Ends with "N
passed, N failed"."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from serve_client import Client, Server, ended, judge, raw, skip, volley

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
VOLLEY = os.path.abspath(os.path.join(
    sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
MODEL = os.path.join(ROOT, "unet", "models", "mnist.safetensors")
UNIT = os.path.join(ROOT, "examples", "serve", "volley.service")
ABSENT = "0123456789abcdef" * 2
TOKEN = "the-only-token-there-is"

with open(os.path.join(ROOT, "docs", "service.json")) as f:
    DOC = json.load(f)
seen = {}                               # (path, method): statuses


def resolve(x):
    while "$ref" in x:
        at = DOC
        for part in x["$ref"][2:].split("/"):
            at = at[part]
        x = at
    return x


TYPES = {"object": dict, "array": list, "string": str, "integer": int,
         "number": (int, float)}


def fits(value, schema):
    """Whether a value is of a schema, as far as service.json uses them; members
    that it does not name are none of the server's."""
    s = resolve(schema)
    if "oneOf" in s:
        return sum(fits(value, x) for x in s["oneOf"]) == 1
    if value is None:
        return s.get("nullable", False)
    kind = TYPES[s["type"]]
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    if "enum" in s and value not in s["enum"]:
        return False
    if "pattern" in s and not re.search(s["pattern"], value):
        return False
    if s["type"] in ("integer", "number"):
        return s.get("minimum", value) <= value <= s.get("maximum", value)
    if isinstance(value, list):
        return len(value) <= s.get("maxItems", len(value)) \
            and all(fits(v, s["items"]) for v in value)
    if isinstance(value, dict) and "properties" in s:
        return set(s["required"]) <= set(value) <= set(s["properties"]) \
            and all(fits(v, s["properties"][k]) for k, v in value.items())
    return True


def operation(method, path):
    """Of the document: the template and the operation."""
    for template, methods in DOC["paths"].items():
        form = re.sub(r"\{id\}", "[0-9a-f]{32}", template)
        form = re.sub(r"\{piece\}", "[0-9]+", form)
        form = re.sub(r"\{(name|file)\}", "[^/]+", form)
        if re.fullmatch(form, path.split("?")[0]):
            if method.lower() in methods:
                return template, methods[method.lower()]
    return None, None


def check(client, want, method, path, body=None, **headers):
    """One request: its status is wanted and documented, its body of the form
    that goes with it.  The body, as a value where it is JSON."""
    status, got, text = client.call(method, path, body, **headers)
    return told(want, method, path, status, got.get("Content-Type", ""), text)


def told(want, method, path, status, kind, text):
    template, op = operation(method, path)
    name = "%s %s: %d" % (method, template or path, want)
    if not judge(name, status == want and op, (status, text[:300])):
        return None
    seen.setdefault((template, method.lower()), set()).add(status)
    if not judge(name + ", which is documented", str(status)
                 in op["responses"]):
        return None
    content = resolve(op["responses"][str(status)]).get("content")
    kind = kind.split(";")[0]
    if content is None:
        judge(name + ": no form", status in (204, 304) and not text
              or template == "/{file}", text[:99])
        return text
    judge(name + ": the kind of its body", kind in content, kind)
    if kind != "application/json":
        return text
    value = json.loads(text)
    judge(name + ": the form of its body",
          fits(value, content[kind]["schema"]), value)
    return value


def material():
    with open("digit.pgm", "wb") as f:
        f.write(b"P5\n28 28\n255\n" + bytes(i % 251 for i in range(784)))
    with open("many.txt", "w") as f:
        f.write("digit.pgm\n" * 400)
    for words in (["plan", MODEL, "-o", "p"], ["keygen", "p", "--out", "k"],
                  ["encrypt", "p", "--key", "k", "@many.txt", "-o", "in"]):
        ran = volley(VOLLEY, *words)
        judge("volley " + words[0], ran[0] == 0, ran)
    with open("k/eval.keys", "rb") as a, open("in", "rb") as b:
        return a.read(), b.read()


def uploads(c, keys):
    """Through all statuses of an upload of keys; the keys."""
    def begin(want, **value):
        return check(c, want, "POST", "/v1/uploads", value)

    size = len(keys)
    begin(400, kind="keys", model="mnist", bytes=size, more=1)
    begin(404, kind="keys", model="none", bytes=size)
    begin(404, kind="job", keys=ABSENT, bytes=size)
    begin(413, kind="keys", model="mnist", bytes=size * 10)
    begin(422, kind="keys", model="mnist", bytes=1)
    up = begin(201, kind="keys", model="mnist", bytes=size)
    at, piece = "/v1/uploads/" + up["upload"], up["piece_bytes"]
    check(c, 200, "GET", at)
    check(c, 409, "POST", at + "/finish", b"")
    check(c, 422, "PUT", at + "/0", b"\0" * piece)          # no keys
    check(c, 422, "PUT", at + "/1", b"short")
    check(c, 413, "PUT", at + "/1", b"\0" * (piece + 1))
    check(c, 404, "PUT", at + "/99999", b"")
    check(c, 400, "PUT", at + "/0", keys[:piece],
          Content_Digest="sha-256=:AAAA:")
    check(c, 422, "PUT", at + "/0", keys[:piece],
          Content_Digest="sha-256=:%s=:" % ("A" * 43))
    for k in range(up["pieces"]):
        check(c, 204, "PUT", "%s/%d" % (at, k),
              keys[k * piece:(k + 1) * piece])
    done = check(c, 201, "POST", at + "/finish", b"")
    again = check(c, 201, "POST", at + "/finish", b"")
    judge("finish twice: the same", done == again, (done, again))
    other = begin(201, kind="keys", model="mnist", bytes=size)["upload"]
    check(c, 204, "DELETE", "/v1/uploads/" + other)
    for method, end in (("GET", ""), ("DELETE", ""), ("PUT", "/0"),
                        ("POST", "/finish")):
        check(c, 404, method, "/v1/uploads/%s%s" % (other, end), b"")
    return done["keys"]


def bodies_without_length(port):
    for method, path in (("POST", "/v1/uploads"),
                         ("PUT", "/v1/uploads/%s/0" % ABSENT)):
        got = raw(port, ("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                         "%s\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                         % (method, path, TOKEN)).encode(), 1)
        head, _, text = got.partition(b"\r\n\r\n")
        told(411, method, path, int(head.split()[1]), "application/json",
             text)


def jobs(c, keys, data):
    def begin():
        return check(c, 201, "POST", "/v1/uploads", {
            "kind": "job", "keys": keys, "bytes": len(data)})

    def send(up, bad=False):
        size = up["piece_bytes"]
        for k in range(up["pieces"]):
            check(c, 204, "PUT", "/v1/uploads/%s/%d" % (up["upload"], k),
                  data[k * size:(k + 1) * size][:-1] + (b"x" if bad else
                  data[k * size:(k + 1) * size][-1:]))
        return "/v1/uploads/%s/finish" % up["upload"]

    ready = [send(begin()) for _ in range(3)]
    at = "/v1/jobs/" + check(c, 201, "POST", ready[0], b"")["job"]
    c.until(at[9:], ("running", "done", "failed"))
    waits = check(c, 201, "POST", ready[1], b"")
    check(c, 429, "POST", ready[2], b"")
    check(c, 429, "POST", "/v1/uploads", {
        "kind": "job", "keys": keys, "bytes": len(data)})
    check(c, 200, "GET", at)
    check(c, 409, "GET", at + "/result")
    check(c, 409, "DELETE", "/v1/keys/" + keys)
    check(c, 204, "DELETE", "/v1/jobs/" + waits["job"])
    text = check(c, 200, "GET", at + "/events") or b""
    states = [json.loads(x) for x in re.findall(
        rb"event: (?:state|end)\r?\ndata: (.*)", text)]
    progress = [json.loads(x) for x in re.findall(
        rb"event: progress\r?\ndata: (.*)", text)]
    schemas = DOC["components"]["schemas"]
    judge("events: states", states and states[-1]["state"] == "done"
          and all(fits(x, schemas["Job"]) for x in states), states[-1:])
    judge("events: progress", progress and all(
        fits(x, schemas["Progress"]) for x in progress), progress[-1:])
    whole = check(c, 200, "GET", at + "/result")
    part = check(c, 206, "GET", at + "/result", Range="bytes=100-199")
    judge("a range of the result", whole and part == whole[100:200])
    check(c, 416, "GET", at + "/result", Range="bytes=%d-" % len(whole))
    check(c, 204, "DELETE", at)
    for method, end in (("GET", ""), ("GET", "/events"), ("GET", "/result"),
                        ("DELETE", "")):
        check(c, 404, method, at + end)
    check(c, 200, "GET", "/v1/keys/" + keys)
    check(c, 204, "DELETE", "/v1/keys/" + keys)
    check(c, 404, "GET", "/v1/keys/" + keys)
    check(c, 404, "DELETE", "/v1/keys/" + keys)


INSTANCES = {"{id}": ABSENT, "{piece}": "0", "{name}": "mnist",
             "{file}": "page.css"}


def instance(template):
    for word, value in INSTANCES.items():
        template = template.replace(word, value)
    return template


def everywhere(c):
    """What holds of every path: other methods, tokens, origins."""
    none = Client(c.port)
    for template, methods in DOC["paths"].items():
        path = instance(template)
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
            body = b"" if method[0] == "P" else None
            if method.lower() not in methods:
                status, head, _ = c.call(method, path, body)
                judge("%s %s: 405" % (method, template), status == 405
                      and set(head.get("Allow", "").split(", ")) - {"HEAD"}
                      == {m.upper() for m in methods}, (status, head))
            elif path.startswith("/v1"):
                check(none, 401, method, path, body)
                check(c, 403, method, path, body, Origin="http://evil.test")
        judge("OPTIONS " + template, c.call("OPTIONS", path)[0] == 204)
    for path in ("/v1", "/v1/", "/v1/none", "/v1/models/", "/v2/models",
                 "/v1/jobs", "/v1/jobs/x", "/v1/uploads/%s/-1" % ABSENT):
        judge("no such path: " + path, c.call("GET", path)[0] == 404)


def page(c, bare):
    for path in ("/", "/page.css"):
        check(bare, 404, "GET", path)
        _, head, _ = c.call("GET", path)
        check(c, 200, "GET", path)
        check(c, 304, "GET", path, If_None_Match=head["ETag"])
    check(c, 404, "GET", "/none.css")


def small(keys):
    """A store whose quota has room for one set of keys and a bit."""
    server = Server(VOLLEY, [MODEL], "small", "--quota",
                    str(len(keys) + 5000000))
    c = Client(server.port)
    ident = c.send("keys", "mnist", keys)
    check(c, 507, "POST", "/v1/uploads", {"kind": "keys", "model": "mnist",
                                          "bytes": len(keys)})
    judge("keys that are kept", len(ident) == 32)
    server.end()


def documented():
    """Which statuses of the document were never seen; those of full disks and
    other states that no request leads to stand here."""
    rare = {("/v1/uploads", "post"): {409},         # the plan has changed
            ("/v1/uploads/{id}/{piece}", "put"): {429, 507},
            ("/v1/uploads/{id}/finish", "post"): {422, 507},
            ("/v1/jobs/{id}/events", "get"): {429}}
    for template, methods in DOC["paths"].items():
        for method, op in methods.items():
            want = {int(s) for s in op["responses"]}
            left = want - seen.get((template, method), set()) \
                - rare.get((template, method), set())
            judge("%s %s: every status" % (method, template), not left, left)


def unit():
    if shutil.which("systemd-analyze") is None:
        skip("the systemd unit", "no systemd here")
        return
    ran = subprocess.run(["systemd-analyze", "security", "--offline=true",
                          UNIT], capture_output=True, text=True)
    score = re.search(r"exposure level.*: ([0-9.]+)", ran.stdout)
    judge("the unit's exposure", score and float(score[1]) < 2,
          ran.stdout[-200:] + ran.stderr[-200:])
    ran = subprocess.run(["systemd-analyze", "verify", UNIT],
                         capture_output=True, text=True)
    lines = [x for x in ran.stderr.splitlines() if "volley.service" in x
             and "/usr/local/bin/volley is not executable" not in x]
    judge("systemd-analyze verify", not lines, lines)


def container():
    """The first stage of the container file has all that its make needs."""
    with open(os.path.join(os.path.dirname(UNIT), "Containerfile")) as f:
        text = f.read().split("\nFROM ")[1]
    os.mkdir("stage")
    for name in re.findall(r"^COPY (\S+) ", text, re.M):
        os.makedirs(os.path.dirname("stage/" + name), exist_ok=True)
        os.symlink(os.path.join(ROOT, name), "stage/" + name)
    words = re.search(r"^RUN make .*?(HAVE_.*)$", text, re.M)[1].split()
    env = {k: v for k, v in os.environ.items() if k[:4] != "MAKE"}
    ran = subprocess.run(["make", "-n", *words], cwd="stage", env=env,
                         capture_output=True, text=True)
    judge("the container's make", ran.returncode == 0 and "serve/http.c"
          in ran.stdout, ran.stderr[-300:])


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        ran = volley(VOLLEY, "serve", MODEL, "--store", "s", "--port", "x")
        if "libmicrohttpd" in ran[2]:
            skip("serve", "no libmicrohttpd (make deps)")
        else:
            keys, data = material()
            os.mkdir("www")
            for name in ("index.html", "page.css"):
                with open("www/" + name, "w") as f:
                    f.write("<!doctype html>")
            with open("token", "w") as f:
                f.write(TOKEN)
            server = Server(VOLLEY, [MODEL], "store", "--token", "token",
                            "--page", "www", "--queue", 1)
            bare = Server(VOLLEY, [MODEL], "bare")
            c = Client(server.port, TOKEN)
            check(c, 200, "GET", "/v1/models")
            check(c, 200, "GET", "/v1/models/mnist/plan")
            check(c, 404, "GET", "/v1/models/none/plan")
            page(c, Client(bare.port))
            bodies_without_length(server.port)
            everywhere(c)
            jobs(c, uploads(c, keys), data)
            small(keys)
            documented()
            judge("the servers end", server.end() == 0 and bare.end() == 0)
        unit()
        container()
    return ended()


if __name__ == "__main__":
    sys.exit(main())
