package softmax

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

var nan = float32(math.NaN())

// valid says whether a label names a class.
func (x *rows) valid(label int32) bool { return label >= 0 && int(label) < x.classes }

// CrossEntropy computes losses[n] = -log softmax(logits[n])[labels[n]]: Keras's sparse_categorical_crossentropy from logits.
type CrossEntropy struct {
	rows
	losses, logits []float32
	labels         []int32
}

// NewCrossEntropy makes a CrossEntropy. Its error wraps ops.ErrShape if there are no elements.
func NewCrossEntropy(dev *cpu.Device, n, classes int) (*CrossEntropy, error) {
	x := &CrossEntropy{}
	var err error
	x.rows, err = newRows(dev, "cross entropy", n, classes, func(r int) {
		label := x.labels[r]
		if !x.valid(label) {
			x.losses[r] = nan
			return
		}
		logits := x.of(x.logits, r)
		m, sum := exponentials(x.loops, logits)
		x.losses[r] = float32(math.Log(sum) - (float64(logits[label]) - m))
	})
	return x, err
}

// Run computes losses [rows] of logits [rows,classes] and labels [rows].
func (x *CrossEntropy) Run(losses, logits []float32, labels []int32) {
	x.losses, x.logits, x.labels = losses, logits, labels
	x.do()
}

// CrossEntropyBackward computes diffLogits[n] = diffLosses[n]·(softmax(logits[n]) - onehot(labels[n])).
type CrossEntropyBackward struct {
	rows
	diffLogits, diffLosses, logits []float32
	labels                         []int32
}

// NewCrossEntropyBackward makes a CrossEntropyBackward. Its error wraps ops.ErrShape if there are no elements.
func NewCrossEntropyBackward(dev *cpu.Device, n, classes int) (*CrossEntropyBackward, error) {
	x := &CrossEntropyBackward{}
	var err error
	x.rows, err = newRows(dev, "cross entropy backward", n, classes, func(r int) {
		logits, diff := x.of(x.logits, r), x.of(x.diffLogits, r)
		label, g := x.labels[r], float64(x.diffLosses[r])
		m, sum := exponentials(x.loops, logits)
		if !x.valid(label) {
			x.loops.ExpTimes(diff, logits, m, math.NaN())
			return
		}
		own := float32(g * (math.Exp(float64(logits[label])-m)/sum - 1))
		x.loops.ExpTimes(diff, logits, m, g/sum)
		diff[label] = own
	})
	return x, err
}

// Run computes diffLogits [rows,classes] of diffLosses [rows], logits [rows,classes] and labels [rows]. diffLogits may be logits.
func (x *CrossEntropyBackward) Run(diffLogits, diffLosses, logits []float32, labels []int32) {
	x.diffLogits, x.diffLosses, x.logits, x.labels = diffLogits, diffLosses, logits, labels
	x.do()
}

// clipLow and clipHigh are what probabilities are clipped to.
const (
	clipLow    = vec.ClipLow
	clipHigh   = vec.ClipHigh
	clipHigh32 = vec.ClipHigh32
)

// LogLoss computes losses[n] = -log clip(p/Σp) for the label's p of probs[n], clipped to [1e-7, 1-1e-7]: Keras's
// sparse_categorical_crossentropy from probabilities. (Its TensorFlow backend clips before it divides, which differs by 1e-7 for each class.)
type LogLoss struct {
	rows
	losses, probs []float32
	labels        []int32
}

// NewLogLoss makes a LogLoss. Its error wraps ops.ErrShape if there are no elements.
func NewLogLoss(dev *cpu.Device, n, classes int) (*LogLoss, error) {
	x := &LogLoss{}
	var err error
	x.rows, err = newRows(dev, "log loss", n, classes, func(r int) {
		label := x.labels[r]
		if !x.valid(label) {
			x.losses[r] = nan
			return
		}
		probs := x.of(x.probs, r)
		p := float64(probs[label]) / x.loops.Sum(probs)
		x.losses[r] = float32(-math.Log(min(max(p, clipLow), clipHigh)))
	})
	return x, err
}

// Run computes losses [rows] of probs [rows,classes] and labels [rows].
func (x *LogLoss) Run(losses, probs []float32, labels []int32) {
	x.losses, x.probs, x.labels = losses, probs, labels
	x.do()
}

// LogLossBackward computes the gradient of LogLoss: diffProbs[n,c] = diffLosses[n]·(1/Σp - [c is the label]/p), and 0 where p/Σp is
// clipped.
type LogLossBackward struct {
	rows
	diffProbs, diffLosses, probs []float32
	labels                       []int32
}

// NewLogLossBackward makes a LogLossBackward. Its error wraps ops.ErrShape if there are no elements.
func NewLogLossBackward(dev *cpu.Device, n, classes int) (*LogLossBackward, error) {
	x := &LogLossBackward{}
	var err error
	x.rows, err = newRows(dev, "log loss backward", n, classes, func(r int) {
		probs, diff := x.of(x.probs, r), x.of(x.diffProbs, r)
		label, g := x.labels[r], float64(x.diffLosses[r])
		if !x.valid(label) {
			for i := range diff {
				diff[i] = nan
			}
			return
		}
		sum, p := x.loops.Sum(probs), float64(probs[label])
		if q := p / sum; q < clipLow || q > clipHigh {
			clear(diff)
			return
		}
		for i := range diff {
			diff[i] = float32(g / sum)
		}
		diff[label] = float32(g * (1/sum - 1/p))
	})
	return x, err
}

// Run computes diffProbs [rows,classes] of diffLosses [rows], probs [rows,classes] and labels [rows]. diffProbs may be probs.
func (x *LogLossBackward) Run(diffProbs, diffLosses, probs []float32, labels []int32) {
	x.diffProbs, x.diffLosses, x.probs, x.labels = diffProbs, diffLosses, probs, labels
	x.do()
}

// Correct computes correct[n] = 1 if the first largest of scores[n] is at labels[n], else 0.
type Correct struct {
	rows
	correct, scores []float32
	labels          []int32
}

// NewCorrect makes a Correct. Its error wraps ops.ErrShape if there are no elements.
func NewCorrect(dev *cpu.Device, n, classes int) (*Correct, error) {
	x := &Correct{}
	var err error
	x.rows, err = newRows(dev, "correct", n, classes, func(r int) {
		scores, best := x.of(x.scores, r), 0
		for i, s := range scores {
			if s > scores[best] {
				best = i
			}
		}
		x.correct[r] = 0
		if best == int(x.labels[r]) {
			x.correct[r] = 1
		}
	})
	return x, err
}

// Run computes correct [rows] of scores [rows,classes] and labels [rows].
func (x *Correct) Run(correct, scores []float32, labels []int32) {
	x.correct, x.scores, x.labels = correct, scores, labels
	x.do()
}
