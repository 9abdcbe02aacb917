// Package parity holds kernels against their definitions in tests: on each instruction set and with 1, 2, 3 and 5 workers, with NaN
// behind the sources, guards around what is written, and no allocation once a kernel is made. Nothing but tests imports it.
package parity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// Sizes are lengths around those of vectors: 1, odd, a vector and one element more or less, several.
var Sizes = []int{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 129, 1000}

// band is the number of elements before and behind a buffer, a multiple of 64 bytes.
const band = 32

// poison is a NaN that no calculation gives.
const poison = 0x7fabcdef

// buffer gives n elements aligned to 64 bytes, all of them and the bands around them poison; and the whole.
func buffer(n int) (inner, whole []float32) {
	all := make([]float32, n+2*band+16)
	skip := int(-uintptr(unsafe.Pointer(&all[0])) % 64 / 4)
	whole = all[skip:][:n+2*band]
	for i := range whole {
		whole[i] = math.Float32frombits(poison)
	}
	return whole[band:][:n:n], whole
}

// In gives a copy of values as kernels are handed them: aligned to 64 bytes, NaN before and behind.
func In[T float32 | float64](values []T) []float32 {
	inner, _ := buffer(len(values))
	for i, v := range values {
		inner[i] = float32(v)
	}
	return inner
}

// Out gives n elements to write, all NaN. The end of the test looks whether anything around them was written.
func Out(t *testing.T, n int) []float32 {
	t.Helper()
	inner, whole := buffer(n)
	t.Cleanup(func() {
		for i := range band {
			require.Equal(t, uint32(poison), math.Float32bits(whole[i]), "%d elements before the output of %d are written", band-i, n)
			require.Equal(t, uint32(poison), math.Float32bits(whole[band+n+i]), "%d elements behind the output of %d are written", i+1, n)
		}
	})
	return inner
}

// InOut gives a copy of values to change in place, guarded as Out's.
func InOut[T float32 | float64](t *testing.T, values []T) []float32 {
	t.Helper()
	out := Out(t, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// Workspace gives so many bytes, guarded as Out's.
func Workspace(t *testing.T, bytes int) []float32 {
	t.Helper()
	return Out(t, (bytes+3)/4)
}

// Normal gives n numbers of mean 0 and standard deviation 1 that a float32 holds exactly.
func Normal(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(float32(rng.NormFloat64()))
	}
	return x
}

// Narrow gives x in float32.
func Narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// Device starts workers for a test.
func Device(t testing.TB, isa cpu.ISA, threads int) *cpu.Device {
	t.Helper()
	dev, err := cpu.NewDevice(cpu.Config{Threads: threads, ISA: &isa})
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	return dev
}

// Each runs a test for each instruction set, with two workers.
func Each(t *testing.T, f func(t *testing.T, dev *cpu.Device)) {
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) { f(t, Device(t, isa, 2)) })
	}
}

// Kernel makes a kernel on a device and gives a function that runs it, and what that writes.
type Kernel func(t *testing.T, dev *cpu.Device) (run func(), outputs [][]float32)

// Want is what an output should be, and how far it may be from it, relative to the larger of its largest magnitude and Scale, that of the
// terms that it is a sum of. Tolerance 0 asks for the same number.
type Want struct {
	Values    []float64
	Tolerance float64
	Scale     float64
}

// Exactly asks for the numbers that the definition gives in float32.
func Exactly(values []float32) Want {
	wide := make([]float64, len(values))
	for i, v := range values {
		wide[i] = float64(v)
	}
	return Want{Values: wide}
}

// Check runs a kernel once on every instruction set with 1, 2, 3 and 5 workers. Its outputs must be as wanted, and the same bits for
// each number of workers.
func Check(t *testing.T, kernel Kernel, want ...Want) {
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			var first [][]float32
			for _, threads := range []int{1, 2, 3, 5} {
				run, got := kernel(t, Device(t, isa, threads))
				run()
				if first == nil {
					first = got
					require.Len(t, got, len(want))
					for i, w := range want {
						require.NoError(t, compare(got[i], w), "output %d", i)
					}
				}
				for i := range got {
					require.NoError(t, sameBits(first[i], got[i]), "output %d with %d workers", i, threads)
				}
			}
		})
	}
}

// NoAllocation runs a kernel several times on each instruction set, with one and two workers; that may not allocate.
func NoAllocation(t *testing.T, kernel Kernel) {
	for _, isa := range cpu.Available() {
		for _, threads := range []int{1, 2} {
			run, _ := kernel(t, Device(t, isa, threads))
			run()
			require.Zero(t, testing.AllocsPerRun(10, run), "%v, %d workers", isa, threads)
		}
	}
}

func compare(got []float32, want Want) error {
	if len(got) != len(want.Values) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want.Values))
	}
	largest := want.Scale
	for _, w := range want.Values {
		largest = max(largest, math.Abs(w))
	}
	for i, w := range want.Values {
		g := float64(got[i])
		if !(math.Abs(g-w) <= want.Tolerance*largest) && g != w && !(math.IsNaN(g) && math.IsNaN(w) && math.Float32bits(got[i]) != poison) {
			return fmt.Errorf("element %d of %d is %v, want %v ± %v", i, len(got), g, w, want.Tolerance*largest)
		}
	}
	return nil
}

func sameBits(a, b []float32) error {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return fmt.Errorf("element %d of %d is %v, with one worker %v", i, len(a), b[i], a[i])
		}
	}
	return nil
}
