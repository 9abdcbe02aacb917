package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/interpret"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/random"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folding has a batch norm behind every kind of operation that takes one over, and one behind a sum, which stays.
func folding(t *testing.T) Model {
	norm := func(x *layers.Node) *layers.Node { return layers.Apply(layers.NewBatchNormalization(), x) }
	in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{9, 8, 3}})
	x := layers.Apply(&layers.ReLULayer{}, norm(layers.Apply(&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Padding: layers.Same}, in)))
	y := norm(layers.Apply(&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Padding: layers.Same, NoBias: true}, x))
	x = norm(layers.Apply(&layers.Add{}, x, y))
	x = layers.Apply(&layers.ReLULayer{MaxValue: 6}, norm(layers.Apply(&layers.DepthwiseConv2D{KernelSize: layers.Square(3)}, x)))
	x = layers.Apply(&layers.BatchNormalization{Epsilon: .01, Momentum: .9, NoScale: true}, layers.Apply(&layers.Dense{Units: 5}, layers.Apply(&layers.Flatten{}, x)))
	out := layers.Apply(&layers.Dense{Units: 3}, x)
	g, err := layers.Functional("folding", in, out)
	require.NoError(t, err)
	return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true},
		Optimizer: &optimizers.SGD{LearningRate: .02, Base: optimizers.Base{UseEMA: true, EMAMomentum: .5}}}
}

// TestInferenceFollowsTheWeights holds what inference and evaluation give against the network's operations run one by one, for one set of weights
// after another: what is computed once for each must be computed again, whoever changes them and whichever program ran in between.
func TestInferenceFollowsTheWeights(t *testing.T) {
	const n = 4
	overwritten := false
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			dev, err := kernels.NewCPU(cpu.Config{Threads: 2, ISA: &isa})
			require.NoError(t, err)
			defer dev.Close()
			m := folding(t)
			s, err := NewSession(m, dev, 3)
			require.NoError(t, err)
			defer s.Close()
			programs := map[string]*Program{}
			for name, p := range map[string]struct {
				mode  Mode
				batch int
			}{"infer": {Inference, n}, "infer more": {Inference, 4 * n}, "evaluate": {Evaluation, n}, "train": {Training, n}} {
				programs[name], err = s.Program(p.mode, p.batch)
				require.NoError(t, err)
			}
			infer, more, evaluate, train := programs["infer"], programs["infer more"], programs["evaluate"], programs["train"]
			for _, op := range infer.listing.Ops[infer.listing.fixed:] {
				if op.Name() == (ops.BatchNormInference{}).Name() {
					assert.Equal(t, "batch_normalization_2", op.Label, "the others are folded")
				}
			}

			over := overwriting(t, s, infer)

			x, labels := make([]float32, n*9*8*3), []int32{0, 1, 2, 1}
			r := random.Stream{Seed: 1, Purpose: random.Synthetic}
			for i := range x {
				x[i] = r.Normal()
			}
			weights := func(change func(name string, w []float32)) {
				for _, e := range s.Entries() {
					if e.Kind == Trainable || e.Kind == Fixed {
						w := make([]float32, e.Type.Shape.Size())
						require.NoError(t, s.Read(e.Name, w))
						change(e.Name, w)
					}
				}
			}
			var last []float32
			check := func(when string) {
				t.Helper()
				l, err := lower(m, Inference, n, Feed{})
				require.NoError(t, err)
				values := map[ops.Value]any{l.src: x}
				weights(func(name string, w []float32) {
					for v, info := range l.Values {
						if info.Name == name {
							values[ops.Value(v)] = w
						}
					}
				})
				want := interpret.Run(t, dev, l.Graph, values).Float32(l.prediction)
				assert.NotEqual(t, last, want, "%s: other weights give other numbers", when)
				last = want
				largest, loss := 0.0, 0.0
				for i, w := range want {
					largest = max(largest, math.Abs(float64(w)))
					if i%3 == 0 {
						sum := 0.0
						for _, x := range want[i : i+3] {
							sum += math.Exp(float64(x))
						}
						loss += (math.Log(sum) - float64(want[i+int(labels[i/3])])) / n
					}
				}
				near := func(p *Program, what string, want []float32) {
					got := make([]float32, len(want))
					p.Prediction(got)
					assert.InDeltaSlice(t, want, got, 1e-5*largest, "%s %s", what, when)
				}
				run := func(p *Program, x []float32) {
					p.SetBatch(x, labels)
					require.NoError(t, p.Run())
				}
				run(infer, x)
				near(infer, "inference", want)
				run(more, slices.Repeat(x, 4))
				near(more, "inference of a larger batch", slices.Repeat(want, 4))
				run(evaluate, x)
				assert.InDelta(t, loss, evaluate.MeanLoss(make([]float32, n)), 1e-5*(1+largest), "evaluation %s", when)
				run(infer, x)
				if over != nil {
					overwritten = true
					over.SetBatch(slices.Repeat(x, over.Batch)[:over.Batch*len(x)/n], nil)
				}
				run(infer, x)
				near(infer, "inference after another program's batch", want)
				run(infer, x)
				near(infer, "inference again", want)
			}
			check("at the start")
			weights(func(name string, w []float32) {
				for i := range w {
					w[i] += .1 * r.Float32() // variances stay above 0
				}
				require.NoError(t, s.Write(name, w))
			})
			check("after writing weights")
			for step := range 2 {
				s.SetLearningRate(.02)
				s.SetStep(1, int64(step))
				train.SetBatch(x, labels)
				require.NoError(t, train.Run())
				require.True(t, train.Applied())
				check(fmt.Sprintf("after %d steps", step+1))
			}
			require.NoError(t, s.SwapAverages())
			check("with the averages of weights")
		})
	}
	assert.True(t, overwritten, "a batch lies over what another program keeps")
}

