// seal.cpp -- SEAL's side of the exchange (tests/scripts/seal.sh) in C++: what
// tests/seal/seal.js does with node-seal, by an installed SEAL 4.
//
//   g++ -std=c++17 -O2 -I$SEAL_DIR/include/SEAL-4.4 vectors/check/seal.cpp
//       -L$SEAL_DIR/lib -lseal-4.4 -lpthread -o seal-check
//       (and -lhexl, -lz, -lzstd where that SEAL has them)
//
//   seal-check make DIR SCALE [N BITS...]  SEAL makes parameters (or takes
//                              DIR/parms), keys, inputs at 2^SCALE, results
//   seal-check check DIR       SEAL reads what Volley made (exchange.c make),
//                              does the same operations with its keys and
//                              compares every byte
//   seal-check back DIR        SEAL decrypts what Volley encrypted with its pk
//   seal-check sum DIR FILE    SEAL decrypts the answer of
//                              examples/05_sum_with_seal.c
//
// Prints a line an object: name, words, words that differ; and ends with
// "N passed, N failed".  Same names as in tests/seal/exchange.c.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include "seal/seal.h"

using namespace seal;
using std::string;
typedef std::function<double(int)> Slots;

static const std::vector<int> steps = { 1, 2, 4, 8, -3, 0 };  // 0: conjugation
static int passed, failed;
static string folder;

static double slot_x(int j) { return int64_t(j) * 7919 % 1000 / 1000.0 - 0.5; }
static double slot_y(int j) { return int64_t(j) * 104729 % 1000 / 500.0 - 1; }

static string get(const string &path)
{
    std::ifstream f(path, std::ios::binary);
    std::ostringstream s;

    if (!(s << f.rdbuf()))
        throw std::runtime_error("cannot read " + path);
    return s.str();
}

static void put(const string &name, const string &bytes)
{
    std::ofstream f(folder + name, std::ios::binary);

    if (!f.write(bytes.data(), std::streamsize(bytes.size())).flush())
        throw std::runtime_error("cannot write " + name);
}

template <class T> static string bytes_of(const T &object)
{
    std::ostringstream s;

    object.save(s, compr_mode_type::none);
    return s.str();
}

static void judge(bool ok, const string &name)
{
    ok ? passed++ : failed++;
    printf("%s%-24s ", ok ? "  " : "FAIL ", name.c_str());
}

// Byte 4 of a header, outer or nested, is the minor version of the SEAL that
// wrote it: made equal where the other 15 bytes are.
static void one_version(const string &got, string &want)
{
    for (size_t i = 0; (i = want.find("\x5e\xa1\x10\x04", i)) != string::npos
                       && i + 16 <= want.size() && i + 16 <= got.size(); i++)
        if (got.compare(i, 4, want, i, 4) == 0
                && got.compare(i + 5, 11, want, i + 5, 11) == 0)
            want[i + 4] = got[i + 4];
}

// Words of 8 bytes that differ, from the end; of another length, all.
static void compare(const string &name, const string &got, string want)
{
    size_t words = want.size() / 8;
    size_t differ = got.size() == want.size() ? 0 : words;

    one_version(got, want);
    for (size_t end = want.size(), n; end > 0 && differ < words; end -= n) {
        n = end < 8 ? end : 8;
        differ += got.compare(end - n, n, want, end - n, n) != 0;
    }
    judge(differ == 0, name);
    printf("%9zu words, %zu differ\n", words, differ);
}

// Everything of SEAL that hangs on one set of parameters.
struct World {
    EncryptionParameters parms;
    SEALContext context;
    CKKSEncoder encoder;
    Evaluator e;
    SecretKey sk;
    PublicKey pk;
    RelinKeys relin;
    GaloisKeys galois;
    Plaintext pt;
    Ciphertext x, y;
    int slots;

    explicit World(const EncryptionParameters &p)
        : parms(p), context(p, true, sec_level_type::none), encoder(context),
          e(context), slots(int(encoder.slot_count())) {}

    template <class F> void objects(F f)
    {
        f("sk", sk), f("pk", pk), f("relin", relin), f("galois", galois);
        f("pt", pt), f("x", x), f("y", y);
    }

    template <class T> T &load(T &object, const string &path)
    {
        std::istringstream s(get(path));

        object.load(context, s);
        return object;
    }

    Plaintext encode(const Slots &f, double scale)
    {
        std::vector<double> v;
        Plaintext out;

        for (int j = 0; j < slots; j++)
            v.push_back(f(j));
        encoder.encode(v, scale, out);
        return out;
    }

    void near_to(const string &name, const Ciphertext &ct, const Slots &want,
                 double bound)
    {
        std::vector<double> got;
        Plaintext out;
        double worst = 0;

        Decryptor(context, sk).decrypt(ct, out);
        encoder.decode(out, got);
        for (int j = 0; j < slots; j++)
            worst = fmax(worst, fabs(got[j] - want(j)));
        judge(worst < bound, name);
        printf("%9d slots, worst error 2^%.1f\n", slots, log2(worst));
    }

    // Bounds of the error of a slot, as in exchange.c, which says why.
    double fresh(const Ciphertext &ct) const { return 8 * slots / ct.scale(); }
    double turned(const Ciphertext &ct) const
    {
        double digits = double(parms.coeff_modulus().size() - 1);

        return fresh(ct) * (1 + 2 * sqrt(2 * slots * digits));
    }

