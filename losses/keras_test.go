package losses_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/interpret"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// kerasCase is one of testdata/keras.json; make_keras.py says what its fields are.
type kerasCase struct {
	Name        string
	Arguments   map[string]any
	Shape       []int
	Labels      []int32
	Targets     []float32
	Predictions []float32
	Weights     []float32
	Losses      []float32
	Gradient    []float32
}

// TestKeras holds each loss and its gradient against Keras's. Both compute in float32, in which terms differ by some 1e-7 of the largest;
// where a probability is about to be clipped Keras's 1-p has 1e-7 left of its digits, and so have the logarithms of that.
func TestKeras(t *testing.T) {
	text, err := os.ReadFile("testdata/keras.json")
	require.NoError(t, err)
	var k struct{ Cases []kerasCase }
	require.NoError(t, json.Unmarshal(text, &k))
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	defer device.Close()
	seen := map[string]bool{}
	for i, c := range k.Cases {
		t.Run(fmt.Sprintf("%d %s %v", i, c.Name, c.Arguments), func(t *testing.T) {
			loss, err := losses.Configured(c.Name, c.Arguments)
			require.NoError(t, err)
			assert.Equal(t, c.Name, loss.ClassName())
			g := &ops.Graph{}
			n := c.Shape[0]
			p := g.NewValue("p", ops.F32(c.Shape...), ops.Parameter)
			in := map[ops.Value]any{p: c.Predictions}
			var targets ops.Value
			if c.Labels != nil {
				targets = g.NewValue("labels", ops.Type{DType: ops.Int32, Shape: ops.Shape{n}}, ops.Input)
				in[targets] = c.Labels
			} else {
				targets = g.NewValue("targets", ops.F32(c.Shape...), ops.Input)
				in[targets] = c.Targets
			}
			each, err := loss.Lower(g, p, targets)
			require.NoError(t, err)
			require.Equal(t, ops.F32(n), g.Type(each))
			seed := g.NewValue("seed", ops.F32(n), ops.Input)
			in[seed] = c.Weights
			gradient, err := g.Gradients(each, seed, []ops.Value{p})
			require.NoError(t, err)
			values := interpret.Run(t, device, g, in)
			near(t, c.Losses, values.Float32(each), 1e-6, "losses")
			near(t, c.Gradient, values.Float32(gradient[0]), 3e-6, "gradient")
			seen[c.Name] = true
		})
	}
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		assert.True(t, seen[l.ClassName()], "%s has no case", name)
	}
}

// near compares with a tolerance relative to the largest number, but for gradients that vanish.
func near(t *testing.T, want, got []float32, tolerance float64, what string) {
	t.Helper()
	largest := 1e-2
	for _, w := range want {
		largest = max(largest, math.Abs(float64(w)))
	}
	assert.InDeltaSlice(t, want, got, tolerance*largest, what)
}

func TestConfigured(t *testing.T) {
	for name, want := range map[string]losses.Loss{
		"mse": losses.MeanSquaredError{}, "Huber": losses.NewHuber(), "huber": losses.Huber{Delta: 1},
		"categorical_crossentropy": losses.CategoricalCrossentropy{}, "kullback_leibler_divergence": losses.KLDivergence{},
	} {
		got, err := losses.New(name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	got, err := losses.Configured("binary_crossentropy", map[string]any{"from_logits": true, "label_smoothing": 0.25})
	require.NoError(t, err)
	assert.Equal(t, losses.BinaryCrossentropy{FromLogits: true, LabelSmoothing: .25}, got)
	assert.Equal(t, map[string]any{"from_logits": true, "label_smoothing": .25}, losses.Arguments(got))
	got, err = losses.Configured("Dice", map[string]any{"axis": []any{1, uint64(2)}})
	require.NoError(t, err)
	assert.Equal(t, losses.Dice{Axis: []int{1, 2}}, got)
	for _, c := range []struct {
		name      string
		arguments map[string]any
		want      string
	}{
		{"hubert", nil, `no "hubert", there are binary_crossentropy`},
		{"huber", map[string]any{"gamma": 1}, `Huber: there is no argument "gamma", there is delta`},
		{"mse", map[string]any{"delta": 1}, `there is none`},
		{"huber", map[string]any{"delta": "1"}, "delta is 1, want a number"},
		{"bce", map[string]any{"from_logits": 1}, "want true or false"},
		{"dice", map[string]any{"axis": 1.5}, "want a list, each a whole number"},
	} {
		_, err := losses.Configured(c.name, c.arguments)
		assert.ErrorIs(t, err, losses.ErrConfig)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestKnown(t *testing.T) {
	assert.True(t, losses.Known(losses.Huber{}))
	assert.True(t, losses.Known(&losses.Huber{Delta: 2}))
	assert.Equal(t, map[string]any{"delta": 2.}, losses.Arguments(&losses.Huber{Delta: 2}))
	assert.False(t, losses.Known(nil))
	assert.False(t, losses.Known(own{}))
}

// own is a loss of another package, under a name that is taken.
type own struct{ losses.Huber }

func TestWhatDoesNotFit(t *testing.T) {
	g := &ops.Graph{}
	p, image := g.NewValue("p", ops.F32(2, 3), ops.Input), g.NewValue("image", ops.F32(2, 4, 4, 3), ops.Input)
	labels := g.NewValue("labels", ops.Type{DType: ops.Int32, Shape: ops.Shape{2}}, ops.Input)
	one := g.NewValue("one", ops.F32(2, 1), ops.Input)
	for _, name := range losses.Names() {
		l, err := losses.New(name)
		require.NoError(t, err)
		_, err = l.Lower(g, p, one)
		if name == "sparse_categorical_crossentropy" {
			assert.ErrorIs(t, err, losses.ErrTargets)
			continue
		}
		assert.ErrorIs(t, err, ops.ErrShape, name)
		_, err = l.Lower(g, image, labels)
		assert.ErrorIs(t, err, losses.ErrTargets, name)
		_, err = l.Lower(g, image, image)
		assert.NoError(t, err, name)
	}
	for _, l := range []losses.Loss{losses.Huber{}, losses.BinaryCrossentropy{LabelSmoothing: 2}, losses.CategoricalCrossentropy{LabelSmoothing: -1},
		losses.BinaryFocalCrossentropy{LabelSmoothing: 3}, losses.CategoricalFocalCrossentropy{LabelSmoothing: 3}, losses.Dice{Axis: []int{0}}, losses.Tversky{Axis: []int{0, 1}}} {
		_, err := l.Lower(g, p, p)
		assert.ErrorIs(t, err, losses.ErrConfig)
	}
	assert.Equal(t, 3, losses.Labels(losses.Huber{}, 3))
	assert.Equal(t, 2, losses.Labels(losses.BinaryCrossentropy{}, 1))
	assert.Equal(t, 1, losses.Labels(losses.SparseCategoricalCrossentropy{}, 1))
}
