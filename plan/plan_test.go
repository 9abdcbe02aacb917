package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// paper is a device that computes nothing: for tests of what is planned.
type paper struct{ workspace, threads int }

func (paper) String() string                      { return "paper" }
func (d paper) Threads() int                      { return max(1, d.threads) }
func (paper) Limits() (operations, bytes float64) { return 1, 1 }
func (paper) Err() error                          { return nil }
func (paper) Close() error                        { return nil }
func (paper) Sequence([]func()) func() error      { return func() error { return nil } }
func (paper) Depth() int                          { return 1 }
func (paper) Pipe(_, _ []kernels.Buffer, _ []func()) (kernels.Pipe, error) {
	return nil, kernels.ErrUnsupported
}
func (paper) Alloc(bytes int) (kernels.Memory, error) { return &sheet{make([]byte, bytes)}, nil }
func (d paper) Choose(o ops.Operator, in, _ []ops.Type) (kernels.Kernel, error) {
	if _, ok := o.(ops.Conv2D); ok {
		return preparing{blank{d.workspace}, in[1].Shape.Size()}, nil
	}
	return blank{d.workspace}, nil
}

// preparing is a kernel that wants weights in a form of its own.
type preparing struct {
	blank
	weights int
}

func (p preparing) Prepare() (input int, form ops.Type, first, then kernels.Kernel) {
	return 1, ops.F32(p.weights + 16), p.blank, p.blank
}

type blank struct{ workspace int }

func (blank) Variant() string               { return "paper" }
func (b blank) WorkspaceBytes() int         { return b.workspace }
func (blank) Bind(b kernels.Buffers) func() { return func() {} }

type sheet struct{ b []byte }

func (s *sheet) Write(at int, src []byte) { copy(s.b[at:], src) }
func (s *sheet) Read(at int, dst []byte)  { copy(dst, s.b[at:]) }
func (s *sheet) Free() error              { return nil }

func small(t *testing.T) Model {
	g, err := layers.Sequential("small", &layers.InputLayer{Shape: layers.Shape{8, 8, 1}},
		&layers.Rescaling{Scale: 2},
		&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.Conv2D{Filters: 6, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.MaxPooling2D{}, &layers.Dropout{Rate: .25}, &layers.Flatten{},
		&layers.Dense{Units: 5, Activation: layers.ReLU}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}, Optimizer: optimizers.NewAdam()}
}

func residual(t *testing.T) Model {
	norm := func(x *layers.Node) *layers.Node { return layers.Apply(layers.NewBatchNormalization(), x) }
	conv := func(x *layers.Node, filters, size, stride int) *layers.Node {
		return norm(layers.Apply(&layers.Conv2D{Filters: filters, KernelSize: layers.Square(size), Strides: layers.Square(stride), Padding: layers.Same, NoBias: true}, x))
	}
	relu := func(x *layers.Node) *layers.Node { return layers.Apply(&layers.ReLULayer{}, x) }
	in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{8, 8, 3}})
	x := relu(conv(in, 4, 3, 1))
	x = relu(layers.Apply(&layers.Add{}, conv(relu(conv(x, 4, 3, 1)), 4, 3, 1), x))
	x = relu(layers.Apply(&layers.Add{}, conv(relu(conv(x, 8, 3, 2)), 8, 3, 1), conv(x, 8, 1, 2)))
	out := layers.Apply(&layers.Dense{Units: 3}, layers.Apply(&layers.GlobalAveragePooling2D{}, x))
	g, err := layers.Functional("residual", in, out)
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true}, Optimizer: &optimizers.SGD{LearningRate: .1, Momentum: .9}}
}

// branched has layers that move numbers: a padding that a convolution takes over, one that none does, and a concatenation.
func branched(t *testing.T) Model {
	in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{6, 6, 2}})
	x := layers.Apply(&layers.ZeroPadding2D{Padding: layers.Around(1)}, in)
	x = layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Strides: layers.Square(2)}, x)
	y := layers.Apply(&layers.MaxPooling2D{Strides: layers.Square(1), Padding: layers.Same}, x)
	x = layers.Apply(&layers.Concatenate{}, x, y)
	x = layers.Apply(&layers.Cropping2D{Cropping: layers.Margin{Top: 1}}, layers.Apply(&layers.ZeroPadding2D{Padding: layers.Around(1)}, x))
	out := layers.Apply(&layers.Dense{Units: 3, Activation: layers.Softmax}, layers.Apply(&layers.Flatten{}, x))
	g, err := layers.Functional("branched", in, out)
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}}, Optimizer: optimizers.NewSGD()}
}

