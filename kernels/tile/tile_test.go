package tile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Numbers that a kernel may read, but that must not reach a result, are NaN; what it must not write keeps guard.
const guard = float32(-12345)

var nan = float32(math.NaN())

// slack is what may be read past a buffer: 64 bytes.
const slack = 16

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n+slack)
	for i := range x {
		x[i] = nan
		if i < n {
			x[i] = r.Float32()*2 - 1
		}
	}
	return x
}

type family struct {
	name string
	rowA bool
}

var families = []family{{"row", true}, {"column", false}}

func eachSet(t *testing.T, do func(t *testing.T, s *Set)) {
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			s := For(isa)
			require.Equal(t, isa, s.ISA)
			do(t, s)
		})
	}
}

// TestKernels runs every kernel against the sum in float64.
func TestKernels(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, w := range s.Widths {
			for _, f := range families {
				kernels := w.ColumnA
				if f.rowA {
					kernels = w.RowA
				}
				require.Len(t, kernels, w.Rows+1)
				for rows := 1; rows <= w.Rows; rows++ {
					for cols := w.Columns - s.Lanes + 1; cols <= w.Columns; cols++ {
						for _, k := range []int{1, 3, 4, 9} {
							flags := r.IntN(16)
							if cols == w.Columns && k == 9 {
								for flags = range 15 {
									check(t, r, s, f, kernels[rows], rows, cols, k, flags, w.Columns)
								}
								flags = 15
							}
							check(t, r, s, f, kernels[rows], rows, cols, k, flags, w.Columns)
						}
					}
				}
			}
		}
	})
}

func check(t *testing.T, r *rand.Rand, s *Set, f family, kernel Kernel, rows, cols, k, flags, width int) {
	t.Helper()
	taps := 1 + r.IntN(3)
	// A holds rows x k (or k x rows) at every tap, B k x cols, with gaps between rows that hold NaN.
	aRow, aK := k+r.IntN(3), 1
	aSize := rows * aRow
	if !f.rowA {
		aRow, aK = 1, rows+r.IntN(3)
		aSize = k * aK
	}
	bK := cols + r.IntN(5)
	a, b, bias := random(r, taps*aSize), random(r, taps*k*bK), random(r, cols)
	for i := range bias {
		bias[i] *= 8 // some results go beyond 6
	}
	var offsets []Tap
	for i := range taps {
		offsets = append(offsets, Tap{(taps - 1 - i) * aSize * 4, i * k * bK * 4})
	}
	ldC := cols + r.IntN(3)
	before := make([]float32, rows*ldC+2*slack)
	for i := range before {
		before[i] = guard
	}
	for i := range rows {
		for j := range cols {
			before[slack+i*ldC+j] = nan
			if flags&Accumulate != 0 {
				before[slack+i*ldC+j] = r.Float32()
			}
		}
	}
	c := append([]float32(nil), before...)
	args := &Args{
		A: &a[0], B: &b[0], C: &c[slack], Bias: &bias[0], Taps: &offsets[0], NTaps: taps, K: k,
		LdA: 4 * aRow, KsA: 4 * aK, KsB: 4 * bK, LdC: 4 * ldC, Flags: flags, Cols: cols,
	}
	kernel(args)
	what := fmt.Sprintf("%v %s %dx%d cols %d k %d taps %d flags %d", s.ISA, f.name, rows, width, cols, k, taps, flags)
	for i := range c {
		row, col := (i-slack)/ldC, (i-slack)%ldC
		if i < slack || row >= rows || col >= cols {
			require.Equal(t, guard, c[i], "%s wrote at row %d column %d", what, row, col)
			continue
		}
		var want float64
		for _, o := range offsets {
			for l := range k {
				want += float64(a[o.A/4+row*aRow+l*aK]) * float64(b[o.B/4+l*bK+col])
			}
		}
		if flags&Accumulate != 0 {
			want += float64(before[i])
		}
		if flags&Bias != 0 {
			want += float64(bias[col])
		}
		if flags&ReLU != 0 {
			want = max(want, 0)
		}
		if flags&Six != 0 {
			want = min(want, 6)
		}
		// At most 30 products of numbers below 1 and a bias below 8: 32 roundings of sums below 64.
		require.InDelta(t, want, c[i], 32*64*0x1p-24, "%s row %d column %d", what, row, col)
	}
}

// TestOrder checks the promise that cutting C into tiles does not change a bit.
func TestOrder(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		const k, cols = 37, 5
		r := rand.New(rand.NewPCG(3, 4))
		a, b := random(r, k), random(r, k*cols)
		var want []float32
		for _, w := range s.Widths {
			for rows := 1; rows <= w.Rows; rows++ {
				first := w.Columns - s.Lanes // the column at which these five lie
				wide := make([]float32, k*(first+cols)+slack)
				for l := range k {
					copy(wide[l*(first+cols)+first:][:cols], b[l*cols:])
				}
				c := make([]float32, rows*(first+cols))
				n := min(cols, s.Lanes)
				args := &Args{
					A: &a[0], B: &wide[0], C: &c[0], Taps: &Tap{}, NTaps: 1, K: k, LdA: 0, KsB: 4 * (first + cols), LdC: 4 * (first + cols), Cols: first + n,
				}
				w.RowA[rows](args)
				got := c[(rows-1)*(first+cols)+first:][:n]
				if want == nil {
					want = got
				}
				require.Equal(t, want, got, "%d rows, %d columns", rows, w.Columns)
			}
		}
	})
}