    // The list: what exchange.c calls operations().
    template <class F> void operations(F emit)
    {
        Decryptor decryptor(context, sk);
        Ciphertext r, product, relined, low, square, rotated;
        Plaintext p;

        e.multiply(x, y, product), emit("multiply", product);
        e.relinearize(product, relin, relined), emit("relinearise", relined);
        e.rescale_to_next(relined, low), emit("rescale", low);
        e.square(low, square), emit("square_low", square);
        e.rotate_vector(x, 1, galois, rotated), emit("rotate_1", rotated);
        e.add(x, y, r), emit("add", r);
        e.sub(x, y, r), emit("sub", r);
        e.negate(x, r), emit("negate", r);
        e.add_plain(x, pt, r), emit("add_plain", r);
        e.multiply_plain(x, pt, r), emit("multiply_plain", r);
        e.square(x, r), emit("square", r);
        e.rescale_to_next(product, r), emit("rescale_of_three", r);
        e.mod_switch_to_next(x, r), emit("drop_level", r);
        e.rotate_vector(x, -3, galois, r), emit("rotate_-3", r);
        e.complex_conjugate(x, galois, r), emit("conjugate", r);
        e.rotate_vector(low, 8, galois, r), emit("rotate_8_low", r);
        e.relinearize(square, relin, r), emit("relinearise_low", r);
        decryptor.decrypt(x, p), emit("decrypt", p);
        decryptor.decrypt(product, p), emit("decrypt_of_three", p);
        decryptor.decrypt(rotated, p), emit("decrypt_rotated", p);
        decryptor.decrypt(low, p), emit("decrypt_low", p);
    }
};

// What SEAL writes with a seed, and as SEAL itself expands it.
template <class T, class S>
static void put_seeded(World &w, T full, const string &name, const S &object)
{
    put(name + "_seeded", bytes_of(object));
    w.load(full, folder + name + "_seeded");
    put(name + "_expanded", bytes_of(full));
}

static void make(World &w, double scale)
{
    KeyGenerator gen(w.context);

    w.sk = gen.secret_key();
    gen.create_public_key(w.pk);
    gen.create_relin_keys(w.relin);
    gen.create_galois_keys(steps, w.galois);
    Encryptor encryptor(w.context, w.pk, w.sk);
    Plaintext in = w.encode(slot_x, scale);
    w.pt = w.encode(slot_y, scale);
    encryptor.encrypt(in, w.x);
    encryptor.encrypt(w.pt, w.y);
    put("parms", bytes_of(w.parms));
    w.objects([](const char *name, auto &o) { put(name, bytes_of(o)); });
    put_seeded(w, w.pk, "pk", gen.create_public_key());
    put_seeded(w, w.relin, "relin", gen.create_relin_keys());
    put_seeded(w, w.galois, "galois", gen.create_galois_keys(steps));
    put_seeded(w, w.x, "x", encryptor.encrypt_symmetric(in));
    string claim = bytes_of(w.x);       // this SEAL may have neither
    claim[5] = 1, put("x_zlib", claim);
    claim[5] = 2, put("x_zstd", claim);
    w.operations([](const string &name, const auto &o) {
        put("r_" + name, bytes_of(o));
    });
}

static void check(World &w)
{
    Ciphertext ct;

    compare("parameters", bytes_of(w.parms), get(folder + "parms"));
    w.objects([&](const string &name, auto &object) {
        w.load(object, folder + name);
        compare(name, bytes_of(object), get(folder + name));
    });
    w.operations([](const string &name, const auto &o) {
        compare(name, bytes_of(o), get(folder + "r_" + name));
    });
    w.near_to("SEAL decodes x", w.x, slot_x, w.fresh(w.x));
    w.load(ct, folder + "r_rotate_1");
    w.near_to("SEAL decodes x rotated", ct,
              [&](int j) { return slot_x((j + 1) % w.slots); }, w.turned(w.x));
    w.load(ct, folder + "r_rescale");
    w.near_to("SEAL decodes x y", ct,
              [](int j) { return slot_x(j) * slot_y(j); },
              2 * w.fresh(w.x) + w.fresh(ct));
    Encryptor encryptor(w.context, w.pk, w.sk);
    Plaintext pt = w.encode(slot_x, w.x.scale());
    encryptor.encrypt(pt, ct);
    put("back", bytes_of(ct));
    put("back_seeded", bytes_of(encryptor.encrypt_symmetric(pt)));
}

int main(int argc, char **argv)
try {
    string what = argc > 2 ? argv[1] : "";
    EncryptionParameters parms(scheme_type::ckks);
    double sum = 0;

    folder = argc > 2 ? string(argv[2]) + "/" : "";
    if (what == "make" && argc > 5) {
        size_t n = strtoul(argv[4], NULL, 10);
        std::vector<int> bits;

        for (int i = 5; i < argc; i++)
            bits.push_back(atoi(argv[i]));
        parms.set_poly_modulus_degree(n);
        parms.set_coeff_modulus(CoeffModulus::Create(n, bits));
    } else {
        std::istringstream s(get(folder + "parms"));
        parms.load(s);
    }
    World w(parms);
    if (what == "make" && argc > 3) {
        make(w, ldexp(1, atoi(argv[3])));
    } else if (what == "check") {
        check(w);
    } else if (what == "back") {
        w.load(w.sk, folder + "sk"), w.load(w.x, folder + "back");
        w.near_to("pk of SEAL, ours, SEAL", w.x, slot_x, w.fresh(w.x));
    } else if (what == "sum" && argc > 3) {
        w.load(w.sk, folder + "sk"), w.load(w.x, argv[3]);
        for (int j = 0; j < w.slots; j++)
            sum += slot_x(j) + slot_y(j) + 0.25 * j;
        w.near_to("the example, every slot", w.x, [=](int) { return sum; },
                  0x1p-20);
    } else {
        throw std::runtime_error("make, check, back or sum");
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
} catch (const std::exception &e) {
    printf("FAIL SEAL: %s\n%d passed, %d failed\n", e.what(), passed,
           failed + 1);
    return 1;
}
