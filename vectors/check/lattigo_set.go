// Parameters, words and Lattigo's rings for lattigo.go, which says how to run both.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/tuneinsight/lattigo/v4/ring"
	"golang.org/x/crypto/blake2b"
)

type raw = json.RawMessage
type key struct {
	Kind, Seed  string
	Step, Level int
	B           []raw
}
type test struct {
	TcId      int
	Operation string
	Input     map[string]raw
	Expected  []struct {
		Key   string
		Value raw
	}
}
type group struct {
	Set        string
	Parameters struct {
		LogN, Dnum      int
		Ring            string
		Primes, Special []string
		Conventions     struct {
			Digits    string
			Generator int
		}
	}
	Keys  struct{ List []key }
	Tests []test
}
type poly struct { // modulo the primes of these numbers
	in []int
	*ring.Poly
}
type set struct {
	group
	n, order, top, alpha int
	bad, seen            int // comparisons of a case
	centred              bool
	q, psi               []uint64
	place                [][]int // of Lattigo's word i among ours, for each prime
	rings                map[string]*ring.Ring
}
type operation = func(r *ring.Ring, a, b, out *ring.Poly)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
func get[T any](v raw) (out T) { must(0, json.Unmarshal(v, &out)); return }

func newSet(g group) *set {
	p := g.Parameters
	s := &set{group: g, n: 1 << p.LogN, top: len(p.Primes) - 1, rings: map[string]*ring.Ring{}, centred: p.Conventions.Digits == "centred"}
	gap := map[bool]int{false: 2, true: 4}[p.Ring == "real"]
	s.order, s.alpha = gap*s.n, len(p.Primes)
	if len(p.Special) > 0 {
		s.alpha = (len(p.Primes) + p.Dnum - 1) / p.Dnum
	}
	for _, x := range append(p.Primes, p.Special...) {
		s.q = append(s.q, must(strconv.ParseUint(x, 10, 64)))
	}
	br := func(i int) int { return int(bits.Reverse64(uint64(i)) >> (64 - p.LogN)) }
	for t, r := 0, s.of(s.base(s.top, len(p.Special))); t < len(s.q); t++ { // our psi: the least odd power of theirs
		q, f := s.q[t], 1
		root := ring.InvMForm(r.PsiMont[t], q, r.MredParams[t])
		psi := root
		for e := 1; e < s.order; e += 2 {
			if x := ring.ModExp(root, uint64(e), q); x < psi {
				psi = x
			}
		}
		for ring.ModExp(psi, uint64(f), q) != root {
			f += 2
		}
		if gap == 4 && f%4 == 3 { // values at psi^e and psi^-e are equal
			f = s.order - f
		}
		place := make([]int, s.n)
		for i := range place {
			place[i] = br(((gap*br(i)+1)*f%s.order - 1) / gap)
		}
		s.psi, s.place = append(s.psi, psi), append(s.place, place)
	}
	return s
}
func (s *set) base(level, special int) (list []int) {
	for t := range s.q {
		if t <= level || t > s.top && t <= s.top+special {
			list = append(list, t)
		}
	}
	return
}
func (s *set) digits(level int) (out [][]int) {
	for d := s.base(level, 0); len(d) > 0; d = d[len(out[len(out)-1]):] {
		if out = append(out, d); len(d) > s.alpha {
			out[len(out)-1] = d[:s.alpha]
		}
	}
	return
}
func (s *set) moduli(list []int) (q []uint64, product *big.Int) {
	product = big.NewInt(1)
	for _, t := range list {
		q = append(q, s.q[t])
		product.Mul(product, new(big.Int).SetUint64(s.q[t]))
	}
	return
}
func (s *set) of(list []int) *ring.Ring {
	if name := fmt.Sprint(list); s.rings[name] == nil {
		q, _ := s.moduli(list)
		s.rings[name] = must(ring.NewRingFromType(s.n, q, map[bool]ring.Type{false: ring.Standard, true: ring.ConjugateInvariant}[s.order == 4*s.n]))
	}
	return s.rings[fmt.Sprint(list)]
}
func (s *set) uniform(seed string, a, t int) (out []uint64) { // of stream(seed; a, t): BLAKE2Xb of unknown length
	x, b := must(blake2b.NewXOF(blake2b.OutputLengthUnknown, must(hex.DecodeString(seed)))), make([]byte, 8)
	x.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(a)), uint64(t)))
	for len(out) < s.n {
		must(x.Read(b))
		if w := binary.LittleEndian.Uint64(b) & (1<<bits.Len64(s.q[t]-1) - 1); w < s.q[t] {
			out = append(out, w)
		}
	}
	return
}
func (s *set) read(v raw, list []int) poly { // the words of the file
	var limbs []string
	out := poly{Poly: &ring.Poly{}}
	if json.Unmarshal(v, &limbs) != nil {
		seeded := get[struct {
			Seed   string
			Primes []int
		}](v)
		for _, t := range seeded.Primes {
			out.in, out.Coeffs = append(out.in, t), append(out.Coeffs, s.uniform(seeded.Seed, 0, t))
		}
	}
	for k, text := range limbs {
		b, w := must(hex.DecodeString(text)), make([]uint64, s.n)
		for i := range w {
			w[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		out.in, out.Coeffs = append(out.in, list[k]), append(out.Coeffs, w)
	}
	return out
}

// theirs reads values modulo the primes 0, 1, ...
func (s *set) theirs(v raw) poly { return s.move(s.read(v, s.base(s.top, 99)), false) }
func (s *set) move(x poly, toOurs bool) poly { // words of the file to Lattigo's places and back
	out := poly{x.in, ring.NewPoly(s.n, len(x.in)-1)}
	for k, t := range x.in {
		for i, j := range s.place[t] {
			if toOurs {
				out.Coeffs[k][j] = x.Coeffs[k][i]
			} else {
				out.Coeffs[k][i] = x.Coeffs[k][j]
			}
		}
	}
	return out
}
func (s *set) apply(f func(r *ring.Ring, a, out *ring.Poly), a poly) poly {
	out := poly{a.in, ring.NewPoly(s.n, len(a.in)-1)}
	f(s.of(a.in), a.Poly, out.Poly)
	return out
}
func (s *set) both(f operation, a, b poly) poly {
	return s.apply(func(r *ring.Ring, a, out *ring.Poly) { f(r, a, b.Poly, out) }, a)
}
func (s *set) times(a poly, w *big.Int) poly {
	return s.apply(func(r *ring.Ring, a, out *ring.Poly) { r.MulScalarBigint(a, w, out) }, a)
}
func (s *set) turn(a poly, g uint64) poly {
	return s.apply(func(r *ring.Ring, a, out *ring.Poly) { r.PermuteNTT(a, g, out) }, a)
}
func (s *set) pick(x poly, list []int) poly {
	out := poly{list, &ring.Poly{}}
	for _, t := range list {
		for k := range x.in {
			if x.in[k] == t {
				out.Coeffs = append(out.Coeffs, x.Coeffs[k])
			}
		}
	}
	return out
}
func (s *set) extend(x poly, to []int, half bool) poly { // coefficients to other primes
	from, target, out := s.of(x.in), s.of(to), poly{to, ring.NewPoly(s.n, len(to)-1)}
	q, D := s.moduli(x.in)
	p, _ := s.moduli(to)
	if D.Rsh(D, 1); !half {
		D.SetInt64(0)
	}
	y := s.apply(func(r *ring.Ring, a, out *ring.Poly) { r.AddScalarBigint(a, D, out) }, x)
	if len(x.in) > 1 {
		ring.ModUpExact(y.Coeffs, out.Coeffs, from, target, ring.GenModUpParams(q, p))
	} else {
		for k := range to { // a digit of one prime: Lattigo's Decomposer copies it
			copy(out.Coeffs[k], y.Coeffs[0])
		}
	}
	target.Reduce(out.Poly, out.Poly)
	target.SubScalarBigint(out.Poly, D, out.Poly)
	return out
}
func without(list, source []int) (rest []int) {
	for _, t := range list {
		for _, k := range source {
			if t == k {
				t = -1
			}
		}
		if t >= 0 {
			rest = append(rest, t)
		}
	}
	return
}
func (s *set) down(x poly, source []int, half bool) poly { // values; division by the product of the source primes
	x = s.pick(x, append(without(x.in, source), source...))
	count := len(x.in) - len(source)
	q, p := s.of(x.in[:count]), s.of(source)
	be, out := ring.NewBasisExtender(q, p), poly{x.in[:count], q.NewPoly()}
	low, high := &ring.Poly{Coeffs: x.Coeffs[:count]}, &ring.Poly{Coeffs: x.Coeffs[count:]}
	if !half {
		be.ModDownQPtoQNTT(count-1, len(source)-1, low, high, out.Poly)
	} else {
		c, d, h := q.NewPoly(), p.NewPoly(), new(big.Int)
		_, D := s.moduli(source)
		q.InvNTT(low, c)
		p.InvNTT(high, d)
		q.AddScalarBigint(c, h.Rsh(D, 1), c)
		p.AddScalarBigint(d, h, d)
		be.ModDownQPtoQ(count-1, len(source)-1, c, d, out.Poly)
		q.Reduce(out.Poly, out.Poly)
		q.NTT(out.Poly, out.Poly)
	}
	q.Reduce(out.Poly, out.Poly)
	return out
}
