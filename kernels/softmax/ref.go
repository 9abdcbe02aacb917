package softmax

import "math"

// Float is what the definitions are generic over: float32 as the kernels compute, float64 to judge them by.
type Float interface{ float32 | float64 }

// ReferenceForward defines Forward.
func ReferenceForward[T Float](classes int, dst, src []T) {
	for n := 0; n < len(src); n += classes {
		m, sum := src[n], T(0)
		for _, s := range src[n : n+classes] {
			m = max(m, s)
		}
		for i, s := range src[n : n+classes] {
			dst[n+i] = T(math.Exp(float64(s - m)))
			sum += dst[n+i]
		}
		for i := range classes {
			dst[n+i] /= sum
		}
	}
}

// ReferenceBackward defines Backward.
func ReferenceBackward[T Float](classes int, diffSrc, diffDst, dst []T) {
	for n := 0; n < len(dst); n += classes {
		for i := range classes {
			diffSrc[n+i] = 0
			for j := range classes {
				jacobian := -dst[n+i] * dst[n+j]
				if i == j {
					jacobian += dst[n+i]
				}
				diffSrc[n+i] += jacobian * diffDst[n+j]
			}
		}
	}
}

// ReferenceCrossEntropy defines CrossEntropy.
func ReferenceCrossEntropy[T Float](classes int, losses, logits []T, labels []int32) {
	for n, label := range labels {
		row, sum := logits[n*classes:][:classes], T(0)
		m := row[0]
		for _, s := range row {
			m = max(m, s)
		}
		for _, s := range row {
			sum += T(math.Exp(float64(s - m)))
		}
		losses[n] = T(math.Log(float64(sum))) - (row[label] - m)
	}
}

// ReferenceCrossEntropyBackward defines CrossEntropyBackward.
func ReferenceCrossEntropyBackward[T Float](classes int, diffLogits, diffLosses, logits []T, labels []int32) {
	ReferenceForward(classes, diffLogits, logits)
	for n, label := range labels {
		diffLogits[n*classes+int(label)]--
		for i := range classes {
			diffLogits[n*classes+i] *= diffLosses[n]
		}
	}
}

// ReferenceLogLoss defines LogLoss.
func ReferenceLogLoss[T Float](classes int, losses, probs []T, labels []int32) {
	for n, label := range labels {
		row, sum := probs[n*classes:][:classes], T(0)
		for _, p := range row {
			sum += p
		}
		losses[n] = T(-math.Log(min(max(float64(row[label]/sum), clipLow), clipHigh)))
	}
}

// ReferenceLogLossBackward defines LogLossBackward.
func ReferenceLogLossBackward[T Float](classes int, diffProbs, diffLosses, probs []T, labels []int32) {
	for n, label := range labels {
		row, sum := probs[n*classes:][:classes], T(0)
		for _, p := range row {
			sum += p
		}
		q := float64(row[label] / sum)
		for i := range row {
			d := T(0)
			if q >= clipLow && q <= clipHigh {
				d = 1 / sum
				if i == int(label) {
					d -= 1 / row[label]
				}
			}
			diffProbs[n*classes+i] = d * diffLosses[n]
		}
	}
}

// ReferenceCorrect defines Correct.
func ReferenceCorrect[T Float](classes int, correct, scores []T, labels []int32) {
	for n, label := range labels {
		best := 0
		for i := range classes {
			if scores[n*classes+i] > scores[n*classes+best] {
				best = i
			}
		}
		correct[n] = 0
		if best == int(label) {
			correct[n] = 1
		}
	}
}
