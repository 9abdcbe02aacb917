//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openCUDA gives the first GPU. Where a library is named (gpu/emulated, or a driver in another place) there has to be one.
func openCUDA(t testing.TB) *CUDA {
	t.Helper()
	c, err := NewCUDA(0)
	if err != nil && os.Getenv(gpu.LibraryVariable) == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// parity is an operator on a GPU beside the CPU.
type parity struct {
	op ops.Operator
	in []ops.Type
	// fill makes input i, whose elements are normally distributed or labels if fill is nil or gives nil.
	fill func(rng *rand.Rand, i int) any
	// tolerance is how far elements may be apart, as a fraction of the largest of the CPU's. 0: the same bits.
	tolerance float64
	over      bool // the first output lies where an input does, as InPlace allows
}

// String shortens the types of many inputs.
func (p parity) String() string {
	if len(p.in) > 5 {
		return fmt.Sprintf("%s %v of %v and %d more", p.op.Name(), p.op, p.in[:5], len(p.in)-5)
	}
	return fmt.Sprintf("%s %v of %v", p.op.Name(), p.op, p.in)
}

// Tolerances. Sums on the GPU are taken in another order than on the CPU, of some hundred terms here; its exponentials and logarithms are off
// by up to two units in the last place.
const (
	sumsApart      = 2e-6
	functionsApart = 5e-7
	exceptNaN      = math.SmallestNonzeroFloat64 // which NaN it is, is the processor's choice
)

func window(stride, dilation int, pad ...int) ops.Window {
	w := ops.Window{Strides: [2]int{stride, stride}, Dilation: [2]int{dilation, dilation}}
	if len(pad) > 0 {
		w.PadBefore, w.PadAfter = [2]int{pad[0], pad[1]}, [2]int{pad[2], pad[3]}
	}
	return w
}

// poolings has windows that overlap, that leave gaps, and that hang over edges, of channels that are read by fours and singly.
func poolings() (list []parity) {
	for _, g := range []struct {
		src  ops.Shape
		pool ops.MaxPool
	}{
		{ops.Shape{2, 6, 6, 3}, ops.MaxPool{Window: window(2, 1), Size: [2]int{2, 2}}},
		{ops.Shape{2, 7, 8, 5}, ops.MaxPool{Window: window(2, 1, 1, 0, 0, 1), Size: [2]int{3, 3}}},
		{ops.Shape{1, 9, 7, 1}, ops.MaxPool{Window: window(3, 1), Size: [2]int{2, 2}}},
		{ops.Shape{3, 6, 8, 4}, ops.MaxPool{Window: window(2, 1), Size: [2]int{2, 2}}},
		{ops.Shape{2, 9, 10, 20}, ops.MaxPool{Window: window(2, 1, 1, 2, 0, 1), Size: [2]int{3, 4}}},
	} {
		out, err := g.pool.Infer([]ops.Type{f(g.src...)})
		if err != nil {
			panic(err)
		}
		// Few values, so that several elements of a window are the largest.
		few := func(rng *rand.Rand, n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.IntN(4))
			}
			return x
		}
		list = append(list,
			parity{op: g.pool, in: []ops.Type{f(g.src...)}},
			parity{op: ops.MaxPoolBackward(g.pool), in: []ops.Type{out[0], f(g.src...), out[0]}, fill: func(rng *rand.Rand, i int) any {
				if i == 0 {
					return nil
				}
				again := rand.New(rand.NewPCG(1, 2))
				src := few(again, g.src.Size())
				if i == 1 {
					return src
				}
				return largest(g.pool, g.src, out[0].Shape, src)
			}, tolerance: sumsApart},
			parity{op: ops.AveragePool(g.pool), in: []ops.Type{f(g.src...)}, tolerance: functionsApart},
			parity{op: ops.AveragePoolBackward{Window: g.pool.Window, Size: g.pool.Size, Src: g.src}, in: []ops.Type{out[0]}, tolerance: sumsApart},
			parity{op: ops.GlobalAveragePool{}, in: []ops.Type{f(g.src...)}, tolerance: functionsApart},
			parity{op: ops.GlobalAveragePoolBackward{Src: g.src}, in: []ops.Type{f(g.src[0], g.src[3])}, tolerance: functionsApart},
		)
	}
	return list
}

