// openfhe_words.h -- for openfhe.cpp: words of the vectors as polynomials of
// OpenFHE; what takes tables: conversions, mod-up, divisions; verdicts.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>
#include "openfhe.h"
#include "cereal/external/rapidjson/document.h"

using namespace lbcrypto;
using std::string;
typedef rapidjson::Value Json;
typedef std::vector<NativeInteger> Words;
typedef std::vector<DCRTPoly> Parts;
typedef std::function<string()> Why;

static struct {
    string name;
    uint32_t n, generator;
    Words q, p;                         // primes, special primes
    size_t alpha;                       // primes a digit
    bool centred;                       // digits
} now;                                  // the set at hand

// ---- words and polynomials --------------------------------------------------

inline Words words(const Json &hex)
{
    string s = hex.GetString(), w(16, '0');
    Words out;

    for (size_t i = 0; i < s.size(); i++) {
        w[14 - i % 16 / 2 * 2 + i % 2] = s[i];          // little-endian
        if (i % 16 == 15)
            out.push_back(std::stoull(w, nullptr, 16));
    }
    return out;
}

inline Words cut(const Words &a, size_t from, size_t to)
{
    return Words(a.begin() + from, a.begin() + std::min(to, a.size()));
}

inline Words join(Words a, const Words &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// A polynomial with the given limbs (or zeros), over OpenFHE's smallest roots.
inline DCRTPoly poly(const Json *limbs, const Words &q, Format f = EVALUATION)
{
    auto basis = std::make_shared<ILDCRTParams<BigInteger>>(2 * now.n, q);
    DCRTPoly out(basis, f, true);

    for (size_t t = 0; limbs && t < q.size(); t++) {
        NativePoly limb((*basis)[t], f, true);
        Words w = words((*limbs)[rapidjson::SizeType(t)]);
        for (uint32_t i = 0; i < now.n; i++)
            limb[i] = w[i];
        out.SetElementAtIndex(t, std::move(limb));
    }
    return out;
}

inline DCRTPoly as(Format f, DCRTPoly p)
{
    p.SetFormat(f);
    return p;
}

// The polynomial modulo the primes q whose limbs are spread over others.
inline DCRTPoly pick(const std::vector<DCRTPoly> &from, const Words &q)
{
    DCRTPoly out = poly(nullptr, q, from[0].GetFormat());

    for (size_t t = 0; t < q.size(); t++)
        for (const DCRTPoly &p : from)
            for (const NativePoly &limb : p.GetAllElements())
                if (limb.GetModulus() == q[t])
                    out.SetElementAtIndex(t, limb);
    return out;
}

inline Words without(const Words &a, const Words &b)
{
    Words out;

    for (const NativeInteger &x : a)
        if (std::find(b.begin(), b.end(), x) == b.end())
            out.push_back(x);
    return out;
}

// ---- conversions ------------------------------------------------------------

inline BigInteger product(const Words &a)
{
    BigInteger out(1);

    for (const NativeInteger &x : a)
        out *= BigInteger(x);
    return out;
}

inline Words residues(const BigInteger &a, const Words &q, bool inverse = false)
{
    Words out;

    for (const NativeInteger &x : q) {
        out.push_back(a.Mod(BigInteger(x)).ConvertToInt<uint64_t>());
        if (inverse)
            out.back() = out.back().ModInverse(x);
    }
    return out;
}

// Coefficients modulo the primes a to the primes b: to the nearest, or with the
// multiple of their product left in.
inline DCRTPoly convert(const DCRTPoly &x, const Words &a, const Words &b,
                        bool nearest)
{
    const BigInteger D = product(a);
    auto basis = poly(nullptr, b).GetParams();
    std::vector<Words> hat, turned(b.size()), multiple;
    std::vector<DoubleNativeInt> mu;
    std::vector<double> fraction;
    Words inv, precon;

    for (size_t i = 0; i < a.size(); i++) {
        BigInteger h = D / BigInteger(a[i]);
        inv.push_back(residues(h, { a[i] }, true)[0]);
        precon.push_back(inv[i].PrepModMulConst(a[i]));
        fraction.push_back(1 / a[i].ConvertToDouble());
        hat.push_back(residues(h, b));
        for (size_t t = 0; t < b.size(); t++)
            turned[t].push_back(hat[i][t]);
    }
    for (const NativeInteger &y : b)
        mu.push_back(((BigInteger(1) << 128) / BigInteger(y))
                         .ConvertToInt<DoubleNativeInt>());
    for (size_t v = 0; v <= a.size(); v++)
        multiple.push_back(residues(D * BigInteger(v), b));
    return nearest ? x.SwitchCRTBasis(basis, inv, precon, turned, multiple, mu,
                                      fraction)
                   : x.ApproxSwitchCRTBasis(x.GetParams(), basis, inv, precon,
                                            hat, mu);
}

// Why a conversion to the nearest differs: by one D, in columns whose remainder
// x is nearer to D/2 than a sum of k doubles can tell.
inline string halves(const DCRTPoly &x, const Words &a, DCRTPoly d,
                     const Words &b)
{
    const BigInteger D = product(a), B = product(b), k(a.size() + 4);
    auto whole = x.CRTInterpolate(), off = as(COEFFICIENT, d).CRTInterpolate();

    for (uint32_t i = 0; i < now.n; i++) {
        BigInteger two = whole[i] * BigInteger(2);
        BigInteger far = two > D ? two - D : D - two;
        bool one = off[i] == D.Mod(B) || off[i] == B - D.Mod(B);

        if (off[i] != BigInteger(0) && !(one && (far << 52) < D * k * k))
            return "";
    }
    return "columns nearer to a half than doubles tell";
}

// Digit j of x over all primes of its level.
inline DCRTPoly raise(const DCRTPoly &x, const Words &q, size_t j)
{
    Words a = cut(q, j * now.alpha, (j + 1) * now.alpha);
    Words level = join(q, now.p);
    DCRTPoly d = pick({ x }, a);
    DCRTPoly r = convert(as(COEFFICIENT, d), a, without(level, a), now.centred);

    return pick({ d, as(EVALUATION, r) }, level);
}

// x over keep and drop, divided by the product of drop, to the nearest.
inline DCRTPoly divide(const DCRTPoly &x, const Words &keep, const Words &drop)
{
    DCRTPoly z = convert(as(COEFFICIENT, pick({ x }, drop)), drop, keep, true);
    Words inverse = residues(product(drop), keep, true);

    return (pick({ x }, keep) - as(EVALUATION, z)).Times(inverse);
}

// By OpenFHE's own function.
inline DCRTPoly rescale(DCRTPoly x, const Words &q)
{
    Words keep = cut(q, 0, q.size() - 1), last = { q.back() };
    BigInteger Q = product(keep), ql = product(last);

    Q = Q * BigInteger(residues(Q, last, true)[0]) / ql;
    x.DropLastElementAndScale(residues(Q, keep), residues(ql, keep, true));
    return x;
}

inline Words multiples(const string &factor, const Words &q)
{
    bool minus = factor[0] == '-';
    Words out;

    for (const NativeInteger &y : q) {
        NativeInteger m = NativeInteger(factor.substr(minus)).Mod(y);

        out.push_back(minus ? NativeInteger(0).ModSub(m, y) : m);
    }
    return out;
}

inline uint32_t galois(int step)
{
    uint64_t g = 1;

    for (int i = step & int(now.n / 2 - 1); i > 0; i--)
        g = g * now.generator % (2 * now.n);
    return uint32_t(g);
}

// ---- verdicts and tests -----------------------------------------------------

struct Count {
    int equal, explained, unexplained;
    std::set<string> reasons;
};
static std::map<string, Count> table;
static int failed;

inline void judge(const string &op, bool equal, const Why &why = nullptr)
{
    string reason = equal || !why ? "" : why();
    Count &c = table[op];

    if (reason != "")
        c.reasons.insert(reason);
    else if (!equal)
        printf("FAIL %s, set %s\n", op.c_str(), now.name.c_str()), failed++;
    (equal ? c.equal : reason != "" ? c.explained : c.unexplained)++;
}

inline void judge(const string &op, const DCRTPoly &got, const DCRTPoly &want,
                  const Why &why = nullptr)
{
    judge(op, got.GetAllElements() == want.GetAllElements(), why);
}

struct Test {
    string op;
    const Json &in, &expected;
    const Json *keys;                   // of the group, or NULL
    Words q;                            // primes of the level

    DCRTPoly given(const char *key, const Words &primes,
                   Format f = EVALUATION) const
    {
        return poly(&in[key], primes, f);
    }

    const Json &value(const string &key) const
    {
        for (const Json &e : expected.GetArray())
            if (e["key"] == key.c_str())
                return e["value"];
        throw std::runtime_error("no " + key);
    }

    DCRTPoly want(const string &key, const Words &primes,
                  Format f = EVALUATION) const
    {
        return poly(&value(key), primes, f);
    }

    Parts parts(const char *key) const
    {
        Parts out;

        for (const Json &p : in[key]["parts"].GetArray())
            out.push_back(poly(&p, q));
        return out;
    }

    void judge_parts(const Parts &got, const Words &primes) const
    {
        for (size_t i = 0; i < got.size(); i++)
            judge(op, got[i], want("c" + std::to_string(i), primes));
    }
};
