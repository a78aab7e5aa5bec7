"""The parameter sets.  None of them is secure: they are made to be small, or
to reach an edge.

    A   two primes a digit, K = 2: digits and the special product are converted
        by doubles; fits every kernel
    B   60-bit primes, one a digit, K = 1, generator 3, uncentred digits: the
        shape of SEAL
    C   N = 64, 49 and 40 bits, K = 3, the last digit shorter than the others
    D   one digit of all primes, K = 4
    E   61-bit primes, two a digit, uncentred, generator 3; of some primes the
        reciprocal differs from that of the nearest double
    I   special primes fitted: of three, levels 0..3 use 1, 2, 2, 3, with one
        digit at levels 0 and 1 and two above
    F   N = 2^12, digests; G N = 2^13 of SEAL's shape; H N = 2^15

Of the real ring RA to RI have the sizes of A to I, with primes of their own;
but RC has N = 32, RB and RE have centred digits, as every context of that ring
has, and there is no RG.

    RJ  special primes fitted: the digit of level 0 is below the first of two,
        twice it is above, so that the level uses both
"""
from form import Set
from rns import Context


def full():
    return [
        Set(Context("A", 4, [40, 30, 30, 30], [40, 40], 2)),
        Set(Context("B", 4, [60, 60, 60], [60], 3, 3, True)),
        Set(Context("C", 6, [49, 40, 40, 40, 40], [46, 46, 46], 2)),
        Set(Context("D", 4, [45, 36, 36, 36], [45, 45, 45, 45], 1)),
        Set(Context("E", 4, [61, 61, 61, 61], [61, 61], 2, 3, True)),
    ]


def fitted():
    return [Set(Context("I", 4, [30, 25, 40, 40], [33, 33, 33], 2,
                        fitted=True))]


def digest():
    return [
        Set(Context("F", 12, [49, 40, 40], [46, 46], 2), True),
        Set(Context("G", 13, [60, 60, 60], [60], 3, 3, True), True),
        Set(Context("H", 15, [49, 40, 40], [49], 3), True),
    ]


def of_version_2(*args, digest=False, **kwargs):
    return Set(Context(*args, **kwargs), digest, 2)


def complex_again():
    """Small sets of version 1 for what it lacks, with other seeds."""
    return [Set(s.c, False, 2) for s in full()[:4]]


def real():
    return [
        of_version_2("RA", 4, [40, 30, 30, 30], [40, 40], 2, real=True),
        of_version_2("RB", 4, [60, 60, 60], [60], 3, real=True),
        of_version_2("RC", 5, [49, 40, 40, 40, 40], [46, 46, 46], 2,
                     real=True),
        of_version_2("RD", 4, [45, 36, 36, 36], [45, 45, 45, 45], 1,
                     real=True),
        of_version_2("RE", 4, [61, 61, 61, 61], [61, 61], 2, real=True),
    ]


def real_fitted():
    return [of_version_2("RI", 4, [30, 25, 40, 40], [33, 33, 33], 2,
                         fitted=True, real=True),
            of_version_2("RJ", 4, [29, 31], [30, 30], 2, fitted=True,
                         real=True)]


def real_digest():
    return [
        of_version_2("RF", 12, [49, 40, 40], [46, 46], 2, real=True,
                     digest=True),
        of_version_2("RH", 15, [49, 40, 40], [49], 3, real=True,
                     digest=True),
    ]
