// Package optimizers holds how weights follow their gradients: an optimizer's configuration in Keras's words, and the update
// rule that it stands for.
//
// This file has the interface, SGD, Adam and AdamW; adaptive.go the others that divide by the size of gradients, lion.go Lion, layered.go
// those that look at each weight as a whole; base.go has what all of them take, groups.go which rule updates which weight.
//
// The learning rate here is the one that a run starts with; package schedules and the callbacks change it.
package optimizers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/ops"
)

// all makes each optimizer with its defaults, in the order of Names.
var all = []func() Optimizer{
	func() Optimizer { return NewAdadelta() },
	func() Optimizer { return NewAdagrad() },
	func() Optimizer { return NewAdam() },
	func() Optimizer { return NewAdamax() },
	func() Optimizer { return NewAdamW() },
	func() Optimizer { return NewLamb() },
	func() Optimizer { return NewLion() },
	func() Optimizer { return NewMuon() },
	func() Optimizer { return NewNadam() },
	func() Optimizer { return NewRMSprop() },
	func() Optimizer { return NewSGD() },
}

// Names lists what New takes: "adadelta", "adagrad", "adam" and so on.
func Names() []string {
	names := make([]string, len(all))
	for i, make := range all {
		names[i] = strings.ToLower(make().ClassName())
	}
	return names
}

// New gives the optimizer of a name, in any case, with its defaults. The error wraps ErrConfig.
func New(name string) (Optimizer, error) {
	for _, make := range all {
		if o := make(); strings.EqualFold(name, o.ClassName()) {
			return o, nil
		}
	}
	return nil, fmt.Errorf("optimizers: there is no %q, there are %s: %w", name, strings.Join(Names(), ", "), ErrConfig)
}

// SlotStart is what an optimizer's slots hold before its first step: 0, but for Adagrad's own.
func SlotStart(o Optimizer, slot string) float32 {
	if o, ok := o.(*Adagrad); ok && slices.Contains(o.Slots(), slot) {
		return float32(o.InitialAccumulatorValue)
	}
	return 0
}

// ErrConfig is wrapped by errors about an optimizer's configuration.
var ErrConfig = errors.New("bad optimizer configuration")

// Optimizer is an optimizer's configuration.
type Optimizer interface {
	ClassName() string // Keras's name of the class: "Adam"
	Rate() float64     // the learning rate to start with
	// WithRate is the same optimizer starting with another learning rate.
	WithRate(rate float64) Optimizer
	// Slots lists Keras's names of what its rule keeps for each weight, "momentum", "velocity", in the order of the rule's. State has all.
	Slots() []string
	// BaseArguments is what it has in common with all others; writing through it changes it.
	BaseArguments() *Base
	// Rule is the update that it stands for. The error wraps ErrConfig.
	Rule() (ops.UpdateRule, error)
}

// SGD is stochastic gradient descent with momentum (ops.SGD has the formula).
type SGD struct {
	LearningRate float64 // NewSGD gives Keras's 0.01
	Momentum     float64 // in [0,1]
	Nesterov     bool
	WeightDecay  float64 // decoupled, as in Keras: each step takes learning rate × decay of every weight
	Base
}

// NewSGD has Keras's defaults.
func NewSGD() *SGD { return &SGD{LearningRate: 0.01} }

// ClassName is "SGD".
func (*SGD) ClassName() string { return "SGD" }

// Rate is the field LearningRate.
func (o *SGD) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *SGD) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" where there is one.
func (o *SGD) Slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"momentum"}
}

