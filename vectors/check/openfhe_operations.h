// openfhe_operations.h -- for openfhe.cpp: the operations of the vectors, one
// function for each kind, by OpenFHE's polynomials.
#include "openfhe_words.h"
#include "math/dftransform.h"

inline void words_of_primes(const Test &t)
{
    const Words all = join(now.q, now.p);

    if (t.op == "root") {
        Words r;
        for (const NativeInteger &x : all)
            r.push_back(RootOfUnity<NativeInteger>(2 * now.n, x));
        judge(t.op, r == words(t.value("psi")[0]));
    } else if (t.op == "ntt_forward" || t.op == "ntt_inverse") {
        Format from = t.op == "ntt_inverse" ? EVALUATION : COEFFICIENT;
        Format to = from == EVALUATION ? COEFFICIENT : EVALUATION;
        judge(t.op, as(to, t.given("x", all, from)), t.want("out", all, to));
    } else if (t.op == "automorphism") {
        std::vector<uint32_t> map(now.n);
        uint32_t g = t.in["galois"].GetUint();
        DCRTPoly x = t.given("x", all), want = t.want("out", all);
        PrecomputeAutoMap(now.n, g, &map);
        judge(t.op, x.AutomorphismTransform(g), want);
        judge(t.op, x.AutomorphismTransform(g, map), want);
    } else if (t.op == "mod_mul_int") {
        Words w = multiples(t.in["factor"].GetString(), t.q);
        judge(t.op, t.given("a", t.q).Times(w), t.want("out", t.q));
    } else if (t.op.compare(0, 4, "mod_") == 0) {
        DCRTPoly a = t.given("a", t.q), b = t.given("b", t.q);
        judge(t.op, t.op == "mod_add" ? a + b : t.op == "mod_sub" ? a - b
                                                                  : a * b,
              t.want("out", t.q));
    }
}

inline void base(const Test &t)
{
    const Words level = join(t.q, now.p);

    if (t.op == "mod_up") {
        DCRTPoly x = t.given("x", t.q);
        for (size_t j = 0; j * now.alpha < t.q.size(); j++)
            judge(t.op, raise(x, t.q, j),
                  t.want("digit" + std::to_string(j), level));
    } else if (t.op == "mod_down") {
        judge(t.op, divide(t.given("x", level), t.q, now.p),
              t.want("out", t.q));
    } else if (t.op == "mod_down_rescale") {
        Words keep = cut(t.q, 0, t.q.size() - 1);
        judge(t.op, divide(t.given("x", level), keep,
                           join(now.p, { t.q.back() })), t.want("out", keep));
    } else {
        bool special = t.op == "convert_special";
        size_t j = special ? 0 : std::stoul(t.in["source"].GetString());
        Words a = special ? now.p
                          : cut(t.q, j * now.alpha, (j + 1) * now.alpha);
        Words b = special ? t.q : without(level, a);
        DCRTPoly x = t.given("x", a, COEFFICIENT);
        DCRTPoly want = t.want("out", b, COEFFICIENT);
        DCRTPoly got = convert(x, a, b, special || now.centred);
        judge(t.op + ", approximate", convert(x, a, b, false),
              t.want("approximate", b, COEFFICIENT));
        judge(t.op + ", out", got, want, [&]() {
            return halves(x, a, got - want, b);
        });
    }
}

inline void arithmetic(const Test &t)
{
    const Parts a = t.parts("a");
    const DCRTPoly zero = poly(nullptr, t.q);
    Words primes = t.q;
    Parts c;

    if (t.op == "add" || t.op == "sub") {
        Parts b = t.parts("b");
        for (size_t i = 0; i < std::max(a.size(), b.size()); i++) {
            DCRTPoly x = i < a.size() ? a[i] : zero;
            DCRTPoly y = i < b.size() ? b[i] : zero;
            c.push_back(t.op == "add" ? x + y : x - y);
        }
    } else if (t.op == "mul" || t.op == "square" || t.op == "add_square") {
        Parts b = t.op == "mul" ? t.parts("b") : a;
        c = { a[0] * b[0], a[0] * b[1] + a[1] * b[0], a[1] * b[1] };
        if (t.op == "add_square") {
            Parts z = t.parts("z");
            for (size_t i = 0; i < z.size(); i++)
                c[i] += z[i];
        }
    } else if (t.op == "drop_level") {
        primes.resize(t.in["level"].GetUint() + 1);
        for (c = a; c[0].GetNumOfElements() > primes.size();)
            for (DCRTPoly &x : c)
                x.DropLastElement();
    } else if (t.op == "add_plain" || t.op == "sub_plain") {
        DCRTPoly m = poly(&t.in["m"]["poly"], t.q);
        c = a;
        c[0] = t.op == "add_plain" ? a[0] + m : a[0] - m;
    } else {
        if (t.op == "rescale")
            primes.pop_back();
        for (const DCRTPoly &x : a)
            c.push_back(t.op == "neg" ? x.Negate()
                : t.op == "rescale" ? rescale(x, t.q)
                : t.op == "mul_plain" ? x * poly(&t.in["m"]["poly"], t.q)
                : x.Times(multiples(t.in["factor"].GetString(), t.q)));
    }
    t.judge_parts(c, primes);
}

