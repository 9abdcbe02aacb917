package metrics

import (
	"fmt"

	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
)

// Metrics of a confusion matrix: how often each class is predicted where each is right. The predicted class is where the largest score is, or of
// one number a sample whether it is above 0.5. What is right is a class label, or where the largest target is.
type (
	// ClassAccuracy is for each class the part of its samples that are predicted as that: class_accuracy_0 and so on, NaN for a class without samples.
	// Keras has no such metric.
	ClassAccuracy struct{}
	// MeanIoU is the mean over the classes of how many samples are rightly predicted as one, of those that are of it or predicted as it.
	// A class without any does not count. It is Keras's with sparse_y_pred=False.
	MeanIoU struct {
		NumClasses int // as many as the network's output has, at least; 0 for as many
	}
	// OneHotMeanIoU is MeanIoU.
	OneHotMeanIoU struct{ NumClasses int }
)

// ClassName is "ClassAccuracy".
func (ClassAccuracy) ClassName() string { return "ClassAccuracy" }

// ClassName is "MeanIoU".
func (MeanIoU) ClassName() string { return "MeanIoU" }

// ClassName is "OneHotMeanIoU".
func (OneHotMeanIoU) ClassName() string { return "OneHotMeanIoU" }

// Name is "class_accuracy".
func (ClassAccuracy) Name() string { return "class_accuracy" }

// Name is "mean_io_u".
func (MeanIoU) Name() string { return "mean_io_u" }

// Name is "one_hot_mean_io_u".
func (OneHotMeanIoU) Name() string { return "one_hot_mean_io_u" }

// State is the confusion matrix.
func (m ClassAccuracy) State(output ops.Shape) (State, error) {
	s, classes, err := confusion(m, 0, output)
	s.Suffixes = numbered(classes)
	s.Values = func(dst, matrix []float64) {
		for i := range classes {
			sum := 0.0
			for _, x := range matrix[i*classes:][:classes] {
				sum += x
			}
			dst[i] = matrix[i*classes+i] / sum
		}
	}
	return s, err
}

// State is the confusion matrix.
func (m MeanIoU) State(output ops.Shape) (State, error) { return meanIoU(m, m.NumClasses, output) }

// State is the confusion matrix.
func (m OneHotMeanIoU) State(output ops.Shape) (State, error) {
	return meanIoU(m, m.NumClasses, output)
}

func meanIoU(m Metric, wanted int, output ops.Shape) (State, error) {
	s, classes, err := confusion(m, wanted, output)
	s.Suffixes = single
	s.Values = func(dst, matrix []float64) {
		const epsilon = 1e-7
		sum, valid := 0.0, 0.0
		for i := range classes {
			either := -matrix[i*classes+i]
			for j := range classes {
				either += matrix[i*classes+j] + matrix[j*classes+i]
			}
			if either > 1e-9 {
				sum += matrix[i*classes+i] / (either + epsilon)
				valid++
			}
		}
		dst[0] = sum / (valid + epsilon)
	}
	return s, err
}

// confusion is the state of a metric of a confusion matrix without its values, and its number of classes.
func confusion(m Metric, wanted int, output ops.Shape) (State, int, error) {
	classes := max(output[len(output)-1], 2)
	if wanted != 0 && wanted < classes {
		return State{}, 0, fmt.Errorf("metrics: %s: NumClasses is %d, the network's output %v has %d: %w", m.ClassName(), wanted, output, classes, ErrConfig)
	}
	if classes = max(classes, wanted); classes > maxConfusion/classes {
		return State{}, 0, fmt.Errorf("metrics: %s: the matrix of %d classes is too large, want at most %d numbers: %w", m.ClassName(), classes, maxConfusion, ErrConfig)
	}
	return State{
		Sums: ops.Shape{classes, classes},
		Update: func(g *ops.Graph, b Batch) error {
			e := losses.Emitter{Graph: g}
			right, err := rightClass(&e, b.Prediction, b.Targets)
			if err != nil {
				return err
			}
			predicted := e.Add(ops.ArgMax{}, twoClasses(&e, b.Prediction))
			if e.Err != nil {
				return e.Err
			}
			sample, rest := b.Sample()
			_, err = g.Add(ops.Confuse{Sample: sample}, append([]ops.Value{b.Sums, predicted, right}, rest...)...)
			return err
		},
	}, classes, nil
}

// rightClass is labelsOf, where targets of one number say whether it is the second class.
func rightClass(e *losses.Emitter, prediction, targets ops.Value) (ops.Value, error) {
	p := e.Graph.Type(prediction).Shape
	if p[len(p)-1] > 1 || e.Graph.Type(targets).DType == ops.Int32 {
		return labelsOf(e.Graph, prediction, targets)
	}
	t, err := losses.Dense(e.Graph, prediction, targets)
	if err != nil {
		return ops.None, err
	}
	return e.Add(ops.ArgMax{}, twoClasses(e, t)), e.Err
}

// twoClasses gives 1-p and p where the last dimension is 1.
func twoClasses(e *losses.Emitter, p ops.Value) ops.Value {
	s := e.Graph.Type(p).Shape
	if s[len(s)-1] > 1 {
		return p
	}
	return e.Add(ops.Concat{}, e.Affine(p, -1, 1), p)
}
