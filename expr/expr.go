// Package expr lets a program write a loss, a metric or a layer of its own as an expression of Gorgonia, such as
//
//	func(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
//		d, err := gorgonia.Sub(yTrue, yPred)
//		if err != nil {
//			return nil, err
//		}
//		return gorgonia.Square(d)
//	}
//
// The expression is built once for each program with the shapes of that program's batch, and lowered to the operations of package ops: it
// is differentiated, fused, placed and run like everything else, and Gorgonia's machines never run. An operation that we lack is an
// error that names it (ErrUnsupported).
//
// This file has what users make; lower.go turns Gorgonia's operations into ours. The command does not import this package, so that Gorgonia's graphs
// are no part of it.
package expr

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// ErrUnsupported is wrapped by errors about an operation of Gorgonia that has no counterpart here.
var ErrUnsupported = errors.New("no counterpart of Gorgonia's operation")

// Func is an expression of the targets and the predictions of a batch, both float32 of the prediction's shape [N,…]; class numbers come as
// rows with a 1 at the class. Its result is a number for each sample, [N]; of [N,…] the mean over all but the first dimension is taken, and a
// scalar stands for every sample. Constants are float32: gorgonia.NewConstant(float32(2)).
type Func func(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error)

// Loss is a losses.Loss, and a metrics.Metric, written as an expression.
type Loss struct {
	name string
	f    Func
}

// NewLoss makes a loss of an expression. Its name is what logs and files call it.
func NewLoss(name string, f Func) *Loss { return &Loss{name, f} }

// NewMetric makes a metric of an expression; an epoch's value is the mean over its samples.
func NewMetric(name string, f Func) *Loss { return NewLoss(name, f) }

// ClassName is the name.
func (l *Loss) ClassName() string { return l.name }

// Name is the name that NewLoss was given.
func (l *Loss) Name() string { return l.name }

// Lower adds the expression's operations to g and returns its values [N]. Errors wrap ErrUnsupported, ops.ErrShape, or what the expression returned.
func (l *Loss) Lower(g *ops.Graph, prediction, target ops.Value) (ops.Value, error) {
	yTrue, err := losses.Dense(g, prediction, target)
	if err != nil {
		return ops.None, fmt.Errorf("expr: %s: %w", l.name, err)
	}
	v, err := Lower(g, []ops.Value{yTrue, prediction}, func(in []*gorgonia.Node) (*gorgonia.Node, error) { return l.f(in[0], in[1]) })
	if err != nil {
		return ops.None, fmt.Errorf("expr: %s: %w", l.name, err)
	}
	return perSample(g, v, g.Type(prediction).Shape[0])
}

// perSample makes [n] of an expression's result.
func perSample(g *ops.Graph, v ops.Value, n int) (ops.Value, error) {
	switch s := g.Type(v).Shape; {
	case s.Size() == 1:
		v, err := g.Add1(ops.Reshape{Shape: ops.Shape{1}}, v)
		if err != nil || n == 1 {
			return v, err
		}
		return g.Add1(ops.Broadcast{Shape: ops.Shape{n}}, v)
	case s[0] != n:
		return ops.None, fmt.Errorf("expr: the result is %v, want one number for each of %d samples, [%d,…], or a scalar: %w", s, n, n, ops.ErrShape)
	case len(s) == 1:
		return v, nil
	default:
		axes := make([]int, len(s)-1)
		for i := range axes {
			axes[i] = i + 1
		}
		return g.Add1(ops.Reduce{Func: ops.Mean, Axes: axes}, v)
	}
}

// LayerFunc is an expression of a layer's inputs, each [N,…], and its weights. Its result is [N,…].
type LayerFunc func(inputs, weights []*gorgonia.Node) (*gorgonia.Node, error)

// Layer is a layers.Layer written as an expression. Files of weights hold its weights by name; a file that holds a whole model cannot, since Keras does
// not know the class.
type Layer struct {
	Name     string
	Class    string // what files, names and summaries call it: "CenterDistance"
	Function LayerFunc
	// WeightList lists the weights for inputs of the shapes in (of one sample), trainable ones first; nil means none.
	WeightList func(in []layers.Shape) []layers.Weight
}

// ClassName is the field Class.
func (l *Layer) ClassName() string { return l.Class }

// GivenName is the field Name.
func (l *Layer) GivenName() string { return l.Name }

// OutputShape is what the expression makes of two samples, less the first dimension.
func (l *Layer) OutputShape(in []layers.Shape) (layers.Shape, error) {
	switch {
	case l.Class == "" || l.Function == nil:
		return nil, fmt.Errorf("expr: a Layer without Class or Function: %w", layers.ErrConfig)
	case len(in) == 0:
		return nil, fmt.Errorf("expr: %s has no inputs, wants at least one: %w", l.Class, layers.ErrConfig)
	}
	const n = 2
	g := &ops.Graph{}
	var inputs, weights []ops.Value
	for _, s := range in {
		inputs = append(inputs, g.NewValue("", ops.F32(append([]int{n}, s...)...), ops.Temporary))
	}
	for _, w := range l.Weights(in) {
		weights = append(weights, g.NewValue("", ops.Type{Shape: w.Shape}, ops.Parameter))
	}
	v, err := l.lower(g, inputs, weights)
	if err != nil {
		return nil, err
	}
	s := g.Type(v).Shape
	if len(s) < 2 || s[0] != n {
		return nil, fmt.Errorf("expr: %s gives %v for %d samples, want [%d,…]: %w", l.Class, s, n, n, ops.ErrShape)
	}
	return s[1:], nil
}

// Weights is WeightList's.
func (l *Layer) Weights(in []layers.Shape) []layers.Weight {
	if l.WeightList == nil {
		return nil
	}
	return l.WeightList(in)
}

// Lower adds the expression's operations.
func (l *Layer) Lower(b *layers.Builder, in, w []ops.Value) (ops.Value, error) {
	return l.lower(b.Graph, in, w)
}

func (l *Layer) lower(g *ops.Graph, in, w []ops.Value) (ops.Value, error) {
	v, err := Lower(g, append(append([]ops.Value{}, in...), w...), func(nodes []*gorgonia.Node) (*gorgonia.Node, error) {
		return l.Function(nodes[:len(in)], nodes[len(in):])
	})
	if err != nil {
		return ops.None, fmt.Errorf("expr: %s: %w", l.Class, err)
	}
	return v, nil
}
