#!/usr/bin/env python3
"""branches.py OBJECT... -- what vectors of data reach, in machine code.

Follows data through every function of the objects as objdump shows them (AT&T,
x86-64), along all paths.  What is computed from vectors of 16 bytes or more
that came from memory is data.  Reported is data that decides a jump, addresses
memory (indices of a gather, too) or is divided as a word.

Taken for public: a single word of memory (pointers, lengths, constants of a
prime), also when it came in a vector with its neighbours, and what a call
returns.  So it shows, for all values, that no vector of residues steers a
kernel; that no residue by itself does is for the other methods (tests/scripts/ct.sh).
Functions in ALLOWED work out constants of a prime.  SIFTED ones leave out words
of a stream that are not below a prime: how many decides where the others go, and
says nothing of what these are.

Ends with "N functions, N jumps, N reports"; exit code 1 if there are reports.
"""
import re
import subprocess
import sys

ALLOWED = {"companion", "prime_of", "balanced", "constant", "reducer_of"}
SIFTED = {"cki_ifma_sift"}

GPR = {}
for i, names in enumerate("rax eax ax al ah|rbx ebx bx bl bh|rcx ecx cx cl ch|"
                          "rdx edx dx dl dh|rsi esi si sil|rdi edi di dil|"
                          "rbp ebp bp bpl|rsp esp sp spl".split("|")):
    for name in names.split():
        GPR[name] = names.split()[0]
for i in range(8, 16):
    for end in ("", "d", "w", "b"):
        GPR["r%d%s" % (i, end)] = "r%d" % i

PUBLIC, COPIED, DATA = 0, 1, 2
VOLATILE = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
VECTORS = ["v%d" % i for i in range(32)]
MASKS = ["k%d" % i for i in range(8)]
JUMP = re.compile(r"j(?!mp)[a-z]+$|loop")
COMPARE = re.compile(r"(cmp[bwlq]?|test[bwlq]?|bt[wlq]?|v?u?comis[sdh]|k(or)?"
                     r"test[bwdq]|v?ptest|vtestp[sd])$")
MOVE = re.compile(r"mov|k?v?mov|lea|lddqu|broadcast|cvt|p(abs|shuf|mov)|perm"
                  r"(?!t2|i2)|extract|sqrt|bsf|bsr|lzcnt|tzcnt|popcnt|set[a-z]+$"
                  r"|roundp|rndscale|bswap")
COPY = re.compile(r"v?mov[adqsu]|mov|v?extract|v?pextr|kmov")
ADDS_TO = re.compile(r"^v?(fn?m(add|sub)|pmadd52|pternlog|pdp|perm[ti]2|inserti)")
SCALAR = re.compile(r"s[sdh]$|^v?mov[dq]$|^vpbroadcast|^vbroadcast|^v?pinsr|"
                    r"^v?movddup|si2s|^v?mov[hl]p[sd]$")


def worst(values):
    return max(values, default=PUBLIC)


def computed(values):
    return DATA if worst(values) > PUBLIC else PUBLIC


def unknown(place):
    """Words of the frame that nothing was seen to write: by pointers."""
    return COPIED if isinstance(place, tuple) else PUBLIC


def register(text):
    name = text.lstrip("%")
    if name in GPR:
        return GPR[name]
    m = re.match(r"[xyz]mm(\d+)$", name)
    if m:
        return "v" + m.group(1)
    return name if re.match(r"k[0-7]$", name) else None


class Operand:
    """A register, an immediate or memory, with its masks."""

    def __init__(self, text):
        self.masks = re.findall(r"\{%(k[0-7])\}", text)
        self.zeroed = "{z}" in text
        self.one = "{1to" in text
        text = re.sub(r"\{[^}]*\}", "", text).lstrip("*")
        self.text = text
        self.reg = register(text) if text.startswith("%") else None
        m = re.match(r"(?:%[a-z]s:)?(-?0x[0-9a-f]+|)\(([^)]*)\)$", text)
        self.mem = bool(m) or (not self.reg and not text.startswith("$")
                               and ":" in text)
        self.parts, self.disp = [], 0
        if m:
            self.disp = int(m.group(1) or "0", 16)
            self.parts = [p for p in m.group(2).split(",") if p]
        self.regs = [register(p) for p in self.parts if p.startswith("%")]
        if text.startswith("%") and not self.reg and not self.mem:
            self.regs = []


