// A checker of vectors/v*/*.json against Lattigo 4.1.1 (package ring): root, NTT, automorphisms, arithmetic modulo the
// primes and on ciphertexts, rescaling, base conversion, mod-down, key switching step by step; both rings.
//
//	git clone -b v4.1.1 https://github.com/tuneinsight/lattigo PEERS/lattigo    # PEERS: any folder, as an absolute path
//	mkdir -p PEERS/go/src/github.com/tuneinsight/lattigo
//	ln -s PEERS/lattigo PEERS/go/src/github.com/tuneinsight/lattigo/v4
//	apt-get install golang-go golang-golang-x-crypto-dev
//	GO111MODULE=off GOPATH=PEERS/go:/usr/share/gocode go run vectors/check/lattigo*.go vectors/v?/*.json
//
// What differs must be explained, or the case fails: "floors": equal to the file once half the divisor is added before
// Lattigo's call and taken off after it (it divides and converts with a floor, we with a rounding); "doubles": only by
// the divisor, in words where an inexact sum of doubles decides; "unreduced": p in place of 0 (Lattigo's Neg).
package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"sort"

	"github.com/tuneinsight/lattigo/v4/ring"
	"golang.org/x/crypto/blake2b"
)

type count struct{ compared, equal, floors, doubles, unreduced, unexplained, words int }
type ciphertext struct {
	Level int
	Parts []raw
}

var counts, skips = map[string]*count{}, map[string]int{}