// overwriting is an inference program whose batch lies where p keeps something for its next step, or nil where none of a few does.
func overwriting(t *testing.T, s *Session, p *Program) *Program {
	var kept []kernels.Buffer
	for _, op := range p.listing.Ops[p.listing.fixed:] {
		for _, v := range op.In {
			if b := p.buffer(v); b.Memory == s.arena && usesOf(p.listing.Graph, nil).maker[v] < p.listing.fixed && v != p.listing.src {
				kept = append(kept, b)
			}
		}
	}
	for batch := 1; batch < 400; batch += 3 {
		q, err := s.Program(Inference, batch)
		require.NoError(t, err)
		x := q.buffer(q.listing.src)
		if q != p && slices.ContainsFunc(kept, func(b kernels.Buffer) bool { return x.Offset < b.Offset+b.Bytes && b.Offset < x.Offset+x.Bytes }) {
			return q
		}
	}
	return nil
}

// TestTrainingBesideOtherPrograms trains with norms whose gamma or beta is made of nothing, in one go, and with other programs of larger
// batches in between: the same weights, bit for bit.
func TestTrainingBesideOtherPrograms(t *testing.T) {
	const n = 4
	dev, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	defer dev.Close()
	model := func() Model {
		plain, scaled := layers.NewBatchNormalization(), layers.NewBatchNormalization()
		plain.NoScale, plain.NoCenter, scaled.NoCenter = true, true, true
		g, err := layers.Sequential("made", &layers.InputLayer{Shape: layers.Shape{6, 6, 3}}, &layers.Conv2D{Filters: 5, KernelSize: layers.Square(3), NoBias: true}, plain,
			&layers.ReLULayer{}, &layers.Conv2D{Filters: 5, KernelSize: layers.Square(3), NoBias: true}, scaled, &layers.Flatten{}, &layers.Dense{Units: 3})
		require.NoError(t, err)
		return Model{Layers: g, Loss: losses.SparseCategoricalCrossentropy{FromLogits: true}, Optimizer: optimizers.NewSGD()}
	}
	x, labels := make([]float32, 8*n*6*6*3), slices.Repeat([]int32{0, 1, 2, 1}, 8)
	r := random.Stream{Seed: 1, Purpose: random.Synthetic}
	for i := range x {
		x[i] = r.Normal()
	}
	train := func(between func(run func(mode Mode, batch int))) (weights [][]float32) {
		s, err := NewSession(model(), dev, 3)
		require.NoError(t, err)
		defer s.Close()
		run := func(mode Mode, batch int) {
			p, err := s.Program(mode, batch)
			require.NoError(t, err)
			p.SetBatch(x[:batch*6*6*3], labels[:batch])
			require.NoError(t, p.Run())
		}
		p, err := s.Program(Training, n)
		require.NoError(t, err)
		assert.Equal(t, 4, p.listing.fixed, "a gamma, two betas, and what the gradient begins with: %v", p)
		for range 3 {
			run(Training, n)
			between(run)
		}
		for _, e := range s.Entries() {
			if e.Kind == Trainable || e.Kind == Fixed {
				w := make([]float32, e.Type.Shape.Size())
				require.NoError(t, s.Read(e.Name, w))
				weights = append(weights, w)
			}
		}
		return weights
	}
	assert.Equal(t, train(func(func(Mode, int)) {}), train(func(run func(Mode, int)) {
		run(Evaluation, 8*n)
		run(Inference, 8*n)
	}))
}

// What is written over is no constant of a training step, and what is large keeps no place in all of it.
func TestFilled(t *testing.T) {
	l := &listing{Graph: &ops.Graph{}}
	add := func(o ops.Operator, in ...ops.Value) ops.Value {
		v, err := l.Add1(o, in...)
		require.NoError(t, err)
		return v
	}
	small, large, gradient := add(ops.Fill{Type: ops.F32(3), Value: 1}), add(ops.Fill{Type: ops.F32(1 << 15), Value: 1}), add(ops.Fill{Type: ops.F32(2, 3), Value: 1})
	made := add(ops.Affine{Scale: 2}, small)
	l.gradients = []ops.Value{add(ops.Reshape{Shape: ops.Shape{6}}, gradient)}
	filled := l.filled()
	assert.True(t, filled[small])
	assert.False(t, filled[large])
	assert.False(t, filled[gradient])
	assert.False(t, filled[made])
}
