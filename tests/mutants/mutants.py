#!/usr/bin/python3
"""mutants.py -- systematic mutation of ckks/: does a test turn red?

    mutants.py run [--count N] [--seed S] [--results FILE]
    mutants.py list [FILE]          every mutant, or those of one file
    mutants.py show IDENT           its place, what it changes, its tests

tests/mutants/operators.py says what is changed, tests/mutants/parts which
tests answer for which file.  The seed puts the mutants of each file in an
order; they are taken in it, the files in proportion to their number, until N
valid ones are judged.  A mutant is

    invalid     does not compile                            not counted
    equivalent  the same code, as it is shipped (-O2)       not counted
    caught      a check failed          crash    a signal
    timeout     a test took over 4 times its time, or all over 30 s
    guarded     red only under AddressSanitizer, UBSan or VERIFY
    survived    none of these

The verdict is appended to the results at once: a campaign that was cut goes on
where it stopped, with the objects it had built, and a mutant whose file has not
changed since is not run again (--retry judges survivors anew, --only takes
files or idents).  What is mutated runs in a folder of its own, without
privileges, within limits.
"""
import argparse
import collections
import fcntl
import fnmatch
import functools
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from operators import mutants_of, type_names    # noqa: E402
from tree import (CPU_SECONDS, SANITIZED, SHIPPED, Tree, digest,  # noqa: E402
                  read)

GUARDED = 'sanitizers too'
NOT_COUNTED = ('invalid', 'equivalent')


def sources():
    """The files that are mutated: ckks/ but SEAL's format and the public
    headers, which have declarations alone."""
    found = glob.glob('ckks/**/*.[ch]', recursive=True)
    return sorted(f for f in found
                  if not f.startswith(('ckks/seal/', 'ckks/ckks')))


def all_mutants(files):
    types = type_names(read(f) for f in sources() + glob.glob('ckks/ckks*.h'))
    return {f: mutants_of(f, read(f), types) for f in files}


@functools.lru_cache(None)
def part_of(file):
    """The kernel, and the words of the tests, that answer for a file."""
    for line in read(os.path.join(HERE, 'parts')).splitlines():
        words = line.split()
        if words and words[0] != '#' and fnmatch.fnmatch(file, words[0]):
            return words[1:]
    raise SystemExit('tests/mutants/parts has no line for ' + file)


# ---- a campaign --------------------------------------------------------------

class Record:
    """The results: one line a mutant, the last of equal ones counts."""
    FIELDS = ('ident', 'hash', 'verdict', 'by', 'seconds', 'file', 'line',
              'col', 'what', 'to')

    def __init__(self, path):
        self.path, self.rows = path, {}
        if os.path.exists(path):
            for line in read(path).splitlines():
                row = dict(zip(self.FIELDS, line.split('\t')))
                if len(row) == len(self.FIELDS) and row['ident'] != 'ident':
                    self.rows[row['ident'], row['hash']] = row

    def get(self, m, file_hash):
        return self.rows.get((m.ident, file_hash))

    def add(self, m, file_hash, verdict, by, seconds):
        row = dict(zip(self.FIELDS, (
            m.ident, file_hash, verdict, by, '%.1f' % seconds, m.file,
            str(m.line), str(m.col), m.what, re.sub(r'\s+', ' ', m.to))))
        self.rows[m.ident, file_hash] = row
        with open(self.path, 'a', encoding='utf-8') as f:
            f.write('\t'.join(row[k] for k in self.FIELDS) + '\n')
        return row

    def compact(self, rows):
        """Keeps these rows alone, by file and place."""
        rows = sorted(rows, key=lambda r: (r['file'], int(r['line']),
                                           int(r['col']), r['to']))
        with open(self.path + '.new', 'w', encoding='utf-8') as f:
            for row in [dict(zip(self.FIELDS, self.FIELDS))] + rows:
                f.write('\t'.join(row[k] for k in self.FIELDS) + '\n')
        os.replace(self.path + '.new', self.path)


