package softmax

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "go4.org/unsafe/assume-no-moving-gc" // this version asks the runtime, the one that Gorgonia pins panics on new Go
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// inGorgonia gives Σ f(softmax(scores))·weights, and its gradient with respect to scores.
func inGorgonia(t *testing.T, classes int, scores, weights []float64, f func(*gorgonia.Node) *gorgonia.Node) (value float64, gradient []float64) {
	t.Helper()
	g := gorgonia.NewGraph()
	matrix := func(name string, values []float64) *gorgonia.Node {
		shape := tensor.Shape{len(values) / classes, classes}
		return gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), values...)))))
	}
	x, w := matrix("scores", scores), matrix("weights", weights)
	softmax := gorgonia.Must(gorgonia.SoftMax(x))
	sum := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(f(softmax), w))))
	gradients, err := gorgonia.Grad(sum, x)
	require.NoError(t, err)
	machine := gorgonia.NewTapeMachine(g)
	defer machine.Close()
	require.NoError(t, machine.RunAll())
	return sum.Value().Data().(float64), gradients[0].Value().Data().([]float64)
}

// TestReferenceAgainstGorgonia holds softmax and the cross-entropy against Gorgonia's expressions and their symbolic gradients.
func TestReferenceAgainstGorgonia(t *testing.T) {
	const n, classes = 5, 4
	scores, _, diff, diffRows, labels := problem(n, classes)
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}

	value, gradient := inGorgonia(t, classes, scores, diff, func(y *gorgonia.Node) *gorgonia.Node { return y })
	y, dx := make([]float64, n*classes), make([]float64, n*classes)
	ReferenceForward(classes, y, scores)
	ReferenceBackward(classes, dx, diff, y)
	assert.InDelta(t, value, dot(y, diff), 1e-12)
	assert.InDeltaSlice(t, gradient, dx, 1e-12)

	hot := make([]float64, n*classes) // minus the upstream gradient at the label
	for i, label := range labels {
		hot[i*classes+int(label)] = -diffRows[i]
	}
	value, gradient = inGorgonia(t, classes, scores, hot, func(y *gorgonia.Node) *gorgonia.Node { return gorgonia.Must(gorgonia.Log(y)) })
	losses := make([]float64, n)
	ReferenceCrossEntropy(classes, losses, scores, labels)
	ReferenceCrossEntropyBackward(classes, dx, diffRows, scores, labels)
	assert.InDelta(t, value, dot(losses, diffRows), 1e-12)
	assert.InDeltaSlice(t, gradient, dx, 1e-12)
}
