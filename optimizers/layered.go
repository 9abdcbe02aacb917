package optimizers

import (
	"errors"
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/ops"
)

// Lamb is Adam whose step of each weight is as long as the weight, times the learning rate (arXiv:1904.00962; ops.Lamb has the formula).
// It is made for large batches.
type Lamb struct {
	LearningRate float64 // NewLamb gives Keras's 0.001
	Beta1        float64 // 0.9
	Beta2        float64 // 0.999
	Epsilon      float64 // 1e-7
	WeightDecay  float64 // decoupled, as in SGD, and not part of the step's length
	Base
}

// NewLamb has Keras's defaults.
func NewLamb() *Lamb {
	return &Lamb{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// ClassName is "Lamb".
func (*Lamb) ClassName() string { return "Lamb" }

// Rate is the field LearningRate.
func (o *Lamb) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Lamb) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" and "velocity".
func (*Lamb) Slots() []string { return []string{"momentum", "velocity"} }

// Rule checks the configuration.
func (o *Lamb) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), checkBetas(o, o.Beta1, o.Beta2), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Lamb{Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

// Muon makes the steps of matrices orthogonal (Keller Jordan, kellerjordan.github.io/posts/muon; ops.Muon has the formula), and takes AdamW
// for other weights.
//
// As in Keras, matrices are the kernels of Dense layers and what else has two axes; filters of convolutions have four and go to AdamW. So
// should the layer that gives the network's output: name it in ExcludeLayers.
type Muon struct {
	LearningRate float64 // NewMuon gives Keras's 0.001
	Momentum     float64 // 0.95
	Nesterov     bool    // true
	NSSteps      int     // 5; steps of Newton and Schulz
	A, B, C      float64 // 3.4445, -4.775, 2.0315; what they compute (muon_a, muon_b, muon_c)
	RMSRate      float64 // 0.2; makes steps as large as Adam's usual ones are (arXiv:2502.16982). 0 leaves them as they are, Keras's None
	WeightDecay  float64 // 0.004; of matrices, decoupled, as in SGD

	AdamBeta1       float64 // 0.9
	AdamBeta2       float64 // 0.999
	Epsilon         float64 // 1e-7; of AdamW
	AdamWeightDecay float64 // 0.004
	AdamLRRatio     float64 // 1; AdamW's learning rate is this part of LearningRate

	// ExcludeLayers are regular expressions: matrices whose path in Keras, such as sequential/dense/kernel, has a match go to AdamW.
	ExcludeLayers []string
	// ExcludeEmbeddings, true in NewMuon, does the same with paths that have "embedding" in them.
	ExcludeEmbeddings bool
	Base
}

// NewMuon has Keras's defaults.
func NewMuon() *Muon {
	return &Muon{
		LearningRate: 0.001, Momentum: 0.95, Nesterov: true, NSSteps: 5, A: 3.4445, B: -4.775, C: 2.0315, RMSRate: 0.2, WeightDecay: 0.004,
		AdamBeta1: 0.9, AdamBeta2: 0.999, Epsilon: 1e-7, AdamWeightDecay: 0.004, AdamLRRatio: 1, ExcludeEmbeddings: true,
	}
}

// ClassName is "Muon".
func (*Muon) ClassName() string { return "Muon" }

// Rate is the field LearningRate.
func (o *Muon) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Muon) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum", and "velocity" of the weights that go to AdamW.
func (*Muon) Slots() []string { return []string{"momentum", "velocity"} }

// Rule checks the configuration, and is that of matrices.
func (o *Muon) Rule() (ops.UpdateRule, error) {
	err := errors.Join(checkRate(o, o.LearningRate), inRange(o, "momentum", o.Momentum, 0, 1), checkBetas(o, o.AdamBeta1, o.AdamBeta2), checkEpsilon(o, o.Epsilon),
		notNegative(o, "weight decay", o.WeightDecay), notNegative(o, "AdamWeightDecay", o.AdamWeightDecay), notNegative(o, "RMSRate", o.RMSRate))
	if o.NSSteps < 1 || o.NSSteps > 100 {
		err = errors.Join(err, fmt.Errorf("optimizers: Muon has NSSteps %d, want 1 to 100; NewMuon has Keras's 5: %w", o.NSSteps, ErrConfig))
	}
	if !(o.AdamLRRatio > 0 && o.AdamLRRatio < 1e6) {
		err = errors.Join(err, fmt.Errorf("optimizers: Muon has AdamLRRatio %g, want more than 0; NewMuon has Keras's 1: %w", o.AdamLRRatio, ErrConfig))
	}
	for _, x := range []float64{o.A, o.B, o.C} {
		err = errors.Join(err, inRange(o, "coefficient", x, -1e3, 1e3))
	}
	err = errors.Join(err, checkExpressions(o, "ExcludeLayers", o.ExcludeLayers))
	if err != nil {
		return nil, err
	}
	return ops.Muon{
		Momentum: float32(o.Momentum), Nesterov: o.Nesterov, A: float32(o.A), B: float32(o.B), C: float32(o.C), Steps: o.NSSteps,
		RMSRate: float32(o.RMSRate), WeightDecay: float32(o.WeightDecay),
	}, nil
}

// groups parts matrices from what AdamW updates, among some of the weights.
func (o *Muon) groups(weights []Weight, which []int) ([]Group, error) {
	rule, err := o.Rule()
	if err != nil {
		return nil, err
	}
	matrices := Group{Rule: rule, Slots: o.Slots()[:1]}
	// The decay is of the whole learning rate.
	others := Group{Slots: o.Slots(), RateFactor: o.AdamLRRatio, Rule: ops.Adam{
		Beta1: float32(o.AdamBeta1), Beta2: float32(o.AdamBeta2), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.AdamWeightDecay / o.AdamLRRatio),
	}}
	if o.AdamLRRatio == 1 {
		others.RateFactor = 0
	}
	for _, i := range which {
		if o.orthogonalizes(weights[i]) {
			matrices.Weights = append(matrices.Weights, i)
		} else {
			others.Weights = append(others.Weights, i)
		}
	}
	return []Group{matrices, others}, nil
}

// orthogonalizes is Keras's choice (_should_use_adamw, the other way round).
func (o *Muon) orthogonalizes(w Weight) bool {
	if len(w.Shape) != 2 || o.ExcludeEmbeddings && strings.Contains(strings.ToLower(w.Path), "embedding") {
		return false
	}
	return !matches(o.ExcludeLayers, w.Path)
}
