package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
	"github.com/meseta-go/meseta/ops"
)

// band is what lies on both sides of a buffer: 64 bytes and more, NaN where it may be read, guard where it must not be written.
const (
	band  = 32
	guard = float32(-12345)
)

var nan = float32(math.NaN())

// buffer gives n numbers at a multiple of 64 bytes, and all of it with its bands.
func buffer(n int, fill float32) (inner, whole []float32) {
	x := make([]float32, n+2*band+16)
	skip := int(-uintptr(unsafe.Pointer(&x[0])) & 63 / 4)
	whole = x[skip:][:n+2*band]
	for i := range whole {
		whole[i] = fill
	}
	return whole[band : band+n], whole
}

type inputs struct{ a, b, bias []float32 }

func random(p Params, seed uint64) inputs {
	r := rand.New(rand.NewPCG(seed, 1))
	numbers := func(n int) []float32 {
		x, _ := buffer(n, nan)
		for i := range x {
			x[i] = r.Float32()*2 - 1
		}
		return x
	}
	return inputs{numbers(p.M * p.K), numbers(p.K * p.N), numbers(p.N)}
}

// result runs g into a guarded dst over a workspace of NaN.
func result(t *testing.T, g *GEMM, in inputs) []float32 {
	t.Helper()
	dst, whole := buffer(g.M*g.N, guard)
	for i := range dst {
		dst[i] = nan
	}
	ws, wholeWS := buffer(g.WorkspaceBytes()/4, guard)
	for i := range ws {
		ws[i] = nan
	}
	g.Run(dst, in.a, in.b, in.bias, ws)
	for i := range band {
		for _, x := range [][]float32{whole, wholeWS} {
			require.Equal(t, guard, x[i], "before")
			require.Equal(t, guard, x[len(x)-1-i], "behind")
		}
	}
	return dst
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

// definition is the product in float64.
func definition(p Params, in inputs) []float64 {
	want := make([]float64, p.M*p.N)
	Reference(p, want, wide(in.a), wide(in.b), wide(in.bias))
	return want
}

// near holds got against the definition. A sum of K products of numbers below 1 grows to about √K, and has an error of about √K
// roundings of that size; and never more than K roundings of a sum of K.
func near(t *testing.T, p Params, want []float64, got []float32, what string) {
	t.Helper()
	k := float64(p.K + 2)
	bound := 0x1p-24 * min(k*k, 4*k)
	for i, w := range want {
		if math.Abs(w-float64(got[i])) <= bound {
			continue
		}
		require.Failf(t, "wrong", "%s: [%d,%d] is %v, want %v ± %v", what, i/p.N, i%p.N, got[i], w, bound)
	}
}

func devices(t *testing.T, threads ...int) [][]*cpu.Device {
	t.Helper()
	var all [][]*cpu.Device
	for _, isa := range cpu.Available() {
		var list []*cpu.Device
		for _, n := range threads {
			d, err := cpu.NewDevice(cpu.Config{Threads: n, ISA: &isa})
			require.NoError(t, err)
			t.Cleanup(d.Close)
			list = append(list, d)
		}
		all = append(all, list)
	}
	return all
}

var sizes = []Params{
	{M: 1, N: 1, K: 1}, {M: 1, N: 17, K: 3}, {M: 3, N: 1, K: 33}, {M: 5, N: 10, K: 64}, {M: 7, N: 48, K: 9}, {M: 14, N: 32, K: 16}, {M: 15, N: 33, K: 17},
	{M: 16, N: 15, K: 31}, {M: 29, N: 65, K: 5}, {M: 128, N: 10, K: 64}, {M: 113, N: 47, K: 130}, {M: 257, N: 66, K: 40}, {M: 40, N: 310, K: 100}, {M: 150, N: 91, K: 52},
	{M: 20, N: 35, K: 2100}, {M: 2, N: 30, K: 4001}, {M: 45, N: 70, K: 800},
}

// TestProducts runs all sizes, transposes and epilogues on each instruction set, with several numbers of workers.
func TestProducts(t *testing.T) {
	all := devices(t, 1, 2, 3, 5)
	for i, p := range sizes {
		for way := range 4 {
			p.TransA, p.TransB = way&1 != 0, way&2 != 0
			p.Bias = (i+way)%2 == 0
			p.Activation = []ops.Activation{ops.Linear, ops.ReLU, ops.ReLU6}[(i+way/2)%3]
			in := random(p, uint64(i))
			want := definition(p, in)
			for _, list := range all {
				var first []float32
				for _, d := range list {
					g, err := New(d, p)
					require.NoError(t, err)
					what := fmt.Sprintf("%+v %v", p, g.Variant())
					got := result(t, g, in)
					if first == nil {
						first = got
						near(t, p, want, got, what)
					}
					require.Equal(t, first, got, "%s with %d workers", what, d.Threads())
				}
			}
		}
	}
}

// TestCuts forces every way to cut, whether it would be chosen or not.
func TestCuts(t *testing.T) {
	for _, list := range devices(t, 1, 3) {
		lanes := tile.For(list[0].ISA()).Lanes
		p := Params{M: 3*lanes + 5, N: 4*lanes + 11, K: 24, Bias: true, Activation: ops.ReLU}
		for way := range 4 {
			p.TransA, p.TransB = way&1 != 0, way&2 != 0
			in := random(p, 7)
			want := definition(p, in)
			try := func(c cut) {
				var first []float32
				for _, d := range list {
					g := &GEMM{Params: p, plan: newPlan(d.ISA(), p, c)}
					g.run.init(d, g)
					got := result(t, g, in)
					if first == nil {
						first = got
						near(t, p, want, got, g.Variant())
					}
					require.Equal(t, first, got, g.Variant())
				}
			}
			for vectors := 1; vectors <= len(tile.For(list[0].ISA()).Widths); vectors++ {
				for a := direct; a <= shared; a++ {
					for b := direct; b <= shared; b++ {
						if p.TransB && b == direct {
							continue // tiles want the columns of B side by side
						}
						for _, blocks := range []int{1, 2} {
							for _, runs := range []int{1, 3} {
								c := cut{vectors: vectors, a: a, b: b, rowBlocks: blocks, columnBlocks: 3 - blocks, runs: runs, groups: 1}
								try(c)
								if a != shared && b != shared && runs > 1 {
									c.groups = 2
									try(c)
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	for _, list := range devices(t, 2) {
		for _, p := range []Params{{M: 128, N: 10, K: 64}, {M: 30, N: 40, K: 2100}, {M: 150, N: 151, K: 152, TransA: true, TransB: true}} {
			g, err := New(list[0], p)
			require.NoError(t, err)
			in := random(p, 1)
			dst, _ := buffer(p.M*p.N, 0)
			ws, _ := buffer(g.WorkspaceBytes()/4, 0)
			assert.Zero(t, testing.AllocsPerRun(5, func() { g.Run(dst, in.a, in.b, nil, ws) }))
		}
	}
}

func TestErrors(t *testing.T) {
	d := devices(t, 1)[0][0]
	for _, p := range []Params{{N: 1, K: 1}, {M: 1, N: -2, K: 1}, {M: 1, N: 1}, {M: 1 << 30, N: 1 << 30, K: 1}} {
		_, err := New(d, p)
		assert.ErrorIs(t, err, ops.ErrShape)
	}
	_, err := New(d, Params{M: 1, N: 1, K: 1, Activation: 99})
	assert.ErrorContains(t, err, "activation")
	g, err := New(d, Params{M: 2, N: 2, K: 2, Bias: true})
	require.NoError(t, err)
	x := make([]float32, 4)
	ws := make([]float32, g.WorkspaceBytes()/4)
	assert.PanicsWithValue(t, shortMatrix, func() { g.Run(x[:3], x, x, x, ws) })
	assert.PanicsWithValue(t, shortBias, func() { g.Run(x, x, x, nil, ws) })
}

// TestReferenceGradients checks that the products with transposes are the gradients of the plain one: of sum(w·(a·b)), in float64.
func TestReferenceGradients(t *testing.T) {
	p := Params{M: 3, N: 4, K: 5}
	in := random(p, 3)
	a, b := wide(in.a), wide(in.b)
	w := wide(random(Params{M: 3, N: 1, K: 4}, 4).a)
	loss := func() (sum float64) {
		c := make([]float64, p.M*p.N)
		Reference(p, c, a, b, nil)
		for i := range c {
			sum += w[i] * c[i]
		}
		return sum
	}
	diffA, diffB := make([]float64, len(a)), make([]float64, len(b))
	Reference(Params{M: p.M, N: p.K, K: p.N, TransB: true}, diffA, w, b, nil)
	Reference(Params{M: p.K, N: p.N, K: p.M, TransA: true}, diffB, a, w, nil)
	for _, v := range []struct{ x, diff []float64 }{{a, diffA}, {b, diffB}} {
		for i := range v.x {
			const h = 1e-5
			keep := v.x[i]
			v.x[i] = keep + h
			up := loss()
			v.x[i] = keep - h
			down := loss()
			v.x[i] = keep
			assert.InDelta(t, (up-down)/(2*h), v.diff[i], 1e-8)
		}
	}
}

// benchmarked are the products of a dense layer at batch 128, a small classifier, and squares.
var benchmarked = []struct {
	name string
	p    Params
}{
	{"forward", Params{M: 128, N: 128, K: 9216, Bias: true, Activation: ops.ReLU}},
	{"weights", Params{M: 9216, N: 128, K: 128, TransA: true}},
	{"data", Params{M: 128, N: 9216, K: 128, TransB: true}},
	{"classes", Params{M: 128, N: 10, K: 64, Bias: true}},
	{"one", Params{M: 1, N: 128, K: 9216, Bias: true}},
	{"512", Params{M: 512, N: 512, K: 512}},
	{"1024", Params{M: 1024, N: 1024, K: 1024}},
	{"2048", Params{M: 2048, N: 2048, K: 2048}},
	{"1024nt", Params{M: 1024, N: 1024, K: 1024, TransB: true}},
	{"1024tn", Params{M: 1024, N: 1024, K: 1024, TransA: true}},
}

func BenchmarkGEMM(b *testing.B) {
	dev, err := cpu.NewDevice(cpu.Config{})
	require.NoError(b, err)
	defer dev.Close()
	for _, x := range benchmarked {
		p := x.p
		b.Run(fmt.Sprintf("%s/%dx%dx%d", x.name, p.M, p.N, p.K), func(b *testing.B) {
			g, err := New(dev, p)
			require.NoError(b, err)
			var arrays [5][]float32
			for i, n := range []int{p.M * p.N, p.M * p.K, p.K * p.N, p.N, g.WorkspaceBytes() / 4} {
				m, err := cpu.Alloc(4*n + 64)
				require.NoError(b, err)
				defer m.Free()
				arrays[i] = m.Float32s()
			}
			b.ReportAllocs()
			for b.Loop() {
				g.Run(arrays[0], arrays[1], arrays[2], arrays[3], arrays[4])
			}
			b.ReportMetric(p.Flops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
