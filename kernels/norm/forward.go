package norm

import (
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
)

// Statistics are those of src, for whoever normalises by them; see Run. A value is used by one goroutine at a time.
type Statistics struct {
	params Params
	sums   *reduction
	src    []float32
}

// NewStatistics makes a Statistics. Its error wraps ops.ErrShape if there are no elements.
func NewStatistics(dev *cpu.Device, p Params) (*Statistics, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	x := &Statistics{params: p}
	moments := vec.For(dev.ISA()).Moments
	x.sums = newReduction(dev, p, func(sums, squares []float64, start, end, wide, width int) {
		moments(sums, squares, x.src[start:end], wide, width)
	})
	return x, nil
}

// WorkspaceBytes is the size of Run's workspace.
func (x *Statistics) WorkspaceBytes() int { return x.sums.workspaceBytes() }

// Run writes mean and the biased variance of every channel of src, and invStd = 1/√(variance+Epsilon).
//
// src [Rows,C]; mean, variance, invStd [C].
func (x *Statistics) Run(mean, variance, invStd, src, workspace []float32) {
	x.src = src
	x.sums.do(workspace)
	count := float64(x.params.Rows)
	for c := range x.params.C {
		sum, square := x.sums.sum(c)
		m := sum / count
		// Rounding may leave a constant channel a variance below 0.
		v := max(square/count-m*m, 0)
		mean[c], variance[c] = float32(m), float32(v)
		invStd[c] = float32(1 / math.Sqrt(v+float64(x.params.Epsilon)))
	}
}

// Forward normalises by the statistics of src; see Run. A value is used by one goroutine at a time.
type Forward struct {
	*Statistics
	apply *affine
}

// NewForward makes a Forward. Its error wraps ops.ErrShape if there are no elements.
func NewForward(dev *cpu.Device, p Params, f Fused) (*Forward, error) {
	apply, err := newAffine(dev, p, f)
	if err != nil {
		return nil, err
	}
	statistics, err := NewStatistics(dev, p)
	return &Forward{statistics, apply}, err
}

// Run computes dst = act(gamma·(src-mean)·invStd + beta + residual), with the Statistics of src, which it writes as well.
//
// dst, src, residual [Rows,C]; mean, variance, invStd, gamma, beta [C]. residual is nil without Fused.Add. dst may be src or residual.
func (x *Forward) Run(dst, mean, variance, invStd, src, gamma, beta, residual, workspace []float32) {
	x.Statistics.Run(mean, variance, invStd, src, workspace)
	for c := range x.params.C {
		x.apply.set(c, mean[c], gamma[c]*invStd[c], beta[c])
	}
	x.apply.run(dst, src, residual)
}

// Inference normalises by given statistics; see Run. A value is used by one goroutine at a time.
type Inference struct {
	params Params
	apply  *affine
}

// NewInference makes an Inference. Its error wraps ops.ErrShape if there are no elements.
func NewInference(dev *cpu.Device, p Params, f Fused) (*Inference, error) {
	apply, err := newAffine(dev, p, f)
	return &Inference{p, apply}, err
}

// Run computes dst = act(gamma·(src-movingMean)/√(movingVariance+Epsilon) + beta + residual).
//
// dst, src, residual [Rows,C]; the others [C]. residual is nil without Fused.Add. dst may be src or residual.
func (x *Inference) Run(dst, src, gamma, beta, movingMean, movingVariance, residual []float32) {
	for c := range x.params.C {
		invStd := float32(1 / math.Sqrt(float64(movingVariance[c])+float64(x.params.Epsilon)))
		x.apply.set(c, movingMean[c], gamma[c]*invStd, beta[c])
	}
	x.apply.run(dst, src, residual)
}

// affine computes dst = act((src-mean)·scale + offset + residual).
type affine struct {
	*application
	add                bool
	dst, src, residual []float32
}

func newAffine(dev *cpu.Device, p Params, f Fused) (*affine, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	x := &affine{add: f.Add}
	normalize := vec.For(dev.ISA()).Normalize[index(f.Add)][variant(f.Activation)]
	x.application = newApplication(dev, p, 3, func(start, end, wide, width int) {
		var residual []float32
		if x.add {
			residual = x.residual[start:end]
		}
		normalize(x.dst[start:end], x.src[start:end], residual, x.wides[0], x.wides[1], x.wides[2], wide, width)
	})
	return x, nil
}

func (x *affine) set(c int, mean, scale, offset float32) {
	x.wides[0][c], x.wides[1][c], x.wides[2][c] = mean, scale, offset
}

func (x *affine) run(dst, src, residual []float32) {
	x.dst, x.src, x.residual = dst, src, residual
	x.do()
}
