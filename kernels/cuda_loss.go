//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaScores is Scores of softmax/softmax.cu.
type cudaScores struct {
	to, x, diff, labels gpu.Pointer
	rows, classes       int32
	width, _            int32
}

// chooseLoss picks the kernels of softmax, losses and metrics of rows of scores.
func (c *CUDA) chooseLoss(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	by := func(t team, file, name string, operands func(s *cudaScores, in []Buffer)) (Kernel, error) {
		classes := in[0].Shape[len(in[0].Shape)-1]
		n := in[0].Shape.Size() / classes
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("kernels: %s of %d rows on a GPU, which counts them in 32 bits: %w; take a smaller batch", o.Name(), n, ErrUnsupported)
		}
		return single(c, file, t.kernel(name), t.blocks(n), func(b Buffers) cudaScores {
			s := cudaScores{to: address(b.Out[0]), rows: int32(n), classes: int32(classes), width: int32(t.width)}
			operands(&s, b.In)
			return s
		})
	}
	rows := func(name string, operands func(s *cudaScores, in []Buffer)) (Kernel, error) {
		return by(newTeam(in[0].Shape), "softmax/softmax", name, operands)
	}
	const others = "softmax/others"
	loss := func(s *cudaScores, in []Buffer) { s.x, s.labels = address(in[0]), address(in[1]) }
	gradient := func(s *cudaScores, in []Buffer) {
		s.x, s.labels, s.diff = address(in[0]), address(in[1]), address(in[2])
	}
	src := func(s *cudaScores, in []Buffer) { s.x = address(in[0]) }
	back := func(s *cudaScores, in []Buffer) { s.diff, s.x = address(in[0]), address(in[1]) }
	switch o.(type) {
	case ops.Softmax:
		return rows("softmax_forward", src)
	case ops.SoftmaxBackward:
		return rows("softmax_backward", back)
	case ops.LogSoftmax:
		return by(newTeam(in[0].Shape), others, "log_softmax", src)
	case ops.LogSoftmaxBackward:
		return by(newTeam(in[0].Shape), others, "log_softmax_data", back)
	case ops.Sparsemax:
		return by(newTeam(in[0].Shape).whole(), others, "sparsemax", src)
	case ops.SparsemaxBackward:
		return by(newTeam(in[0].Shape), others, "sparsemax_data", back)
	case ops.CrossEntropy:
		return rows("cross_entropy", loss)
	case ops.CrossEntropyBackward:
		return rows("cross_entropy_backward", gradient)
	case ops.LogLoss:
		return rows("log_loss", loss)
	case ops.LogLossBackward:
		return rows("log_loss_backward", gradient)
	case ops.Correct:
		return rows("correct", loss)
	}
	return nil, nil
}

// team is who computes a row; see softmax/rows.cuh.
type team struct {
	wide  bool
	width int // threads
}

// narrowClasses is the longest row that a warp computes.
const narrowClasses = 512

// newTeam is who computes rows along the last dimension.
func newTeam(s ops.Shape) team {
	classes := s[len(s)-1]
	if classes > narrowClasses {
		return team{true, blockThreads}
	}
	t := team{false, 1}
	for t.width < min(classes, 32) {
		t.width *= 2
	}
	return t
}

// whole is a team that shares its warp with no other.
func (t team) whole() team {
	t.width = max(t.width, 32)
	return t
}

// kernel is the name of the kernel for it.
func (t team) kernel(name string) string {
	if t.wide {
		return name + "_wide"
	}
	return name
}

// beside is how many rows a warp, or a block, has at a time.
func (t team) beside() int {
	if t.wide {
		return 1
	}
	return 32 / t.width
}

// warps is the blocks for n pieces of work that a warp, or a block, does.
func (t team) warps(n int) int {
	if t.wide {
		return spread(n * blockThreads)
	}
	return spread(n * 32)
}

// blocks is the blocks for n rows.
func (t team) blocks(n int) int { return t.warps((n + t.beside() - 1) / t.beside()) }
