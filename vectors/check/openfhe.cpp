// openfhe.cpp -- the test vectors by OpenFHE's own polynomials.
//
//   I=$OPENFHE_DIR/include/openfhe
//   g++ -std=c++17 -O2 -I$I -I$I/core -I$I/pke -I$I/binfhe
//       vectors/check/openfhe.cpp -L$OPENFHE_DIR/lib
//       -Wl,-rpath,$OPENFHE_DIR/lib,--no-as-needed
//       -lOPENFHEpke -lOPENFHEbinfhe -lOPENFHEcore -o openfhe-check
//   openfhe-check vectors/v1/*.json
//
// For OpenFHE 1.5 with words of 64 bits (1.5.1 was run); its cereal brings the
// rapidjson.  Runs what OpenFHE can express on the sets of full words, compares
// every word, and prints a line an operation: polynomials compared, equal,
// explained (and the reason, computed anew from the words), not; what was
// skipped; and at the end "N passed, N failed", failed: those not explained.
#include <cstdio>
#include <fstream>
#include <sstream>
#include "openfhe_operations.h"

static std::set<string> skipped;        // sets, and operations

static const struct { string operations; void (*run)(const Test &); } list[] = {
    { " root ntt_forward ntt_inverse automorphism mod_add mod_sub mod_mul "
      "mod_mul_int ", words_of_primes },
    { " convert_digit convert_special mod_up mod_down mod_down_rescale ",
      base },
    { " add sub neg mul square add_square add_plain sub_plain mul_plain "
      "mul_int rescale drop_level ", arithmetic },
    { " decrypt ", decrypt },
    { " encode encode_const ", slots },
    { " galois_element ", elements },
    { " relin relin_rescale rotate conj ", key_switch }
};

// Takes the parameters of a group, if OpenFHE can.
static bool taken(const Json &group)
{
    const Json &p = group["parameters"];
    const string name = group["set"].GetString();
    const char *reason = NULL;

    now = { name, 1u << p["logN"].GetUint(),
            p["conventions"]["generator"].GetUint(), {}, {},
            p["alpha"].GetUint(), p["conventions"]["digits"] == "centred" };
    for (const Json &x : p["primes"].GetArray())
        now.q.push_back(NativeInteger(x.GetString()));
    for (const Json &x : p["special"].GetArray())
        now.p.push_back(NativeInteger(x.GetString()));
    for (const NativeInteger &x : join(now.q, now.p))
        if (x.GetMSB() > 60)
            reason = "primes of 61 bits, OpenFHE ends at 60";
    if (group["tier"] != "full")
        reason = "digests";
    if (p["conventions"].HasMember("specialPrimes"))
        reason = "fitted special primes";
    if (p.HasMember("ring") && p["ring"] == "real")
        reason = "the real ring";
    if (reason)
        skipped.insert("set " + name + ": " + reason);
    return !reason;
}

static void run(const Json &test, const Json *keys)
{
    const Json &in = test["input"];
    Test t = { test["operation"].GetString(), in, test["expected"], keys, {} };

    for (const char *key : { "a", "ciphertext" })
        if (in.HasMember(key) && in[key].IsObject())
            t.q = cut(now.q, 0, in[key]["level"].GetUint() + 1);
    if (t.q.empty() && in.HasMember("level"))
        t.q = cut(now.q, 0, in["level"].GetUint() + 1);
    for (auto &l : list)
        if (l.operations.find(" " + t.op + " ") != string::npos) {
            if (now.generator == 5 || (l.run != slots && l.run != elements))
                return l.run(t);
            t.op += " by powers of 3";
        }
    skipped.insert(t.op);
}

int main(int argc, char **argv)
try {
    int passed = 0;

    if (argc < 2)
        throw std::runtime_error("files of vectors");
    for (int i = 1; i < argc; i++) {
        std::ifstream file(argv[i]);
        std::ostringstream text;
        rapidjson::Document d;

        text << file.rdbuf();
        if (d.Parse(text.str().c_str()).HasParseError())
            throw std::runtime_error(string("no JSON: ") + argv[i]);
        if (d.HasMember("testGroups"))
            for (const Json &g : d["testGroups"].GetArray())
                if (taken(g))
                    for (const Json &test : g["tests"].GetArray())
                        run(test, g.HasMember("keys") ? &g["keys"]["list"]
                                                      : nullptr);
    }
    for (auto &[op, c] : table) {
        printf("  %-28s %3d polynomials, %3d equal, %2d explained, %d not",
               op.c_str(), c.equal + c.explained + c.unexplained, c.equal,
               c.explained, c.unexplained);
        for (const string &reason : c.reasons)
            printf("; %s", reason.c_str());
        printf("\n");
        passed += c.equal + c.explained;
    }
    size_t column = 0;
    for (const string &s : skipped) {
        bool fits = column + s.size() < 76;
        printf("%s%s", column == 0 ? "skip " : fits ? ", " : ",\n     ",
               s.c_str());
        column = (column > 0 && fits ? column + 2 : 5) + s.size();
    }
    printf("%s%d passed, %d failed\n", column > 0 ? "\n" : "",
           passed, failed);
    return failed != 0;
} catch (const std::exception &e) {
    printf("FAIL OpenFHE: %s\n0 passed, %d failed\n", e.what(), failed + 1);
    return 1;
}
