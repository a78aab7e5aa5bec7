"""A built copy of the sources: one file changed, compiled, linked, its tests
run within limits."""
import concurrent.futures
import glob
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import time

CPU_SECONDS = 30
WALL_SECONDS = 240
SHIPPED = '-O2'
SANITIZED = ('-O1 -fsanitize=address,undefined -fno-sanitize-recover=all '
             '-DCKKS_VERIFY')


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def limits(cpu, memory):
    """What a mutated program may use; it must not write elsewhere."""
    for what, most in ((resource.RLIMIT_CPU, cpu),
                       (resource.RLIMIT_FSIZE, 64 << 20),
                       (resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, memory)):
        if most is not None:
            resource.setrlimit(what, (most, most + (what == 0)))
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def processor_seconds(pid):
    with open('/proc/%d/stat' % pid, encoding='utf-8') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf('SC_CLK_TCK')


def watch(p, log, usual, slow):
    """Waits for the tests; ends the process when one takes over four times
    what it usually does.  Exit code, processor time."""
    code, used, done, mark, start = None, 0, 0, 0, time.monotonic()
    while code is None:
        try:
            code = p.wait(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            pass
        used = processor_seconds(p.pid)
        ready = len(re.findall(r'^ok ', read(log), re.M))
        if ready > done:
            done, mark = ready, used
        most = usual[done] if done < len(usual) else CPU_SECONDS
        if (used - mark > slow * (1 + 4 * most)
                or time.monotonic() - start > WALL_SECONDS):
            code = -signal.SIGXCPU
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()
    return code, used


class Tree:
    """A copy of the sources with objects built, and how each is compiled."""

    def __init__(self, work, jobs):
        self.work, self.jobs = work, jobs
        os.chdir(work)
        self.hash = digest(''.join(read(f) for f in sorted(
            ['Makefile'] + glob.glob('ckks/**/*.[ch]', recursive=True)
            + glob.glob('tests/**/*.[ch]', recursive=True))))
        text = subprocess.run(
            ['make', '-n', 'B=o', 'CFLAGS=' + SHIPPED, 'o/tests'], check=True,
            capture_output=True, text=True).stdout
        self.commands, self.libs = {}, []
        for line in text.splitlines():
            m = re.search(r'(.*) -MMD -MP -c -o (\S+) (\S+\.c)$', line)
            if m:
                self.commands[m[3]] = re.sub(r' -W[a-z]\S*', '', m[1]) + ' -w'
                if m[3].startswith('tests/'):
                    self.commands[m[3]] += ' -Dcki_kernels=mutants_kernels'
            elif ' -o o/tests ' in line:
                self.libs = [w for w in line.split()
                             if w.startswith(('-l', '-Wl,', '-pthread'))]
        self.commands['tests/mutants/kernels.c'] = (
            self.commands['tests/support/test.c'].replace('-Dcki_kernels', '-DOF'))
        self.needs = {}

    def compile(self, source, flags, out):
        """Compiles one file; false if it is no C."""
        os.makedirs(os.path.dirname(out), exist_ok=True)
        command = self.commands[source].replace(' ' + SHIPPED, ' ' + flags)
        r = subprocess.run(command + ' -MMD -MF %s.d -c -o %s %s'
                           % (out, out, source), shell=True,
                           capture_output=True, check=False, text=True)
        self.said = r.stderr
        return r.returncode == 0

    def object(self, source, folder):
        return os.path.join(folder, source[:-1] + 'o')

    def build(self, folder, flags):
        """All objects of one kind of build, and their tests.  Objects of the
        same sources may lie there from a campaign that was cut."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for made in pool.map(lambda x: self.build_one(x, folder, flags),
                                 self.commands):
                if not made:
                    raise SystemExit(self.said)
        if not self.link(folder, flags, {}, folder + '/program'):
            raise SystemExit(self.said)

    def build_one(self, source, folder, flags):
        out = self.object(source, folder)
        made = (os.path.exists(out + '.key')
                and read(out + '.key') == self.key(source, out, flags))
        if not made and not self.compile(source, flags, out):
            return False
        with open(out + '.key', 'w', encoding='utf-8') as f:
            f.write(self.key(source, out, flags))
        self.needs[source] = self.headers(out)
        return True

    @staticmethod
    def headers(out):
        """What an object was made of."""
        return set(read(out + '.d').replace('\\\n', ' ').split()[1:])

    def key(self, source, out, flags):
        """Changes with the command and with every file of ours it read."""
        own = sorted(f for f in self.headers(out) if not f.startswith('/'))
        return digest(' '.join([self.commands[source], flags] + own)
                      + ''.join(read(f) for f in own if os.path.exists(f)))

    def link(self, folder, flags, other, out):
        objects = [other.get(s, self.object(s, folder)) for s in self.commands]
        fast = '' if 'sanitize' in flags else '-fuse-ld=gold '
        command = 'cc %s %s-o %s %s -Wl,--as-needed %s' % (
            flags, fast, out, ' '.join(objects), ' '.join(self.libs))
        r = subprocess.run(command, shell=True, capture_output=True,
                           check=False, text=True)
        self.said = r.stderr
        return r.returncode == 0

    def rebuild(self, file, folder, flags):
        """The objects that the changed file alters, as {source: object};
        None if it does not compile."""
        changed = {}
        for source in sorted(self.commands):
            if file not in self.needs[source]:
                continue
            out = self.object(source, 'm')
            if not self.compile(source, flags, out):
                return None
            with open(out, 'rb') as a, open(self.object(source, folder),
                                            'rb') as b:
                if a.read() != b.read():
                    changed[source] = out
        return changed

    def run(self, program, words, usual, slow=1, memory=4 << 30):
        """('ok' | 'caught' | 'crash' | 'timeout', what turned red, seconds);
        usual: seconds of each test without a mutant."""
        scratch = os.path.join(self.work, 'scratch')
        shutil.rmtree(scratch, ignore_errors=True)
        os.mkdir(scratch)
        os.chmod(scratch, 0o777)
        env = dict(os.environ, TMPDIR=scratch, OMP_NUM_THREADS='1',
                   ASAN_OPTIONS='hard_rss_limit_mb=4000:detect_leaks=1')
        if words[0] != '-':
            env['MUTANTS_KERNEL'] = words[0]
        log = os.path.join(self.work, 'log')
        with open(log, 'wb') as out:
            p = subprocess.Popen([os.path.abspath(program), '-s'] + words[1:],
                                 stdout=out, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL,
                                 env=env, process_group=0,
                                 preexec_fn=lambda: limits(CPU_SECONDS * slow,
                                                           memory))
            code, used = watch(p, log, usual, slow)
        text = read(log)
        if code == 0:
            return 'ok', text, used
        seen = re.findall(r'^  (\S+:\d+): CHECK|^SUMMARY: (\S+ \S+)|'
                          r'^(\S+: runtime error)|^(\S+ VERIFY)', text, re.M)
        seen = [a or b or c or d for a, b, c, d in seen]
        done = re.findall(r'^ok +(\S+)', text, re.M)
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return 'timeout', 'after ' + (done or ['-'])[-1], used
        if code < 0 or not seen:
            return 'crash', 'after ' + (done or ['-'])[-1], used
        return 'caught', seen[0], used
