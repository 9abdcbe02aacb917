package norm

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// BackwardFused is what Backward does along with its gradients, for a Forward that was fused.
type BackwardFused struct {
	Mask         ops.Activation // what was behind the normalization: of a ReLU diffDst counts only where dst > 0, of a ReLU6 where 0 < dst < 6
	DiffResidual bool           // a residual was added: its gradient is diffDst, so masked
	Recompute    bool           // with Mask and without a residual: dst is not read but computed again from src, bit for bit
}

// Backward computes the gradients of Forward; see Run. A value is used by one goroutine at a time.
type Backward struct {
	params Params
	fused  BackwardFused
	sums   *reduction
	apply  *application

	diffSrc, diffResidual, diffDst, dst, src []float32
	wideMean                                 []float32
	wideScale, wideOffset                    []float32 // with Recompute
	gradient                                 []float32 // diffDst, or diffResidual where that has it masked already
}

// NewBackward makes a Backward. Its error wraps ops.ErrShape if there are no elements.
func NewBackward(dev *cpu.Device, p Params, f BackwardFused) (*Backward, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := checkActivation(f.Mask); err != nil {
		return nil, err
	}
	x := &Backward{params: p, fused: f}
	if f.Recompute {
		if f.Mask == ops.Linear || f.DiffResidual {
			return nil, fmt.Errorf("norm: %+v: dst can be computed again where it is a mask and nothing was added to it: %w", f, ops.ErrShape)
		}
		x.recompute(dev)
		return x, nil
	}
	masking := f.Mask != ops.Linear
	loops := vec.For(dev.ISA())
	store := masking && f.DiffResidual
	moments := loops.GradientMoments[variant(f.Mask)][index(store)]
	x.sums = newReduction(dev, p, func(sums, products []float64, start, end, wide, width int) {
		var masked, dst []float32
		if masking {
			dst = x.dst[start:end]
		}
		if store {
			masked = x.diffResidual[start:end]
		}
		moments(sums, products, masked, x.diffDst[start:end], dst, x.src[start:end], x.wideMean, wide, width)
		if f.DiffResidual && !store && &x.diffResidual[0] != &x.diffDst[0] {
			copy(x.diffResidual[start:end], x.diffDst[start:end])
		}
	})
	x.wideMean = make([]float32, x.sums.rows.Padded())

	// The first pass leaves the masked gradient in diffResidual where there is one; the second then needs no mask.
	mask := masking && !store
	backward := loops.NormalizeBackward[0]
	if mask {
		backward = loops.NormalizeBackward[variant(f.Mask)]
	}
	x.apply = newApplication(dev, p, 4, func(start, end, wide, width int) {
		var dst []float32
		if mask {
			dst = x.dst[start:end]
		}
		w := x.apply.wides
		backward(x.diffSrc[start:end], x.gradient[start:end], dst, x.src[start:end], w[0], w[1], w[2], w[3], wide, width)
	})
	return x, nil
}

// recompute makes the two passes for Recompute.
func (x *Backward) recompute(dev *cpu.Device) {
	loops, mask := vec.For(dev.ISA()), variant(x.fused.Mask)
	moments, backward := loops.GradientMomentsSelf[mask], loops.NormalizeBackwardSelf[mask]
	x.sums = newReduction(dev, x.params, func(sums, products []float64, start, end, wide, width int) {
		moments(sums, products, x.diffDst[start:end], x.src[start:end], x.wideMean, x.wideScale, x.wideOffset, wide, width)
	})
	padded := x.sums.rows.Padded()
	x.wideMean, x.wideScale, x.wideOffset = make([]float32, padded), make([]float32, padded), make([]float32, padded)
	x.apply = newApplication(dev, x.params, 5, func(start, end, wide, width int) {
		w := x.apply.wides
		backward(x.diffSrc[start:end], x.diffDst[start:end], x.src[start:end], w[0], w[1], w[2], w[3], w[4], wide, width)
	})
}

// WorkspaceBytes is the size of Run's workspace.
func (x *Backward) WorkspaceBytes() int { return x.sums.workspaceBytes() }

// Run computes, with g = diffDst (with Mask, where dst is as that says, else 0) and x̂ = (src-mean)·invStd,
//
//	diffBeta = Σ g,  diffGamma = Σ g·x̂,  diffResidual = g,
//	diffSrc = gamma·invStd·(g - diffBeta/Rows - x̂·diffGamma/Rows).
//
// diffSrc, diffResidual, diffDst, dst, src [Rows,C]; the others [C]. dst is nil without Mask, diffResidual without
// DiffResidual; with Recompute dst is nil and beta is read, else not. diffSrc and diffResidual may each be diffDst, but not the same slice; nothing else may overlap.
func (x *Backward) Run(diffSrc, diffGamma, diffBeta, diffResidual, diffDst, dst, src, gamma, beta, mean, invStd, workspace []float32) {
	if x.fused.DiffResidual && &diffSrc[0] == &diffResidual[0] {
		panic(sameSlice)
	}
	x.diffSrc, x.diffResidual, x.diffDst, x.dst, x.src = diffSrc, diffResidual, diffDst, dst, src
	x.gradient = diffDst
	if x.fused.DiffResidual {
		x.gradient = diffResidual
	}
	x.sums.rows.Repeat(x.wideMean, mean)
	if x.fused.Recompute {
		for c, g := range gamma[:x.params.C] {
			x.wideScale[c], x.wideOffset[c] = g*invStd[c], beta[c] // as in Forward
		}
		x.sums.rows.Repeat(x.wideScale, x.wideScale[:x.params.C])
		x.sums.rows.Repeat(x.wideOffset, x.wideOffset[:x.params.C])
	}
	x.sums.do(workspace)
	count := float64(x.params.Rows)
	w := x.apply.wides
	for c := range x.params.C {
		sum, product := x.sums.sum(c)
		scale, inv := float64(gamma[c])*float64(invStd[c]), float64(invStd[c])
		diffBeta[c], diffGamma[c] = float32(sum), float32(product*inv)
		w[0][c] = mean[c]
		w[1][c] = float32(scale)
		w[2][c] = float32(-scale * inv * inv * product / count)
		w[3][c] = float32(-scale * sum / count)
	}
	if x.fused.Recompute {
		copy(w[4], beta[:x.params.C])
	}
	x.apply.do()
}

const sameSlice = "norm: diffSrc and diffResidual are the same slice; give them one each"
