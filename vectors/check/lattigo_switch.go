// Base conversion, mod-down and key switching by Lattigo, for lattigo.go.
package main

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/tuneinsight/lattigo/v4/ring"
)

// convert checks base conversions and mod-down.
func (s *set) convert(t *test) {
	level, last := get[int](t.Input["level"]), len(get[[]raw](t.Expected[len(t.Expected)-1].Value))
	switch t.Operation {
	case "convert_special":
		x := s.read(t.Input["x"], s.base(-1, 99))
		_, D := s.moduli(x.in)
		s.check(t, "out", s.extend(x, s.base(level, 0), false), D, s.extend(x, s.base(level, 0), true))
	case "convert_digit":
		from := s.digits(level)[must(strconv.Atoi(get[string](t.Input["source"])))]
		x, to := s.read(t.Input["x"], from), without(s.base(level, last+len(from)-level-1), from)
		_, D := s.moduli(x.in)
		if floor := s.extend(x, to, false); s.centred {
			s.check(t, "out", floor, D, s.extend(x, to, true))
		} else {
			s.check(t, "out", floor, D)
		}
	case "mod_up":
		coeff := s.apply((*ring.Ring).InvNTT, s.theirs(t.Input["x"]))
		s.check(t, "coeff", coeff, new(big.Int))
		s.raise(t, coeff, level, last-level-1)
	default:
		x := s.read(t.Input["x"], s.base(s.top, 99))
		x = s.move(poly{s.base(level, len(x.in)-level-1), x.Poly}, false)
		source := without(x.in, s.base(level, 0))
		if t.Operation == "mod_down_rescale" {
			source = append(source, level)
		}
		s.divided(t, "out", x, source)
	}
}

// raise checks the digits of x (coefficients) over Q_l P_k and gives the file's ones, as values.
func (s *set) raise(t *test, x poly, level, special int) (digits []poly) {
	base := s.base(level, special)
	for j, d := range s.digits(level) {
		floor, half := s.digit(x, d, base, false), s.digit(x, d, base, true)
		_, D := s.moduli(d)
		name, value := fmt.Sprint("digit", j), func(x poly) poly { return s.apply((*ring.Ring).NTT, x) }
		if s.centred {
			s.check(t, fmt.Sprint("raised", j), floor, D, half)
			s.check(t, name, s.move(value(floor), true), D, s.move(value(half), true))
			floor = half
		} else {
			s.check(t, fmt.Sprint("raised", j), floor, D)
			s.values(t, name, value(floor))
		}
		digits = append(digits, value(floor))
	}
	return
}

// switched does the steps of key switching for x and gives both inner products.
func (s *set) switched(t *test, x poly, level, special int, k key) (sums []poly) {
	_, R := s.moduli(without(s.base(-1, 99), s.base(-1, special)))
	_, Q := s.moduli(x.in)
	x = s.times(x, R.ModInverse(R, Q))
	coeff, base := s.apply((*ring.Ring).InvNTT, x), s.base(level, special)
	s.values(t, "over", x)
	s.check(t, "coeff", coeff, new(big.Int))
	full := s.base(k.Level, 99)
	for j, v := range s.raise(t, coeff, level, special) {
		a := poly{full, &ring.Poly{}}
		for _, p := range full {
			a.Coeffs = append(a.Coeffs, s.uniform(k.Seed, 1+j, p))
		}
		for i, half := range []poly{s.read(k.B[j], full), a} {
			if y := s.both((*ring.Ring).MulCoeffs, v, s.pick(s.move(half, false), base)); j == 0 {
				sums = append(sums, y)
			} else {
				sums[i] = s.both((*ring.Ring).Add, sums[i], y)
			}
		}
	}
	return
}
func (s *set) digit(x poly, d, base []int, half bool) poly { // its own limbs stay as they are
	y, rest := s.pick(x, d), without(base, d)
	z := s.extend(y, rest, half)
	return s.pick(poly{append(append([]int{}, d...), rest...), &ring.Poly{Coeffs: append(append([][]uint64{}, y.Coeffs...), z.Coeffs...)}}, base)
}
func (s *set) divided(t *test, name string, x poly, source []int) poly { // mod-down by Lattigo; gives the rounded one
	floor, half := s.down(x, source, false), s.down(x, source, true)
	s.check(t, name, s.move(floor, true), new(big.Int), s.move(half, true))
	return half
}
func (s *set) keySwitch(t *test) {
	parts, level := s.parts(t.Input["a"])
	g, name, special := uint64(s.order-1), t.Operation, 0
	if name == "rotate" {
		g = s.galois(get[int](t.Input["step"]))
	}
	relin := name == "relin" || name == "relin_rescale"
	var k key
	for _, x := range s.Keys.List {
		if relin && x.Kind == "relin" || x.Kind == name && (name == "conj" || s.galois(x.Step) == g) {
			k = x
		}
	}
	for _, e := range t.Expected {
		if e.Key == "sum0" {
			special = len(get[[]raw](e.Value)) - level - 1
		}
	}
	if !relin && !s.centred {
		parts = []poly{s.turn(parts[0], g), s.turn(parts[1], g)}
		s.values(t, "switched", parts[1])
	}
	sums := s.switched(t, parts[len(parts)-1], level, special, k)
	source, P := s.base(-1, special), big.NewInt(1)
	for i, sum := range sums {
		s.values(t, fmt.Sprint("sum", i), sum)
		if name == "relin_rescale" {
			_, P = s.moduli(source)
			lifted := poly{sum.in, s.of(sum.in).NewPoly()}
			for l := 0; l <= level; l++ {
				copy(lifted.Coeffs[l], parts[i].Coeffs[l])
			}
			sum = s.both((*ring.Ring).Add, sum, s.times(lifted, P))
			s.values(t, fmt.Sprint("c", i), s.divided(t, fmt.Sprint("fused", i), sum, append(append([]int{}, source...), level)))
			continue
		}
		out := s.divided(t, fmt.Sprint("down", i), sum, source)
		if relin || i == 0 {
			out = s.both((*ring.Ring).Add, out, parts[i])
		}
		if !relin && s.centred {
			out = s.turn(out, g)
		}
		s.values(t, fmt.Sprint("c", i), out)
	}
}
func (s *set) galois(step int) uint64 {
	g, slots := 1, s.n/2
	if s.order == 4*s.n {
		slots = s.n
	}
	for k := 0; k < (step%slots+slots)%slots; k++ {
		g = g * s.Parameters.Conventions.Generator % s.order
	}
	return uint64(g)
}
func (s *set) parts(v raw) (parts []poly, level int) {
	c := get[ciphertext](v)
	for _, x := range c.Parts {
		parts = append(parts, s.theirs(x))
	}
	return parts, c.Level
}
