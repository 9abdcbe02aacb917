package optimizers

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Base is what every optimizer takes beside its own arguments. Zero leaves all of it out.
//
// An update goes through these in order: gradients are summed over steps, clipped, and the rule changes weights with them; then the
// averages follow, and weights are made to fulfil their constraints. Whether gradients are finite is decided before all of it.
type Base struct {
	ClipNorm       float64 // the gradient of each weight is scaled to at most this norm. One of the three at most is set
	GlobalClipNorm float64 // all gradients are, as if they were one vector
	ClipValue      float64 // each element of a gradient is cut to ± this

	UseEMA                bool    // keep an exponential moving average of each weight; Fit ends with the weights being these
	EMAMomentum           float64 // how much of an average is kept at an update, in (0,1); 0 means Keras's 0.99
	EMAOverwriteFrequency int     // if not 0, at every so many updates the weights become their averages

	// GradientAccumulationSteps, if not 0, makes an update only every so many steps, 2 or more, with the mean of their gradients. Iterations
	// count steps, as in Keras; what depends on the number of updates, such as Adam's first steps, counts those.
	GradientAccumulationSteps int

	// ExcludeFromWeightDecay are regular expressions: weights whose name, such as "bias" or "gamma", has a match do not decay. It is what Keras's
	// method of that name takes as var_names, which Keras's files do not hold; those of meseta do, for itself.
	ExcludeFromWeightDecay []string
}

// BaseArguments gives access to what all optimizers have.
func (b *Base) BaseArguments() *Base { return b }

// What Base keeps for each weight, by Keras's names.
const (
	Average     = "average"
	Accumulator = "gradient_accumulator"
)

const usualEMAMomentum = 0.99

// EMA is the momentum of averages.
func (b *Base) EMA() float64 {
	if b.EMAMomentum == 0 {
		return usualEMAMomentum
	}
	return b.EMAMomentum
}

// Every is how many steps are an update.
func (b *Base) Every() int { return max(b.GradientAccumulationSteps, 1) }

// slots lists what Base itself keeps for each weight.
func (b *Base) slots() (list []string) {
	if b.UseEMA {
		list = append(list, Average)
	}
	if b.GradientAccumulationSteps != 0 {
		list = append(list, Accumulator)
	}
	return list
}

// State lists all that o keeps for weights, in Keras's order: averages and sums of gradients, then the slots of its rule.
func State(o Optimizer) []string { return append(o.BaseArguments().slots(), o.Slots()...) }

// Clip is the operation that shortens gradients; false where there is none.
func (b *Base) Clip() (ops.ClipGradients, bool) {
	c := ops.ClipGradients{Norm: float32(b.ClipNorm), GlobalNorm: float32(b.GlobalClipNorm), Value: float32(b.ClipValue)}
	return c, c != ops.ClipGradients{}
}

func (b *Base) check(o Optimizer) error {
	err := checkExpressions(o, "ExcludeFromWeightDecay", b.ExcludeFromWeightDecay)
	set := 0
	for _, clip := range []struct {
		what string
		x    float64
	}{{"ClipNorm", b.ClipNorm}, {"GlobalClipNorm", b.GlobalClipNorm}, {"ClipValue", b.ClipValue}} {
		if clip.x != 0 {
			set++
		}
		if !(clip.x == 0 || float32(clip.x) > 0 && clip.x < 1e30) {
			err = errors.Join(err, fmt.Errorf("optimizers: %s has %s %g, want more than 0 and less than 1e30, or 0 for none: %w", o.ClassName(), clip.what, clip.x, ErrConfig))
		}
	}
	if set > 1 {
		err = errors.Join(err, fmt.Errorf("optimizers: %s has ClipNorm %g, GlobalClipNorm %g and ClipValue %g; only one of them can be set: %w",
			o.ClassName(), b.ClipNorm, b.GlobalClipNorm, b.ClipValue, ErrConfig))
	}
	if !(b.EMAMomentum >= 0 && float32(b.EMAMomentum) < 1) {
		err = errors.Join(err, fmt.Errorf("optimizers: %s has EMAMomentum %g, want 0 < momentum < 1, or 0 for 0.99: %w", o.ClassName(), b.EMAMomentum, ErrConfig))
	}
	if b.EMAOverwriteFrequency < 0 || b.EMAOverwriteFrequency > 0 && !b.UseEMA {
		err = errors.Join(err, fmt.Errorf("optimizers: %s has EMAOverwriteFrequency %d, want 1 or more with UseEMA, or 0 for never: %w", o.ClassName(), b.EMAOverwriteFrequency, ErrConfig))
	}
	if n := b.GradientAccumulationSteps; n < 0 || n == 1 {
		err = errors.Join(err, fmt.Errorf("optimizers: %s has GradientAccumulationSteps %d, want 2 or more, or 0 for an update at each step: %w", o.ClassName(), n, ErrConfig))
	}
	return err
}
