package optimizers

import (
	"math"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaultsAreKerass(t *testing.T) {
	rule, err := NewAdam().Rule()
	require.NoError(t, err)
	assert.Equal(t, ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, rule)
	assert.Equal(t, .001, NewAdam().Rate())
	rule, err = NewSGD().Rule()
	require.NoError(t, err)
	assert.Equal(t, ops.SGD{}, rule)
	assert.Equal(t, .01, NewSGD().Rate())
}

func TestSlotsAreThoseOfTheRule(t *testing.T) {
	for _, o := range []Optimizer{NewAdam(), NewSGD(), &SGD{LearningRate: 1, Momentum: .9}} {
		rule, err := o.Rule()
		require.NoError(t, err)
		assert.Len(t, o.Slots(), rule.Slots())
	}
}

func TestWithRateCopies(t *testing.T) {
	for _, o := range []Optimizer{NewAdam(), NewSGD()} {
		before := o.Rate()
		assert.Equal(t, .5, o.WithRate(.5).Rate())
		assert.Equal(t, before, o.Rate())
		assert.Equal(t, o.ClassName(), o.WithRate(.5).ClassName())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	with := func(change func(*Adam)) *Adam { a := NewAdam(); change(a); return a }
	for _, c := range []struct {
		o    Optimizer
		want string
	}{
		{&SGD{}, "learning rate 0"},
		{&SGD{LearningRate: math.NaN()}, "learning rate NaN"},
		{&SGD{LearningRate: 1e30}, "less than 1e6"},
		{&SGD{LearningRate: 1, Momentum: 2}, "momentum 2"},
		{&SGD{LearningRate: 1, Nesterov: true}, "momentum 0"},
		{&SGD{LearningRate: 1, WeightDecay: -1}, "weight decay -1"},
		{with(func(a *Adam) { a.Beta1 = 1 }), "beta of 1"},
		{with(func(a *Adam) { a.Beta2 = -1 }), "beta 2 -1"},
		{with(func(a *Adam) { a.Epsilon = 0 }), "epsilon 0"},
	} {
		_, err := c.o.Rule()
		assert.ErrorIs(t, err, ErrConfig)
		assert.ErrorContains(t, err, c.want)
		assert.ErrorContains(t, err, c.o.ClassName())
	}
}
