#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints vectors.inc: expected digests, computed by nothing that libfakedirty is made of.

MD5, SHA-1 and SHA-256 come from hashlib, CRC-32 from zlib, xxHash from its shared library; Murmur3
and ph128 are written out below from their definitions. Contents, seeds and key are those that
vectors_test.cc describes.

    python3 vectors.py > vectors.inc          writes the table
    python3 vectors.py --check vectors.inc    fails when the table is not what this prints
"""

import ctypes
import ctypes.util
import hashlib
import struct
import sys
import zlib

PAGE_SIZES = [1024 << shift for shift in range(7)]
SEED32 = 0x9747B28C
SEED64 = 0x9E3779B185EBCA8D
M32 = (1 << 32) - 1
M64 = (1 << 64) - 1

HEADER = """\
// SPDX-License-Identifier: MIT
// Expected digests of every algorithm and page size; printed by vectors.py, described in
// vectors_test.cc: VECTOR(algorithm, seed, content, page size, digest in hexadecimal).
// clang-format off
"""


def steps(size):
    return bytes((i * 131 + (i >> 8)) & 255 for i in range(size))


def zeros(size):
    return bytes(size)


def key_of(size):
    """Words of splitmix64, started at 0 and stored little-endian: size + 32 bytes."""
    state, words = 0, []
    for _ in range(size // 8 + 4):
        state = (state + 0x9E3779B97F4A7C15) & M64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
        words.append(z ^ (z >> 31))
    return words


def carryless(a, b):
    product = 0
    while b:
        low = b & -b
        product ^= a * low  # a shifted
        b ^= low
    return product


def fold(total, r):
    """hi * r + lo modulo x^64 + x^4 + x^3 + x + 1."""
    value = carryless(total >> 64, r)
    while value >> 64:
        value = carryless(value >> 64, 0x1B) ^ (value & M64)
    return value ^ (total & M64)


def ph128(page, _seed):
    words = struct.unpack(f"<{len(page) // 8}Q", page)
    key = key_of(len(page))
    first = second = 0
    for i in range(0, len(words), 2):
        first ^= carryless(words[i] ^ key[i], words[i + 1] ^ key[i + 1])
        second ^= carryless(words[i] ^ key[i + 2], words[i + 1] ^ key[i + 3])
    return struct.pack(">QQ", fold(first, key[-2]), fold(second, key[-1]))


def rotate(word, bits, width):
    return ((word << bits) | (word >> (width - bits))) & ((1 << width) - 1)


def murmur3_32(page, seed):
    h = seed
    for (k,) in struct.iter_unpack("<I", page):
        k = rotate(k * 0xCC9E2D51 & M32, 15, 32) * 0x1B873593 & M32
        h = (rotate(h ^ k, 13, 32) * 5 + 0xE6546B64) & M32
    h ^= len(page)
    h = (h ^ h >> 16) * 0x85EBCA6B & M32
    h = (h ^ h >> 13) * 0xC2B2AE35 & M32
    return struct.pack(">I", h ^ h >> 16)


def murmur3_128(page, seed):
    def final(k):
        k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & M64
        k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & M64
        return k ^ k >> 33

    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = seed
    for k1, k2 in struct.iter_unpack("<QQ", page):
        h1 ^= rotate(k1 * c1 & M64, 31, 64) * c2 & M64
        h1 = ((rotate(h1, 27, 64) + h2) * 5 + 0x52DCE729) & M64
        h2 ^= rotate(k2 * c2 & M64, 33, 64) * c1 & M64
        h2 = ((rotate(h2, 31, 64) + h1) * 5 + 0x38495AB5) & M64
    h1 ^= len(page)
    h2 ^= len(page)
    h1 = (h1 + h2) & M64
    h2 = (h2 + h1) & M64
    h1, h2 = final(h1), final(h2)
    h1 = (h1 + h2) & M64
    h2 = (h2 + h1) & M64
    return struct.pack(">QQ", h1, h2)


class Xxh128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


LIBRARY = ctypes.CDLL(ctypes.util.find_library("xxhash"))
PAGE = [ctypes.c_char_p, ctypes.c_size_t]
for function, result, seed in [
    (LIBRARY.XXH32, ctypes.c_uint32, ctypes.c_uint32),
    (LIBRARY.XXH64, ctypes.c_uint64, ctypes.c_uint64),
    (LIBRARY.XXH3_64bits_withSeed, ctypes.c_uint64, ctypes.c_uint64),
    (LIBRARY.XXH3_128bits_withSeed, Xxh128, ctypes.c_uint64),
]:
    function.argtypes, function.restype = [*PAGE, seed], result


def xxh3_128(page, seed):
    value = LIBRARY.XXH3_128bits_withSeed(page, len(page), seed)
    return struct.pack(">QQ", value.high, value.low)


# name, bits of seed, digest of (page, seed)
ALGORITHMS = [
    ("PH128", 0, ph128),
    ("XXH3_128", 64, xxh3_128),
    ("XXH3_64", 64, lambda p, s: struct.pack(">Q", LIBRARY.XXH3_64bits_withSeed(p, len(p), s))),
    ("XXH64", 64, lambda p, s: struct.pack(">Q", LIBRARY.XXH64(p, len(p), s))),
    ("XXH32", 32, lambda p, s: struct.pack(">I", LIBRARY.XXH32(p, len(p), s))),
    ("SHA256", 0, lambda p, _: hashlib.sha256(p).digest()),
    ("SHA1", 0, lambda p, _: hashlib.sha1(p).digest()),
    ("MD5", 0, lambda p, _: hashlib.md5(p).digest()),
    ("MURMUR3_128", 32, murmur3_128),
    ("MURMUR3_32", 32, murmur3_32),
    ("CRC32", 0, lambda p, _: struct.pack(">I", zlib.crc32(p))),
]


def table():
    lines = [HEADER]
    for name, seed_bits, digest in ALGORITHMS:
        seeds = {0: ["0"], 32: ["0", f"0x{SEED32:X}u"], 64: ["0", f"0x{SEED64:X}u"]}[seed_bits]
        for seed in seeds:
            for content in (steps, zeros):
                if content is zeros and seed != "0":
                    continue
                for size in PAGE_SIZES:
                    value = digest(content(size), int(seed.rstrip("u"), 0)).hex()
                    lines.append(f'VECTOR({name}, {seed}, {content.__name__}, {size}, "{value}")\n')
    return "".join(lines)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            current = file.read() == table()
        sys.exit(0 if current else f"{sys.argv[2]} is not what vectors.py prints")
    sys.stdout.write(table())