class Campaign:
    def __init__(self, args, work):
        self.args, self.record = args, Record(os.path.abspath(args.results))
        self.mutants = all_mutants(sources())
        self.hash = {f: digest(read(f)) for f in self.mutants}
        for file, ms in self.mutants.items():
            ms.sort(key=lambda m: digest('%s:%s' % (args.seed, m.ident))
                    + m.ident)
            part_of(file)
        self.tree, self.work, self.kinds = None, work, set()
        path, self.seconds = os.path.join(work, 'parts'), {}
        if os.path.exists(path):
            for line in read(path).splitlines():
                tree, key, *usual = line.split()
                self.seconds[key] = tree, usual

    def prepare(self):
        """Copies the tree and builds it."""
        if self.tree is not None:
            return
        for name in ('Makefile', 'ckks', 'nn', 'unet', 'tests', 'examples'):
            path, to = os.path.join(ROOT, name), os.path.join(self.work, name)
            shutil.rmtree(to, ignore_errors=True)
            (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, to)
        os.chmod(self.work, 0o755)
        self.tree = Tree(self.work, self.args.jobs)
        self.tree.build('plain', SHIPPED)

    def passes(self, words):
        """Seconds that the words' tests take without a mutant, where they
        must pass; measured once a tree."""
        key = digest(' '.join(words))
        tree, usual = self.seconds.get(key, ('', [1] * 999))
        if tree == self.tree.hash or self.args.green:
            return list(map(float, usual))
        for word in words[1:]:
            if not subprocess.run(['plain/program', '-l', word], check=True,
                                  capture_output=True).stdout:
                raise SystemExit('no test is named ' + word)
        verdict, text, used = self.tree.run('plain/program', words, [])
        if verdict != 'ok' or used > CPU_SECONDS / 2:
            raise SystemExit('without a mutant: %s, %.1f s: %s\n%s' % (
                verdict, used, ' '.join(words), text[-2000:]))
        usual = re.findall(r'^ok .*\((\S+) s\)', text, re.M)
        self.seconds[key] = self.tree.hash, usual
        with open('parts', 'a', encoding='utf-8') as f:
            f.write(' '.join([self.tree.hash, key] + usual) + '\n')
        return list(map(float, usual))

    def kind(self, folder, flags):
        """Another build, made when first wanted."""
        if folder not in self.kinds:
            self.tree.build(folder, flags)
            self.kinds.add(folder)

    def judge(self, m, guard=False):
        """Verdict, what turned red, seconds."""
        self.prepare()
        self.usual = self.passes(part_of(m.file))
        if guard:
            self.kind('guarded', SANITIZED)
        text = read(m.file)
        try:
            with open(m.file, 'w', encoding='utf-8') as f:
                f.write(m.apply(text))
            return self.judge_changed(m.file, part_of(m.file), guard)
        finally:
            with open(m.file, 'w', encoding='utf-8') as f:
                f.write(text)

    def judge_changed(self, file, words, guard):
        folder, flags = ('guarded', SANITIZED) if guard else ('plain', SHIPPED)
        changed = self.tree.rebuild(file, folder, flags)
        if not changed and not guard:
            return ('invalid' if changed is None else 'equivalent'), '', 0
        if not self.tree.link(folder, flags, changed, 'm/program'):
            return 'invalid', self.tree.said[-80:], 0
        if not guard:
            verdict, by, used = self.tree.run('m/program', words,
                                              self.usual)
            return (('survived', '', used) if verdict == 'ok'
                    else (verdict, by, used))
        verdict, by, used = self.tree.run('m/program', words, self.usual, 8,
                                          None)
        if verdict in ('caught', 'crash'):
            return 'guarded', by, used
        return 'survived', GUARDED, used

    def known(self, m):
        row = self.record.get(m, self.hash[m.file])
        if row and self.args.retry and row['verdict'] in ('survived',
                                                          'guarded'):
            if (m.ident, 'again') not in self.kinds:
                self.kinds.add((m.ident, 'again'))
                return None
        return row

    def one(self, m, guard=False):
        row = self.known(m)
        if row is None or guard:
            start = time.monotonic()
            row = self.record.add(m, self.hash[m.file], *self.judge(m, guard))
            print('%-10s %s %s:%d:%d %s -> %s  %s (%.1f s)' % (
                row['verdict'], m.ident, m.file, m.line, m.col, m.what,
                m.to, row['by'], time.monotonic() - start), flush=True)
        return row

    def guarded(self, rows):
        """Survivors once more, under the sanitizers, unless this was done."""
        return [(m, self.one(m, True) if row['verdict'] == 'survived'
                 and row['by'] != GUARDED else row) for m, row in rows]

    def sample(self):
        """Rows of COUNT valid mutants, judged now or before."""
        share = {f: len(ms) for f, ms in self.mutants.items() if ms}
        valid, at, rows = collections.Counter(), collections.Counter(), []
        while sum(valid.values()) < self.args.count:
            left = [f for f in share if at[f] < len(self.mutants[f])]
            if not left:
                break
            file = min(left, key=lambda f: ((valid[f] + 0.5) / share[f], f))
            m = self.mutants[file][at[file]]
            at[file] += 1
            row = self.one(m)
            rows.append((m, row))
            valid[file] += row['verdict'] not in NOT_COUNTED
        return rows

    def only(self, words):
        return [(m, self.one(m)) for ms in self.mutants.values() for m in ms
                if m.ident in words or m.file in words]


