"""Every operator of a C source, and what may stand in its place.

A mutant changes one operator, one index or one constant beside an operator.
No parser: tokens, matched brackets and the names of types are enough to tell
a product from a pointer; what is told wrongly does not compile and is not
counted.  Left out: comments, strings, preprocessor lines (bodies of #define
are read), attributes, static assertions, VERIFY's invariants, sizes of
declared arrays, cases' labels, tables of numbers.
"""
import hashlib
import re

TOKEN = re.compile(r'''
    (?P<space>\s+|\\\n|/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||\#\#
        |[-+*/%&|^]=|[-+*/%&|^<>=!~?:;,.()\[\]{}\#])
''', re.X | re.S)

# Binary operators.  Comparisons: the other edge, and the opposite.
BINARY = {
    '+': ['-'], '-': ['+'], '*': ['+'], '/': ['*'], '%': ['/'],
    '<<': ['>>'], '>>': ['<<'], '&': ['|'], '|': ['&'], '^': ['|'],
    '<': ['<=', '>'], '<=': ['<', '>='], '>': ['>=', '<'],
    '>=': ['>', '<='], '==': ['!='], '!=': ['=='],
    '&&': ['||'], '||': ['&&'],
    '+=': ['-='], '-=': ['+='], '*=': ['+='], '/=': ['*='], '%=': ['/='],
    '<<=': ['>>='], '>>=': ['<<='], '&=': ['|='], '|=': ['&='],
    '^=': ['|='], '++': ['--'], '--': ['++'],
}
UNARY = {'-': [' '], '!': [' '], '~': [' ']}

# Operators that are calls: of intrinsics, and of words modulo p.
CALLS = [(re.compile(a), b) for a, b in [
    (r'(_mm\d*_(?:mask\w?_)?)add(_\w+)', r'\1sub\2'),
    (r'(_mm\d*_(?:mask\w?_)?)sub(_\w+)', r'\1add\2'),
    (r'(_mm\d*_)mul_pd', r'\1div_pd'),
    (r'(_mm\d*_)mul_epu32', r'\1mul_epi32'),
    (r'(_mm\d*_)madd_epi16', r'\1mullo_epi16'),
    (r'(_mm\d*_)mullo(_\w+)', r'\1add\2'),
    (r'(_mm\d*_(?:mask\w?_)?)min(_\w+)', r'\1max\2'),
    (r'(_mm\d*_(?:mask\w?_)?)max(_\w+)', r'\1min\2'),
    (r'(_mm\d*_)and(_\w+)', r'\1or\2'),
    (r'(_mm\d*_)andnot(_\w+)', r'\1and\2'),
    (r'(_mm\d*_)or(_\w+)', r'\1and\2'),
    (r'(_mm\d*_)xor(_\w+)', r'\1or\2'),
    (r'(_mm\d*_)sll(v?i?_\w+)', r'\1srl\2'),
    (r'(_mm\d*_)sr[la](v?i?_\w+)', r'\1sll\2'),
    (r'(_mm\d*_)ror(v?_\w+)', r'\1rol\2'),
    (r'(_mm\d*_(?:mask\w?_)?)unpacklo(_\w+)', r'\1unpackhi\2'),
    (r'(_mm\d*_(?:mask\w?_)?)unpackhi(_\w+)', r'\1unpacklo\2'),
    (r'(_mm\d*_)fmadd(_\w+)', r'\1fmsub\2'),
    (r'(_mm\d*_)fmsub(_\w+)', r'\1fmadd\2'),
    (r'(_mm\d*_)fnmadd(_\w+)', r'\1fmadd\2'),
    (r'(_mm\d*_)madd52lo(_\w+)', r'\1madd52hi\2'),
    (r'(_mm\d*_)madd52hi(_\w+)', r'\1madd52lo\2'),
    (r'(_mm\d*_)cvtepu(\d+_\w+)', r'\1cvtepi\2'),
    (r'(_mm\d*_)cvtepi(8|16|32)(_epi\d+)', r'\1cvtepu\2\3'),
    (r'(_mm\d*_)cmpgt(_ep\w+)', r'\1cmpeq\2'),
    (r'(_mm\d*_)cmpeq(_ep\w+)', r'\1cmpgt\2'),
    (r'(_mm\d*_)cmpge(_ep\w+)', r'\1cmpgt\2'),
    (r'(_mm\d*_)cmplt(_ep\w+)', r'\1cmple\2'),
    (r'(_mm\d*_)cmple(_ep\w+)', r'\1cmplt\2'),
    (r'(_mm\d*_)cmpneq(_ep\w+)', r'\1cmpeq\2'),
    (r'_CMP_GE_OQ', r'_CMP_GT_OQ'), (r'_CMP_GT_OQ', r'_CMP_GE_OQ'),
    (r'_CMP_LT_OQ', r'_CMP_LE_OQ'), (r'_CMP_LE_OQ', r'_CMP_LT_OQ'),
    (r'(cki_|)add', r'\1sub'), (r'(cki_|)sub', r'\1add'),
    (r'lo', r'hi'), (r'hi', r'lo'), (r'floor', r'ceil'), (r'ceil', r'floor'),
    (r'fmin', r'fmax'), (r'fmax', r'fmin'),
]]

