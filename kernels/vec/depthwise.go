package vec

// Tap is one element of the filter of Table.Depthwise: where its factors lie, in elements from the start of each array.
type Tap struct{ Src, Weights int }

// Area is a rectangle of filter elements whose sums Table.DepthwiseWeights adds up over the same pixels: where the first sum and its first
// factors lie, in elements from the start of each array, of how many pixels, at least one, and the rectangle's size, 1×1 to 3×3.
type Area struct{ Sums, Src, Diff, Count, Rows, Columns int }

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

func depthwiseWeights(sums, src, diff []float32, areas []Area, c, srcStep, srcColumn, srcRow, diffStep, sumsRow int) {
	for _, a := range areas {
		for r := range a.Rows {
			for s := range a.Columns {
				sum := sums[a.Sums+r*sumsRow+s*c:][:c]
				for q := range a.Count {
					dy := diff[a.Diff+q*diffStep:][:c]
					for j, x := range src[a.Src+r*srcRow+s*srcColumn+q*srcStep:][:c] {
						sum[j] += x * dy[j]
					}
				}
			}
		}
	}
}
