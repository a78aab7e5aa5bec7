"""Checks the course: python3 docs/docs.py, from the top of the tree.

    sketches    every ```python block of a chapter is run with the standard
                library alone; what it prints must be the ```text block that
                follows it, to the letter
    programs    a ```c block that begins "/* NAME.c" is examples/NAME.c
    files       every path named in docs/ and README.md, and every docs/ path
                named in a comment of the sources, exists; so does every
                file named in a comment of COMMENTED
    sources     every function of the scheme in ckks.h has a "source" line in
                its comment: where the method comes from
    names       every ckks_, nn_, unet_, cki_, nni_, uni_ name in docs/ and README.md
                stands in a source file
    limits      every item under "Not covered" of assurance.md ends with
                "Holds while `COMMAND`.", and the command, run by sh from the
                top of the tree, succeeds: a limit that is overcome shows
    citations   every [Key19] in docs/ and in the sources is in
                docs/bibliography.md, and every entry there is used

With --update the text blocks are written anew instead of compared.
The last line is "N passed, N failed".
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = DOCS + [ROOT / "README.md"]
TOPS = ("ckks", "nn", "unet", "tests", "docs", "examples", "vectors")
SOURCES = [p for top in ("ckks", "nn", "unet", "tests", "examples")
           for p in sorted((ROOT / top).rglob("*"))
           if p.suffix in (".c", ".h", ".py", ".sh", ".md", ".in")]
# Where comments may name no file that is not there.
COMMENTED = ("ckks", "examples", "nn", "unet", "vectors", "tests")
SKETCH = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.S)
# Keys of citations: two capitals or more, or a name with the year.
KEY = re.compile(r"\[((?:RFC|FIPS)\d+|HAC|Knuth|BLAKE2X?|IEEE754"
                 r"|[A-Z][A-Za-z+]*\d\d)\]")

passed = failed = 0


def check(ok, text):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL " + text)


def short(path):
    return str(path.relative_to(ROOT))


def run(code):
    """Standard library only: -I leaves out user folders, -S site-packages."""
    r = subprocess.run([sys.executable, "-I", "-S", "-c", code], text=True,
                       capture_output=True, timeout=120)
    return r.stdout if r.returncode == 0 else r.stderr


def sketches(page, update):
    text = page.read_text()
    blocks = text.count("```python\n")
    found = list(SKETCH.finditer(text))
    if re.match(r"(0[1-9]|1[0-4])-", page.name):
        check(found, short(page) + ": no sketch")
    check(blocks == len(found),
          short(page) + ": a sketch without its output behind it")
    for m in found:
        code, want = m.group(1), m.group(2)
        got = run(code)
        if update and got != want:
            text = text.replace(m.group(0), m.group(0).replace(
                "```text\n" + want, "```text\n" + got))
            page.write_text(text)
            want = got
        check(got == want, short(page) + ": the sketch prints\n" + got
              + "where the text has\n" + want)
        lines = len(code.splitlines())
        check(lines <= 45, f"{short(page)}: a sketch of {lines} lines")


def programs(page):
    for m in re.finditer(r"```c\n(/\* (\w+\.c) --.*?)```", page.read_text(),
                         re.S):
        path = ROOT / "examples" / m.group(2)
        check(path.exists() and path.read_text() == m.group(1),
              f"{short(page)}: the program is not {short(path)}")


def files(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    names = set(re.findall(r"`((?:%s)/[\w./*-]+)`" % "|".join(TOPS), text))
    folder = "docs/" if page in DOCS else ""
    names |= {folder + n for n in
              re.findall(r"\]\(((?!\w+:)[\w./-]+\.md)\)", text)}
    for name in sorted(names):
        check(any(ROOT.glob(name.rstrip("/"))),
              f"{short(page)}: {name} does not exist")


def comments():
    for path in SOURCES:
        for name in sorted(set(re.findall(r"docs/[\w-]+\.md",
                                          path.read_text()))):
            check((ROOT / name).exists(),
                  f"{short(path)}: {name} does not exist")


def commented():
    there = {p.name for top in TOPS for p in (ROOT / top).rglob("*.*")}
    for top in COMMENTED:
        for path in sorted((ROOT / top).rglob("*.[ch]")):
            text = "\n".join(re.findall(r"/\*.*?\*/", path.read_text(), re.S))
            for name in sorted(set(re.findall(
                    r"(?<![\w<./-])((?:[\w.-]+/)*[\w-]+\.(?:c|h|py|sh|md))"
                    r"(?![\w(>]|\.\w)", text))):
                if re.search(r"[A-Z]{3}|^name\.", name):
                    continue            # stands for any name
                check(any(ROOT.rglob(name)) if "/" in name else name in there,
                      f"{short(path)}: {name} does not exist")


def sources():
    text = (ROOT / "ckks/ckks.h").read_text()
    text = text[text.index("/* ---- plaintexts"):text.index("/* ---- bytes")]
    for m in re.finditer(r"/\*((?:(?!\*/).)*)\*/((?:(?!/\*).)*)", text, re.S):
        found = re.search(r"CKKS_CHECKED ckks_status (\w+)\(", m[2])
        if found and found[1] != "ckks_ct_copy":
            check(re.search(r"^ \*   source  \S", m[1], re.M),
                  f"ckks/ckks.h: {found[1]} has no source line")


def names():
    code = "".join(p.read_text() for p in SOURCES if p.suffix in (".c", ".h"))
    known = set(re.findall(r"\b(?:ckks|nn|unet|cki|nni|uni)_\w+", code))
    for page in PAGES:
        if not page.exists():
            continue
        used = set(re.findall(r"(?<![\w/])(?:ckks|nn|unet|cki|nni|uni)_\w+",
                              page.read_text()))
        for name in sorted(used):
            if not name.endswith("_"):
                check(name in known, f"{short(page)}: no {name} in the code")


def limits():
    text = (ROOT / "docs/assurance.md").read_text()
    part = text.split("## Not covered\n")[1].split("\n## ")[0]
    items = re.split(r"^- ", part, flags=re.M)[1:]
    check(len(items) > 0, "docs/assurance.md: nothing under Not covered")
    for item in items:
        item = " ".join(item.split())
        m = re.search(r"Holds while `([^`]+)`\.$", item)
        if m is None:
            check(False, f"docs/assurance.md: no check at the end of: {item}")
            continue
        r = subprocess.run(["sh", "-c", m[1]], cwd=ROOT, capture_output=True)
        check(r.returncode == 0,
              f"docs/assurance.md: no longer true ({m[1]}): {item[:80]}")


def citations():
    bibliography = (ROOT / "docs/bibliography.md").read_text()
    entries = set(re.findall(r"^\*\*\[(\S+)\]\*\*", bibliography, re.M))
    used = {}
    for path in SOURCES + PAGES:
        if path.name != "bibliography.md" and path.exists():
            for key in KEY.findall(path.read_text()):
                used.setdefault(key, path)
    for key, path in sorted(used.items()):
        check(key in entries, f"{short(path)}: [{key}] is not in the "
              "bibliography")
    for key in sorted(entries):
        check(key in used, f"docs/bibliography.md: [{key}] is not used")


def main():
    update = "--update" in sys.argv[1:]
    for page in PAGES:
        check(page.exists(), short(page) + " is missing")
        if page.exists():
            sketches(page, update)
            programs(page)
            files(page)
    comments()
    commented()
    sources()
    names()
    limits()
    citations()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