// bounded has activations that end at 6: behind batch norms and a convolution, which take them over, and before another, which stays.
func bounded(t *testing.T) Model {
	relu6 := func() layers.Layer { return &layers.ReLULayer{MaxValue: 6} }
	g, err := layers.Sequential("bounded", &layers.InputLayer{Shape: layers.Shape{6, 6, 3}},
		&layers.Conv2D{Filters: 4, KernelSize: layers.Square(1), NoBias: true}, layers.NewBatchNormalization(), relu6(),
		&layers.ZeroPadding2D{Padding: layers.Around(1)}, &layers.DepthwiseConv2D{KernelSize: layers.Square(3)}, relu6(),
		layers.NewBatchNormalization(), relu6(), &layers.ReLULayer{},
		&layers.GlobalAveragePooling2D{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Optimizer: optimizers.NewSGD()}
}

// sequence has layers whose weights have another shape than those of their operators.
func sequence(t *testing.T) Model {
	g, err := layers.Sequential("sequence", &layers.InputLayer{Shape: layers.Shape{8, 2}},
		&layers.Conv1D{Filters: 4, KernelSize: 3, Padding: layers.Causal, Activation: layers.ReLU},
		&layers.DepthwiseConv1D{KernelSize: 3, Padding: layers.Same, DepthMultiplier: 2, Activation: layers.ReLU},
		&layers.Conv1DTranspose{Filters: 3, KernelSize: 2, Strides: 2},
		&layers.Flatten{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Optimizer: optimizers.NewSGD()}
}

// limited has all that an update can be.
func limited(t *testing.T) Model {
	g, err := layers.Sequential("limited", &layers.InputLayer{Shape: layers.Shape{6}},
		&layers.Dense{Units: 5, Activation: layers.ReLU, KernelRegularizer: layers.L1L2{L1: .01, L2: .1}, KernelConstraint: layers.NewMaxNorm()},
		layers.NewBatchNormalization(),
		&layers.Dense{Units: 3, BiasRegularizer: layers.L2(.1), BiasConstraint: layers.NonNeg{}})
	require.NoError(t, err)
	o := optimizers.NewMuon() // two rules
	o.Base = optimizers.Base{GlobalClipNorm: 1, UseEMA: true, EMAOverwriteFrequency: 9, GradientAccumulationSteps: 4}
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true}, Optimizer: o}
}

// merging has functions that work in place beside inputs that are broadcast, a value that is read on both sides of one, and slopes.
func merging(t *testing.T) Model {
	in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{6, 6, 3}})
	x := layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Activation: layers.GELU}, in)
	x = layers.Apply(&layers.PReLU{SharedAxes: []int{1, 2}}, x)
	s := layers.Apply(&layers.Dense{Units: 4, Activation: layers.Sigmoid}, layers.Apply(&layers.GlobalAveragePooling2D{}, x))
	x = layers.Apply(&layers.Average{}, layers.Apply(&layers.Multiply{}, s, x), x)
	x = layers.Apply(&layers.Dense{Units: 2, Activation: layers.Tanh}, x)
	q := layers.Apply(&layers.Reshape{TargetShape: layers.Shape{-1, 2}}, x)
	x = layers.Apply(&layers.Dot{Axes: [2]int{1, 1}}, q, q)
	out := layers.Apply(&layers.Dense{Units: 3, Activation: layers.Softmax}, layers.Apply(&layers.Flatten{}, layers.Apply(&layers.Permute{Dims: []int{2, 1}}, x)))
	g, err := layers.Functional("merging", in, out)
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{}, Optimizer: optimizers.NewSGD()}
}

var modelsOf = map[string]func(*testing.T) Model{
	"small": small, "residual": residual, "branched": branched, "merging": merging,
	"sequence": sequence, "bounded": bounded, "limited": limited,
}

func TestGoldenPrograms(t *testing.T) {
	for name, model := range modelsOf {
		for _, mode := range []Mode{Inference, Evaluation, Training} {
			s, err := NewSession(model(t), paper{}, 1)
			require.NoError(t, err)
			p, err := s.Program(mode, 2)
			require.NoError(t, err)
			golden(t, fmt.Sprintf("%s_%v.txt", name, mode), p)
		}
	}
}

// golden holds the text of a program against a file of testdata.
func golden(t *testing.T, name string, p *Program) {
	file := filepath.Join("testdata", name)
	if *rewrite {
		require.NoError(t, os.WriteFile(file, []byte(p.String()), 0o666))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), p.String(), "%s; if that is what you want: go test ./plan -rewrite", file)
}

// TestNothingIsOverwrittenEarly plays a program through on a map from bytes to the value that they hold.
func TestNothingIsOverwrittenEarly(t *testing.T) {
	for name, model := range modelsOf {
		for _, mode := range []Mode{Inference, Evaluation, Training} {
			for _, batch := range []int{1, 3} {
				s, err := NewSession(model(t), paper{workspace: 100}, 1)
				require.NoError(t, err)
				p, err := s.Program(mode, batch)
				require.NoError(t, err)
				play(t, fmt.Sprintf("%s %v %d", name, mode, batch), p)
			}
		}
	}
}

