package measure

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Tally counts scores between thresholds. See ops.Tally.
type Tally struct {
	*counter
	scores, targets, weights []float32
}

// NewTally makes a Tally of n samples of each rows of columns scores. Its error wraps ops.ErrShape if there are none.
func NewTally(dev *cpu.Device, n, each, columns int, thresholds []float32, perColumn, soft bool) (*Tally, error) {
	if len(thresholds) == 0 {
		return nil, fmt.Errorf("tally: no thresholds: %w", ops.ErrShape)
	}
	x := &Tally{}
	buckets, width := len(thresholds)+1, 1
	if perColumn {
		width = columns
	}
	size := each * columns
	var err error
	x.counter, err = newCounter(dev, "tally", n, size, 2*buckets*width, func(counts []float64, from, to int) {
		yes, no := counts[:buckets*width], counts[buckets*width:]
		for s := from; s < to; s++ {
			w, column := weight(x.weights, s), 0
			scores, targets := x.scores[s*size:][:size], x.targets[s*size:][:size]
			for i, score := range scores {
				at := below(thresholds, score) * width
				if width > 1 {
					at += column
					if column++; column == width {
						column = 0
					}
				}
				switch t := targets[i]; {
				case soft:
					yes[at] += w * float64(t)
					no[at] += w * (1 - float64(t))
				case t != 0:
					yes[at] += w
				default:
					no[at] += w
				}
			}
		}
	})
	return x, err
}

// below is the number of thresholds below a score.
func below(thresholds []float32, score float32) int {
	low, high := 0, len(thresholds)
	for low < high {
		middle := (low + high) / 2
		if score > thresholds[middle] {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// Run adds to sums [2,buckets,1 or columns] the scores and targets [n,each,columns] with weights [n], or 1 where that is nil.
func (x *Tally) Run(sums []float64, scores, targets, weights []float32, workspace []float64) {
	x.scores, x.targets, x.weights = scores, targets, weights
	x.run(sums, workspace)
}
