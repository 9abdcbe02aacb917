package plan

import (
	"testing"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
)

// Moving averages of one momentum are one operation, and what else was deferred keeps its place.
func TestMovingAveragesOfAllLayersAreOne(t *testing.T) {
	slow, quick, other := ops.MovingAverage{Momentum: .99}, ops.MovingAverage{Momentum: .9}, ops.NonNegative{}
	assert.Equal(t, []layers.Deferred{
		{Op: slow, In: []ops.Value{1, 2, 3, 4, 11, 12, 13, 14}, Label: "update"},
		{Op: other, In: []ops.Value{1}, Label: "b"},
		{Op: quick, In: []ops.Value{5, 15}, Label: "c"},
	}, joinAverages([]layers.Deferred{
		{Op: slow, In: []ops.Value{1, 2, 11, 12}, Label: "a"},
		{Op: other, In: []ops.Value{1}, Label: "b"},
		{Op: quick, In: []ops.Value{5, 15}, Label: "c"},
		{Op: slow, In: []ops.Value{3, 13}, Label: "d"},
		{Op: slow, In: []ops.Value{4, 14}, Label: "e"},
	}))
}
