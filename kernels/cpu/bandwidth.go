package cpu

import "time"

// Bandwidth measures how many bytes a second the workers of d read and write together when they copy what no cache holds, both directions counted.
// It is the best of a few measurements and takes about 0.2 s.
func (d *Device) Bandwidth() float64 {
	const total, chunk = 96 << 20, 1 << 20
	src, dst := make([]byte, total), make([]byte, total)
	once := func() time.Duration {
		start := time.Now()
		d.Parallel(total/chunk, func(i, _ int) { copy(dst[i*chunk:][:chunk], src[i*chunk:]) })
		return time.Since(start)
	}
	for i := range src {
		src[i] = byte(i)
	}
	best := once() // touches the memory
	for range 6 {
		best = min(best, once())
	}
	return 2 * total / best.Seconds()
}
