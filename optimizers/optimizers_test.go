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
	for _, c := range []struct {
		o    Optimizer
		want ops.UpdateRule
	}{
		{NewAdamW(), ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7, WeightDecay: .004}},
		{NewRMSprop(), ops.RMSprop{Rho: .9, Epsilon: 1e-7}},
		{NewAdagrad(), ops.Adagrad{Epsilon: 1e-7}},
		{NewAdadelta(), ops.Adadelta{Rho: .95, Epsilon: 1e-7}},
		{NewAdamax(), ops.Adamax{Beta1: .9, Beta2: .999, Epsilon: 1e-7}},
		{NewNadam(), ops.Nadam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}},
		{NewLion(), ops.Lion{Beta1: .9, Beta2: .99}},
		{NewLamb(), ops.Lamb{Beta1: .9, Beta2: .999, Epsilon: 1e-7}},
		{NewMuon(), ops.Muon{Momentum: .95, Nesterov: true, A: 3.4445, B: -4.775, C: 2.0315, Steps: 5, RMSRate: .2, WeightDecay: .004}},
	} {
		rule, err := c.o.Rule()
		require.NoError(t, err)
		assert.Equal(t, c.want, rule)
		assert.Equal(t, .001, c.o.Rate())
	}
}

// every is each optimizer by its name.
func every(t *testing.T) (list []Optimizer) {
	for _, name := range Names() {
		o, err := New(name)
		require.NoError(t, err)
		list = append(list, o)
	}
	require.Len(t, list, 11)
	return list
}

func TestNames(t *testing.T) {
	assert.IsIncreasing(t, Names())
	o, err := New("RMSprop")
	require.NoError(t, err)
	assert.Equal(t, NewRMSprop(), o)
	_, err = New("ftrl")
	assert.ErrorIs(t, err, ErrConfig)
	assert.ErrorContains(t, err, `no "ftrl", there are adadelta, adagrad`)
}

func TestSlotStart(t *testing.T) {
	assert.Equal(t, float32(.1), SlotStart(NewAdagrad(), "accumulator"))
	assert.Zero(t, SlotStart(NewAdagrad(), Average))
	assert.Zero(t, SlotStart(NewAdam(), "velocity"))
}

func TestSlotsAreThoseOfTheRule(t *testing.T) {
	list := []Optimizer{&SGD{LearningRate: 1, Momentum: .9}}
	for _, centered := range []bool{false, true} {
		list = append(list, &RMSprop{LearningRate: 1, Epsilon: 1, Momentum: .9, Centered: centered}, &RMSprop{LearningRate: 1, Epsilon: 1, Centered: centered})
	}
	for _, o := range append(list, every(t)...) {
		groups, err := Groups(o, []Weight{{"dense/kernel", ops.Shape{2, 3}}, {"dense/bias", ops.Shape{3}}})
		require.NoError(t, err)
		for _, g := range groups {
			assert.Len(t, g.Slots, g.Rule.Slots())
			assert.Subset(t, o.Slots(), g.Slots)
		}
	}
}

