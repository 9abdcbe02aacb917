package measure

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// InTopK computes dst[n] = 1 if fewer than K scores of row n are larger than the label's: TensorFlow's in_top_k. See ops.InTopK.
type InTopK struct {
	dev         *cpu.Device
	tasks       int
	dst, scores []float32
	labels      []int32
	task        func(i, worker int)
}

// NewInTopK makes an InTopK of n rows. Its error wraps ops.ErrShape if there are none.
func NewInTopK(dev *cpu.Device, n, classes, k int) (*InTopK, error) {
	if n < 1 || classes < 1 || k < 1 {
		return nil, fmt.Errorf("in top k: [%d,%d], the best %d, want at least 1: %w", n, classes, k, ops.ErrShape)
	}
	x := &InTopK{dev: dev}
	each := max(taskElements/classes, 1)
	x.tasks = (n + each - 1) / each
	x.task = func(i, _ int) {
		for r := i * each; r < min((i+1)*each, n); r++ {
			x.dst[r] = inTopK(x.scores[r*classes:][:classes], int(x.labels[r]), k)
		}
	}
	return x, nil
}

func inTopK(row []float32, label, k int) float32 {
	if label < 0 || label >= len(row) || !finite(row[label]) {
		return 0
	}
	better, at := 0, row[label]
	for _, s := range row {
		if !finite(s) {
			return 0
		}
		if s > at {
			if better++; better == k {
				return 0
			}
		}
	}
	return 1
}

func finite(x float32) bool { return math.Abs(float64(x)) <= math.MaxFloat32 }

// Run computes dst [n] of scores [n,classes] and labels [n].
func (x *InTopK) Run(dst, scores []float32, labels []int32) {
	x.dst, x.scores, x.labels = dst, scores, labels
	x.dev.Parallel(x.tasks, x.task)
}
