"""signals.py VOLLEY MNIST GM -- signals at moments when VOLLEY has a temporary
file open, in the folder of tests/scripts/places.sh: it ends by the signal, and leaves
neither that file nor half a result.  Lines "ok ..." and "FAIL ..."; "end"."""
import os
import signal
import subprocess
import sys
import time

volley, mnist, gm = sys.argv[1:]
END = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE", "SIGTERM", "SIGALRM",
       "SIGUSR1", "SIGXCPU", "SIGABRT")


def files():
    return {os.path.join(f, n) for f, _, names in os.walk(".") for n in names}


def start(words, ignored):
    """Signals are at their defaults whatever this script was started with, as
    behind nohup or in the background; but one of them may be ignored."""
    def fresh():
        for name in END:
            number = getattr(signal, name)
            signal.signal(number, signal.SIG_IGN if number == ignored
                          else signal.SIG_DFL)
    return subprocess.Popen([volley] + words, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, preexec_fn=fresh)


def hit(words, folder, number, wait, ignored=None):
    """The exit code, if the signal met an open file; None if it came late."""
    p = start(words, ignored)
    while p.poll() is None:
        if any(".tmp-" in n for n in os.listdir(folder)):
            time.sleep(wait)
            p.send_signal(number)
            break
    else:
        return None
    return p.wait()


def tell(right, what):
    print(("ok " if right else "FAIL ") + what, flush=True)


def sizes(paths):
    return {path: os.path.getsize(path) for path in paths}


def judge(verb, words, folder, names, tries=40):
    """A result that is there in full when the signal ends the command came
    before it: that is tried again.  One that is shorter is half a result."""
    os.makedirs(folder, exist_ok=True)
    before = files()
    start(words, None).wait()
    whole = sizes(files() - before)
    for path in whole:
        os.remove(path)
    tell(whole, "%s, no signal: %s" % (verb, whole))
    for name in names:
        number, code = getattr(signal, name), None
        for k in range(tries):
            before = files()
            code = hit(words, folder, number, (k % 4) * 0.004)
            late = sizes(files() - before) == whole
            if code is not None and code != 0 and not late:
                break
            for path in files() - before:
                os.remove(path)
        left = files() - before
        if verb in ("keygen", "clear"):     # others may be whole already
            left = {n for n in left if ".tmp-" in n}
        tell(code == -number and not left,
             "%s, %s: ended by %s, left %s" % (verb, name, code, left))
        for path in files() - before:
            os.remove(path)


with open("many.idx", "wb") as f:
    f.write(bytes([0, 0, 8, 3]) + (400).to_bytes(4, "big")
            + (28).to_bytes(4, "big") * 2 + bytes(400 * 784))
with open("one.pgm", "wb") as f:
    f.write(b"P5\n20 20\n255\n" + bytes(400))
evaluate = ["evaluate", mnist, "--plan", "p", "--keys", "k/eval.keys",
            "in.vct", "-o", "sig/out.vct"]
judge("evaluate", evaluate, "sig", END)
judge("encrypt", ["encrypt", "p", "--key", "k/secret.key", "many.idx", "-o",
                  "sig/in.vct"], "sig", END[:3])
judge("keygen", ["keygen", "gm.plan", "--out", "sig/k"], "sig/k", END[:3])
judge("decrypt", ["decrypt", "p", "--force", "--key", "k", "out.vct", "-o",
                  "sig/m.csv"], "sig", END[:3])
judge("clear", ["clear", gm, "--plan", "gm.plan"] + ["one.pgm"] * 30
      + ["-o", "sig/c/"], "sig/c", END[1:2])

# What the caller ignores stays ignored.
code = hit(evaluate, "sig", signal.SIGHUP, 0, signal.SIGHUP)
tell(code == 0 and os.path.exists("sig/out.vct"), "nohup: %s" % code)
os.remove("sig/out.vct")

# SIGKILL leaves the temporary file, as is documented, and never half a result.
code = hit(evaluate, "sig", signal.SIGKILL, 0.01)
left = os.listdir("sig")
tell(code == -9 and "out.vct" not in left, "SIGKILL: %s, left %s" % (code, left))
for name in left:
    if ".tmp-" in name:
        os.remove(os.path.join("sig", name))
print("end")