func TestWithRateCopies(t *testing.T) {
	for _, o := range every(t) {
		before := o.Rate()
		assert.Equal(t, .5, o.WithRate(.5).Rate())
		assert.Equal(t, before, o.Rate())
		assert.Equal(t, o.ClassName(), o.WithRate(.5).ClassName())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	with := func(change func(*Adam)) *Adam { a := NewAdam(); change(a); return a }
	muon := func(change func(*Muon)) *Muon { m := NewMuon(); change(m); return m }
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
		{&AdamW{LearningRate: 1}, "epsilon 0"},
		{&RMSprop{LearningRate: 1, Rho: 1, Epsilon: 1}, "rho of 1"},
		{&RMSprop{LearningRate: 1, Rho: 2, Epsilon: 1}, "rho 2"},
		{&RMSprop{LearningRate: 1, Momentum: -1, Epsilon: 1}, "momentum -1"},
		{&RMSprop{LearningRate: 1, Epsilon: 1e-60}, "epsilon 1e-60"},
		{&Adagrad{LearningRate: 1, Epsilon: 1, InitialAccumulatorValue: -1}, "initial accumulator value -1"},
		{&Adadelta{LearningRate: 1, Rho: math.NaN(), Epsilon: 1}, "rho NaN"},
		{&Adamax{LearningRate: 1, Beta1: 1, Epsilon: 1}, "beta of 1"},
		{&Nadam{LearningRate: 1, Beta2: 3, Epsilon: 1}, "beta 2 3"},
		{&Lion{LearningRate: 1, Beta2: .9}, "beta 1 0"},
		{&Lion{LearningRate: 1, Beta1: 1, Beta2: 1}, "both betas 1"},
		{&Lion{LearningRate: 1, Beta1: .5, WeightDecay: -1}, "weight decay -1"},
		{&Lamb{LearningRate: 1, Epsilon: 1, Beta1: 1}, "beta of 1"},
		{&Lamb{LearningRate: 1}, "epsilon 0"},
		{muon(func(m *Muon) { m.NSSteps = 0 }), "NSSteps 0"},
		{muon(func(m *Muon) { m.AdamLRRatio = 0 }), "AdamLRRatio 0"},
		{muon(func(m *Muon) { m.RMSRate = -1 }), "RMSRate -1"},
		{muon(func(m *Muon) { m.B = math.NaN() }), "coefficient NaN"},
		{muon(func(m *Muon) { m.ExcludeLayers = []string{"("} }), `has "(" in ExcludeLayers`},
		{&SGD{LearningRate: 1, Base: Base{ExcludeFromWeightDecay: []string{"[a"}}}, `"[a" in ExcludeFromWeightDecay`},
		{&SGD{LearningRate: 1, Base: Base{ClipNorm: -1}}, "ClipNorm -1"},
		{&SGD{LearningRate: 1, Base: Base{ClipValue: math.Inf(1)}}, "ClipValue +Inf"},
		{&SGD{LearningRate: 1, Base: Base{GlobalClipNorm: math.NaN()}}, "GlobalClipNorm NaN"},
		{&SGD{LearningRate: 1, Base: Base{ClipNorm: 1, ClipValue: 1}}, "only one of them"},
		{&SGD{LearningRate: 1, Base: Base{UseEMA: true, EMAMomentum: 1}}, "EMAMomentum 1"},
		{&SGD{LearningRate: 1, Base: Base{EMAOverwriteFrequency: 5}}, "EMAOverwriteFrequency 5, want 1 or more with UseEMA"},
		{&SGD{LearningRate: 1, Base: Base{UseEMA: true, EMAOverwriteFrequency: -5}}, "EMAOverwriteFrequency -5"},
		{with(func(a *Adam) { a.GradientAccumulationSteps = 1 }), "GradientAccumulationSteps 1"},
	} {
		_, err := c.o.Rule()
		assert.ErrorIs(t, err, ErrConfig)
		assert.ErrorContains(t, err, c.want)
		assert.ErrorContains(t, err, c.o.ClassName())
	}
}