TYPES = set('''void char short int long signed unsigned float double bool _Bool
    const volatile static inline extern register struct union enum restrict
    size_t ssize_t ptrdiff_t intptr_t uintptr_t int8_t int16_t int32_t int64_t
    uint8_t uint16_t uint32_t uint64_t intmax_t uintmax_t time_t mode_t pid_t
    off_t FILE va_list __m128i __m256i __m512i __m128d __m256d __m512d
    __mmask8 __mmask16 __int128 fftw_plan fftw_complex ALWAYS_INLINE
    CKKS_CHECKED typedef'''.split())
SKIPPED_CALLS = {'__attribute__', '_Static_assert', 'static_assert', 'VERIFY',
                 'VERIFY_BELOW', '_Pragma', '__asm__', 'UINT64_C', 'INT64_C',
                 'CKI_PRINTF', 'CKI_PRAGMA'}


def type_names(texts):
    """The types that sources declare."""
    found = set(TYPES)
    for text in texts:
        found |= set(re.findall(r'\b(?:struct|union|enum)\s+(\w+)', text))
        for body in re.findall(r'\btypedef\b(.*?);', text, re.S):
            found |= set(re.findall(r'\(\*\s*(\w+)\)', body))
        found |= set(re.findall(r'\btypedef\b[^;{]*?(\w+)\s*;', text))
        found |= set(re.findall(r'^\}\s*(\w+)\s*;', text, re.M))
    return found


class Token:
    def __init__(self, kind, text, at):
        self.kind, self.text, self.at = kind, text, at
        self.match = None           # of a bracket: the other one's number


def directives(text):
    """Spans of preprocessor lines that hold no code of the program."""
    spans = []
    for m in re.finditer(r'^[ \t]*#(?:[^\n\\]|\\\n|\\.)*', text, re.M):
        head = re.match(r'[ \t]*#[ \t]*define[ \t]+\w+(\([^)]*\))?', m[0])
        spans.append((m.start(), m.start() + head.end()) if head
                     else m.span())
    return spans


def tokens_of(text):
    """Tokens without white space; brackets know their partners."""
    skip, out, stack, at = directives(text), [], [], 0
    for start, end in skip + [(len(text), len(text))]:
        while at < start:
            m = TOKEN.match(text, at)
            if m is None:
                raise ValueError('no token: %r' % text[at:at + 40])
            if m.lastgroup != 'space':
                out.append(Token(m.lastgroup, m[0], at))
            at = m.end()
        at = max(at, end)
        if start < len(text):       # a directive ends what stood before it
            out.append(Token('op', ';', start))
    for i, t in enumerate(out):
        if t.text in ('(', '[', '{'):
            stack.append(i)
        elif t.text in (')', ']', '}') and stack:
            t.match = stack.pop()
            out[t.match].match = i
    return out


class Source:
    """One file's tokens, and questions about the places between them."""

    def __init__(self, text, types):
        self.text, self.types, self.toks = text, types, tokens_of(text)
        self.skipped = self._skipped()

    def _skipped(self):
        """Tokens inside calls that are no code of the shipped library."""
        out = set()
        for i, t in enumerate(self.toks[:-1]):
            nxt = self.toks[i + 1]
            if t.text in SKIPPED_CALLS and nxt.match:
                out |= set(range(i, nxt.match + 1))
        return out

    def is_type(self, t):
        return t.kind == 'name' and t.text in self.types

    def is_cast(self, close):
        """Whether this ")" ends a cast."""
        first = self.toks[close].match
        if first is None or first + 1 == close:
            return False
        if first > 0 and (self.toks[first - 1].text == 'sizeof'
                          or self.toks[first - 1].kind == 'name'
                          and self.toks[first - 1].text != 'return'):
            return False
        return (self.is_type(self.toks[first + 1])
                and all(self.is_type(t) or t.text == '*'
                        for t in self.toks[first + 1:close]))

    def after_operand(self, i):
        """Whether an operand ends before token i; None before a declared
        name."""
        if i == 0:
            return False
        t = self.toks[i - 1]
        if t.kind == 'number' or t.text == ']':
            return True
        if t.kind == 'string':
            return t.text[0] == "'"
        if t.kind == 'name':
            if t.text in ('return', 'case', 'else', 'do', 'sizeof', 'UNROLL'):
                return False
            return None if self.is_type(t) else True
        if t.text != ')':
            return False
        first = t.match
        before = self.toks[first - 1].text if first else ''
        return not (self.is_cast(i - 1)
                    or before in ('if', 'while', 'for', 'switch'))

    def in_declaration(self, i):
        """Whether token i stands in a declarator, outside initialisers."""
        j = i - 1
        while j >= 0:
            t = self.toks[j].text
            if t in (')', ']', '}') and self.toks[j].match is not None:
                if t == '}':
                    break
                j = self.toks[j].match - 1
                continue
            if t == '=' or t in (';', '{', '('):
                break
            j -= 1
        if j >= 0 and self.toks[j].text == '=':
            return False
        return self.is_type(self.toks[j + 1]) and j + 1 < i


