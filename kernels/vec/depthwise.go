package vec

// Tap is one element of the filter of Table.Depthwise: where its factors lie, in elements from the start of each array.
type Tap struct{ Src, Weights int }

// Run is a sum of Table.DepthwiseWeights: where it and its first factors lie, in elements from the start of each array, and of how many
// pixels, at least one.
type Run struct{ Sums, Src, Diff, Count int }

func depthwise(dst, src, weights, bias []float32, taps []Tap, count, c, dstStep, srcStep int, floor, ceiling float32) {
	for q := range count {
		d := dst[q*dstStep:][:c]
		copy(d, bias[:c])
		for _, t := range taps {
			w := weights[t.Weights:][:c]
			for j, x := range src[q*srcStep+t.Src:][:c] {
				d[j] += x * w[j]
			}
		}
		for j, x := range d {
			if floor > x {
				d[j] = floor
			} else if ceiling < x {
				d[j] = ceiling
			}
		}
	}
}

func depthwiseWeights(sums, src, diff []float32, runs []Run, c, srcStep, diffStep int) {
	for _, r := range runs {
		s := sums[r.Sums:][:c]
		for q := range r.Count {
			dy := diff[r.Diff+q*diffStep:][:c]
			for j, x := range src[r.Src+q*srcStep:][:c] {
				s[j] += x * dy[j]
			}
		}
	}
}
