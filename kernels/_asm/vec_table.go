package main

import "strings"

// vecTable names the loops of an instruction set. They take pointers; slices become those here.
func vecTable(f *File) {
	f.Go(strings.ReplaceAll(`// table@ holds the loops written for @.
var table@ = Table{
	ReLU: func(dst, src []float32) { relu@(at(dst), at(src), len(dst)) },
	ReLUBackward: func(diffSrc, diffDst, dst []float32) { reluBackward@(at(diffSrc), at(diffDst), at(dst), len(diffSrc)) },
	ReLU6: func(dst, src []float32) { relu6@(at(dst), at(src), len(dst)) },
	ReLU6Backward: func(diffSrc, diffDst, dst []float32) { relu6Backward@(at(diffSrc), at(diffDst), at(dst), len(diffSrc)) },
	Add: func(dst, a, b []float32) { add@(at(dst), at(a), at(b), len(dst)) },
	Affine: func(dst, src []float32, scale, offset float32) { affine@(at(dst), at(src), len(dst), scale, offset) },
	Finite: func(src []float32) bool {
		var bad int32
		finite@(at(src), len(src), &bad)
		return bad == 0
	},
	Dropout: func(dst, src []float32, key uint64, block, word1, word2, word3, threshold uint32, scale float32) {
		dropout@(at(dst), at(src), len(dst), key, block, word1, word2, word3, threshold, scale)
	},
	Decay: func(param []float32, decay, rate float32) { decay@(at(param), len(param), decay, rate) },
	SGD: func(param, grad []float32, rate float32) { sgd@(at(param), at(grad), len(param), rate) },
	Momentum: func(param, grad, velocity []float32, momentum, rate float32) {
		momentum@(at(velocity), at(param), at(grad), len(param), momentum, rate)
	},
	Nesterov: func(param, grad, velocity []float32, momentum, rate float32) {
		nesterov@(at(velocity), at(param), at(grad), len(param), momentum, rate)
	},
	Adam: func(param, grad, m, v []float32, keep1, keep2, alpha, epsilon float32) {
		adam@(at(m), at(v), at(param), at(grad), len(param), keep1, keep2, alpha, epsilon)
	},
	RMSprop: [2][2]func(param, grad, v, m, a []float32, rho, keep, epsilon, rate, factor float32){
		{
			func(param, grad, v, _, _ []float32, rho, keep, epsilon, rate, _ float32) {
				rmsprop@(at(v), at(param), at(grad), len(param), rho, keep, epsilon, rate)
			},
			func(param, grad, v, m, _ []float32, rho, keep, epsilon, rate, factor float32) {
				rmspropMomentum@(at(v), at(m), at(param), at(grad), len(param), rho, keep, epsilon, rate, factor)
			},
		},
		{
			func(param, grad, v, _, a []float32, rho, keep, epsilon, rate, _ float32) {
				rmspropCentered@(at(v), at(a), at(param), at(grad), len(param), rho, keep, epsilon, rate)
			},
			func(param, grad, v, m, a []float32, rho, keep, epsilon, rate, factor float32) {
				rmspropCenteredMomentum@(at(v), at(m), at(a), at(param), at(grad), len(param), rho, keep, epsilon, rate, factor)
			},
		},
	},
	Adagrad: func(param, grad, a []float32, epsilon, rate float32) {
		adagrad@(at(a), at(param), at(grad), len(param), epsilon, rate)
	},
	Adadelta: func(param, grad, a, d []float32, rho, keep, epsilon, rate float32) {
		adadelta@(at(a), at(d), at(param), at(grad), len(param), rho, keep, epsilon, rate)
	},
	Adamax: func(param, grad, m, u []float32, keep1, beta2, alpha, epsilon float32) {
		adamax@(at(m), at(u), at(param), at(grad), len(param), keep1, beta2, alpha, epsilon)
	},
	Nadam: func(param, grad, m, v []float32, keep1, keep2, ahead, now, scale, epsilon float32) {
		nadam@(at(m), at(v), at(param), at(grad), len(param), keep1, keep2, ahead, now, scale, epsilon)
	},
	Lion: func(param, grad, m []float32, beta1, keep1, beta2, keep2, rate float32) {
		lion@(at(m), at(param), at(grad), len(param), beta1, keep1, beta2, keep2, rate)
	},
	Lamb: func(grad, m, v []float32, keep1, keep2, scale1, scale2, epsilon float32) {
		lamb@(at(m), at(v), at(grad), len(grad), keep1, keep2, scale1, scale2, epsilon)
	},
	Clamp: func(dst, src []float32, low, high float32) { clamp@(at(dst), at(src), len(dst), low, high) },
	Average: func(a, src []float32, rho, keep float32) { average@(at(a), at(src), len(a), rho, keep) },
	Regularize: func(dst, grad, w []float32, l1, l2 float32) { regularize@(at(dst), at(grad), at(w), len(dst), l1, l2) },
	BiasAdd: func(dst, src, bias []float32, rows, width int) { biasAdd@(at(dst), at(src), at(bias), rows, width) },
	Normalize: [2][3]func(dst, src, residual, mean, scale, offset []float32, rows, width int){
		{
			func(dst, src, _, mean, scale, offset []float32, rows, width int) {
				normalize@(at(dst), at(src), at(mean), at(scale), at(offset), rows, width)
			},
			func(dst, src, _, mean, scale, offset []float32, rows, width int) {
				normalizeReLU@(at(dst), at(src), at(mean), at(scale), at(offset), rows, width)
			},
			func(dst, src, _, mean, scale, offset []float32, rows, width int) {
				normalizeReLU6@(at(dst), at(src), at(mean), at(scale), at(offset), rows, width)
			},
		},
		{
			func(dst, src, residual, mean, scale, offset []float32, rows, width int) {
				normalizeAdd@(at(dst), at(src), at(residual), at(mean), at(scale), at(offset), rows, width)
			},
			func(dst, src, residual, mean, scale, offset []float32, rows, width int) {
				normalizeAddReLU@(at(dst), at(src), at(residual), at(mean), at(scale), at(offset), rows, width)
			},
			func(dst, src, residual, mean, scale, offset []float32, rows, width int) {
				normalizeAddReLU6@(at(dst), at(src), at(residual), at(mean), at(scale), at(offset), rows, width)
			},
		},
	},
	NormalizeBackward: [3]func(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int){
		func(diffSrc, diffDst, _, src, mean, a, b, c []float32, rows, width int) {
			normalizeBackward@(at(diffSrc), at(diffDst), at(src), at(mean), at(a), at(b), at(c), rows, width)
		},
		func(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int) {
			normalizeBackwardMasked@(at(diffSrc), at(diffDst), at(src), at(dst), at(mean), at(a), at(b), at(c), rows, width)
		},
		func(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int) {
			normalizeBackwardMasked6@(at(diffSrc), at(diffDst), at(src), at(dst), at(mean), at(a), at(b), at(c), rows, width)
		},
	},
	NormalizeBackwardSelf: [3]func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int){
		nil,
		func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int) {
			normalizeBackwardSelf@(at(diffSrc), at(diffDst), at(src), at(mean), at(a), at(b), at(c), at(offset), rows, width)
		},
		func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int) {
			normalizeBackwardSelf6@(at(diffSrc), at(diffDst), at(src), at(mean), at(a), at(b), at(c), at(offset), rows, width)
		},
	},
	ColumnSums: func(sums []float64, src []float32, rows, width int) {
		for group := range groups(rows, width) {
			columnSums@(at(sums), at(src[group.start:]), group.rows, width)
		}
	},
	Moments: func(sums, squares []float64, src []float32, rows, width int) {
		for group := range groups(rows, width) {
			moments@(at(sums), at(squares), at(src[group.start:]), group.rows, width)
		}
	},
	GradientMoments: [3][2]func(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int){
		{
			func(sums, products []float64, _, diffDst, _, src, mean []float32, rows, width int) {
				for group := range groups(rows, width) {
					gradientMoments@(at(sums), at(products), at(diffDst[group.start:]), at(src[group.start:]), at(mean), group.rows, width)
				}
			},
			nil,
		},
		{
			func(sums, products []float64, _, diffDst, dst, src, mean []float32, rows, width int) {
				for group := range groups(rows, width) {
					gradientMomentsMasked@(at(sums), at(products), at(diffDst[group.start:]), at(dst[group.start:]), at(src[group.start:]), at(mean), group.rows, width)
				}
			},
			func(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int) {
				for group := range groups(rows, width) {
					gradientMomentsStored@(at(sums), at(products), at(masked[group.start:]), at(diffDst[group.start:]), at(dst[group.start:]), at(src[group.start:]), at(mean), group.rows, width)
				}
			},
		},
		{
			func(sums, products []float64, _, diffDst, dst, src, mean []float32, rows, width int) {
				for group := range groups(rows, width) {
					gradientMomentsMasked6@(at(sums), at(products), at(diffDst[group.start:]), at(dst[group.start:]), at(src[group.start:]), at(mean), group.rows, width)
				}
			},
			func(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int) {
				for group := range groups(rows, width) {
					gradientMomentsStored6@(at(sums), at(products), at(masked[group.start:]), at(diffDst[group.start:]), at(dst[group.start:]), at(src[group.start:]), at(mean), group.rows, width)
				}
			},
		},
	},
	GradientMomentsSelf: [3]func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int){
		nil,
		func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int) {
			for group := range groups(rows, width) {
				gradientMomentsSelf@(at(sums), at(products), at(diffDst[group.start:]), at(src[group.start:]), at(mean), at(scale), at(offset), group.rows, width)
			}
		},
		func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int) {
			for group := range groups(rows, width) {
				gradientMomentsSelf6@(at(sums), at(products), at(diffDst[group.start:]), at(src[group.start:]), at(mean), at(scale), at(offset), group.rows, width)
			}
		},
	},
	MaxPool: func(dst, src []float32, count, c, r, s, step, pitch int) { maxPool@(at(dst), at(src), count, c, r, s, step, pitch) },
	MaxPoolBackward: [2]func(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int){
		func(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int) {
			maxPoolBackward@(at(diffSrc), at(diffDst), at(src), at(dst), count, c, r, s, step, pitch)
		},
		func(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int) {
			maxPoolBackwardAdd@(at(diffSrc), at(diffDst), at(src), at(dst), count, c, r, s, step, pitch)
		},
	},
	Depthwise: func(dst, src, weights, bias []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, weightsColumn, weightsRow int, floor, ceiling float32) {
		depthwise@(at(dst), at(src), at(weights), at(bias), at(areas), len(areas), c, dstStep, srcStep, srcColumn, srcRow, weightsColumn, weightsRow, floor, ceiling)
	},
	DepthwiseWeights: func(sums, src, diff []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, sumsRow int) {
		depthwiseWeights@(at(sums), at(src), at(diff), at(areas), len(areas), c, dstStep, srcStep, srcColumn, srcRow, sumsRow)
	},
}
`, "@", f.vectors.Suffix))
}
