// Package losses holds what training minimises: a loss's configuration in Keras's words and the operations it stands for.
//
// This file has the interface and what losses share; crossentropy.go and focal.go the losses of classifiers, regression.go, hinge.go and
// overlap.go the others; emit.go how they are composed of operations, with gradients that follow from those of the operations; config.go losses
// by name. logits.go says which of them are of logits.
//
// There is no arithmetic here, and no gradients: packages kernels and ops have those. Penalties on weights are package layers'.
package losses

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// ErrTargets is wrapped by errors about a loss or metric that cannot be taken of what the data gives: of class labels, or of targets.
var ErrTargets = errors.New("labels or targets do not fit")

// Loss gives one number for each sample; training minimises their mean.
type Loss interface {
	ClassName() string // Keras's name of the class: "SparseCategoricalCrossentropy"
	Name() string      // Keras's name of the function: "sparse_categorical_crossentropy"
	// Lower adds the operations to g and returns the losses [N].
	// prediction is the network's output [N,…], targets class labels int32 [N] or numbers float32 [N,…]. Errors wrap ops.ErrShape or
	// ErrTargets. Losses of numbers take labels as Dense gives them.
	Lower(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error)
}

// Labels is the number of classes that a loss tells apart by an output of so many numbers: labels lie below.
func Labels(l Loss, width int) int {
	if _, sparse := l.(SparseCategoricalCrossentropy); sparse || width > 1 {
		return width
	}
	return 2 // one number is that of the second class
}

// Sparse says whether targets are class labels. The error wraps ErrTargets; instead is the loss or metric to use for others.
func Sparse(g *ops.Graph, targets ops.Value, instead string) error {
	if t := g.Type(targets); t.DType != ops.Int32 {
		return fmt.Errorf("it wants class labels, the data has targets %v; use %s: %w", t.Shape, instead, ErrTargets)
	}
	return nil
}

// Dense gives targets of the prediction's type. Class labels become one-hot rows; where the prediction is one number a sample, 0 and 1.
// The error wraps ErrTargets or ops.ErrShape.
func Dense(g *ops.Graph, prediction, targets ops.Value) (ops.Value, error) {
	p, t := g.Type(prediction), g.Type(targets)
	if t.DType == ops.Float32 {
		if !t.Shape.Equal(p.Shape) {
			return ops.None, fmt.Errorf("targets are %v, the network gives %v: %w", t.Shape, p.Shape, ops.ErrShape)
		}
		return targets, nil
	}
	if len(p.Shape) != 2 {
		return ops.None, fmt.Errorf("it wants targets of the network's shape %v, the data has one class label a sample: %w", p.Shape, ErrTargets)
	}
	classes := p.Shape[1]
	hot, err := g.Add1(ops.OneHot{Classes: max(classes, 2)}, targets)
	if err == nil && classes == 1 {
		hot, err = g.Add1(ops.Channels{First: 1, Count: 1}, hot)
	}
	return hot, err
}

// ErrConfig is wrapped by errors about a loss's configuration.
var ErrConfig = errors.New("bad loss configuration")

func configError(l Loss, format string, args ...any) error {
	return fmt.Errorf("losses: %s: "+format+": %w", append(append([]any{l.ClassName()}, args...), ErrConfig)...)
}

func checkSmoothing(l Loss, smoothing float64) error {
	if !(smoothing >= 0 && smoothing <= 1) {
		return configError(l, "LabelSmoothing is %g, want 0 to 1", smoothing)
	}
	return nil
}