func play(t *testing.T, name string, p *Program) {
	holds := make([]ops.Value, p.places.bytes/64+1) // by cache line
	lines := func(v ops.Value, do func(line int)) {
		b := p.buffer(v)
		if b.Memory != p.session.arena {
			return
		}
		require.Zero(t, b.Offset%kernels.Alignment)
		for at := b.Offset / 64; at*64 < b.Offset+b.Bytes; at++ {
			do(at)
		}
	}
	alias := map[ops.Value]ops.Value{} // views hold what their source does
	source := func(v ops.Value) ops.Value {
		for {
			w, ok := alias[v]
			if !ok {
				return v
			}
			v = w
		}
	}
	put := func(v ops.Value) { lines(v, func(at int) { holds[at] = v }) }
	check := func(v ops.Value, when string) {
		lines(v, func(at int) {
			require.Equal(t, source(v), holds[at], "%s: %s wants %s", name, when, p.name(v))
		})
	}
	feed := func() {
		for _, v := range []ops.Value{p.listing.src, p.listing.targets, p.listing.weights} {
			if v != ops.None {
				put(v)
			}
		}
	}
	run := func(i int) {
		op := p.listing.Ops[i]
		for _, v := range op.In {
			check(v, op.Name())
		}
		if ops.IsView(op.Operator) {
			alias[op.Out[0]] = op.In[0]
			return
		}
		if w := p.places.work[i]; w >= 0 {
			st := p.places.list[w]
			for at := st.offset / 64; at*64 < st.offset+st.bytes; at++ {
				holds[at] = ops.None
			}
			for _, v := range op.In {
				check(v, op.Name()+" beside its workspace")
			}
		}
		for _, v := range op.Out {
			put(v)
		}
		for _, v := range op.Out {
			check(v, op.Name()+" as a result")
		}
	}
	feed()
	for i := range p.listing.Ops {
		run(i)
	}
	feed()
	for i := p.listing.fixed; i < len(p.listing.Ops); i++ { // the next batch
		run(i)
	}
	for _, v := range p.listing.kept {
		check(v, "the host")
	}
}

func TestArenaIsReused(t *testing.T) {
	s, err := NewSession(residual(t), paper{}, 1)
	require.NoError(t, err)
	p, err := s.Program(Training, 16)
	require.NoError(t, err)
	total := 0
	for _, op := range p.listing.Ops {
		for _, v := range op.Out {
			if !ops.IsView(op.Operator) {
				total += p.listing.Type(v).Bytes()
			}
		}
	}
	assert.Less(t, p.ArenaBytes(), total*2/3, "lifetimes overlap in part only")
}

func TestWeightsLieSideBySide(t *testing.T) {
	for _, model := range modelsOf {
		s, err := NewSession(model(t), paper{}, 1)
		require.NoError(t, err)
		p, err := s.Program(Training, 2)
		require.NoError(t, err)
		at := slices.IndexFunc(p.listing.Ops, func(op ops.Op) bool { return op.Name() == (ops.Optimize{}).Name() })
		require.GreaterOrEqual(t, at, 0)
		last := p.listing.Ops[at]
		o := last.Operator.(ops.Optimize)
		groups := len(last.In[3:]) / o.Parameters
		for i := range o.Parameters {
			for g := range groups {
				first := p.buffer(last.In[3+g*o.Parameters])
				b := p.buffer(last.In[3+g*o.Parameters+i])
				assert.Equal(t, p.buffer(last.In[3+i]).Offset-p.buffer(last.In[3]).Offset, b.Offset-first.Offset)
			}
		}
	}
}

func TestFirstWeightsDependOnTheSeed(t *testing.T) {
	first := func(seed uint64, threads int) (all []float32) {
		s, err := NewSession(small(t), paper{threads: threads}, seed)
		require.NoError(t, err)
		for _, e := range s.Entries() {
			if e.Kind == Trainable {
				w := make([]float32, e.Type.Shape.Size())
				require.NoError(t, s.Read(e.Name, w))
				all = append(all, w...)
			}
		}
		return all
	}
	for _, threads := range []int{2, 3, 5} {
		assert.Equal(t, first(1, 1), first(1, threads))
	}
	assert.NotEqual(t, first(1, 1), first(2, 1))
}

func TestMistakes(t *testing.T) {
	m := small(t)
	m.Optimizer = nil
	s, err := NewSession(m, paper{}, 1)
	require.NoError(t, err)
	_, err = s.Program(Training, 1)
	assert.ErrorContains(t, err, "needs an optimizer")
	m.Loss = nil
	s, err = NewSession(m, paper{}, 1)
	require.NoError(t, err)
	_, err = s.Program(Evaluation, 1)
	assert.ErrorContains(t, err, "needs a loss")
	_, err = s.Program(Inference, 0)
	assert.ErrorContains(t, err, "0 samples")
	assert.ErrorContains(t, s.Read("nothing", nil), `"nothing"`)
	assert.ErrorIs(t, s.Write("conv2d/kernel", []float32{1}), ops.ErrShape)
}