// Rule checks the configuration.
func (o *SGD) Rule() (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(o, o.LearningRate), inRange(o, "momentum", o.Momentum, 0, 1), notNegative(o, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	if o.Nesterov && o.Momentum == 0 {
		return nil, fmt.Errorf("optimizers: SGD with Nesterov but momentum 0; set Momentum or leave Nesterov out: %w", ErrConfig)
	}
	return ops.SGD{Momentum: float32(o.Momentum), WeightDecay: float32(o.WeightDecay), Nesterov: o.Nesterov}, nil
}

// Adam is arXiv:1412.6980 (ops.Adam has the formula).
type Adam struct {
	LearningRate float64 // NewAdam gives Keras's 0.001
	Beta1        float64 // 0.9
	Beta2        float64 // 0.999
	Epsilon      float64 // 1e-7
	WeightDecay  float64 // decoupled, as in AdamW
	Base
}

// NewAdam has Keras's defaults.
func NewAdam() *Adam {
	return &Adam{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}
}

// ClassName is "Adam".
func (*Adam) ClassName() string { return "Adam" }

// Rate is the field LearningRate.
func (o *Adam) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *Adam) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" and "velocity".
func (*Adam) Slots() []string { return []string{"momentum", "velocity"} }

// Rule checks the configuration.
func (o *Adam) Rule() (ops.UpdateRule, error) { return o.rule(o) }

// rule names as in errors: Adam or AdamW.
func (o *Adam) rule(as Optimizer) (ops.UpdateRule, error) {
	if err := errors.Join(checkRate(as, o.LearningRate), checkBetas(as, o.Beta1, o.Beta2), checkEpsilon(as, o.Epsilon),
		notNegative(as, "weight decay", o.WeightDecay)); err != nil {
		return nil, err
	}
	return ops.Adam{Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), Epsilon: float32(o.Epsilon), WeightDecay: float32(o.WeightDecay)}, nil
}

// AdamW is Adam with weight decay (arXiv:1711.05101; ops.Adam has the formula).
type AdamW Adam

// NewAdamW has Keras's defaults: those of Adam, and a weight decay of 0.004.
func NewAdamW() *AdamW {
	o := AdamW(*NewAdam())
	o.WeightDecay = 0.004
	return &o
}

// ClassName is "AdamW".
func (*AdamW) ClassName() string { return "AdamW" }

// Rate is the field LearningRate.
func (o *AdamW) Rate() float64 { return o.LearningRate }

// WithRate copies o.
func (o *AdamW) WithRate(rate float64) Optimizer {
	with := *o
	with.LearningRate = rate
	return &with
}

// Slots is "momentum" and "velocity".
func (*AdamW) Slots() []string { return []string{"momentum", "velocity"} }

// Rule checks the configuration.
func (o *AdamW) Rule() (ops.UpdateRule, error) { return (*Adam)(o).rule(o) }

func checkBetas(o Optimizer, beta1, beta2 float64) error {
	err := errors.Join(inRange(o, "beta 1", beta1, 0, 1), inRange(o, "beta 2", beta2, 0, 1))
	if err == nil && (float32(beta1) == 1 || float32(beta2) == 1) {
		err = fmt.Errorf("optimizers: %s with a beta of 1 never learns: %w", o.ClassName(), ErrConfig)
	}
	return err
}

func checkEpsilon(o Optimizer, epsilon float64) error {
	if !(float32(epsilon) > 0 && epsilon < 1e6) {
		return fmt.Errorf("optimizers: %s has epsilon %g, want more than 0; New%s has Keras's defaults: %w", o.ClassName(), epsilon, o.ClassName(), ErrConfig)
	}
	return nil
}

// checkRate checks what all optimizers have: the learning rate, and Base.
func checkRate(o Optimizer, rate float64) error {
	err := o.BaseArguments().check(o)
	if !(rate > 0 && rate < 1e6) {
		err = errors.Join(err, fmt.Errorf("optimizers: %s has learning rate %g, want more than 0 and less than 1e6; New%s has Keras's default: %w", o.ClassName(), rate, o.ClassName(), ErrConfig))
	}
	return err
}

func inRange(o Optimizer, what string, x, low, high float64) error {
	if !(x >= low && x <= high) {
		return fmt.Errorf("optimizers: %s has %s %g, want %g to %g: %w", o.ClassName(), what, x, low, high, ErrConfig)
	}
	return nil
}

func notNegative(o Optimizer, what string, x float64) error {
	if !(x >= 0 && x < 1e6) {
		return fmt.Errorf("optimizers: %s has %s %g, want 0 or more: %w", o.ClassName(), what, x, ErrConfig)
	}
	return nil
}
