package softmax

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// SoftLoss is one of the losses of scores against targets of the same shape. They are [n,each,classes]: n samples of as many rows, over which
// a sample's loss is the mean.
type SoftLoss struct {
	rows
	losses, scores, targets []float32
}

// SoftLossBackward is the gradient of the scores of a SoftLoss.
type SoftLossBackward struct {
	rows
	diffScores, diffLosses, scores, targets []float32
}

// Run computes losses [n] of scores and targets [n,each,classes].
func (x *SoftLoss) Run(losses, scores, targets []float32) {
	x.losses, x.scores, x.targets = losses, scores, targets
	x.do()
}

// Run computes diffScores [n,each,classes] of diffLosses [n], scores and targets [n,each,classes]. diffScores may be scores.
func (x *SoftLossBackward) Run(diffScores, diffLosses, scores, targets []float32) {
	x.diffScores, x.diffLosses, x.scores, x.targets = diffScores, diffLosses, scores, targets
	x.do()
}

// newSoftLoss spreads samples over workers; a sample's loss is the mean over its rows of classes scores.
func newSoftLoss(dev *cpu.Device, name string, n, each, classes int, loss func(l *vec.ScoreLoops, scores, targets []float32) float64) (*SoftLoss, error) {
	x := &SoftLoss{}
	var err error
	x.rows, err = newRows(dev, name, n, each*classes, func(r int) {
		scores, targets, sum := x.of(x.scores, r), x.of(x.targets, r), 0.0
		for i := 0; i < len(scores); i += classes {
			sum += loss(x.loops, scores[i:i+classes], targets[i:i+classes])
		}
		x.losses[r] = float32(sum / float64(each))
	})
	return x, err
}

func newSoftLossBackward(dev *cpu.Device, name string, n, each, classes int, gradient func(l *vec.ScoreLoops, diff []float32, g float64, scores, targets []float32)) (*SoftLossBackward, error) {
	x := &SoftLossBackward{}
	var err error
	x.rows, err = newRows(dev, name, n, each*classes, func(r int) {
		diff, scores, targets, g := x.of(x.diffScores, r), x.of(x.scores, r), x.of(x.targets, r), float64(x.diffLosses[r])/float64(each)
		for i := 0; i < len(scores); i += classes {
			gradient(x.loops, diff[i:i+classes], g, scores[i:i+classes], targets[i:i+classes])
		}
	})
	return x, err
}

// NewSoftCrossEntropy makes the loss -Σ targets·log softmax(scores): Keras's categorical_crossentropy from logits. Its error, like those of the
// others here, wraps ops.ErrShape if there are no elements.
func NewSoftCrossEntropy(dev *cpu.Device, n, each, classes int) (*SoftLoss, error) {
	return newSoftLoss(dev, "soft cross entropy", n, each, classes, func(l *vec.ScoreLoops, logits, targets []float32) float64 {
		m, sum := exponentials(l, logits)
		whole := math.Log(sum)
		return l.CrossEntropy(logits, targets, m, whole) + 0*whole // a row with a NaN is NaN, whatever its targets
	})
}

// NewSoftCrossEntropyBackward makes its gradient for a row, g·(softmax(scores)·Σ targets - targets).
func NewSoftCrossEntropyBackward(dev *cpu.Device, n, each, classes int) (*SoftLossBackward, error) {
	return newSoftLossBackward(dev, "soft cross entropy backward", n, each, classes, func(l *vec.ScoreLoops, diff []float32, g float64, logits, targets []float32) {
		m, sum := exponentials(l, logits)
		l.CrossEntropyBackward(diff, logits, targets, g, m, l.Sum(targets)/sum)
	})
}

// NewSoftLogLoss makes the loss -Σ targets·log clip(p/Σp): Keras's categorical_crossentropy from probabilities.
func NewSoftLogLoss(dev *cpu.Device, n, each, classes int) (*SoftLoss, error) {
	return newSoftLoss(dev, "soft log loss", n, each, classes, func(l *vec.ScoreLoops, probs, targets []float32) float64 {
		return l.LogLoss(probs, targets, l.Sum(probs))
	})
}

// NewSoftLogLossBackward makes its gradient: with q = p/Σp, g/Σp·(Σ targets - target/q), where clipped terms count 0.
func NewSoftLogLossBackward(dev *cpu.Device, n, each, classes int) (*SoftLossBackward, error) {
	return newSoftLossBackward(dev, "soft log loss backward", n, each, classes, func(l *vec.ScoreLoops, diff []float32, g float64, probs, targets []float32) {
		sum := l.Sum(probs)
		l.LogLossBackward(diff, probs, targets, g/sum, sum, l.Open(probs, targets, sum))
	})
}

// NewBinaryCrossEntropy makes the mean of max(s,0) - s·target + log(1+exp(-|s|)) over the scores s of a row: Keras's binary_crossentropy
// from logits, in the form that is exact for large scores.
func NewBinaryCrossEntropy(dev *cpu.Device, n, each, classes int) (*SoftLoss, error) {
	return newSoftLoss(dev, "binary cross entropy", n, each, classes, func(l *vec.ScoreLoops, logits, targets []float32) float64 {
		return l.BinaryCrossEntropy(logits, targets) / float64(len(targets))
	})
}

// NewBinaryCrossEntropyBackward makes its gradient, g·(1/(1+exp(-s)) - target)/classes.
func NewBinaryCrossEntropyBackward(dev *cpu.Device, n, each, classes int) (*SoftLossBackward, error) {
	return newSoftLossBackward(dev, "binary cross entropy backward", n, each, classes, func(l *vec.ScoreLoops, diff []float32, g float64, logits, targets []float32) {
		l.BinaryCrossEntropyBackward(diff, logits, targets, g/float64(len(targets)))
	})
}

// NewBinaryLogLoss makes the mean of -target·log q - (1-target)·log(1-q) over a row, q being the score clipped: Keras's
// binary_crossentropy from probabilities.
func NewBinaryLogLoss(dev *cpu.Device, n, each, classes int) (*SoftLoss, error) {
	return newSoftLoss(dev, "binary log loss", n, each, classes, func(l *vec.ScoreLoops, probs, targets []float32) float64 {
		return l.BinaryLogLoss(probs, targets) / float64(len(targets))
	})
}

// NewBinaryLogLossBackward makes its gradient, g·((1-target)/(1-q) - target/q)/classes, and 0 where the score is clipped.
func NewBinaryLogLossBackward(dev *cpu.Device, n, each, classes int) (*SoftLossBackward, error) {
	return newSoftLossBackward(dev, "binary log loss backward", n, each, classes, func(l *vec.ScoreLoops, diff []float32, g float64, probs, targets []float32) {
		l.BinaryLogLossBackward(diff, probs, targets, g/float64(len(targets)))
	})
}