def table(rows, key, title):
    count = collections.defaultdict(collections.Counter)
    for m, row in rows:
        count[key(m)][row['verdict']] += 1
    columns = ('caught', 'crash', 'timeout', 'guarded', 'survived',
               'equivalent', 'invalid')
    print('\n%-34s' % title + ''.join('%11s' % c for c in columns))
    for name in sorted(count):
        print('%-34s' % name + ''.join('%11d' % count[name][c]
                                       for c in columns))


def summary(rows):
    """Tables, survivors, one line; the share of valid mutants caught."""
    table(rows, lambda m: m.file, 'file')
    table(rows, lambda m: m.kind(), 'operator')
    table(rows, lambda m: '', 'all')
    for m, row in sorted(rows, key=lambda x: (x[0].file, x[0].start)):
        if row['verdict'] == 'survived':
            print('survived %s %s:%d:%d %s -> %s' % (
                m.ident, m.file, m.line, m.col, m.what, m.to))
    valid = [r for _, r in rows if r['verdict'] not in NOT_COUNTED]
    bad = sum(r['verdict'] == 'survived' for r in valid)
    guarded = sum(r['verdict'] == 'guarded' for r in valid)
    share = 100 * (len(valid) - bad) / max(len(valid), 1)
    print('\n%d valid mutants, %d caught (%.1f %%), %d of these only by the '
          'sanitizers or VERIFY, %d survived' % (
              len(valid), len(valid) - bad, share, guarded, bad))
    return share


def run(args):
    work = os.path.join(tempfile.gettempdir(), 'mutants-' + digest(ROOT))
    os.makedirs(work, mode=0o755, exist_ok=True)
    if os.stat(work).st_uid != os.getuid():
        raise SystemExit(work + ' is another user\'s')
    lock = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit('another campaign works in ' + work) from None
    os.chdir(ROOT)
    c = Campaign(args, work)
    rows = c.only(args.only) if args.only else c.sample()
    if not args.plain:
        rows = c.guarded(rows)
    if not args.only and not args.keep:
        c.record.compact([row for _, row in rows])
    caught = summary(rows) >= args.least
    os.chdir('/')
    shutil.rmtree(work, ignore_errors=True)
    print('%d passed, %d failed' % (caught, not caught))
    return 0 if caught else 1


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('verb', choices=('run', 'list', 'show'))
    a.add_argument('words', nargs='*')
    a.add_argument('--count', type=int, default=1000)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--least', type=float, default=85)
    a.add_argument('--results', default='mutants.tsv')
    a.add_argument('--only', nargs='*')
    a.add_argument('--retry', action='store_true')
    a.add_argument('--jobs', type=int, default=1,
                   help='compilers at once, while all is built')
    a.add_argument('--plain', action='store_true',
                   help='survivors are not run under the sanitizers')
    a.add_argument('--green', action='store_true',
                   help='the tests are known to pass without a mutant')
    a.add_argument('--keep', action='store_true',
                   help='leave the results as they were appended')
    args = a.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    args.results = os.path.abspath(args.results)
    if args.verb == 'run':
        return run(args)
    os.chdir(ROOT)
    for ms in all_mutants(sources()).values():
        for m in ms:
            if not args.words or m.file in args.words or m.ident in args.words:
                print('%s %s:%d:%d %s -> %s' % (m.ident, m.file, m.line,
                                                m.col, m.what, m.to))
                if args.verb == 'show':
                    print('  tests: ' + ' '.join(part_of(m.file)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
