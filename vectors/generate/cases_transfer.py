"""Base transfers, trees, extension."""
import stream
import transfer
from two import File, Line, Source, blocks, seed


def transfer_file():
    f = File("transfers", "Base transfers of Chou and Orlandi, trees of seeds, "
             "correlated transfers by extension.")
    f.group("base")
    base(f)
    f.group("trees")
    for k in 2, 3, 4:
        tree(f, k)
    f.group("extension")
    for k in 1, 2, 4:
        extension(f, k)
    return f


def base(f):
    """Both directions; side 0 is the client."""
    s = Source("base")
    session, choice = s.s.read(32), [s.block(), s.block()]
    seeds = [seed("base client"), seed("base server")]
    side = [transfer.Base(stream.Generator(z), c)
            for z, c in zip(seeds, choice)]
    B = [side[i].chosen(side[1 - i].A) for i in (0, 1)]
    lines, expected = [], []
    for i, name in enumerate(("client", "server")):
        lines.append(Line(name))
        lines[i].send("BASE", transfer.element(side[i].A))
        lines[i].send("BASE", b"".join(map(transfer.element, B[i])))
    keys = [side[i].keys(session, i == 1, side[1 - i].A, B[i])
            for i in (0, 1)]
    for i, name in enumerate(("client", "server")):
        pairs = side[i].pairs(session, i == 1, B[1 - i])
        assert keys[1 - i] == [p[choice[1 - i] >> j & 1]
                               for j, p in enumerate(pairs)]
        expected += [
            ("keys", f"{name}Pairs", f"both keys of each pair of the {name}",
             blocks([x for p in pairs for x in p])),
            ("keys", f"{name}Keys", f"what the {name} chose",
             blocks(keys[i]))]
    f.case("base", "128 each way at once; a: the first stream of each side's "
           "generator, b_0 .. b_127: the second, 32 bytes each", "a key without "
           "its number or side; B A in place of B / A",
           {"session": session.hex(), "clientSeed": seeds[0].hex(),
            "serverSeed": seeds[1].hex(), "clientChoice": blocks(choice[:1]),
            "serverChoice": blocks(choice[1:])},
           lines[0].expected + lines[1].expected + expected)


def tree(f, k):
    s = Source(f"tree {k}")
    pairs = [(s.block(), s.block()) for _ in range(k)]
    told = transfer.sums(pairs, k)
    whole = transfer.leaves(pairs, k)
    expected = [("tree", "sums", "two a level, of the other side",
                 blocks(told)), ("tree", "leaves", "all", blocks(whole))]
    for alpha in sorted({0, 1, (1 << k) - 1, 5 % (1 << k)}):
        keys = [p[alpha >> j & 1] for j, p in enumerate(pairs)]
        part = transfer.punctured(keys, told, alpha, k)
        assert all(whole[x] == v for x, v in part.items()) \
            and set(part) == set(range(1 << k)) - {alpha}
        expected.append((
            "tree", f"but{alpha}", f"leaves y ^ {alpha}, y = 1, 2 ...",
            blocks([part[y ^ alpha] for y in range(1, 1 << k)])))
    f.case("tree", f"depth {k}", "pair 0 at the top; sums of the children with "
           "the other bit", {"depth": k, "pairs": blocks(
               [x for p in pairs for x in p])}, expected)


def extension(f, k):
    key = seed(f"pairs {k}")
    raw = stream.Stream(key, 0, 0)
    pairs = [tuple(int.from_bytes(raw.read(16), "little") for _ in range(2))
             for _ in range(128)]
    s = Source(f"extension {k}")
    delta, choice = s.coloured(1), s.blocks(2)
    told = [x for i in range(128 // k)
            for x in transfer.sums(pairs[k * i:k * i + k], k)]
    r = transfer.Receiver(pairs, k)
    sender = transfer.Sender([p[delta >> j & 1] for j, p in enumerate(pairs)],
                             told, delta, k)
    line, t, q = Line("client"), [], []
    for c in choice:
        got, frame = r.receive([c], 1)
        line.send("EXTEND", frame)
        t += got
        q += sender.send(frame, 1)
    for i in range(256):
        bit = choice[i // 128] >> i % 128 & 1
        assert t[i] == q[i] ^ bit * delta
    f.case("extension", f"k = {k}: two calls of 128; the client chooses",
           "streams that begin anew; bits of alpha from the top; choices in "
           "every row", {"k": k, "pairs": {"byteSeed": key.hex()},
                         "delta": blocks([delta]), "choice": blocks(choice)},
           [("trees", "sums", "of all trees", blocks(told))] * (k > 1)
           + line.expected
           + [("transfers", "t", "the receiver's blocks", blocks(t)),
              ("transfers", "q", "the sender's", blocks(q))])
