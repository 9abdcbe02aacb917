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
	again  *recomputation // of dst, or nil

	diffSrc, diffResidual, diffDst, dst, src []float32
	wideMean                                 []float32
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
	masking := f.Mask != ops.Linear
	if f.Recompute && (!masking || f.DiffResidual) {
		return nil, fmt.Errorf("norm: %+v: dst can be computed again where it is a mask and nothing was added to it: %w", f, ops.ErrShape)
	}
	x := &Backward{params: p, fused: f}
	loops := vec.For(dev.ISA())
	store := masking && f.DiffResidual
	moments := loops.GradientMoments[variant(f.Mask)][index(store)]
	x.sums = newReduction(dev, p, func(sums, products []float64, start, end, wide, width, worker int) {
		for stop := start; start < end; start = stop {
			rows := x.block(wide, width)
			wide -= rows
			stop = start + rows*width
			var masked []float32
			if store {
				masked = x.diffResidual[start:stop]
			}
			moments(sums, products, masked, x.diffDst[start:stop], x.outputs(start, stop, rows, width, worker), x.src[start:stop], x.wideMean, rows, width)
			if f.DiffResidual && !store && &x.diffResidual[0] != &x.diffDst[0] {
				copy(x.diffResidual[start:stop], x.diffDst[start:stop])
			}
		}
	})
	x.wideMean = make([]float32, x.sums.rows.Padded())
	if f.Recompute {
		x.again = newRecomputation(dev, f.Mask, x.sums.rows)
	}

	// The first pass leaves the masked gradient in diffResidual where there is one; the second then needs no mask.
	mask := masking && !store
	backward := loops.NormalizeBackward[0]
	if mask {
		backward = loops.NormalizeBackward[variant(f.Mask)]
	}
	x.apply = newApplication(dev, p, 4, func(start, end, wide, width, worker int) {
		w := x.apply.wides
		for stop := start; start < end; start = stop {
			rows := x.block(wide, width)
			wide -= rows
			stop = start + rows*width
			var dst []float32
			if mask {
				dst = x.outputs(start, stop, rows, width, worker)
			}
			backward(x.diffSrc[start:stop], x.gradient[start:stop], dst, x.src[start:stop], w[0], w[1], w[2], w[3], rows, width)
		}
	})
	return x, nil
}

// block is the number of wide rows to take at once: all, or those whose dst fits in the room where it is computed again.
func (x *Backward) block(wide, width int) int {
	if x.again == nil {
		return wide
	}
	return min(wide, max(recomputed/width, 1))
}

// outputs are the elements start to stop of dst, so many rows of the given width; nil without a mask.
func (x *Backward) outputs(start, stop, rows, width, worker int) []float32 {
	switch {
	case x.fused.Mask == ops.Linear:
		return nil
	case x.again == nil:
		return x.dst[start:stop]
	}
	return x.again.do(x.src[start:stop], rows, width, worker)
}

// recomputed is how many elements of dst are computed again at once: what stays in the L1 cache beside what is read.
const recomputed = 2048

// recomputation computes Forward's dst again, a few rows at a time.
type recomputation struct {
	normalize func(dst, src, residual, mean, scale, offset []float32, rows, width int)
	rows      vec.Rows
	wides     [][]float32 // mean, scale and offset
	room      [][]float32 // of each worker
}

func newRecomputation(dev *cpu.Device, a ops.Activation, rows vec.Rows) *recomputation {
	r := &recomputation{normalize: vec.For(dev.ISA()).Normalize[0][variant(a)], rows: rows}
	for range 3 {
		r.wides = append(r.wides, make([]float32, rows.Padded()))
	}
	for range dev.Threads() {
		r.room = append(r.room, make([]float32, max(recomputed, rows.Width)))
	}
	return r
}

// set takes the vectors [C] of Forward.
func (r *recomputation) set(mean, invStd, gamma, beta []float32) {
	for c, m := range mean[:r.rows.C] {
		r.wides[0][c], r.wides[1][c], r.wides[2][c] = m, gamma[c]*invStd[c], beta[c]
	}
	repeat(r.rows, r.wides)
}

func (r *recomputation) do(src []float32, rows, width, worker int) []float32 {
	dst := r.room[worker][:len(src)]
	r.normalize(dst, src, nil, r.wides[0], r.wides[1], r.wides[2], rows, width)
	return dst
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
	if x.again != nil {
		x.again.set(mean, invStd, gamma, beta)
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
	x.apply.do()
}

const sameSlice = "norm: diffSrc and diffResidual are the same slice; give them one each"