// largest is what a max pooling makes of src.
func largest(o ops.MaxPool, src, dst ops.Shape, x []float32) []float32 {
	p, y := poolParams(o, src, dst), make([]float32, dst.Size())
	pool.ReferenceMaxForward(p, y, x)
	return y
}

func losses() (list []parity) {
	for _, s := range [][2]int{{1, 1}, {9, 10}, {5, 33}, {3, 100}} {
		scores, labels := f(s[0], s[1]), ops.Type{DType: ops.Int32, Shape: ops.Shape{s[0]}}
		probabilities := func(rng *rand.Rand, i int) any {
			if i != 0 {
				return nil
			}
			x := make([]float32, s[0]*s[1])
			for i := range x {
				x[i] = rng.Float32()
			}
			return x
		}
		list = append(list,
			parity{op: ops.Softmax{}, in: []ops.Type{scores}, tolerance: functionsApart},
			parity{op: ops.SoftmaxBackward{}, in: []ops.Type{scores, scores}, tolerance: functionsApart},
			parity{op: ops.CrossEntropy{}, in: []ops.Type{scores, labels}, tolerance: functionsApart},
			parity{op: ops.CrossEntropyBackward{}, in: []ops.Type{scores, labels, f(s[0])}, tolerance: functionsApart},
			parity{op: ops.LogLoss{}, in: []ops.Type{scores, labels}, fill: probabilities, tolerance: functionsApart},
			parity{op: ops.LogLossBackward{}, in: []ops.Type{scores, labels, f(s[0])}, fill: probabilities, tolerance: functionsApart},
			parity{op: ops.Correct{}, in: []ops.Type{scores, labels}},
		)
	}
	return list
}

func functions() (list []parity) {
	for _, s := range []ops.Shape{{1}, {3, 5}, {2, 3, 3, 7}, {1031}, {701, 40}} {
		x, c := f(s...), s[len(s)-1]
		list = append(list,
			parity{op: ops.Relu{}, in: []ops.Type{x}},
			parity{op: ops.Relu{Six: true}, in: []ops.Type{x}},
			parity{op: ops.ReluBackward{}, in: []ops.Type{x, x}},
			parity{op: ops.ReluBackward{Six: true}, in: []ops.Type{x, x}},
			parity{op: ops.Add{}, in: []ops.Type{x, x}},
			parity{op: ops.Affine{Scale: -1.5, Offset: .25}, in: []ops.Type{x}, tolerance: functionsApart},
			parity{op: ops.Fill{Type: x, Value: .125}},
			parity{op: ops.BiasAdd{}, in: []ops.Type{x, f(c)}},
			parity{op: ops.ColumnSum{}, in: []ops.Type{x}, tolerance: sumsApart},
			parity{op: ops.Dropout{Rate: .3, Stream: 5}, in: []ops.Type{x, ops.CounterType}, fill: func(_ *rand.Rand, i int) any {
				if i == 0 {
					return nil
				}
				return []int64{0x123456789abcdef, 1<<33 + 7}
			}},
		)
	}
	return list
}