func TestConfigured(t *testing.T) {
	o, err := Configured("rmsprop", map[string]any{"momentum": .5, "centered": true, "learning_rate": uint64(1), "weight_decay": int64(0), "rho": 0})
	require.NoError(t, err)
	assert.Equal(t, &RMSprop{LearningRate: 1, Momentum: .5, Epsilon: 1e-7, Centered: true}, o)
	o, err = Configured("sgd", nil)
	require.NoError(t, err)
	assert.Equal(t, NewSGD(), o)
	for _, o := range every(t) {
		rate := Settings(o)[0]
		require.Equal(t, "learning_rate", rate.Key)
		*rate.Number = .25
		assert.Equal(t, .25, o.Rate(), o.ClassName())
	}
	o, err = Configured("adamw", map[string]any{"clipnorm": 1, "use_ema": true, "ema_overwrite_frequency": uint64(5), "gradient_accumulation_steps": 2.})
	require.NoError(t, err)
	want := NewAdamW()
	want.Base = Base{ClipNorm: 1, UseEMA: true, EMAOverwriteFrequency: 5, GradientAccumulationSteps: 2}
	assert.Equal(t, want, o)
	assert.Equal(t, []string{"average", "gradient_accumulator", "momentum", "velocity"}, State(o))
	assert.Equal(t, .99, o.BaseArguments().EMA())
	for want, arguments := range map[string]map[string]any{
		"gradient_accumulation_steps 2.5, want an integer":                             {"gradient_accumulation_steps": 2.5},
		`no argument "beta_1", it has learning_rate, weight_decay, momentum, nesterov`: {"beta_1": .9},
		"momentum high, want a number":                                                 {"momentum": "high"},
		"nesterov 1, want true or false":                                               {"nesterov": 1},
		"SGD with Nesterov but momentum 0":                                             {"nesterov": true},
	} {
		_, err := Configured("sgd", arguments)
		assert.ErrorIs(t, err, ErrConfig)
		assert.ErrorContains(t, err, want)
	}
	_, err = Configured("ftrl", nil)
	assert.ErrorIs(t, err, ErrConfig)
}

func TestMuonPartsWeights(t *testing.T) {
	o := NewMuon()
	o.ExcludeLayers, o.AdamLRRatio = []string{"head$", "net/out.*/kernel"}, .5
	weights := []Weight{
		{"net/conv/kernel", ops.Shape{3, 3, 4, 5}}, {"net/conv/bias", ops.Shape{5}}, {"net/dense/kernel", ops.Shape{4, 5}}, {"net/Embedding_1/table", ops.Shape{9, 5}},
		{"net/output/kernel", ops.Shape{5, 3}}, {"net/head", ops.Shape{5, 3}}, {"net/headless", ops.Shape{5, 3}},
	}
	groups, err := Groups(o, weights)
	require.NoError(t, err)
	require.Len(t, groups, 2)
	assert.Equal(t, []int{2, 6}, groups[0].Weights)
	assert.Equal(t, []string{"momentum"}, groups[0].Slots)
	assert.Equal(t, Group{
		Rule: ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7, WeightDecay: .008}, RateFactor: .5, Slots: []string{"momentum", "velocity"}, Weights: []int{0, 1, 3, 4, 5},
	}, groups[1])
	o.ExcludeFromWeightDecay = []string{"bias|gamma", "^head"}
	groups, err = Groups(o, weights)
	require.NoError(t, err)
	require.Len(t, groups, 4)
	assert.Equal(t, [][]int{{2}, {0, 3, 4}, {6}, {1, 5}}, [][]int{groups[0].Weights, groups[1].Weights, groups[2].Weights, groups[3].Weights})
	assert.Equal(t, ops.Muon{Momentum: .95, Nesterov: true, A: 3.4445, B: -4.775, C: 2.0315, Steps: 5, RMSRate: .2}, groups[2].Rule)
	assert.Equal(t, ops.Adam{Beta1: .9, Beta2: .999, Epsilon: 1e-7}, groups[3].Rule)
	assert.Equal(t, .004, o.WeightDecay, "copied")
	all := NewMuon()
	all.ExcludeEmbeddings = false
	groups, err = Groups(all, weights)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3, 4, 5, 6}, groups[0].Weights)
	assert.False(t, SameState(all, o))
	assert.False(t, SameState(NewMuon(), NewAdam()))
	assert.True(t, SameState(NewMuon(), NewMuon().WithRate(1)))
	other := NewAdam()
	other.UseEMA = true
	assert.False(t, SameState(other, NewAdam()))

	configured, err := Configured("muon", map[string]any{"exclude_layers": []any{"head"}, "ns_steps": 6, "rms_rate": 0})
	require.NoError(t, err)
	want := NewMuon()
	want.ExcludeLayers, want.NSSteps, want.RMSRate = []string{"head"}, 6, 0
	assert.Equal(t, want, configured)
	_, err = Configured("muon", map[string]any{"exclude_layers": "head"})
	assert.ErrorContains(t, err, "exclude_layers head, want a list of names")
}