// TestSpecial checks that NaN passes ReLU and ReLU6, and that infinities are numbers to them.
func TestSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	eachSet(t, func(t *testing.T, s *Set) {
		for _, w := range s.Widths {
			b := make([]float32, w.Columns)
			for j := range b {
				b[j] = []float32{nan, inf, -inf, -1, 2}[j%5]
			}
			for _, kernels := range [][]Kernel{w.RowA, w.ColumnA} {
				for activation, most := range map[ops.Activation]float32{ops.ReLU: inf, ops.ReLU6: 6} {
					c := make([]float32, w.Columns)
					kernels[1](&Args{
						A: &[]float32{1}[0], B: &b[0], C: &c[0], Taps: &Tap{}, NTaps: 1, K: 1, LdC: 4 * w.Columns, Flags: ActivationFlags(activation), Cols: w.Columns,
					})
					for j, x := range c {
						if j%5 == 0 {
							assert.True(t, math.IsNaN(float64(x)))
						} else {
							assert.Equal(t, []float32{0, most, 0, 0, 2}[j%5], x)
						}
					}
				}
			}
		}
	})
}

func TestPacking(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(5, 6))
		for rows := 1; rows <= s.Lanes; rows++ {
			for n := 1; n <= 2*s.Lanes+1; n++ {
				ldSrc, ldDst := n+r.IntN(3), rows+r.IntN(3)
				src := random(r, (rows-1)*ldSrc+n)
				dst := make([]float32, (n-1)*ldDst+s.Lanes+1)
				dst[len(dst)-1] = guard
				s.Transpose(&src[0], 4*ldSrc, &dst[0], 4*ldDst, rows, n)
				for k := range n {
					for i := range rows {
						require.Equal(t, src[i*ldSrc+k], dst[k*ldDst+i], "rows %d n %d", rows, n)
					}
				}
				require.Equal(t, guard, dst[len(dst)-1])
			}
		}
		for vectors := 1; vectors <= 4; vectors++ {
			for n := 1; n <= 5; n++ {
				w := vectors * s.Lanes
				ldSrc := w - r.IntN(3)
				src := random(r, (n-1)*ldSrc+w)
				dst := make([]float32, n*w+1)
				dst[n*w] = guard
				s.Copy(&src[0], 4*ldSrc, &dst[0], 4*w, vectors, n)
				for k := range n {
					require.Equal(t, src[k*ldSrc:][:w], dst[k*w:][:w])
				}
				require.Equal(t, guard, dst[n*w])
			}
		}
	})
}

func TestWidth(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		assert.Equal(t, s.Lanes, s.Width(1).Columns)
		assert.Equal(t, 2*s.Lanes, s.Width(s.Lanes+1).Columns)
		assert.Equal(t, s.Widths[len(s.Widths)-1].Columns, s.Width(1000).Columns)
	})
}

func TestPeak(t *testing.T) {
	dev, err := cpu.NewDevice(cpu.Config{Threads: 1})
	require.NoError(t, err)
	defer dev.Close()
	flops := PeakFLOPs(dev)
	assert.Greater(t, flops, 1e8)
	assert.Less(t, flops, 1e13)
}

// BenchmarkPeak reports the rate of every full tile against that of a loop of multiply-adds alone: both are measured in turn and the
// best of each counts.
func BenchmarkPeak(b *testing.B) {
	const k = 256
	for _, isa := range cpu.Available() {
		s := For(isa)
		for i := range s.Widths {
			w := &s.Widths[i]
			for _, f := range families {
				b.Run(fmt.Sprintf("%v/%s%dx%d", isa, f.name, w.Rows, w.Columns), func(b *testing.B) {
					r := rand.New(rand.NewPCG(1, 2))
					m, err := cpu.Alloc(1 << 20)
					require.NoError(b, err)
					defer m.Free()
					x := m.Float32s()
					for i := range x {
						x[i] = r.Float32()
					}
					bAt, cAt := w.Rows*(k+16), w.Rows*(k+16)+k*w.Columns
					bAt, cAt = (bAt+15)&^15, (cAt+31)&^15
					args := &Args{
						A: &x[0], B: &x[bAt], C: &x[cAt], Taps: &Tap{}, NTaps: 1, K: k, LdA: 4 * (k + 16), KsA: 4 * w.Rows, KsB: 4 * w.Columns,
						LdC: 4 * w.Columns, Cols: w.Columns,
					}
					kernel := w.ColumnA[w.Rows]
					if f.rowA {
						kernel = w.RowA[w.Rows]
					}
					operations := 2 * k * w.Rows * w.Columns
					kernels := max(1, 1<<21/operations)
					rounds := max(1, kernels*operations/s.peakOperations)
					best, bestPeak := time.Hour, time.Hour
					for b.Loop() {
						start := time.Now()
						for range kernels {
							kernel(args)
						}
						best = min(best, time.Since(start))
						start = time.Now()
						s.peak(rounds)
						bestPeak = min(bestPeak, time.Since(start))
					}
					rate := float64(operations*kernels) / best.Seconds()
					peak := float64(s.peakOperations*rounds) / bestPeak.Seconds()
					b.ReportMetric(rate/1e9, "GFLOP/s")
					b.ReportMetric(100*rate/peak, "%peak")
				})
			}
		}
	}
}