func updates() (list []parity) {
	for _, apply := range []int32{0, 1} {
		for _, rule := range []ops.UpdateRule{
			ops.SGD{}, ops.SGD{WeightDecay: .1}, ops.SGD{Momentum: .9}, ops.SGD{Momentum: .9, Nesterov: true, WeightDecay: .1},
			ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7, WeightDecay: .1},
			ops.RMSprop{Rho: .9, Epsilon: 1e-7}, ops.RMSprop{Rho: .9, Epsilon: 1e-7, Momentum: .8}, ops.RMSprop{Rho: .9, Epsilon: 1e-7, Centered: true},
			ops.RMSprop{Rho: .9, Epsilon: 1e-7, Centered: true, Momentum: .8},
			ops.Adagrad{Epsilon: 1e-7}, ops.Adadelta{Rho: .9, Epsilon: 1e-7}, ops.Adamax{Beta1: .9, Beta2: .999, Epsilon: 1e-7},
			ops.Lion{Beta1: .9, Beta2: .99},
		} {
			params := []ops.Type{f(3, 3, 2, 4), f(4), f(1000)}
			in := []ops.Type{ops.ScalarType, ops.IterationsType, ops.FlagType}
			for range 2 + rule.Slots() {
				in = append(in, params...)
			}
			list = append(list, parity{op: ops.Optimize{Rule: rule, Parameters: len(params)}, in: in, fill: func(rng *rand.Rand, i int) any {
				switch {
				case i == 0:
					return []float32{.01}
				case i == 1:
					return []int64{4}
				case i == 2:
					return []int32{apply}
				case i >= 3+2*len(params): // slots: what can be a mean of squares
					x := make([]float32, in[i].Shape.Size())
					for i := range x {
						x[i] = rng.Float32()
					}
					return x
				}
				return nil
			}, tolerance: sumsApart})
		}
		list = append(list,
			parity{op: ops.Accumulate{}, in: []ops.Type{ops.SumType, f(700)}, tolerance: functionsApart},
			parity{op: ops.Accumulate{Sample: ops.Sample{Gated: true}}, in: []ops.Type{ops.SumType, ops.SumType, ops.SumType, f(300), f(300), f(300), ops.FlagType}, fill: flags(6, apply), tolerance: functionsApart},
			parity{op: ops.Accumulate{}, in: slices.Concat(slices.Repeat([]ops.Type{ops.SumType}, 130), slices.Repeat([]ops.Type{f(3)}, 130)), tolerance: functionsApart},
			parity{op: ops.Accumulate{Sample: ops.Sample{Weighted: true, Gated: true}}, in: []ops.Type{ops.SumType, f(9), f(9), ops.FlagType}, fill: flags(3, apply), tolerance: functionsApart},
		)
	}
	return append(list, finites()...)
}

// finites has losses and gradients of several pieces, of one launch and of two, with what is not finite at the end of one of them.
func finites() (list []parity) {
	for _, types := range [][]ops.Type{{f(5), f(3, 7), f(300)}, {f(4097), f(16), f(4096), f(8200)}, slices.Repeat([]ops.Type{f(7)}, 131)} {
		for _, bad := range []float32{0, float32(math.NaN()), float32(math.Inf(-1))} {
			for _, at := range []int{0, 1, len(types) - 1} {
				for flag := range int32(2) {
					list = append(list, parity{op: ops.Finite{}, in: append([]ops.Type{ops.FlagType}, types...), fill: func(rng *rand.Rand, i int) any {
						if i == 0 {
							return []int32{flag}
						}
						x := make([]float32, types[i-1].Shape.Size())
						if i-1 == at {
							x[len(x)-1] = bad
						}
						return x
					}})
				}
			}
		}
	}
	return list
}

// parities has rows for every operator with a kernel for GPUs.
func parities() [][]parity {
	return [][]parity{
		convolutions(),
		products(),
		poolings(),
		losses(),
		functions(),
		updates(),
		arrangements(),
		binaries(),
		reductions(),
		resizings(),
		metrics(),
		targetLosses(),
		wideRows(),
		otherRows(),
		penalties(),
		rules(),
		unaryFunctions(),
		noises(),
		norms(),
	}
}

