"""The figure of chapter 7: error of one rotation by slot.

    slot_errors.py LOG_N GENERATOR TURN <lines      one row of the CSV
    slot_errors.py                                  CSV -> SVG and the table

Lines are "key slot real imag", as examples/07_slot_errors.c prints them.  Slot
j is the value at zeta^u, u = GENERATOR^j; TURN is 1 where a library switches
first and rotates after: slot j then has the error made at j + 1.
"""
import csv
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
CSV, SVG = HERE / "07-slot-errors.csv", HERE / "07-slot-errors.svg"
BINS = [1, 3, 5, 7, 9, 11, 13, 15] + [2 ** k for k in range(4, 14)]
COLOURS = ["#1b6ca8", "#c0392b", "#8e44ad", "#d98200", "#2e8b57", "#222222"]


def bits(v):
    return "%.2f" % math.log2(v) if v else ""


def row(log_n, generator, turn):
    n = 2 ** log_n
    u = [pow(generator, j + turn, 2 * n) for j in range(n // 2)]
    u = [min(v, 2 * n - v) for v in u]
    keys, total, number = {}, {}, {}
    for line in sys.stdin:
        k, j, x, y = line.split()
        e = math.hypot(float(x), float(y))
        keys.setdefault(k, []).append((e, int(j)))
        v = u[int(j)]
        b = v if v < 16 else 2 ** int(math.log2(v))
        total[b] = total.get(b, 0) + e * e
        number[b] = number.get(b, 0) + 1
    worst = sorted(max(k) for k in keys.values())
    median = sorted(sorted(k)[n // 4][0] for k in keys.values())
    where = [j for _, j in worst]
    top = max(set(where), key=where.count)
    m = len(worst) // 2
    print(",".join([str(len(worst)), bits(worst[m][0]), bits(worst[0][0]),
                    bits(worst[-1][0]), bits(median[m]), str(top),
                    str(where.count(top))]
                   + [bits(math.sqrt(total[b] / number[b])) if b in total
                      else "" for b in BINS]))


def model(log_n, q0, u, digits, floor):
    """rms of the slot at zeta^u: primes q0 40 40, P 60, scale 40 bits."""
    n, ratio = 2.0 ** log_n, 2.0 ** (q0 - 60)
    flat = n * (10.5 + (1 + 2 * n / 3) / 12 + n * 10.5 / 12 * ratio ** 2)
    ones = 1 / math.sin(math.pi * u / 2 / n)
    peak = ones ** 2 * (digits * n * 10.5 * (ratio / 2) ** 2
                        + floor * (1 + 2 * n / 3) / 4)
    return math.log2(math.sqrt(flat + peak)) - 40


def panel(rows, log_n, q0, x0):
    def x(u):
        return x0 + 20 * math.log2(u)

    def y(v):
        return 50 + 26 * (-18 - v)

    out = ["<text x='%d' y='30'>N = %d, q_0 of %d bits, P of 60</text>"
           % (x0, 2 ** log_n, q0), "<path stroke='#ddd' d='%s'/>"
           % "".join("M%d %dh280" % (x0, y(v)) for v in range(-31, -17))]
    out += ["<text x='%d' y='%d'>%d</text>" % (x0 - 26, y(v) + 4, v)
            for v in range(-31, -17)]
    out += ["<text x='%d' y='408'>%d</text>" % (x(2 ** k), 2 ** k)
            for k in range(0, 14, 2)]
    for digits, floor in ((0, 0), (1, 0), (0, 1)):
        line = " ".join("%d,%.1f" % (x(u), y(model(log_n, q0, u, digits,
                                                   floor)))
                        for u in (2 ** (k / 2) for k in range(27)))
        out.append("<polyline points='%s' fill='none' stroke='#999' "
                   "stroke-dasharray='4 3'/>" % line)
    rows = [r for r in rows if (r["log_n"], r["q0"]) == (str(log_n), str(q0))]
    for i, r in enumerate(rows):
        out.append("<g fill='%s'>" % COLOURS[i])
        out += ["<circle cx='%d' cy='%d' r='3'/>"
                % (x(b if b < 16 else b * 1.41) + 2 * i - 4,
                   y(float(r["u%d" % b]))) for b in BINS if r["u%d" % b]]
        out.append("</g>")
    return out


def main():
    rows = list(csv.DictReader(CSV.open()))
    out = ["<svg xmlns='http://www.w3.org/2000/svg' width='980' height='480' "
           "font-family='sans-serif' font-size='12'>",
           "<rect width='100%' height='100%' fill='white'/>"]
    for name in dict.fromkeys(r["library"] for r in rows):
        mine = [r for r in rows if r["library"] == name]
        print("| %s | %s |" % (name, " | ".join(
            "%.1f (%.1f to %.1f) / %.1f, %s" % (
                *(float(r[k]) for k in ("worst", "low", "high", "median")),
                "slot %s, %s of %s" % (r["slot"], r["times"], r["keys"])
                if int(r["times"]) > int(r["keys"]) / 4 else "anywhere")
            for r in mine)))
    out += panel(rows, 13, 60, 40) + panel(rows, 14, 60, 360)
    out += panel(rows, 13, 50, 680)
    out.append("<text x='40' y='430'>across: u, the slot being the value at "
               "zeta^u or zeta^-u; up: log2 of the error, rms over the keys "
               "(from u = 16 on over an octave); dashed: predicted</text>")
    for i, name in enumerate(dict.fromkeys(r["library"] for r in rows)):
        x, y = 46 + 300 * (i % 3), 448 + 18 * (i // 3)
        out.append("<circle cx='%d' cy='%d' r='4' fill='%s'/><text x='%d' "
                   "y='%d'>%s</text>" % (x, y, COLOURS[i], x + 9, y + 4, name))
    SVG.write_text("\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    row(*map(int, sys.argv[1:])) if len(sys.argv) > 1 else main()
