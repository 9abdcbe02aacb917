package gpu

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRating holds the arithmetic to NVIDIA's data sheets: TFLOP/s of float32, and GB/s.
func TestRating(t *testing.T) {
	for _, c := range []struct {
		Info
		teraflops, gigabytes float64
	}{
		{Info{Name: "T4", Major: 7, Minor: 5, Multiprocessors: 40, Clock: 1590e3, MemoryClock: 5001e3, MemoryBits: 256}, 8.1, 320},
		{Info{Name: "A100 SXM 80 GB", Major: 8, Multiprocessors: 108, Clock: 1410e3, MemoryClock: 1593e3, MemoryBits: 5120}, 19.5, 2039},
		{Info{Name: "RTX 4090", Major: 8, Minor: 9, Multiprocessors: 128, Clock: 2520e3, MemoryClock: 10501e3, MemoryBits: 384}, 82.6, 1008},
		{Info{Name: "H100 SXM", Major: 9, Multiprocessors: 132, Clock: 1980e3, MemoryClock: 2619e3, MemoryBits: 5120}, 66.9, 3350},
	} {
		operations, bytes := c.Rating()
		assert.InEpsilon(t, c.teraflops, operations/1e12, .006, c.Name)
		assert.InEpsilon(t, c.gigabytes, bytes/1e9, .002, c.Name)
	}
}