// TestCUDAComputesWhatTheCPUDoes holds every operator with a kernel for GPUs against the CPU's kernel, twice with the same bits, and looks beside what it
// writes.
func TestCUDAComputesWhatTheCPUDoes(t *testing.T) {
	c := openCUDA(t)
	host, err := NewCPU(cpu.Config{Threads: 1})
	require.NoError(t, err)
	defer host.Close()
	host.Exact = true
	for _, list := range parities() {
		for i, p := range list {
			if errors.Is(c.Err(), gpu.ErrLost) {
				t.Fatal("no test after that can pass")
			}
			t.Run(fmt.Sprint(i, " ", p), func(t *testing.T) {
				inputs := p.inputs(rand.New(rand.NewPCG(uint64(i), 7)))
				want, got, again := p.run(t, host, inputs), p.run(t, c, inputs), p.run(t, c, inputs)
				types := p.results(t)
				for j := range want {
					compare(t, types[j], want[j], got[j], p.tolerance)
					assert.Equal(t, got[j], again[j], "a second run")
				}
			})
		}
	}
}

// TestCUDAHasEveryOperator: every example has a kernel for GPUs, and its operator is held against the CPU.
func TestCUDAHasEveryOperator(t *testing.T) {
	compared := map[string]bool{}
	for _, list := range parities() {
		for _, p := range list {
			compared[p.op.Name()] = true
		}
	}
	c := openCUDA(t)
	for _, x := range examples {
		out, err := x.op.Infer(x.in)
		require.NoError(t, err)
		if _, err = c.Choose(x.op, x.in, out); !errors.Is(err, ErrUnsupported) || !normalizes(x.op) { // which is not always faster
			assert.NoError(t, err, "%s %v of %v", x.op.Name(), x.op, x.in)
		}
		assert.True(t, compared[x.op.Name()], "%s is held against the CPU by no row of parities", x.op.Name())
	}
	_, err := c.Choose(strange{}, nil, nil)
	assert.ErrorIs(t, err, ErrUnsupported)
	assert.ErrorContains(t, err, "strange on a GPU")
}

// inputs are the bytes of what is read.
func (p parity) inputs(rng *rand.Rand) [][]byte {
	list := make([][]byte, len(p.in))
	for i, typ := range p.in {
		var values any
		if p.fill != nil {
			values = p.fill(rng, i)
		}
		n := typ.Shape.Size()
		switch {
		case values != nil:
		case typ.DType == ops.Float32:
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			values = x
		case typ.DType == ops.Int32:
			classes := p.in[0].Shape[len(p.in[0].Shape)-1]
			x := make([]int32, n)
			for i := range x {
				x[i] = int32(rng.IntN(classes))
			}
			values = x
		default:
			values = make([]byte, typ.Bytes())
		}
		octets, err := binary.Append(nil, binary.NativeEndian, values)
		if err != nil {
			panic(err)
		}
		list[i] = octets
	}
	return list
}

// results are the types of what is written: updated inputs, then outputs.
func (p parity) results(t *testing.T) (list []ops.Type) {
	if u, ok := p.op.(ops.Updater); ok {
		for _, i := range u.Updates(len(p.in)) {
			list = append(list, p.in[i])
		}
	}
	out, err := p.op.Infer(p.in)
	require.NoError(t, err)
	return append(list, out...)
}

// guard is what lies around buffers, and its bytes.
const guard, guardByte = 4 * Alignment, 0x5a

