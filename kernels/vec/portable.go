package vec

import (
	"math"

	"github.com/meseta-go/meseta/random"
)

// portable is in Go. The conversions float32(a*b) keep the compiler from fusing a product into a sum on processors where it would,
// so that results are the same everywhere.
var portable = Table{
	ReLU:          relu,
	ReLUBackward:  reluBackward,
	ReLU6:         relu6,
	ReLU6Backward: relu6Backward,
	Add:           add,
	Affine:        affine,
	Finite:        finite,
	Dropout:       dropout,
	Decay:         decay,
	SGD:           sgd,
	Momentum:      momentum,
	Nesterov:      nesterov,
	Adam:          adam,
	RMSprop: [2][2]func(param, grad, v, m, a []float32, rho, keep, epsilon, rate, factor float32){
		{rmsprop, rmspropMomentum},
		{rmspropCentered, rmspropCenteredMomentum},
	},
	Adagrad:    adagrad,
	Adadelta:   adadelta,
	Adamax:     adamax,
	Nadam:      nadam,
	Lion:       lion,
	Lamb:       lamb,
	Clamp:      clamp,
	Average:    average,
	Regularize: regularize,
	BiasAdd:    biasAdd,
	Normalize: [2][3]func(dst, src, residual, mean, scale, offset []float32, rows, width int){
		{normalize, normalizeReLU, normalizeReLU6},
		{normalizeAdd, normalizeAddReLU, normalizeAddReLU6},
	},
	NormalizeBackward: [3]func(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int){
		normalizeBackward, normalizeBackwardMasked, normalizeBackwardMasked6,
	},
	NormalizeBackwardSelf: [3]func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int){
		nil, normalizeBackwardSelf(false), normalizeBackwardSelf(true),
	},
	ColumnSums: columnSums,
	Moments:    moments,
	GradientMoments: [3][2]func(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int){
		{gradientMoments, nil},
		{gradientMomentsMasked, gradientMomentsStored},
		{gradientMomentsMasked6, gradientMomentsStored6},
	},
	GradientMomentsSelf: [3]func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int){
		nil, gradientMomentsSelf(false), gradientMomentsSelf(true),
	},
	MaxPool:         maxPool,
	MaxPoolBackward: [2]func(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int){maxPoolBackward, maxPoolBackwardAdd},

	Depthwise: depthwise, DepthwiseWeights: depthwiseWeights,
}

func relu(dst, src []float32) {
	src = src[:len(dst)]
	for i, x := range src {
		if x < 0 {
			x = 0
		}
		dst[i] = x
	}
}

func reluBackward(diffSrc, diffDst, dst []float32) {
	diffDst, dst = diffDst[:len(diffSrc)], dst[:len(diffSrc)]
	for i, y := range dst {
		if y > 0 {
			diffSrc[i] = diffDst[i]
		} else {
			diffSrc[i] = 0
		}
	}
}

func add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i, x := range a {
		dst[i] = x + b[i]
	}
}

func affine(dst, src []float32, scale, offset float32) {
	src = src[:len(dst)]
	for i, x := range src {
		dst[i] = float32(x*scale) + offset
	}
}

func finite(src []float32) bool {
	const exponent = 0x7f800000
	for _, x := range src {
		if math.Float32bits(x)&exponent == exponent {
			return false
		}
	}
	return true
}

func dropout(dst, src []float32, key uint64, block, word1, word2, word3, threshold uint32, scale float32) {
	src = src[:len(dst)]
	for i := 0; i < len(src); i += 4 {
		words := random.Philox(key, [4]uint32{block, word1, word2, word3})
		block++
		for j, x := range src[i:min(i+4, len(src))] {
			if words[j] >= threshold {
				dst[i+j] = x * scale
			} else {
				dst[i+j] = 0
			}
		}
	}
}

func decay(param []float32, decay, rate float32) {
	for i, p := range param {
		param[i] = p - float32(float32(p*decay)*rate)
	}
}

func sgd(param, grad []float32, rate float32) {
	grad = grad[:len(param)]
	for i, g := range grad {
		param[i] -= float32(g * rate)
	}
}

func momentum(param, grad, velocity []float32, momentum, rate float32) {
	grad, velocity = grad[:len(param)], velocity[:len(param)]
	for i, g := range grad {
		v := float32(velocity[i]*momentum) - float32(g*rate)
		velocity[i] = v
		param[i] += v
	}
}

func nesterov(param, grad, velocity []float32, momentum, rate float32) {
	grad, velocity = grad[:len(param)], velocity[:len(param)]
	for i, g := range grad {
		step := float32(g * rate)
		v := float32(velocity[i]*momentum) - step
		velocity[i] = v
		param[i] += float32(v*momentum) - step
	}
}

func adam(param, grad, m, v []float32, keep1, keep2, alpha, epsilon float32) {
	grad, m, v = grad[:len(param)], m[:len(param)], v[:len(param)]
	for i, g := range grad {
		mi := m[i] + float32((g-m[i])*keep1)
		vi := v[i] + float32((float32(g*g)-v[i])*keep2)
		m[i], v[i] = mi, vi
		param[i] -= float32(mi*alpha) / (float32(math.Sqrt(float64(vi))) + epsilon)
	}
}
