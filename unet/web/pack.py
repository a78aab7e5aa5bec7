"""pack.py -- the page as one HTML file, and the npm package.

    python3 pack.py html FROM OUT.html    FROM: the folder `make web` fills
    python3 pack.py npm  FROM DIR VERSION

The same bytes in give the same bytes out.  Modules are joined by hand: each
becomes a function that gives its exports, those it imports before it; what
this script does not understand it refuses.
"""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./([\w.]+)";\n', re.M)
PASSED = re.compile(r'^export\s*\{([^}]*)\}\s*from\s*"\./([\w.]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const)"
                    r" ([\w$]+))", re.M)
SEVERAL = re.compile(r"^export const (\w+ = [^;{[]*);", re.M)
CLIENT = ("volley.mjs", "wasi.mjs", "wasi_files.mjs", "service.mjs",
          "errors.mjs", "upload.mjs", "events.mjs", "result.mjs",
          "simd.mjs", "volley.wasm")
# Where a compiler for it was there.
SIMD = "volley-simd.wasm"


def names(text):
    return [n.strip() for n in text.split(",") if n.strip()]


def module(source, name, done):
    """The modules `name` needs that are not in done, then itself: a list of
    texts.  done: what each gives."""
    text = (source / name).read_text()
    needed = [m[2] for m in IMPORT.finditer(text)] \
        + [m[2] for m in PASSED.finditer(text)]
    out = []
    for other in needed:
        if other not in done:
            out += module(source, other, done)
    given = [m[1] for m in EXPORT.finditer(text)]
    for m in SEVERAL.finditer(text):
        given += re.findall(r", (\w+) = ", m[1])

    def taken(m):
        return "const {%s} = %s;\n" % (
            re.sub(r"\s+", " ", m[1]).replace(" as ", ": "), call(m[2]))

    def passed(m):
        given.extend(f"{n}: {call(m[2])}.{n}" for n in names(m[1]))
        return ""

    text = PASSED.sub(passed, IMPORT.sub(taken, text))
    text = EXPORT.sub("", text)
    left = re.search(r"^(?:import|export)\b.*", text, re.M)
    if left:
        sys.exit(f"{name}: {left[0]}: a form that pack.py does not know")
    for m in IMPORT.finditer((source / name).read_text()):
        for n in names(m[1]):
            if n.split(" as ")[0] not in done[m[2]]:
                sys.exit(f"{name}: {m[2]} gives no {n}")
    done[name] = [g.split(":")[0] for g in given]
    return out + ["const %s = (() => {\n%sreturn { %s };\n})();\n"
                  % (call(name), text, ", ".join(given))]


def call(name):
    return "part_" + name.removesuffix(".mjs")


def join(source, name):
    text = '"use strict";\n' + "".join(module(source, name, {}))
    if re.search(r"</(?:script|style)|<!--", text, re.I):
        sys.exit(f"{name}: holds what would end a script in HTML")
    return text


def hashed(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "'sha256-%s'" % base64.b64encode(digest).decode()


def put(text, old, new):
    if text.count(old) != 1:
        sys.exit(f"index.html: {old} stands {text.count(old)} times, want 1")
    return text.replace(old, new)


def html(source, out):
    style = (source / "style.css").read_text()
    script = join(source, "page.mjs")
    worker = join(source, "worker.mjs")
    wasm = [(name, (source / name).read_bytes())
            for name in ("volley.wasm", SIMD) if (source / name).exists()]
    policy = ("default-src 'none'; script-src %s 'wasm-unsafe-eval'; "
              "style-src %s; img-src data:; worker-src blob:; "
              "connect-src http: https:"
              % (hashed(script), hashed(style)))
    text = (source / "index.html").read_text()
    text = put(text, "default-src 'self'; script-src 'self' "
               "'wasm-unsafe-eval'", policy)
    icon = base64.b64encode((source / "icon.svg").read_bytes()).decode()
    text = put(text, 'href="icon.svg"',
               f'href="data:image/svg+xml;base64,{icon}"')
    text = put(text, '<link rel="stylesheet" href="style.css">',
               f"<style>{style}</style>")
    text = put(text, '<script type="module" src="page.mjs"></script>\n', "")
    parts = "".join('<script type="text/plain" id="part-%s">%s</script>\n'
                    % (name, base64.b64encode(data).decode())
                    for name, data in [("worker", worker.encode()),
                                       *wasm])
    text = put(text, "</body>", parts + '<script type="module">' + script
               + "</script>\n</body>")
    out.write_text(text)


def package(version, simd):
    return {
        "name": "@volley/client",
        "version": version,
        "description": "Encrypts medical images for a neural network that "
                       "computes on ciphertexts (CKKS), and opens its masks.",
        "license": "Apache-2.0",
        "type": "module",
        "main": "./volley.mjs",
        "types": "./volley.d.ts",
        "exports": {
            ".": {"types": "./volley.d.ts", "default": "./volley.mjs"},
            "./service.mjs": {"types": "./service.d.ts",
                              "default": "./service.mjs"},
            "./simd.mjs": {"types": "./simd.d.ts", "default": "./simd.mjs"},
            "./volley.wasm": "./volley.wasm",
            **({f"./{SIMD}": f"./{SIMD}"} if simd else {}),
            "./package.json": "./package.json"
        },
        "files": ["*.mjs", "*.d.ts", "*.wasm"],
        "sideEffects": False,
        "engines": {"node": ">=20.3"}
    }


def npm(source, folder, version):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    simd = (source / SIMD).exists()
    for name in CLIENT + ((SIMD,) if simd else ()):
        shutil.copyfile(source / name, folder / name)
    for path in sorted((HERE / "npm").iterdir()):
        shutil.copyfile(path, folder / path.name)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "package.json").write_text(
        json.dumps(package(version, simd), indent=2) + "\n")


def main(args):
    if len(args) == 3 and args[0] == "html":
        html(pathlib.Path(args[1]), pathlib.Path(args[2]))
    elif len(args) == 4 and args[0] == "npm":
        npm(pathlib.Path(args[1]), pathlib.Path(args[2]), args[3])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
