"""ask.py BUILD -- `volley ask` against a server that fails and lies on demand
(serve_fake.py): whatever is cut is taken up again, to the bytes that `volley
run` writes; what makes no sense is refused in one line.  Against the real
server it runs in serve_ask.py.  Ends with "N passed, N failed"."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from serve_fake import Fake

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
VOLLEY = os.path.abspath(os.path.join(
    sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
MODEL = os.path.join(ROOT, "unet", "models", "mnist.safetensors")
count = {"passed": 0, "failed": 0}


def judge(name, good, text=""):
    count["passed" if good else "failed"] += 1
    if not good:
        print("FAIL %s: %s" % (name, text), flush=True)


def volley(*words, **more):
    env = dict(os.environ, no_proxy="*", OMP_NUM_THREADS="1",
               XDG_DATA_HOME=os.path.abspath("home"))
    ran = subprocess.run([VOLLEY, *map(str, words)], capture_output=True,
                         text=True, timeout=120, stdin=subprocess.DEVNULL,
                         env=dict(env, **more))
    return ran.returncode, ran.stdout, ran.stderr


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def answers(text):
    """Images and classes: scores carry noise."""
    return text and [line.split(b",")[:2] for line in text.splitlines()]


STATED = re.compile(r": N = 2\^|; at most [0-9.]+ [KMGT]?i?B of memory$"
                    r"|: at most .* up, .* down|^[a-z0-9]* is for: |: job ")


def refused(name, ran, words, code=1):
    lines = [s for s in ran[2].splitlines() if not STATED.search(s)
             and not s.startswith("volley: warning: ")]
    judge(name, ran[0] == code and len(lines) == 1 and not ran[1]
          and lines[0].startswith("volley: ") and re.search(words, lines[0])
          and not re.search(r"\b(ckks|nni?|unet|uni)_\w+: ", lines[0]), ran)


def usual(fake, want):
    """Whatever happens on the way, the same bytes come out."""
    def ask(name, *words, warned=None, **faults):
        fake.faults = dict(faults)
        if os.path.exists("got.csv"):
            os.unlink("got.csv")
        ran = volley("ask", fake.url, "in", "-o", "got.csv", "--wait", 5,
                     *words)
        fake.faults = {}
        judge(name, ran[0] == 0 and answers(read("got.csv")) == want, ran)
        if warned:
            judge(name + ": said", re.search("warning: .*" + warned, ran[2]),
                  ran)
        return ran

    ran = ask("the first time")
    judge("keys are made and sent", "keys made in" in ran[1], ran)
    homes = [d for d, _, files in os.walk("home") if "secret.key" in files]
    judge("a key folder of its own", len(homes) == 1
          and oct(os.stat(homes[0]).st_mode)[-3:] == "700", homes)
    judge("nothing is left in it", sorted(os.listdir(homes[0])) == [
        "eval.keys", "owner.json", "plan.json", "requests", "secret.key",
        "server.json"], os.listdir(homes[0]))
    judge("the job is dropped", not fake.jobs)
    fake.seen.clear()
    ask("once more")
    put = sum(n for how, _, n in fake.seen if how == "PUT")
    judge("keys are sent once", put < os.path.getsize(
        os.path.join(homes[0], "eval.keys")), put)
    fake.keys.clear()
    ask("keys that the server has lost")
    ask("keys that are lost between", **{"no keys": 1})
    ask("pieces that are cut", warned="trying again", **{"cut piece": 3})
    ask("a finish whose answer is lost", **{"cut finish": 1})
    ask("pieces that are lost", **{"loses a piece": 1})
    ask("an upload that is forgotten", forgets=1)
    ask("a server that is full", warned="asks to wait", full=3)
    ask("a gateway that fails", **{"bad gateway": 2})
    ask("events that are cut", **{"cut events": 3})
    ask("a result that is cut", **{"cut result": 4})
    ask("a result without ranges", **{"cut result": 2, "no range": True})
    return homes[0]


def cut(fake, want, home):
    """One call goes on where another was cut."""
    fake.faults = {"stop": 1}
    fake.keys.clear()
    words = ("ask", fake.url, "in", "-o", "got.csv", "--wait", "1")
    refused("a server that stays full", volley(*words), "busy: do something")
    fake.faults, fake.seen = {}, []
    sent = os.path.getsize(os.path.join(home, "eval.keys"))
    ran = volley(*words)
    judge("an upload goes on", ran[0] == 0
          and answers(read("got.csv")) == want, ran)
    uploads = [k for k, u in fake.uploads.items() if u["kind"] == "keys"]
    put = sum(n for how, path, n in fake.seen
              if how == "PUT" and path.split("/")[3] in uploads)
    judge("with what was missing", 0 < put < sent, (put, sent))
    fake.faults = {"event": b"event: state\ndata: 1\n\n"}
    ran = volley(*words)
    refused("a job whose events make no sense", ran, "makes no sense")
    fake.faults = {}
    job = re.search(r"--job ([0-9a-f]{32}) ", ran[2])
    judge("says how its result is had", job, ran)
    os.unlink("got.csv")
    kept = fake.jobs[job[1]]
    again = ("ask", fake.url, "--job", job[1], "-o", "got.csv")
    refused("for other images", volley(*again[:2], "in/1.pgm", "in/0.pgm",
                                       "in/2.pgm", "in/3.pgm", "in/4.pgm",
                                       *again[2:]), "is not what went in")
    judge("no result for others", not os.path.exists("got.csv"))
    ran = volley(*again[:2], "in", *again[2:], "--sheet", "sheet.ppm")
    judge("with its images", ran[0] == 0 and read("sheet.ppm"), ran)
    fake.jobs[job[1]] = dict(kept)
    os.unlink("got.csv")
    note = os.path.join(home, "jobs", job[1] + ".json")
    os.makedirs(os.path.dirname(note))
    with open(note, "w") as f:
        f.write('{"format":"volley-job-1","url":"%s","most":9999999}'
                % fake.url)
    ran = volley(*again)
    judge("which gives it", ran[0] == 0
          and answers(read("got.csv")) == want, ran)
    ran = volley(*again)
    refused("once", ran, "no job of this name was asked for")
    ran = volley(*words, "--forget")
    judge("--forget", ran[0] == 0 and not fake.keys
          and '"keys": null' in read(os.path.join(home, "server.json"))
          .decode(), ran)


def lies(fake, home):
    """What is refused."""
    def lie(name, words, more=(), code=1, url=None, wait=1, **faults):
        fake.faults = dict(faults)
        ran = volley("ask", url or fake.url, "in", "-o", "no.csv",
                     *(["--wait", wait] if wait is not None else []), *more)
        fake.faults = {}
        refused(name, ran, words, code)
        judge(name + ": no result", not os.path.exists("no.csv"))

    lie("a redirect", "302, somewhere else", elsewhere=True)
    lie("a token is wanted", "wants a token: --token FILE", token="abc")
    with open("token", "w") as f:
        f.write("abd\n")
    lie("another token", "another token than", ["--token", "token"],
        token="abc")
    with open("token", "w") as f:
        f.write("a b\n")
    lie("a token of two words", "one word of visible", ["--token", "token"])
    lie("no JSON", "makes no sense", text=b"<html>hello</html>")
    lie("JSON that is long", "longer than any can be",
        text=b" " * ((1 << 22) + 1))
    lie("a list", "makes no sense", text=b"[]")
    lie("no models", "has no network", text=b'{"models":[]}')
    lie("too many models", "no list, or over 256", text=b'{"models":['
        + b",".join([b'{"name":"a","plan":"%032d"}' % 0] * 257) + b"]}")
    lie("a name that is a path", "no name of a model", named="../../x")
    lie("a name with escapes", "no name of a model", named="\x1b[2Jx")
    lie("no plan", "model mnist", plan=b"{}")
    with open("other.plan", "rb") as f:
        other = f.read()
    lie("another plan", "the plan is [0-9a-f]{32}, the server's list says",
        plan=other)
    lie("another model", "no network 'x', but mnist", ["--model", "x"])
    lie("more pieces", "pieces", **{"one more": 1, "no keys": 1})
    lie("pieces that are none", "a piece that is none", missing=[99999])
    lie("missing for ever", "are missing again|what it has asked for",
        missing=[0])
    lie("a job that fails", "the job failed: out of memory",
        **{"job fails": True})
    lie("a result that is longer", "is not of the [0-9]+ bytes", longer=9)
    lie("a range that is another", "is not of the [0-9]+ bytes",
        **{"cut result": 1, "other range": 5})
    lie("a result of any size", "bytes, where at most",
        event=b'event: end\ndata: {"state":"done","bytes":99999999999}\n\n')
    lie("a state that is none", "unknown value",
        event=b'event: end\ndata: {"state":"odd"}\n\n')
    lie("an event without end", "make no sense", event=b"data: " + b"x" * 9000)
    lie("escapes in a reason", "words that cannot be shown",
        event=b'event: end\ndata: {"state":"failed","error":"\\u001b[2J"}\n\n')
    fake.keys.clear()
    lie("nobody there", "ask|onnect", url="http://127.0.0.1:1", wait=None)
    lie("no host", "without a host", url="http://", code=2)
    lie("no URL", "is no URL", url="ftp://x", code=2)
    lie("a name in the URL", "host, port and path", url="http://u:p@x", code=2)
    lie("TLS where there is none", "127.0.0.1",
        url=fake.url.replace("http", "https"))
    lie("less security than wanted", "bits|security", ["--security", "256"])
    lie("little memory", "memory", ["--memory", "1"])
    lie("an id", "not an id", ["--job", "../../etc"], code=2)
    lie("no certificates", "cannot be read", ["--cacert", "none"])
    ran = volley("ask", fake.url, "in", "--keys", home, "-o",
                 os.path.join(home, "secret.key"))
    refused("keys as a result", ran, "csv|pgm|png", 2 if ran[0] == 2 else 1)


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        draw = random.Random(1)
        os.mkdir("in")
        os.mkdir("store")
        for i in range(5):
            with open("in/%d.pgm" % i, "wb") as f:
                f.write(b"P5\n28 28\n255\n" + draw.randbytes(784))
        made = [volley("plan", MODEL, "-o", "mnist.plan"),
                volley("plan", MODEL, "--aim", "latency", "--slots",
                       "complex", "-o", "other.plan"),
                volley("keygen", "mnist.plan", "--out", "keys"),
                volley("run", MODEL, "--plan", "mnist.plan", "--keys", "keys",
                       "in", "-o", "want.csv")]
        judge("volley run", all(m[0] == 0 for m in made), made)
        want = answers(read("want.csv"))
        if b"no libcurl" in volley("ask", "http://x", "in")[2].encode():
            print("skip ask: no libcurl (make deps)")
            print("0 passed, 0 failed, 1 skipped")
            return 0
        fake = Fake(VOLLEY, "store", {"mnist": (MODEL, "mnist.plan")})
        home = usual(fake, want)
        cut(fake, want, home)
        lies(fake, home)
        left = [f for d, _, names in os.walk(".") for f in names
                if ".tmp-" in f and d != "./store"]     # jobs still run there
        judge("no temporary file", not left, left)
        shutil.rmtree("home")
    print("%(passed)d passed, %(failed)d failed" % count)
    return count["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())
