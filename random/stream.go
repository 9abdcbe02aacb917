package random

import (
	"math"
	"math/bits"
)

// Stream is the sequence of random numbers for one purpose, index and step. Its fields are set in a literal before the first
// number is drawn and not changed after; the sequence starts at its beginning. A Stream is used by one goroutine at a time.
//
// It holds 2³⁴ words. Float64 functions of package math stand behind Normal and TruncatedNormal, so that another
// processor may round a number in its last bit differently; everything else is the same everywhere.
type Stream struct {
	Seed    uint64
	Purpose Purpose
	Index   uint32 // which one: layer, weight, sample; 0 where there is one only
	Step    uint64 // when: epoch or update, at most MaxStep

	block uint32
	left  int // words not yet used
	words [4]uint32
	spare float32 // the second number of a Box-Muller pair
	held  bool    // whether spare is one
}

const streamEmpty = "random: all 2³⁴ words of a stream are used up"

// Uint32 gives the next word.
func (s *Stream) Uint32() uint32 {
	if s.left == 0 {
		if s.block == math.MaxUint32 {
			panic(streamEmpty)
		}
		s.words = Philox(s.Seed, Counter(s.Purpose, s.Index, s.Step, s.block))
		s.block++
		s.left = 4
	}
	s.left--
	return s.words[3-s.left]
}

// Uint32n gives a number in [0,n), all equally likely; n is at least 1.
//
// Source: Lemire, "Fast random integer generation in an interval", 2019.
func (s *Stream) Uint32n(n uint32) uint32 {
	hi, lo := bits.Mul32(s.Uint32(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul32(s.Uint32(), n)
		}
	}
	return hi
}

// Float32 gives a number in [0,1).
func (s *Stream) Float32() float32 { return Uniform01(s.Uint32()) }

// Uniform gives a number in [low,high).
func (s *Stream) Uniform(low, high float32) float32 {
	for {
		// Rounding may take the sum up to high.
		if x := low + (high-low)*s.Float32(); x < high || low >= high {
			return x
		}
	}
}

// Normal gives a normally distributed number of mean 0 and standard deviation 1 (Box and Muller 1958).
func (s *Stream) Normal() float32 {
	if s.held {
		s.held = false
		return s.spare
	}
	// 1-u lies in (0,1], where the logarithm is finite.
	radius := math.Sqrt(-2 * math.Log(1-float64(s.Float32())))
	sin, cos := math.Sincos(2 * math.Pi * float64(s.Float32()))
	s.spare, s.held = float32(radius*sin), true
	return float32(radius * cos)
}

// TruncatedNormal gives a number like Normal's, drawn anew while it is further than 2 from 0, as Keras does.
//
// Its standard deviation is 0.87962566103423978, which initializers divide by.
func (s *Stream) TruncatedNormal() float32 {
	for {
		if x := s.Normal(); x >= -2 && x <= 2 {
			return x
		}
	}
}

// Permutation gives the numbers 0 to n-1 in the random order of an epoch (Fisher and Yates, Durstenfeld 1964).
func Permutation(seed uint64, epoch, n int) []int32 {
	s := Stream{Seed: seed, Purpose: Shuffle, Step: uint64(epoch)}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := s.Uint32n(uint32(i) + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
