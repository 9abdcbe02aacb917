package plan

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/ops"
)

// sum is what the store keeps of the loss or a metric over the steps of an epoch, and what becomes of it.
type sum struct {
	name     string         // in logs, unique
	metric   metrics.Metric // nil for the loss
	weighted bool           // samples count with their weights
	finish   func(mean float64) float64
	state    metrics.State // of a metric that is no mean
	values   ops.Value     // those of the samples, [N], while a program is listed
}

// sums lists the loss, the metrics, and the weighted metrics. Where a name comes again, it gets a number, and that of a weighted metric the
// word weighted, as in Keras.
func (m Model) sums() ([]sum, error) {
	if m.Loss == nil {
		return nil, nil
	}
	list := []sum{{name: "loss"}}
	taken := map[string]int{"loss": 1}
	add := func(x metrics.Metric, weighted bool) error {
		s := sum{name: x.Name(), metric: metrics.Base(x), weighted: weighted}
		if weighted && taken[s.name] > 0 {
			s.name = "weighted_" + s.name
		}
		if n := taken[s.name]; n > 0 {
			taken[s.name]++
			s.name = fmt.Sprintf("%s_%d", s.name, n)
		}
		taken[s.name]++
		switch x := s.metric.(type) {
		case metrics.Stateful:
			var err error
			if s.state, err = x.State(m.Layers.OutputShape()); err != nil {
				return err
			}
		case metrics.Finisher:
			s.finish = x.Finish
		case metrics.Mean:
		default:
			return fmt.Errorf("plan: metric %s is a %T, neither a metrics.Mean nor a metrics.Stateful", s.name, x)
		}
		list = append(list, s)
		return nil
	}
	for _, x := range m.Metrics {
		if err := add(x, false); err != nil {
			return nil, err
		}
	}
	for _, x := range m.WeightedMetrics {
		if err := add(x, true); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// stateful says whether the sum is more than a mean.
func (s *sum) stateful() bool { return s.state.Sums != nil }

// kind is the type of the sum's value in the store.
func (s *sum) kind() ops.Type {
	if s.stateful() {
		return ops.Type{DType: ops.Float64, Shape: s.state.Sums}
	}
	return ops.SumType
}

// width is how many numbers the sum gives.
func (s *sum) width() int {
	if s.stateful() {
		return len(s.state.Suffixes)
	}
	return 1
}

// names lists the names of what the sum gives.
func (s *sum) names() []string {
	if !s.stateful() {
		return []string{s.name}
	}
	names := make([]string, len(s.state.Suffixes))
	for i, suffix := range s.state.Suffixes {
		names[i] = s.name + suffix
	}
	return names
}

// results computes what the sum gives, and gives what of dst is behind that.
func (s *sum) results(dst, sums []float64) []float64 {
	n := s.width()
	switch {
	case s.stateful():
		s.state.Values(dst[:n], sums)
	case s.finish != nil:
		dst[0] = s.finish(sums[0] / sums[1])
	default:
		dst[0] = sums[0] / sums[1]
	}
	return dst[n:]
}

// measure appends the operations of the metrics that are means.
func (l *listing) measure(sums []sum) error {
	for i := range sums {
		s := &sums[i]
		mean, ok := s.metric.(metrics.Mean)
		if !ok {
			continue
		}
		var err error
		if s.values, err = mean.Lower(l.Graph, l.prediction, l.targets); err != nil {
			return fmt.Errorf("metric %s: %w", s.name, err)
		}
	}
	return nil
}

// accumulate appends what adds a step to the sums, in training gated by the flag: one operation for all means, but for one more for those that samples' weights count in.
func (l *listing) accumulate(sums []sum) error {
	type means struct{ sums, values, rest []ops.Value }
	of, order := map[ops.Sample]*means{}, []ops.Sample(nil)
	for i := range sums {
		s := &sums[i]
		b := metrics.Batch{
			Sums: l.NewValue(sumName(s.name), s.kind(), ops.State), Prediction: l.prediction, Targets: l.targets,
			Weights: ops.None, Apply: l.finite,
		}
		if s.weighted {
			b.Weights = l.weights
		}
		if x, ok := s.metric.(metrics.Stateful); ok {
			if err := s.state.Update(l.Graph, b); err != nil {
				return fmt.Errorf("metric %s: %w", x.Name(), err)
			}
			continue
		}
		sample, rest := b.Sample()
		m := of[sample]
		if m == nil {
			m = &means{rest: rest}
			of[sample], order = m, append(order, sample)
		}
		m.sums, m.values = append(m.sums, b.Sums), append(m.values, s.values)
	}
	for _, sample := range order {
		m := of[sample]
		if _, err := l.Add(ops.Accumulate{Sample: sample}, slices.Concat(m.sums, m.values, m.rest)...); err != nil {
			return err
		}
	}
	return nil
}
