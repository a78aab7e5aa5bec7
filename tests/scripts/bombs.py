"""bombs.py DIR -- writes small files that ask for much memory or time: images
of every kind whose header, or whose inflated bytes, are large.  Names say what
they are; tests/scripts/places.sh feeds them to the command."""
import os
import struct
import sys
import zlib


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


def png(width, height, bits=8, colour=0, interlace=0, extra=b""):
    """All zero, rows without a filter."""
    row = 1 + (width * bits * {0: 1, 2: 3, 4: 2, 6: 4}[colour] + 7) // 8
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(row)) for _ in range(height))
    body += packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0,
                       interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra
            + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def marker(code, data):
    return bytes([0xff, code]) + struct.pack(">H", len(data) + 2) + data


def jpeg(width, height, scans, kind=0xc2):
    """A grey image: DC, then the scans, each of one coefficient: first bits,
    then refinements.  Every block is 0."""
    table = bytes([1] + [0] * 15)
    blocks = (width + 7) // 8 * ((height + 7) // 8)
    out = b"\xff\xd8" + marker(0xdb, bytes([0]) + bytes([1] * 64))
    out += marker(kind, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11,
                                    0))
    out += marker(0xc4, bytes([0x00]) + table + bytes([0]))
    out += marker(0xc4, bytes([0x10]) + table + bytes([0x40]))
    out += marker(0xda, bytes([1, 1, 0, 0, 0, 0])) + bytes((blocks + 7) // 8)
    for k in range(scans):
        band, high = 1 + k % 63, k // 63
        bits = 13 if high == 0 else 13 - high
        out += marker(0xda, bytes([1, 1, 0, band, band,
                                   (bits + 1 if high else 0) << 4 | bits]))
        out += b"\x07"                  # 16 blocks without a coefficient
    return out + b"\xff\xd9"


def nifti(nx, ny, nz, kind=2, bits=8):
    h = bytearray(352)
    struct.pack_into("<i", h, 0, 348)
    struct.pack_into("<8h", h, 40, 3, nx, ny, nz, 1, 1, 1, 1)
    struct.pack_into("<hh", h, 70, kind, bits)
    struct.pack_into("<f", h, 108, 352)
    h[344:347] = b"n+1"
    return bytes(h)


def idx(*sizes):
    return struct.pack(">HBB", 0, 8, len(sizes)) + struct.pack(
        ">%dI" % len(sizes), *sizes)


def zipped(head, zeros):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    out = packer.compress(head)
    for _ in range(zeros >> 20):
        out += packer.compress(block)
    return out + packer.compress(bytes(zeros & (1 << 20) - 1)) + packer.flush()


def main(folder):
    def put(name, data, size=None):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(data)
        if size is not None:            # the rest is a hole: no disk
            os.truncate(path, size)

    text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(16_000_000), 9))
    put("grey.png", png(8192, 8192))
    put("bit.png", png(8192, 8192, 1))
    put("rgb16.png", png(2048, 4096, 16, 2))
    put("lace.png", png(8192, 2048, 8, 0, 1))
    put("texts.ok.png", png(28, 28, extra=text * 100))
    put("side.jpg", jpeg(65500, 65500, 0)[:2000])
    put("base.jpg", jpeg(30000, 20000, 0, 0xc0)[:2000])
    put("scans.ok.jpg", jpeg(28, 28, 94))
    put("scans.jpg", jpeg(28, 28, 110))
    put("hole.jpg", jpeg(28, 28, 1), 900_000_000)
    put("short.pgm", b"P5\n30000 30000\n255\n" + bytes(1000))
    put("hole.pgm", b"P5\n16000 16000\n255\n", 256_000_019)
    put("tail.pgm", b"P5\n28 28\n255\n", 900_000_000)
    put("text.pgm", b"P2\n30000 30000\n255\n" + b"0 " * 1000)
    put("deep.ppm", b"P6\n20000 20000\n65535\n", 900_000_000)
    put("short.nii", nifti(30000, 30000, 1) + bytes(1000))
    put("hole.nii", nifti(512, 512, 1000), 352 + 512 * 512 * 1000)
    put("deep.nii", nifti(28, 28, 32767, 64, 64), 352 + 8 * 28 * 28 * 32767)
    put("side.nii.gz", zipped(nifti(8192, 8192, 1), 8192 * 8192))
    put("deep.nii.gz", zipped(nifti(28, 28, 10000, 64, 64),
                              8 * 28 * 28 * 10000))
    put("many.idx", idx(300_000, 28, 28), 16 + 300_000 * 784)
    put("side.idx", idx(1, 16000, 16000), 16 + 256_000_000)
    put("tail.idx", idx(2, 28, 28), 900_000_000)
    put("many.idx.gz", zipped(idx(80_000, 28, 28), 80_000 * 784))
    put("full.idx.gz", zipped(idx(60_000, 28, 28), 60_000 * 784))
    put("side.idx.gz", zipped(idx(1, 8192, 8192), 8192 * 8192))
    put("hue.idx.gz", zipped(idx(3000, 96, 96, 3), 3000 * 96 * 96 * 3))
    put("labels.gz", zipped(idx(70_000_000), 70_000_000))
    os.mkdir(os.path.join(folder, "album"))
    put("album/a.png", png(4096, 8192))
    put("list", os.path.join(folder, "short.nii").encode() + b"\n")


main(sys.argv[1])
