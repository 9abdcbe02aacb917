package fields

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type all struct {
	FromLogits    bool
	NumThresholds int
	Delta         float64
	Average       string
	Axis          []int
	LabelWeights  []float64
	ClassID       *int
}

func TestMap(t *testing.T) {
	assert.Equal(t, []string{"from_logits", "num_thresholds", "delta", "average", "axis", "label_weights", "class_id"}, Keys(all{}))
	assert.Equal(t, map[string]any{"from_logits": false, "num_thresholds": 0, "delta": 0., "average": "", "axis": nil, "label_weights": nil, "class_id": nil}, Map(all{}))
	two := 2
	x := all{true, 3, .5, "micro", []int{1}, []float64{.5}, &two}
	assert.Equal(t, map[string]any{"from_logits": true, "num_thresholds": 3, "delta": .5, "average": "micro", "axis": []int{1}, "label_weights": []float64{.5}, "class_id": 2}, Map(x))
	assert.Equal(t, Map(x), Map(&x))
}

func TestSet(t *testing.T) {
	two := 2
	want := all{true, 3, 2, "micro", []int{1}, []float64{.5, 1}, &two}
	got, err := Set(all{}, map[string]any{"from_logits": true, "num_thresholds": 3., "delta": "2e0", "average": "micro", "axis": uint64(1), "label_weights": []any{.5, int64(1)}, "class_id": 2})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	kept := want
	got, err = Set(want, map[string]any{"axis": nil, "class_id": nil, "average": nil})
	require.NoError(t, err)
	assert.Equal(t, kept, want, "a copy is changed")
	assert.Equal(t, all{FromLogits: true, NumThresholds: 3, Delta: 2, LabelWeights: []float64{.5, 1}}, got)
	for name, wrong := range map[string]any{"from_logits": 1, "num_thresholds": 1.5, "delta": "1", "average": 2, "axis": []any{nil}, "label_weights": "x", "class_id": []any{1}, "gamma": 1} {
		_, err := Set(all{}, map[string]any{name: wrong})
		assert.ErrorIs(t, err, ErrArgument, name)
		assert.ErrorContains(t, err, name)
	}
	_, err = Set(all{}, map[string]any{"label_weights": "x"})
	assert.EqualError(t, err, "label_weights is x, want a list, each a number: bad argument")
	_, err = Set(struct{}{}, map[string]any{"x": 1})
	assert.EqualError(t, err, `there is no argument "x", there is none: bad argument`)
}
