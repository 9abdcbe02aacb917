//go:build nvidia && cgo

package kernels

import (
	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/ops"
)

// cudaScores is Scores of softmax/softmax.cu.
type cudaScores struct {
	to, x, diff, labels gpu.Pointer
	rows, classes       int32
}

// chooseLoss picks the kernels of softmax, losses and metrics of rows of scores.
func (c *CUDA) chooseLoss(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	rows := func(name string, perBlock int, operands func(s *cudaScores, in []Buffer)) (Kernel, error) {
		classes := in[0].Shape[len(in[0].Shape)-1]
		n := in[0].Shape.Size() / classes
		return single(c, "softmax/softmax", name, spread((n+perBlock-1)/perBlock*blockThreads), func(b Buffers) cudaScores {
			s := cudaScores{to: address(b.Out[0]), rows: int32(n), classes: int32(classes)}
			operands(&s, b.In)
			return s
		})
	}
	const warps = blockThreads / 32 // in a block, each with a row
	loss := func(s *cudaScores, in []Buffer) { s.x, s.labels = address(in[0]), address(in[1]) }
	gradient := func(s *cudaScores, in []Buffer) {
		s.x, s.labels, s.diff = address(in[0]), address(in[1]), address(in[2])
	}
	switch o.(type) {
	case ops.Softmax:
		return rows("softmax_forward", warps, func(s *cudaScores, in []Buffer) { s.x = address(in[0]) })
	case ops.SoftmaxBackward:
		return rows("softmax_backward", warps, func(s *cudaScores, in []Buffer) { s.diff, s.x = address(in[0]), address(in[1]) })
	case ops.CrossEntropy:
		return rows("cross_entropy", warps, loss)
	case ops.CrossEntropyBackward:
		return rows("cross_entropy_backward", warps, gradient)
	case ops.LogLoss:
		return rows("log_loss", warps, loss)
	case ops.LogLossBackward:
		return rows("log_loss_backward", warps, gradient)
	case ops.Correct:
		return rows("correct", blockThreads, loss)
	}
	return nil, nil
}
