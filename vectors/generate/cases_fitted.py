"""Contexts of fitted special primes: what is done at levels that use fewer of
them than there are, and that keys have them all."""
import cases_base
import cases_bytes
import cases_keys
import cases_switch
import serial
from form import File
from notes import NOTES


def fitted(sets):
    f = File("fitted", "Special primes fitted to a level's digits: base "
             "conversion, encryption, keys and key switching.", NOTES)
    for s in sets:
        if s.c.top < 2:
            boundary(f, s)
            continue
        keys, said = cases_switch.key_list(s)
        f.group(s, keys=said)
        f.case("bytes_params", "parameters", "the way special primes are "
               "chosen missing from the fingerprint", {},
               cases_bytes.parts_of(serial.parameters(s.c)))
        for level in (2, 0):
            cases_base.special(f, s, level)
            cases_base.polynomials(f, s, level)
        secret, told = cases_keys.secret_of(s)
        cases_keys.one_key(f, s, secret, told, "rotate", 1, 0, None)
        cases_keys.encrypts(f, s, [1])
        cases_switch.relinearising(f, s, keys["relin", 0], [2, 1], 2)
        cases_switch.rotating(f, s, keys, [
            ("rotate", 1, 1, 2), ("rotate", s.c.slots - 2, -2, 0)]
            + [("conj", 0, 0, 1)] * (not s.c.real))
        cases_switch.hoisting(f, s, keys, 2)
        for t in f.groups[-1]["tests"]:
            flag(s.c, t)
    return f


def boundary(f, s):
    """Level 0, whose digit lies between the first special prime's half and
    itself."""
    keys, said = cases_switch.key_list(s, 2)
    assert s.c.special[0] < 2 * s.c.q[0] < 2 * s.c.special[0]
    assert s.c.used(0) == 2
    f.group(s, keys=said)
    cases_base.special(f, s, 0)
    cases_base.polynomials(f, s, 0)
    cases_switch.relinearising(f, s, keys["relin", 0], [1], 1)
    cases_switch.rotating(f, s, keys, [("rotate", 1, 1, 0)])


def flag(c, test):
    """The flag, where a case is of such a level."""
    if test["operation"] in ("bytes_params", "key_switching",
                             "encrypt_secret"):
        return
    given = test["input"]
    at = given.get("a") or given.get("plaintext") or given.get(
        "in", [given])[0]
    if c.used(at["level"]) < len(c.special):
        test["flags"].append("FewerSpecialPrimes")