inline void decrypt(const Test &t)
{
    const Parts c = t.parts("ciphertext");
    const string s = t.in["secret"]["coefficients"].GetString();
    DCRTPoly sk = poly(nullptr, t.q, COEFFICIENT), m = c.back();

    for (NativePoly &limb : sk.GetAllElements())
        for (uint32_t i = 0; i < now.n; i++)            // bytes 0, 1, 2
            limb[i] = NativeInteger(s[2 * i + 1] - '0')
                          .ModSub(1, limb.GetModulus());
    sk.SetFormat(EVALUATION);
    for (size_t i = c.size() - 1; i-- > 0;)
        m = m * sk + c[i];
    judge(t.op, m, t.want("words", t.q));
}

inline void elements(const Test &t)
{
    Words g;

    for (const Json &s : t.in["steps"].GetArray())      // OpenFHE refuses 0
        g.push_back(galois(s.GetInt()) == 1 ? 1
            : FindAutomorphismIndex2nComplex(s.GetInt(), 2 * now.n));
    judge(t.op, g == words(t.value("g")[0]));
}

// Whether all coefficients are 0, 1 or -1.
inline bool small(const DCRTPoly &x, const Words &q)
{
    auto c = as(COEFFICIENT, x).CRTInterpolate();
    BigInteger one(1), minus = product(q) - one;

    for (uint32_t i = 0; i < now.n; i++)
        if (c[i] > one && c[i] != minus)
            return false;
    return true;
}

inline void slots(const Test &t)
{
    const Json &re = t.in["re"], &im = t.in["im"];
    const uint32_t half = now.n / 2;
    std::vector<std::complex<double>> z(half);

    for (uint32_t j = 0; j < half; j++)
        if (!re.IsArray())
            z[j] = { re.GetDouble(), im.GetDouble() };
        else if (j < re.Size())
            z[j] = { re[j].GetDouble(), im[j].GetDouble() };
    DCRTPoly want = t.want("words", t.q);
    const double scale = t.in["scale"].GetDouble();
    auto ep = std::make_shared<EncodingParamsImpl>(30, half);
    DiscreteFourierTransform::Initialize(2 * now.n, half);
    CKKSPackedEncoding p(want.GetParams(), ep, z, 1, 0, scale, half, COMPLEX);
    bool refused = false;
    try {
        p.Encode();
    } catch (const std::exception &) {  // "Scaling factor too small"
        refused = true;
    }
    judge(t.op, !refused && p.GetElement<DCRTPoly>().GetAllElements()
                                == want.GetAllElements(), [&]() {
        return refused && small(want, t.q) ? "no coefficient above a half "
                                             "before rounding: refused there"
                                           : "";
    });
}

// Key switching by the digits and the division of the vectors; OpenFHE's own
// leaves multiples in.  Keys without "a" (v1) give the half of "b" alone.
inline void key_switch(const Test &t)
{
    const bool fused = t.op == "relin_rescale", conj = t.op == "conj";
    const string kind = fused ? "relin" : t.op;
    const Words level = join(t.q, now.p);
    const Words keep = fused ? cut(t.q, 0, t.q.size() - 1) : t.q;
    const Words drop = fused ? join(now.p, { t.q.back() }) : now.p;
    uint32_t g = conj ? 2 * now.n - 1
                      : kind == "relin" ? 1 : galois(t.in["step"].GetInt());
    Parts c = t.parts("a");

    if (!now.centred)
        for (DCRTPoly &x : c)
            x = x.AutomorphismTransform(g);
    for (const Json &key : t.keys->GetArray()) {
        const char *half[] = { "b", "a" };
        Words of = join(cut(now.q, 0, key["level"].GetUint() + 1), now.p);

        if (key["kind"] != kind.c_str()
                || (kind == "rotate" && galois(key["step"].GetInt()) != g))
            continue;
        for (int h = 0; h < 2 && key.HasMember(half[h]); h++) {
            const string number = std::to_string(h);
            DCRTPoly sum = poly(nullptr, level), own = poly(nullptr, t.q);

            for (rapidjson::SizeType j = 0; j * now.alpha < t.q.size(); j++)
                sum += raise(c.back(), t.q, j)
                       * pick({ poly(&key[half[h]][j], of) }, level);
            judge(t.op + ", inner products", sum,
                  t.want("sum" + number, level));
            if (h == 0 || kind == "relin")
                own = c[h];
            sum += pick({ own.Times(residues(product(now.p), t.q)) }, level);
            sum = divide(sum, keep, drop);
            if (now.centred)
                sum = sum.AutomorphismTransform(g);
            judge(t.op, sum, t.want("c" + number, keep));
        }
    }
}
