// Package random makes random numbers that depend on what they are for and on nothing else.
//
// There is no generator to advance and no state to save: number i of a purpose is a function of the seed, the purpose, an
// index (which layer, which sample), a step (which epoch, which update) and i. So the numbers are the same for any number of
// workers, on every device, and after a resume.
//
// Files: philox.go the function from counter to numbers, and how counters are laid out; stream.go distributions and
// permutations on top. Kernels that draw numbers by the million (dropout) compute the same function in their own way.
package random

import "math/bits"

// Constants of Philox 4×32 (Salmon et al. 2011, table 2): the two multipliers, and what is added to the key each round.
const (
	Multiplier0 = 0xD2511F53
	Multiplier1 = 0xCD9E8D57
	Weyl0       = 0x9E3779B9 // golden ratio
	Weyl1       = 0xBB67AE85 // √3 - 1
	Rounds      = 10
)

// Philox computes Philox 4×32-10: four random words for each pair of key and counter.
//
// The key's low word is Random123's key[0]. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011; the tests hold Random123's known answers.
func Philox(key uint64, counter [4]uint32) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	c := counter
	for range Rounds {
		hi0, lo0 := bits.Mul32(Multiplier0, c[0])
		hi1, lo1 := bits.Mul32(Multiplier1, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0}
		k0 += Weyl0
		k1 += Weyl1
	}
	return c
}

// Uniform01 makes a number in [0,1) of a random word: one of the 2²⁴ multiples of 2⁻²⁴, all equally likely.
func Uniform01(word uint32) float32 { return float32(word>>8) * (1.0 / (1 << 24)) }

// Purpose says what random numbers are for. Numbers of different purposes have nothing to do with each other.
//
// The values are part of what makes a run repeatable: a new purpose goes to the end.
type Purpose uint8

// The purposes.
const (
	Shuffle    Purpose = 1 + iota // the order of samples; step: epoch
	Augment                       // changes of a sample; index: sample, step: epoch
	Dropout                       // elements dropped, and noise; index: stream of the layer, step: update
	Initialize                    // first values of weights; index: which weight of the model
	Synthetic                     // made-up data for benchmarks and tests; index: which array
	Split                         // which samples are held back for validation
)

// MaxStep is the largest step that a counter has room for.
const MaxStep = 1<<56 - 1

// Counter lays out the counter of block number `block`, that is of numbers 4·block to 4·block+3 of one stream.
//
// Word 0 is the block, word 1 the index, word 2 the low half of step; word 3 has the purpose in its top byte and bits 32 to 55 of
// step below it. Kernels rely on this: only word 0 changes within a stream.
func Counter(purpose Purpose, index uint32, step uint64, block uint32) [4]uint32 {
	return [4]uint32{block, index, uint32(step), uint32(purpose)<<24 | uint32(step>>32)&(1<<24-1)}
}
