#!/usr/bin/env python3
"""circles.py BUILD [LIBRARY...] -- files that need each other in a circle.

Reads the names that the objects of the libraries (ckks, nn, unet) define and
want in BUILD/obj, makes an arrow from each file to those whose names it
wants, and prints every set of files of which each leads to each: such files
have no order in which they can be read.  The command's objects are not looked
at.  Ends with "N passed, N failed": files outside and inside of circles.
"""
import pathlib
import subprocess
import sys


def names(objects):
    """{object: (names it defines for others, names it wants)}"""
    out = subprocess.run(["nm", "-A", "-P", "-g"] + [str(o) for o in objects],
                         check=True, capture_output=True, text=True).stdout
    found = {str(o): (set(), set()) for o in objects}
    for line in out.splitlines():
        file, name, kind = line.rsplit(": ", 1)[0], *line.rsplit(": ", 1)[1] \
            .split()[:2]
        found[file][kind == "U"].add(name)
    return found


def circles(arrows):
    """Strongly connected sets of more than one file (Tarjan)."""
    index, low, stack, result = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in sorted(arrows[v]):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while not part or part[-1] != v:
                part.append(stack.pop())
            if len(part) > 1:
                result.append(sorted(part))
    for v in sorted(arrows):
        if v not in index:
            visit(v)
    return sorted(result)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tree = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) / "obj"
    libraries = sys.argv[2:] or ["ckks", "nn", "unet"]
    objects = [o for lib in libraries for o in sorted((root / lib).rglob("*.o"))
               if not o.is_relative_to(root / "unet" / "volley")
               and (tree / o.relative_to(root)).with_suffix(".c").exists()]
    if not objects:
        sys.exit("no objects of %s in %s" % (", ".join(libraries), root))
    found = names(objects)
    short = {o: str(pathlib.Path(o).relative_to(root).with_suffix(".c"))
             for o in found}
    owner = {name: o for o, (defines, _) in found.items() for name in defines}
    arrows = {o: {owner[name] for name in wants if name in owner} - {o}
              for o, (_, wants) in found.items()}
    inside = 0
    for part in circles(arrows):
        inside += len(part)
        print("FAIL a circle of %d files:" % len(part))
        for o in part:
            for other in part:
                via = sorted(n for n in found[o][1] if owner.get(n) == other)
                if other != o and via:
                    print("  %s -> %s: %s" % (short[o], short[other],
                                              " ".join(via[:3])))
    print("%d passed, %d failed" % (len(found) - inside, inside))
    return 1 if inside else 0


if __name__ == "__main__":
    sys.exit(main())
