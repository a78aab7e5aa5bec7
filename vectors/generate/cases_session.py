"""A session from the greetings to the bye, with activations."""
import hashlib
import struct

import aes
import lwe
import stream
import transfer
from activation import Direction, Session
from two import File, Line, Source, blocks, data, seed, small_numbers

M, MOST = 2 ** 128, 1000
OFFER = '{"format": "a text that both have"}'


def session_file():
    f = File("sessions", "Sessions from the greetings to the bye, activations "
             "among them: each byte that is sent.")
    f.group("sessions")
    session(f, "nothing but the opening, squares", 1, 16, True, [])
    session(f, "activations of 16 bits", 2, 16, False, [
        ("images", {"count": 3}),
        ("relu", {"count": 37}), ("max", {"count": 5, "window": 4}),
        ("max", {"count": 3, "window": 3}),
        ("labels", {"count": 19, "classes": 3}), ("overflowed", {}),
        ("labels", {"count": 4, "classes": 1}),
        ("relu", {"count": 3, "beyond": True}), ("overflowed", {})])
    session(f, "activations of 8 bits", 4, 8, False, [
        ("relu", {"count": 16}), ("labels", {"count": 2, "classes": 6}),
        ("overflowed", {})])
    session(f, "more numbers than a chunk has", 1, 8, False, [
        ("relu", {"count": 8197}), ("overflowed", {})])
    return f


def greeting(server, k, generator):
    return b"VOLLEYBL" + struct.pack("<HBBI", 1, server, k if server else 0,
                                     0) + generator.stream().read(16)


def opening(k, bits, squares, generators, lines):
    """Everything up to the first step."""
    hello = [greeting(i, k, generators[i]) for i in (0, 1)]
    up, down = lines
    down.send("HELLO", OFFER.encode())
    digest = hashlib.blake2b(
        hello[0] + hello[1] + hashlib.blake2b(OFFER.encode()).digest()
        + struct.pack("<II", bits, squares), digest_size=32).digest()
    for line in lines:
        line.send("AGREE", digest)
    large = bits > 20
    rings = [lwe.Lwe(13 if large else 12, 3 if large else 2, 49,
                     generators[0])]
    if squares:
        rings.append(lwe.Lwe(13, 4, 42, generators[0], 40))
    for r in rings:
        up.send("KEY", r.key_frame())
    delta = [aes.number(g.stream().read(16)) | 1 for g in generators]
    base = [transfer.Base(g, d) for g, d in zip(generators, delta)]
    B = [base[i].chosen(base[1 - i].A) for i in (0, 1)]
    pairs = [base[i].pairs(digest, i == 1, B[1 - i]) for i in (0, 1)]
    to_server = Direction(pairs[1], delta[0], k, down)
    to_client = Direction(pairs[0], delta[1], k, up)
    for i, (line, own) in enumerate(((up, to_client), (down, to_server))):
        line.send("BASE", transfer.element(base[i].A))
        line.send("BASE", b"".join(map(transfer.element, B[i])))
        if k > 1:
            line.send("BASE", b"".join(map(aes.raw, own.sums)))
    drawn = [g.stream().read(32) for g in generators]
    up.send("AGREE", drawn[0])
    down.send("AGREE", drawn[1][:16])
    start = aes.number(drawn[0][:16]) ^ aes.number(drawn[1][:16])
    return hello, Session(start, aes.number(drawn[0][16:]), to_server,
                          to_client, up, down)


def numbers(s, count, bits, beyond):
    """Numbers and their shares."""
    x = [s.block() % 2 ** bits - 2 ** (bits - 1) for _ in range(count)]
    x[:3] = [0, -1, 2 ** (bits - 1) - 1][:count]
    if beyond:
        x[-1] = 2 ** (bits - 1)
    c = s.blocks(count)
    return x, c, [(v - u) % M for u, v in zip(c, x)]


def step(p, i, name, options, bits, s):
    """What the file says of it, and what is expected."""
    p.step = i + 1
    said = {"op": name, **options}
    of = f"of step {i + 1}, {name}"
    if name == "images":
        p.up.send("AGREE", struct.pack("<I", options["count"]), 0)
        return said, []
    if name == "overflowed":
        over = p.overflowed()
        return said, [("answer", f"over{i}", of, bytes([over]).hex())], over
    inner = options.get("window", options.get("classes", 1))
    x, c, v = numbers(s, options["count"] * inner, bits,
                      options.get("beyond", False))
    if len(x) > MOST:                   # of seeds; numbers in range
        x, of_x = small_numbers(f"step {i} x", len(x), bits)
        z = seed(f"step {i} share")
        of_share = stream.Stream(z, 0, 0)
        c = [aes.number(of_share.read(16)) for _ in x]
        v = [(w - u) % M for u, w in zip(c, x)]
        said.update(x=of_x, share={"byteSeed": z.hex()})
    else:
        said.update(client=blocks(c), server=blocks(v))
    groups = [x[j:j + inner] for j in range(0, len(x), inner)]
    if name == "labels":
        got = p.classes(c, v, inner, bits)
        want = [g.index(max(g)) if inner > 1 else int(g[0] > 0)
                for g in groups]
        assert got == want
        return said, [("answer", f"labels{i}", of, bytes(got).hex())]
    if name == "relu":
        c, v, _ = p.relu(c, v, bits)
        want = [max(0, g[0]) for g in groups]
    else:
        c, v = p.largest(c, v, inner, bits)
        want = [max(g) for g in groups]
    assert [lwe.signed((a + b) % M) for a, b in zip(c, v)] == want
    return said, [("shares", f"clientShares{i}", f"the client's {of}",
                   data(bytes.fromhex(blocks(c)))),
                  ("shares", f"serverShares{i}", f"the server's {of}",
                   data(bytes.fromhex(blocks(v))))]


def session(f, name, k, bits, squares, steps):
    s = Source(f"session {name}")
    seeds = [seed(f"session {name} {side}") for side in ("client", "server")]
    up, down = Line("client"), Line("server")
    hello, p = opening(k, bits, squares,
                               [stream.Generator(z) for z in seeds],
                               (up, down))
    expected = [("opening", "clientGreeting", "32 bytes", hello[0].hex()),
                ("opening", "serverGreeting", "32 bytes", hello[1].hex()),
                ("opening", "start", "of the hash", blocks([p.start])),
                ("opening", "labelKey", "of the client's labels",
                 blocks([p.label_key])),
                ("opening", "deltas", "of the client, of the server", blocks(
                    [p.to_server.delta, p.to_client.delta]))]
    said, beyond = [], False
    for i, (op, options) in enumerate(steps):
        beyond = options.get("beyond", beyond)
        text, wanted, *over = step(p, i, op, options, bits, s)
        assert not over or over[0] == beyond
        said.append(text)
        expected += wanted
    for line in up, down:
        line.send("BYE", b"")
    f.case("session", name, "a hash or a digest of other bytes; labels, tweaks "
           "and choices in another order", {
               "offer": OFFER, "k": k, "bits": bits, "squares": squares,
               "clientSeed": seeds[0].hex(), "serverSeed": seeds[1].hex(),
               "steps": said}, expected + up.expected + down.expected)