// run gives the bytes of what the operator writes.
func (p parity) run(t *testing.T, d Device, inputs [][]byte) [][]byte {
	t.Helper()
	out, err := p.op.Infer(p.in)
	require.NoError(t, err)
	k, err := d.Choose(p.op, p.in, out)
	require.NoError(t, err)
	size := guard
	place := func(bytes int) Buffer {
		b := Buffer{Offset: size, Bytes: bytes}
		size += aligned(bytes)
		return b
	}
	var b Buffers
	for _, typ := range p.in { // side by side, as updates want them
		b.In = append(b.In, place(typ.Bytes()))
	}
	size += guard
	for i, typ := range out {
		if over, ok := p.op.(ops.InPlacer); ok && p.over && i == 0 {
			b.Out = append(b.Out, b.In[over.InPlace()[0]])
			continue
		}
		b.Out = append(b.Out, place(typ.Bytes()))
		size += guard
	}
	b.Workspace = place(k.WorkspaceBytes())
	size += guard
	m, err := d.Alloc(size)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Free()) })

	image := make([]byte, size)
	for i := range image {
		image[i] = guardByte
	}
	for i := range b.In {
		b.In[i].Memory = m
		end := b.In[i].Offset + copy(image[b.In[i].Offset:], inputs[i])
		clear(image[end : b.In[i].Offset+aligned(b.In[i].Bytes)])
	}
	for i := range b.Out {
		b.Out[i].Memory = m
	}
	b.Workspace.Memory = m
	m.Write(0, image)
	run := d.Sequence([]func(){k.Bind(b)})
	err = run()
	if c, ok := d.(*CUDA); ok {
		c.note(err)
	}
	require.NoError(t, err)
	after := make([]byte, size)
	m.Read(0, after)
	require.NoError(t, d.Err())

	var list [][]byte
	written := make([]bool, size)
	keep := func(b Buffer) {
		list = append(list, after[b.Offset:b.Offset+b.Bytes])
		for i := range b.Bytes {
			written[b.Offset+i] = true
		}
	}
	if u, ok := p.op.(ops.Updater); ok {
		for _, i := range u.Updates(len(p.in)) {
			keep(b.In[i])
		}
	}
	for i := range b.Out {
		keep(b.Out[i])
	}
	for i := range b.Workspace.Bytes {
		written[b.Workspace.Offset+i] = true
	}
	for i := range image {
		if !written[i] && image[i] != after[i] {
			t.Fatalf("byte %d, which is none of its results, has changed", i)
		}
	}
	return list
}

// compare holds numbers against each other; tolerance is a fraction of the largest wanted.
func compare(t *testing.T, typ ops.Type, want, got []byte, tolerance float64) {
	t.Helper()
	if tolerance == 0 || typ.DType == ops.Int32 || typ.DType == ops.Int64 {
		assert.Equal(t, want, got)
		return
	}
	number := func(b []byte, i int) float64 {
		if typ.DType == ops.Float64 {
			return math.Float64frombits(binary.NativeEndian.Uint64(b[8*i:]))
		}
		return float64(math.Float32frombits(binary.NativeEndian.Uint32(b[4*i:])))
	}
	n, scale := typ.Shape.Size(), 0.0
	for i := range n {
		if x := math.Abs(number(want, i)); x <= math.MaxFloat64 { // neither NaN nor infinite
			scale = max(scale, x)
		}
	}
	for i := range n {
		if w, g := number(want, i), number(got, i); math.Abs(w-g) > tolerance*scale || math.IsNaN(w) != math.IsNaN(g) {
			t.Fatalf("element %d is %v, the CPU has %v; more than %g of %v apart", i, g, w, tolerance, scale)
		}
	}
}

// TestCUDACheck: a GPU that computes passes, and one whose first kernel fails does not.
func TestCUDACheck(t *testing.T) {
	t.Run("works", func(t *testing.T) { require.NoError(t, Check(openCUDA(t))) })
	t.Run("fails", func(t *testing.T) {
		if os.Getenv("MESETA_EMULATED_ORDER") == "" {
			t.Skip("this needs the emulated driver, with MESETA_EMULATED_ORDER")
		}
		t.Setenv("MESETA_EMULATED_FAIL", "launch:1")
		c, err := NewCUDA(0)
		require.NoError(t, err)
		require.ErrorIs(t, Check(c), gpu.ErrLost)
		_ = c.Close() // a lost GPU does not close well
	})
}

func TestCUDAIsWhatAutoTakes(t *testing.T) {
	openCUDA(t)
	require.NoError(t, Fallback())
	for _, name := range []string{"", "auto"} {
		d, err := Open(Settings{Device: name})
		require.NoError(t, err)
		assert.IsType(t, &CUDA{}, d, name)
		require.NoError(t, d.Close())
	}
}