class Line:
    def __init__(self, at, text):
        self.at = at
        text = text.split("#")[0].strip()
        for prefix in ("notrack ", "bnd ", "rep ", "repz ", "repnz ", "lock ",
                       "data16 ", "cs ", "ds ", "{vex} "):
            while text.startswith(prefix):
                text = text[len(prefix):]
        name, _, rest = text.partition(" ")
        self.name, rest = name, rest.strip()
        self.target = None
        if name.startswith(("j", "call", "loop")):
            m = re.match(r"([0-9a-f]+) <", rest)
            self.target = int(m.group(1), 16) if m else None
        rest = re.sub(r" <.*>$", "", rest)
        cut = re.findall(r"(?:\([^)]*\)|[^,(])+", rest)
        self.ops = [Operand(x.strip()) for x in cut if x.strip()]
        self.width = max([{"x": 16, "y": 32, "z": 64}.get(
            o.text[1:2], 8) if o.reg and o.reg[0] == "v" else 8
            for o in self.ops] or [8])


def functions(path):
    """(name, lines) of every function."""
    text = subprocess.run(["objdump", "-dw", "--no-show-raw-insn", path],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    name, lines = None, []
    for row in text.splitlines():
        m = re.match(r"[0-9a-f]+ <(.*)>:$", row)
        if m:
            if lines:
                yield name, lines
            name, lines = m.group(1), []
        m = re.match(r" +([0-9a-f]+):\t(.*)$", row)
        if m:
            lines.append(Line(int(m.group(1), 16), m.group(2)))
    if lines:
        yield name, lines


class Function:
    def __init__(self, name, lines):
        self.name, self.lines = name, lines
        self.index = {line.at: i for i, line in enumerate(lines)}
        self.frame = any(l.name == "mov" and len(l.ops) == 2 and l.ops[0].reg
                         == "rsp" and l.ops[1].reg == "rbp" for l in lines)
        self.leaders = sorted({self.index[l.target] for l in lines
                               if l.target in self.index})
        self.reports, self.jumps = {}, 0

    def next_of(self, i):
        line = self.lines[i]
        if line.name.startswith("ret") or line.name in ("ud2", "hlt"):
            return []
        if line.name.startswith("jmp"):
            if line.target in self.index:
                return [self.index[line.target]]
            if line.target is None and line.ops and line.ops[0].reg:
                return self.leaders         # a table of jumps: anywhere
            return []
        out = [i + 1] if i + 1 < len(self.lines) else []
        if JUMP.match(line.name) and line.target in self.index:
            out.append(self.index[line.target])
        return out

    def stack(self, op, width):
        """The words of the frame that op covers, or None."""
        if len(op.parts) != 1 or op.regs[:1] not in (["rsp"], ["rbp"]):
            return None
        if op.regs[0] == "rbp" and not self.frame:
            return None
        return [(op.regs[0], (op.disp + d) // 8) for d in range(0, width, 8)]

    def load(self, line, op, state, wide):
        words = self.stack(op, line.width if wide else 8)
        if words is None:
            return COPIED if wide and "%rip" not in op.parts else PUBLIC
        found = max(state.get(w, COPIED) for w in words)
        return found if wide or found == DATA else PUBLIC

    def value(self, line, op, state):
        if op.reg:
            return state.get(op.reg, PUBLIC)
        if not op.mem:
            return PUBLIC
        wide = (line.width >= 16 and not op.one
                and not SCALAR.search(line.name))
        return self.load(line, op, state, wide)

    def say(self, line, what):
        self.reports[line.at] = (line.name, what)

    def addresses(self, line, state):
        if line.name.startswith(("lea", "nop")):
            return
        for op in line.ops:
            if op.mem and any(state.get(r) == DATA for r in op.regs if r):
                self.say(line, "addresses by data")

    def step(self, line, state):
        """state after line: place -> is it data."""
        name, ops = line.name, line.ops
        self.addresses(line, state)
        if JUMP.match(name):
            if state.get("flags") == DATA:
                self.say(line, "jumps by data")
            return state
        if name.startswith("jmp") or name.startswith("nop"):
            return state
        state = dict(state)
        if name.startswith("call"):
            for r in VOLATILE + VECTORS + MASKS + ["flags"]:
                state[r] = PUBLIC
            return state
        if name.startswith("vzero"):
            return state
        if name.startswith("push") or not ops:
            return state
        values = [self.value(line, op, state) for op in ops]
        masks = worst(state.get(k, PUBLIC) for op in ops for k in op.masks)
        if COMPARE.match(name):
            state["flags"] = computed(values)
            return state
        if re.match(r"i?(mul|div)[bwlq]?$", name) and len(ops) == 1:
            data = computed([values[0], state.get("rax", PUBLIC)])
            if "div" in name:
                data = worst([data, state.get("rdx", PUBLIC)])
                if data == DATA:
                    self.say(line, "divides data")
            state["rax"] = state["rdx"] = data
            return state
        dest = ops[-1]
        regs = [op.reg for op in ops if op.reg]
        plain = re.sub(r"^v", "", name)
        if re.match(r"p?xor|psub|sub|sbb|pandn|andn", plain) and len(
                regs) == len(ops) and len(set(regs[:2])) == 1 \
                and not name.startswith("sbb"):
            data = PUBLIC
        elif name.startswith("lea"):
            data = worst(state.get(r, PUBLIC) for r in ops[0].regs if r)
        elif len(ops) == 1:
            data = PUBLIC if name.startswith(("set", "pop")) else values[0]
        elif COPY.match(name) and not masks:
            data = worst(values[:-1])
        else:
            data = computed(values[:-1])
            if ADDS_TO.match(name) or not (name.startswith("v")
                                           or MOVE.match(name)):
                data = computed([data, values[-1]])
        if re.match(r"set|cmov|adc|sbb", name):
            data = worst([data, state.get("flags", PUBLIC)])
            if name.startswith("cmov"):
                data = worst([data, values[-1]])
        if dest.masks and not dest.zeroed:
            data = worst([data, values[-1]])
        data = worst([data, masks])
        if "gather" in name:
            data = worst(state.get(r, PUBLIC)
                         for op in ops for r in op.regs if r)
        if dest.reg and dest.reg[0] == "r" and data == COPIED:
            data = PUBLIC               # one word of what was in memory
        if dest.reg:
            state[dest.reg] = data
            if dest.reg[0] == "r" and not re.match(
                    r"mov|lea|set|cmov|v|k|not|pop|bswap|[a-z]*x$", name):
                state["flags"] = data
            if name.startswith("mulx"):
                state[ops[-2].reg] = data
        elif dest.mem:
            width = 8 if SCALAR.search(name) else line.width
            for word in self.stack(dest, width) or []:
                state[word] = data
            if not MOVE.match(name) and not name.startswith("v"):
                state["flags"] = data
        return state

    def run(self):
        entry = {v: COPIED for v in VECTORS}
        states = {0: entry}
        todo = [0]
        while todo:
            i = todo.pop()
            after = self.step(self.lines[i], states[i])
            for j in self.next_of(i):
                old = states.get(j)
                if old is None:
                    states[j] = after
                    todo.append(j)
                    continue
                # what one path does not mention counts as it would be loaded
                new = {k: max(old.get(k, unknown(k)), after.get(k, unknown(k)))
                       for k in old.keys() | after.keys()}
                if new != old:
                    states[j] = new
                    todo.append(j)
        self.jumps = sum(1 for i in states if JUMP.match(self.lines[i].name))
        return self.reports


def inlined_at(path, at):
    out = subprocess.run(["addr2line", "-ifs", "-e", path, hex(at)],
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = out.split("\n")
    return rows[0:-1:2], rows[1] if len(rows) > 1 else "?"


def main():
    count = jumps = reports = 0
    for path in sys.argv[1:]:
        for name, lines in functions(path):
            f = Function(name, lines)
            f.run()
            count += 1
            jumps += f.jumps
            for at, (what, why) in sorted(f.reports.items()):
                stack, place = inlined_at(path, at)
                if ALLOWED & set(stack[:-1]) or (
                        name in SIFTED and why == "addresses by data"):
                    continue
                reports += 1
                print("  %s in %s, %s: %s" % (why, name, place, what))
    print("%d functions, %d jumps, %d reports" % (count, jumps, reports))
    return reports > 0


if __name__ == "__main__":
    sys.exit(main())