def index_places(src):
    """Pairs of numbers of "[" and "]" of index expressions."""
    for i, t in enumerate(src.toks):
        if t.text != '[' or t.match is None or i in src.skipped:
            continue
        first = i - 1
        while first > 0 and src.toks[first].text == ']':
            first = src.toks[first].match - 1
        if src.toks[first].kind != 'name' and src.toks[first].text != ')':
            continue                # a designated initialiser
        if first > 0 and (src.is_type(src.toks[first - 1])
                          or src.in_declaration(i)):
            continue
        before = src.toks[first - 1]
        if before.text == '*' and src.is_type(src.toks[first - 2]):
            continue
        yield i, t.match


ARITH = set(BINARY) | {'=', '[', ']', 'return', '?', '!', '~'}


def constant_counts(src, i):
    """Whether the constant at token i is an operand of an operator."""
    prev, nxt = src.toks[i - 1], src.toks[i + 1]
    if prev.text == 'case' or src.in_declaration(i):
        return False
    if prev.text in ARITH or nxt.text in ARITH - {'[', '!', '~'}:
        return True
    if prev.text == ':' and nxt.text == ';':
        return True
    j = i                           # an argument of an intrinsic
    while j > 0 and src.toks[j].text not in (';', '{', '}'):
        j -= 1
        if src.toks[j].text == ')':
            j = src.toks[j].match or 0
        elif src.toks[j].text == '(':
            return src.toks[j - 1].text.startswith('_mm')
    return False


def near(src, i):
    """One of two directions, by what stands around token i."""
    around = ' '.join(t.text for t in src.toks[max(i - 4, 0):i + 5])
    return hashlib.sha256(around.encode()).digest()[0] & 1


def changes(src):
    """Yields (start, end, what, to) for every mutant of a source."""
    for i, t in enumerate(src.toks):
        if i in src.skipped or i == 0 or i + 1 >= len(src.toks):
            continue
        end = t.at + len(t.text)
        if t.kind == 'op':
            operand = src.after_operand(i)
            unary = t.text in UNARY and not operand
            if t.text in ('*', '&', '+') and not operand:
                continue            # a pointer, an address
            if t.text == '-' and operand is None:
                continue
            for to in (UNARY if unary else BINARY).get(t.text, []):
                yield t.at, end, t.text, to
        elif t.kind == 'number' and constant_counts(src, i):
            if re.fullmatch(r'0[xX].*[pP].*', t.text):
                yield t.at, end, t.text, '(2 * %s)' % t.text
                continue
            zero = re.fullmatch(r'[0.]+[uUlL]*', t.text)
            up = zero or near(src, i)
            yield t.at, end, t.text, '(%s %s 1)' % (t.text, '-+'[bool(up)])
        elif t.kind == 'name' and (src.toks[i + 1].text == '('
                                   or t.text.startswith('_CMP_')):
            if src.is_type(src.toks[i - 1]) or src.toks[i - 1].text == '*':
                continue            # its definition
            for pattern, to in CALLS:
                if pattern.fullmatch(t.text):
                    yield t.at, end, t.text, pattern.sub(to, t.text)
                    break
    for i, j in index_places(src):
        start, end = src.toks[i].at + 1, src.toks[j].at
        inner = src.text[start:end]
        if j > i + 2 or src.toks[i + 1].kind != 'number':
            yield (start, end, '[' + inner + ']',
                   '(%s) %s 1' % (inner, '-+'[near(src, i)]))


class Mutant:
    """file, line and col (from 1), what, to; ident: of the line's text and
    place among equal lines, so that it stays when lines move."""

    def __init__(self, file, text, change):
        start, self.end, self.what, self.to = change
        self.start, self.file = start, file
        first = text.rfind('\n', 0, start) + 1
        last = text.find('\n', start)
        self.line = text.count('\n', 0, start) + 1
        self.col = start - first + 1
        self.what = re.sub(r'\s+', ' ', self.what)
        line = text[first:last if last >= 0 else len(text)]
        twin = [a.strip() for a in text[:first].split('\n')].count(line.strip())
        key = '\0'.join([file, line.strip(), str(twin),
                         str(start - first - len(line) + len(line.lstrip())),
                         self.what, self.to])
        self.ident = hashlib.sha256(key.encode()).hexdigest()[:10]

    def apply(self, text):
        return text[:self.start] + self.to + text[self.end:]

    def kind(self):
        """What the summary counts it under."""
        if self.what.startswith('['):
            return 'x[i]'
        if self.what[0].isdigit():
            return 'constant'
        if re.match(r'\w', self.what):
            return 'intrinsic'
        return 'unary ' + self.what if self.to == ' ' else self.what


def mutants_of(file, text, types):
    """All mutants of one file, in the order of places."""
    out = [Mutant(file, text, c) for c in changes(Source(text, types))]
    return sorted(out, key=lambda m: (m.start, m.to))
