package meseta

import (
	"errors"
	"fmt"
	"math"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/plan"
)

// source is a loader with what its batches bring.
type source struct {
	*data.Loader
	feed        plan.Feed
	labels      int // labels must lie below; 0 for any from 0
	classWeight map[int]float64
	weights     []float32 // of a batch, made of classWeight
}

// source feeds a data set to the model, whose shapes must agree. Of o it fills in what is the model's: the seed, and how many classes there are.
func (m *Model) source(ds data.Dataset, o data.LoaderOptions) (*source, error) {
	if ds == nil {
		return nil, errors.New("meseta: there is no data set, it is nil")
	}
	if !ops.Shape(ds.Shape()).Equal(m.graph.Input()) {
		return nil, fmt.Errorf("meseta: a sample is %v, the network takes %v: %w", ops.Shape(ds.Shape()), m.graph.Input(), ops.ErrShape)
	}
	target := data.TargetShape(ds)
	out := m.graph.OutputShape()
	s := &source{labels: losses.Labels(m.training.Loss, out[len(out)-1])}
	if target == nil {
		if ds.Classes() == 0 {
			return nil, errors.New("meseta: the data has neither labels nor targets; training and evaluation need them")
		}
		if s.labels > 0 && ds.Classes() > s.labels {
			way := fmt.Sprintf("give it a last layer of %d", ds.Classes())
			if ds.Classes() == 2 {
				way += ", or take binary_crossentropy"
			}
			return nil, fmt.Errorf("meseta: the data has %d classes, the network's output %v has room for %d; %s: %w", ds.Classes(), out, s.labels, way, ops.ErrShape)
		}
	}
	o.BatchSize, o.Seed, o.Classes = min(o.BatchSize, ds.Len()), m.training.Seed, out[len(out)-1]
	var err error
	if s.Loader, err = data.NewLoader(ds, o); err != nil {
		return nil, err
	}
	s.feed, err = plan.NewFeed(s.TargetShape(), s.Weighted())
	return s, err
}

// weigh gives samples weights by their classes.
func (s *source) weigh(classWeight map[int]float64, batch int) error {
	if len(classWeight) == 0 {
		return nil
	}
	if s.feed.Weighted {
		return errors.New("meseta: the samples have weights already, and ClassWeight is set too; leave one out")
	}
	if target := s.feed.Target(); len(target) > 1 {
		return fmt.Errorf("meseta: ClassWeight wants targets of one dimension, such as one-hot rows, they are %v: %w", target, ops.ErrShape)
	}
	classes := s.labels // 0 for any
	if target := s.feed.Target(); target != nil {
		classes = target[0]
		if classes == 1 { // the number itself
			classes = 0
		}
	}
	for class, weight := range classWeight {
		if classes > 0 && class >= classes {
			return fmt.Errorf("meseta: ClassWeight gives class %d the weight %g, the classes are 0 to %d: %w", class, weight, classes-1, ops.ErrShape)
		}
		if class < 0 || !(weight >= 0) || math.IsInf(weight, 0) {
			return fmt.Errorf("meseta: ClassWeight gives class %d the weight %g, want classes and weights from 0", class, weight)
		}
	}
	s.classWeight, s.weights, s.feed.Weighted = classWeight, make([]float32, batch), true
	return nil
}

// classWeights gives the weights of a batch's samples, by the class that each is of; classes without a weight have 1, as in Keras.
func (s *source) classWeights(b *data.Batch) []float32 {
	weights := s.weights[:b.N]
	for i := range weights {
		class := 0
		switch size := len(b.Targets) / b.N; {
		case size == 0:
			class = int(b.Labels[i])
		case size == 1:
			class = int(math.RoundToEven(float64(b.Targets[i])))
		default:
			row := b.Targets[i*size : (i+1)*size]
			for j, t := range row {
				if t > row[class] {
					class = j
				}
			}
		}
		weights[i] = 1
		if w, ok := s.classWeight[class]; ok {
			weights[i] = float32(w)
		}
	}
	return weights
}

// batch gives the program for a batch, with the batch in it.
func (m *Model) batch(mode plan.Mode, s *source, b *data.Batch) (*plan.Program, error) {
	p, err := m.session.ProgramFor(mode, b.N, s.feed)
	if err != nil {
		return nil, err
	}
	if b.Targets != nil {
		p.SetTargets(b.Targets)
	} else {
		for i, label := range b.Labels {
			if label < 0 || s.labels > 0 && int(label) >= s.labels {
				return nil, fmt.Errorf("meseta: the label of sample %d is %d, the network's output %v has room for 0 to %d: %w",
					b.Index[i], label, m.graph.OutputShape(), s.labels-1, ops.ErrShape)
			}
		}
	}
	if b.Bytes != nil {
		p.SetBytes(b.Bytes, s.Divisor(), b.Moves, b.Labels)
	} else {
		p.SetBatch(b.X, b.Labels)
	}
	switch {
	case s.classWeight != nil:
		p.SetWeights(s.classWeights(b))
	case s.feed.Weighted:
		p.SetWeights(b.Weights)
	}
	return p, nil
}
