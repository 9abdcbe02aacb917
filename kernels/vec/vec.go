// Package vec has the inner loops of every family of kernels that is bound by memory rather than by arithmetic: the work on one
// piece of a tensor, by one worker, for each instruction set. How a tensor is cut into pieces and which worker takes one is
// decided by the families (elementwise, norm, pool, dropout, update and others), what an operation means is defined by their references.
//
// Files: vec.go the table of loops; flat.go and rows.go how tensors are cut; portable*.go and depthwise.go the loops in Go; vec_*.s
// those in assembly, written by ../_asm/vec*.go. functions.go are the loops of functions of one and two numbers, which ../_asm writes of one formula
// each: in Go to unary_loops.go and binary_loops.go, which call math.go, in assembly to functions_*.s; so also score_loops.go and
// scores_*.s, for rows of scores. Matrix products and convolutions live in package tile.
//
// Loops do not check: slices are as long as their doc says, and may overlap only where they are the same slice. The 64 bytes
// behind a slice of float32 may be read.
package vec

import "github.com/meseta-go/meseta/kernels/cpu"

// Table holds the loops of one instruction set. Unless it says otherwise, n is len(dst), the first slice's length, which may be 0.
//
// Loops whose doc says "exact" give the same bits in each table: they round after every operation.
type Table struct {
	// dst[i] = max(src[i], 0), and NaN stays. Exact.
	ReLU func(dst, src []float32)
	// diffSrc[i] = dst[i] > 0 ? diffDst[i] : 0. Exact.
	ReLUBackward func(diffSrc, diffDst, dst []float32)
	// dst[i] = min(max(src[i], 0), 6), and NaN stays. Exact.
	ReLU6 func(dst, src []float32)
	// diffSrc[i] = 0 < dst[i] < 6 ? diffDst[i] : 0. Exact.
	ReLU6Backward func(diffSrc, diffDst, dst []float32)
	// dst[i] = a[i] + b[i]. Exact.
	Add func(dst, a, b []float32)
	// dst[i] = src[i]·scale + offset. Exact.
	Affine func(dst, src []float32, scale, offset float32)
	// Finite says whether no src[i] is infinite or NaN.
	Finite func(src []float32) bool

	// dst[i] = word i%4 of Philox(key, {block+i/4, word1, word2, word3}) ≥ threshold ? src[i]·scale : 0. Exact.
	Dropout func(dst, src []float32, key uint64, block, word1, word2, word3, threshold uint32, scale float32)

	// param[i] -= param[i]·decay·rate. Exact.
	Decay func(param []float32, decay, rate float32)
	// param[i] -= grad[i]·rate. Exact.
	SGD func(param, grad []float32, rate float32)
	// velocity[i] = velocity[i]·momentum - grad[i]·rate; param[i] += velocity[i]. Exact.
	Momentum func(param, grad, velocity []float32, momentum, rate float32)
	// velocity[i] = velocity[i]·momentum - grad[i]·rate; param[i] += velocity[i]·momentum - grad[i]·rate. Exact.
	Nesterov func(param, grad, velocity []float32, momentum, rate float32)
	// m[i] += (grad[i]-m[i])·keep1; v[i] += (grad[i]²-v[i])·keep2; param[i] -= m[i]·alpha/(√v[i]+epsilon). Exact.
	Adam func(param, grad, m, v []float32, keep1, keep2, alpha, epsilon float32)
	// RMSprop[centered][momentum]: v[i] = rho·v[i] + keep·grad[i]²; step = rate·grad[i]/√(v[i]+epsilon); param[i] -= step. With centered,
	// a[i] = rho·a[i] + keep·grad[i], and max(v[i]-a[i]², 0) stands under the root; with momentum, m[i] = factor·m[i] + step and
	// param[i] -= m[i]. a and m are nil without. Exact.
	RMSprop [2][2]func(param, grad, v, m, a []float32, rho, keep, epsilon, rate, factor float32)
	// a[i] += grad[i]²; param[i] -= rate·grad[i]/√(a[i]+epsilon). Exact.
	Adagrad func(param, grad, a []float32, epsilon, rate float32)
	// a[i] = rho·a[i] + keep·grad[i]²; step = √(d[i]+epsilon)·grad[i]/√(a[i]+epsilon); d[i] = rho·d[i] + keep·step²;
	// param[i] -= rate·step. Exact.
	Adadelta func(param, grad, a, d []float32, rho, keep, epsilon, rate float32)
	// m[i] += (grad[i]-m[i])·keep1; u[i] = max(beta2·u[i], |grad[i]|); param[i] -= alpha·m[i]/(u[i]+epsilon). Exact.
	Adamax func(param, grad, m, u []float32, keep1, beta2, alpha, epsilon float32)
	// m[i] += (grad[i]-m[i])·keep1; v[i] += (grad[i]²-v[i])·keep2; param[i] -= (ahead·m[i]+now·grad[i])/(√(scale·v[i])+epsilon). Exact.
	Nadam func(param, grad, m, v []float32, keep1, keep2, ahead, now, scale, epsilon float32)
	// param[i] -= rate·sign(beta1·m[i] + keep1·grad[i]), where the sign of 0 and NaN is 0; m[i] = beta2·m[i] + keep2·grad[i]. Exact.
	Lion func(param, grad, m []float32, beta1, keep1, beta2, keep2, rate float32)
	// m[i] += (grad[i]-m[i])·keep1; v[i] += (grad[i]²-v[i])·keep2; grad[i] = scale1·m[i]/(√(scale2·v[i])+epsilon). Exact.
	Lamb func(grad, m, v []float32, keep1, keep2, scale1, scale2, epsilon float32)
	// dst[i] = min(max(src[i], low), high), of numbers that are not NaN. Exact.
	Clamp func(dst, src []float32, low, high float32)
	// a[i] = rho·a[i] + keep·src[i]. Exact.
	Average func(a, src []float32, rho, keep float32)
	// dst[i] = grad[i] + (l1·sign(w[i]) + l2·w[i]), where the sign of 0 and NaN is 0. Exact.
	Regularize func(dst, grad, w []float32, l1, l2 float32)

	// dst[r,j] = src[r,j] + bias[j], of [rows,width]. Exact.
	BiasAdd func(dst, src, bias []float32, rows, width int)
	// Normalize[add][act], act being 0, 1 for ReLU or 2 for ReLU6: dst[r,j] = act((src[r,j]-mean[j])·scale[j] + offset[j] + residual[r,j]), of [rows,width];
	// residual is nil without add.
	Normalize [2][3]func(dst, src, residual, mean, scale, offset []float32, rows, width int)
	// NormalizeBackward[mask]: diffSrc[r,j] = g·a[j] + (src[r,j]-mean[j])·b[j] + c[j], of [rows,width], where g is diffDst[r,j], with
	// mask 1 or 2 0 unless dst[r,j] > 0, with 2 also 0 unless dst[r,j] < 6; dst is nil without mask.
	NormalizeBackward [3]func(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int)
	// NormalizeBackwardSelf[mask] is NormalizeBackward with mask 1 or 2, where dst[r,j] is not read but is (src[r,j]-mean[j])·a[j] + offset[j],
	// rounded as in Normalize.
	NormalizeBackwardSelf [3]func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int)
	// sums[j] += Σr src[r,j], of [rows,width].
	ColumnSums func(sums []float64, src []float32, rows, width int)
	// sums[j] += Σr src[r,j]; squares[j] += Σr src[r,j]², of [rows,width].
	Moments func(sums, squares []float64, src []float32, rows, width int)
	// GradientMoments[mask][store]: sums[j] += Σr g; products[j] += Σr g·(src[r,j]-mean[j]), of [rows,width], with g as in
	// NormalizeBackward; with store, masked[r,j] = g. masked is nil without store, dst without mask; there is no store without mask.
	GradientMoments [3][2]func(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int)
	// GradientMomentsSelf[mask] is GradientMoments with mask 1 or 2, where dst[r,j] is not read but is (src[r,j]-mean[j])·scale[j] + offset[j],
	// rounded as in Normalize.
	GradientMomentsSelf [3]func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int)

	// MaxPool computes count pixels of c channels, each the maximum over r×s source pixels: dst[q,j] = max over y<r, x<s of
	// src[q·step + y·pitch + x·c + j]; NaN counts only where it comes first. step and pitch are in elements. Exact.
	MaxPool func(dst, src []float32, count, c, r, s, step, pitch int)
	// MaxPoolBackward[add]: for the windows of MaxPool, diffSrc at the first element that equals dst[q,j] becomes diffDst[q,j]
	// (or with add grows by it), and 0 at the others (with add they stay). Without add windows must not overlap. Exact.
	MaxPoolBackward [2]func(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int)

	// Depthwise computes the pixels of each area, c channels: for its Rows r and Columns s, dst[area.Dst + q·dstStep + j] = min(max(bias[j] +
	// Σrs src[area.Src + r·srcRow + s·srcColumn + q·srcStep + j]·weights[area.Filter + r·weightsRow + s·weightsColumn + j], floor), ceiling) for
	// its Count pixels q; NaN stays. With a nil bias it starts from what dst holds. Steps are in elements.
	Depthwise func(dst, src, weights, bias []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, weightsColumn, weightsRow int, floor, ceiling float32)
	// DepthwiseWeights adds up c channels of each of the areas: for its Rows r and Columns s, sums[area.Filter + r·sumsRow + s·c + j] +=
	// Σq src[area.Src + r·srcRow + s·srcColumn + q·srcStep + j]·diff[area.Dst + q·dstStep + j]. No area is without rows.
	DepthwiseWeights func(sums, src, diff []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, sumsRow int)
}

// For gives the loops of an instruction set.
func For(isa cpu.ISA) *Table {
	if t := native(isa); t != nil {
		return t
	}
	return &portable
}
