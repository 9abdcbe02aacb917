package softmax

import (
	"cmp"
	"math"
	"slices"
)

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

// ReferenceLogForward defines LogForward.
func ReferenceLogForward[T Float](classes int, dst, src []T) {
	for n := 0; n < len(src); n += classes {
		m, sum := src[n], T(0)
		for _, s := range src[n : n+classes] {
			m = max(m, s)
		}
		for _, s := range src[n : n+classes] {
			sum += T(math.Exp(float64(s - m)))
		}
		for i, s := range src[n : n+classes] {
			dst[n+i] = s - m - T(math.Log(float64(sum)))
		}
	}
}

// ReferenceLogBackward defines LogBackward.
func ReferenceLogBackward[T Float](classes int, diffSrc, diffDst, dst []T) {
	for n := 0; n < len(dst); n += classes {
		sum := T(0)
		for _, g := range diffDst[n : n+classes] {
			sum += g
		}
		for i, y := range dst[n : n+classes] {
			diffSrc[n+i] = diffDst[n+i] - T(math.Exp(float64(y)))*sum
		}
	}
}

// ReferenceSparsemax defines Sparsemax: of the sorted scores it takes the largest k with 1 + k·score(k) > Σ score(1…k), and τ makes these
// sum to 1 (arXiv:1602.02068, algorithm 1).
func ReferenceSparsemax[T Float](classes int, dst, src []T) {
	for n := 0; n < len(src); n += classes {
		sorted := slices.Clone(src[n : n+classes])
		slices.SortFunc(sorted, func(a, b T) int { return cmp.Compare(b, a) })
		sum, tau := T(0), T(0)
		for k, s := range sorted {
			sum += s
			if 1+T(k+1)*s > sum {
				tau = (sum - 1) / T(k+1)
			}
		}
		for i, s := range src[n : n+classes] {
			dst[n+i] = max(s-tau, 0)
		}
	}
}

// ReferenceSparsemaxBackward defines SparsemaxBackward.
func ReferenceSparsemaxBackward[T Float](classes int, diffSrc, diffDst, dst []T) {
	for n := 0; n < len(dst); n += classes {
		sum, count := T(0), T(0)
		for i, y := range dst[n : n+classes] {
			if y > 0 {
				sum += diffDst[n+i]
				count++
			}
		}
		for i, y := range dst[n : n+classes] {
			diffSrc[n+i] = 0
			if y > 0 {
				diffSrc[n+i] = diffDst[n+i] - sum/count
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

// ReferenceSoftCrossEntropy defines NewSoftCrossEntropy's loss.
func ReferenceSoftCrossEntropy[T Float](each, classes int, losses, logits, targets []T) {
	clear(losses)
	for r := 0; r < len(logits)/classes; r++ {
		row, sum := logits[r*classes:][:classes], T(0)
		m := row[0]
		for _, s := range row {
			m = max(m, s)
		}
		for _, s := range row {
			sum += T(math.Exp(float64(s - m)))
		}
		for i, s := range row {
			losses[r/each] -= targets[r*classes+i] * (s - m - T(math.Log(float64(sum)))) / T(each)
		}
	}
}

// ReferenceSoftCrossEntropyBackward defines the gradient of NewSoftCrossEntropy's loss.
func ReferenceSoftCrossEntropyBackward[T Float](each, classes int, diffLogits, diffLosses, logits, targets []T) {
	ReferenceForward(classes, diffLogits, logits)
	for r := 0; r < len(logits)/classes; r++ {
		sum := T(0)
		for _, t := range targets[r*classes:][:classes] {
			sum += t
		}
		for i := r * classes; i < (r+1)*classes; i++ {
			diffLogits[i] = diffLosses[r/each] / T(each) * (diffLogits[i]*sum - targets[i])
		}
	}
}

// ReferenceSoftLogLoss defines NewSoftLogLoss's loss.
func ReferenceSoftLogLoss[T Float](each, classes int, losses, probs, targets []T) {
	clear(losses)
	for r := 0; r < len(probs)/classes; r++ {
		row, sum := probs[r*classes:][:classes], T(0)
		for _, p := range row {
			sum += p
		}
		for i, p := range row {
			losses[r/each] -= targets[r*classes+i] * T(math.Log(min(max(float64(p/sum), clipLow), clipHigh))) / T(each)
		}
	}
}

// ReferenceSoftLogLossBackward defines the gradient of NewSoftLogLoss's loss, term by term.
func ReferenceSoftLogLossBackward[T Float](each, classes int, diffProbs, diffLosses, probs, targets []T) {
	for r := 0; r < len(probs)/classes; r++ {
		row, sum := probs[r*classes:][:classes], T(0)
		for _, p := range row {
			sum += p
		}
		for j := range row {
			d := T(0)
			for i, p := range row {
				if q := float64(p / sum); q < clipLow || q > clipHigh {
					continue
				}
				// -t·log(p/Σp) by the probability j
				d += targets[r*classes+i] / sum
				if i == j {
					d -= targets[r*classes+i] / p
				}
			}
			diffProbs[r*classes+j] = diffLosses[r/each] / T(each) * d
		}
	}
}

// ReferenceBinaryCrossEntropy defines NewBinaryCrossEntropy's loss.
func ReferenceBinaryCrossEntropy[T Float](each, classes int, losses, logits, targets []T) {
	clear(losses)
	size := each * classes
	for i, s := range logits {
		losses[i/size] += (max(s, 0) - s*targets[i] + T(math.Log1p(math.Exp(-math.Abs(float64(s)))))) / T(size)
	}
}

// ReferenceBinaryCrossEntropyBackward defines the gradient of NewBinaryCrossEntropy's loss.
func ReferenceBinaryCrossEntropyBackward[T Float](each, classes int, diffLogits, diffLosses, logits, targets []T) {
	size := each * classes
	for i, s := range logits {
		diffLogits[i] = diffLosses[i/size] / T(size) * (T(1/(1+math.Exp(-float64(s)))) - targets[i])
	}
}

// ReferenceBinaryLogLoss defines NewBinaryLogLoss's loss.
func ReferenceBinaryLogLoss[T Float](each, classes int, losses, probs, targets []T) {
	clear(losses)
	size := each * classes
	for i, p := range probs {
		q := min(max(float64(p), clipLow), clipHigh32)
		losses[i/size] -= (targets[i]*T(math.Log(q)) + (1-targets[i])*T(math.Log(1-q))) / T(size)
	}
}

// ReferenceBinaryLogLossBackward defines the gradient of NewBinaryLogLoss's loss.
func ReferenceBinaryLogLossBackward[T Float](each, classes int, diffProbs, diffLosses, probs, targets []T) {
	size := each * classes
	for i, p := range probs {
		diffProbs[i] = 0
		if float64(p) >= clipLow && float64(p) <= clipHigh32 {
			diffProbs[i] = diffLosses[i/size] / T(size) * ((1-targets[i])/(1-p) - targets[i]/p)
		}
	}
}
