package vec

// Area is a run of pixels of dst, or of its gradient, to which the same rectangle of filter elements belongs: where its first filter element lies,
// among weights or sums, the pixel of src under that, and its first pixel, in elements from the start of each array; how many pixels, at least
// one; and the rectangle's size, 1×1 to 3×3, or 0×0 where none does.
type Area struct{ Filter, Src, Dst, Count, Rows, Columns int }

func depthwise(dst, src, weights, bias []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, weightsColumn, weightsRow int, floor, ceiling float32) {
	for _, a := range areas {
		for q := range a.Count {
			d := dst[a.Dst+q*dstStep:][:c]
			if bias != nil {
				copy(d, bias[:c])
			}
			for r := range a.Rows {
				for s := range a.Columns {
					w := weights[a.Filter+r*weightsRow+s*weightsColumn:][:c]
					for j, x := range src[a.Src+r*srcRow+s*srcColumn+q*srcStep:][:c] {
						d[j] += x * w[j]
					}
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
}

func depthwiseWeights(sums, src, diff []float32, areas []Area, c, dstStep, srcStep, srcColumn, srcRow, sumsRow int) {
	for _, a := range areas {
		for r := range a.Rows {
			for s := range a.Columns {
				sum := sums[a.Filter+r*sumsRow+s*c:][:c]
				for q := range a.Count {
					dy := diff[a.Dst+q*dstStep:][:c]
					for j, x := range src[a.Src+r*srcRow+s*srcColumn+q*srcStep:][:c] {
						sum[j] += x * dy[j]
					}
				}
			}
		}
	}
}