// differ counts the words (and whole digests) that differ from the file's, and of these the ones that differ by D.
func (s *set) differ(want raw, got poly, D *big.Int) (words, byD int) {
	for k, v := range get[[]raw](want) {
		b := []byte{}
		for _, w := range got.Coeffs[k] {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		if v[0] == '{' {
			if sum := blake2b.Sum256(b); hex.EncodeToString(sum[:]) != get[struct{ Blake2b string }](v).Blake2b {
				words++
			}
			continue
		}
		file, d, q := must(hex.DecodeString(get[string](v))), new(big.Int), new(big.Int).SetUint64(s.q[got.in[k]])
		for i := 0; i < len(file); i += 8 {
			x, y := binary.LittleEndian.Uint64(file[i:]), got.Coeffs[k][i/8]
			if x != y {
				words++
				d.Sub(new(big.Int).SetUint64(x), new(big.Int).SetUint64(y))
				if new(big.Int).Mod(new(big.Int).Sub(d, D), q).Sign() == 0 || d.Mod(d.Add(d, D), q).Sign() == 0 {
					byD++
				}
			}
		}
	}
	return
}

// check compares one expected entry with Lattigo's polynomial; exact is the same with half the divisor D added first.
func (s *set) check(t *test, name string, got poly, D *big.Int, exact ...poly) {
	for _, e := range t.Expected {
		if e.Key != name {
			continue
		}
		if counts[t.Operation] == nil {
			counts[t.Operation] = &count{}
		}
		c := counts[t.Operation]
		c.compared++
		s.seen++
		words, byD := s.differ(e.Value, got, D)
		if words == 0 {
			c.equal++
			return
		}
		rest := words
		if len(exact) > 0 {
			rest, byD = s.differ(e.Value, exact[0], D)
		}
		c.words += words
		switch {
		case rest == 0:
			c.floors++
		case rest == byD && D.Sign() == 0:
			c.unreduced++
		case rest == byD:
			c.doubles++
		default:
			c.unexplained++
			s.bad++
			fmt.Printf("case %d, set %s, %s: %s: %d words differ (%d by the divisor)\n", t.TcId, s.Set, t.Operation, name, rest, byD)
		}
	}
}
func (s *set) values(t *test, name string, got poly) {
	s.check(t, name, s.move(got, true), new(big.Int))
}
func (s *set) arithmetic(t *test) {
	add, sub, mul := (*ring.Ring).Add, (*ring.Ring).Sub, (*ring.Ring).MulCoeffs
	a, level := s.parts(t.Input["a"])
	var b []poly
	if v := t.Input["b"]; v != nil {
		b, _ = s.parts(v)
	}
	factor, m := new(big.Int), poly{}
	if v := t.Input["factor"]; v != nil {
		factor.SetString(get[string](v), 10)
	}
	if v := t.Input["m"]; v != nil {
		m = s.theirs(get[struct{ Poly raw }](v).Poly)
	}
	switch t.Operation {
	case "add", "sub":
		for len(a) < len(b) {
			a = append(a, s.times(a[0], new(big.Int)))
		}
		for i := range b {
			a[i] = s.both(map[string]operation{"add": add, "sub": sub}[t.Operation], a[i], b[i])
		}
	case "add_plain":
		a[0] = s.both(add, a[0], m)
	case "sub_plain":
		a[0] = s.both(sub, a[0], m)
	case "square", "add_square":
		a = []poly{s.both(mul, a[0], a[0]), s.times(s.both(mul, a[0], a[1]), big.NewInt(2)), s.both(mul, a[1], a[1])}
	case "mul":
		a = []poly{s.both(mul, a[0], b[0]), s.both(add, s.both(mul, a[0], b[1]), s.both(mul, a[1], b[0])), s.both(mul, a[1], b[1])}
	default:
		for i, x := range a {
			switch t.Operation {
			case "mul_alternating": // X^(N/2) + X^-(N/2)
				y := poly{x.in, s.of(x.in).NewPoly()}
				for k := range y.in {
					y.Coeffs[k][s.n/2] = 1
				}
				a[i] = s.both(mul, x, s.apply((*ring.Ring).NTT, y))
			case "neg":
				a[i] = s.apply((*ring.Ring).Neg, x)
			case "mul_int":
				a[i] = s.times(x, factor)
			case "mul_plain":
				a[i] = s.both(mul, x, m)
			case "rescale":
				r, out, buffer := s.of(x.in), s.of(x.in[:level]).NewPoly(), s.of(x.in).NewPoly()
				r.DivRoundByLastModulusNTTLvl(level, x.Poly, buffer, out)
				a[i] = poly{x.in[:level], out}
			case "drop_level":
				a[i] = s.pick(x, s.base(get[int](t.Input["level"]), 0))
			}
		}
	}
	for i, x := range a {
		if t.Operation == "add_square" {
			z, _ := s.parts(t.Input["z"])
			x = s.both(add, x, z[i])
		}
		s.values(t, fmt.Sprint("c", i), x)
	}
}

// run checks one case and says whether Lattigo can express it.
func (s *set) run(t *test) bool {
	in, all := func(name string) raw { return t.Input[name] }, s.base(s.top, 99)
	limbs := map[string]operation{"mod_add": (*ring.Ring).Add, "mod_sub": (*ring.Ring).Sub, "mod_mul": (*ring.Ring).MulCoeffs}
	switch t.Operation {
	case "root":
		sums := []uint64{} // of psi and its inverse: in the real ring no more is seen of psi
		for k, q := range s.q {
			sums = append(sums, (s.psi[k]+ring.ModExp(s.psi[k], q-2, q))%q)
		}
		for name, w := range map[string][]uint64{"psi": s.psi, "sum": sums} {
			s.check(t, name, poly{[]int{0}, &ring.Poly{Coeffs: [][]uint64{w}}}, new(big.Int))
		}
	case "ntt_forward":
		s.values(t, "out", s.apply((*ring.Ring).NTT, s.read(in("x"), all)))
	case "ntt_inverse":
		s.check(t, "out", s.apply((*ring.Ring).InvNTT, s.theirs(in("x"))), new(big.Int))
	case "automorphism":
		s.values(t, "out", s.turn(s.theirs(in("x")), get[uint64](in("galois"))))
	case "mod_add", "mod_sub", "mod_mul":
		s.values(t, "out", s.both(limbs[t.Operation], s.theirs(in("a")), s.theirs(in("b"))))
	case "mod_mul_int":
		w, _ := new(big.Int).SetString(get[string](in("factor")), 10)
		s.values(t, "out", s.times(s.theirs(in("a")), w))
	case "sample_uniform":
		if get[int](in("b")) != get[int](in("prime")) {
			return false
		}
		s.check(t, "out", poly{[]int{0}, &ring.Poly{Coeffs: [][]uint64{s.uniform(get[string](in("seed")), get[int](in("a")), get[int](in("prime")))}}}, new(big.Int))
	case "convert_digit", "convert_special", "mod_up", "mod_down", "mod_down_rescale":
		s.convert(t)
	case "relin", "relin_rescale", "rotate", "conj":
		if len(s.Keys.List) == 0 {
			return false // keys made from seeds: the digest sets
		}
		s.keySwitch(t)
	case "decrypt", "transparent":
		secret := get[struct{ Coefficients string }](in("secret")).Coefficients
		if secret == "" {
			return false
		}
		parts, _ := s.parts(in("ciphertext"))
		x, sk := parts[len(parts)-1], poly{parts[0].in, s.of(parts[0].in).NewPoly()}
		for i, c := range must(hex.DecodeString(secret)) {
			for k, t := range sk.in {
				sk.Coeffs[k][i] = (s.q[t] + uint64(c) - 1) % s.q[t]
			}
		}
		sk = s.apply((*ring.Ring).NTT, sk)
		for k := len(parts) - 2; k >= 0; k-- {
			x = s.both((*ring.Ring).Add, s.both((*ring.Ring).MulCoeffs, x, sk), parts[k])
		}
		s.values(t, "words", x)
	case "combine":
		parts := [][]poly{}
		for _, v := range get[[]raw](in("in")) {
			p, _ := s.parts(v)
			parts = append(parts, p)
		}
		for _, b := range get[[]struct {
			First  int
			Index  []int
			Weight [][]int64
		}](in("blocks")) {
			for r, row := range b.Weight {
				for h := range parts[0] {
					sum := s.times(parts[0][h], new(big.Int))
					for k, w := range row {
						sum = s.both((*ring.Ring).Add, sum, s.times(parts[b.Index[k]][h], big.NewInt(w)))
					}
					s.values(t, fmt.Sprintf("out%dc%d", b.First+r, h), sum)
				}
			}
		}
	case "add", "sub", "neg", "add_plain", "sub_plain", "mul", "square", "add_square", "mul_int", "mul_plain", "mul_alternating", "rescale", "drop_level":
		s.arithmetic(t)
	default:
		return false
	}
	return true
}

func main() {
	passed, failed, skipped := 0, 0, 0
	for _, file := range os.Args[1:] {
		for _, g := range get[struct{ TestGroups []group }](must(os.ReadFile(file))).TestGroups {
			s := newSet(g)
			for k := range g.Tests {
				t := &g.Tests[k]
				if s.bad, s.seen = 0, 0; !s.run(t) || s.seen == 0 {
					skips[t.Operation]++
					skipped++
				} else if s.bad == 0 {
					passed++
				} else {
					failed++
				}
			}
		}
	}
	names := []string{}
	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	format := "%-17s %9v %9v %9v %9v %9v %12v %9v\n"
	fmt.Printf(format, "", "", "", "explained", "explained", "explained", "", "words")
	fmt.Printf(format, "operation", "compared", "equal", "floors", "doubles", "unreduced", "unexplained", "differing")
	for _, name := range names {
		c := counts[name]
		fmt.Printf(format, name, c.compared, c.equal, c.floors, c.doubles, c.unreduced, c.unexplained, c.words)
	}
	fmt.Println("not run:", skips)
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		os.Exit(1)
	}
}
