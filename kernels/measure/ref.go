package measure

import "slices"

// ReferenceInTopK defines InTopK for finite scores: the label is among the first k of the scores in descending order, or ties with them.
func ReferenceInTopK(classes, k int, dst, scores []float64, labels []int32) {
	for n, label := range labels {
		row := slices.Clone(scores[n*classes:][:classes])
		slices.Sort(row)
		dst[n] = 0
		if scores[n*classes+int(label)] >= row[max(classes-k, 0)] {
			dst[n] = 1
		}
	}
}

// ReferenceTally defines Tally.
func ReferenceTally(each, columns int, thresholds []float64, perColumn, soft bool, sums, scores, targets, weights []float64) {
	width := 1
	if perColumn {
		width = columns
	}
	for i, score := range scores {
		bucket := 0
		for _, t := range thresholds {
			if score > t {
				bucket++
			}
		}
		w, t := 1.0, targets[i]
		if weights != nil {
			w = weights[i/(each*columns)]
		}
		if !soft && t != 0 {
			t = 1
		}
		at := bucket*width + i%columns%width
		sums[at] += w * t
		sums[(len(thresholds)+1)*width+at] += w * (1 - t)
	}
}

// ReferenceConfuse defines Confuse.
func ReferenceConfuse(each, classes int, sums []float64, predicted, labels []int32, weights []float64) {
	for i, label := range labels {
		w := 1.0
		if weights != nil {
			w = weights[i/each]
		}
		for l := range classes {
			for p := range classes {
				if int(label) == l && int(predicted[i]) == p {
					sums[l*classes+p] += w
				}
			}
		}
	}
}
