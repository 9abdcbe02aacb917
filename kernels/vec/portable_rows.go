package vec

func biasAdd(dst, src, bias []float32, rows, width int) {
	bias = bias[:width]
	for r := range rows {
		d, s := dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			d[j] = x + bias[j]
		}
	}
}

func normalize(dst, src, _, mean, scale, offset []float32, rows, width int) {
	mean, scale, offset = mean[:width], scale[:width], offset[:width]
	for r := range rows {
		d, s := dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			d[j] = float32((x-mean[j])*scale[j]) + offset[j]
		}
	}
}

func normalizeReLU(dst, src, _, mean, scale, offset []float32, rows, width int) {
	mean, scale, offset = mean[:width], scale[:width], offset[:width]
	for r := range rows {
		d, s := dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			y := float32((x-mean[j])*scale[j]) + offset[j]
			if y < 0 {
				y = 0
			}
			d[j] = y
		}
	}
}

func normalizeAdd(dst, src, residual, mean, scale, offset []float32, rows, width int) {
	mean, scale, offset = mean[:width], scale[:width], offset[:width]
	for r := range rows {
		d, s, res := dst[r*width:][:width], src[r*width:][:width], residual[r*width:][:width]
		for j, x := range s {
			d[j] = float32((x-mean[j])*scale[j]) + offset[j] + res[j]
		}
	}
}

func normalizeAddReLU(dst, src, residual, mean, scale, offset []float32, rows, width int) {
	mean, scale, offset = mean[:width], scale[:width], offset[:width]
	for r := range rows {
		d, s, res := dst[r*width:][:width], src[r*width:][:width], residual[r*width:][:width]
		for j, x := range s {
			y := float32((x-mean[j])*scale[j]) + offset[j] + res[j]
			if y < 0 {
				y = 0
			}
			d[j] = y
		}
	}
}

func normalizeBackward(diffSrc, diffDst, _, src, mean, a, b, c []float32, rows, width int) {
	mean, a, b, c = mean[:width], a[:width], b[:width], c[:width]
	for r := range rows {
		dx, dy, s := diffSrc[r*width:][:width], diffDst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			dx[j] = float32(dy[j]*a[j]) + (float32((x-mean[j])*b[j]) + c[j])
		}
	}
}

func normalizeBackwardMasked(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int) {
	mean, a, b, c = mean[:width], a[:width], b[:width], c[:width]
	for r := range rows {
		dx, dy, y, s := diffSrc[r*width:][:width], diffDst[r*width:][:width], dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			g := float32(0)
			if y[j] > 0 {
				g = dy[j]
			}
			dx[j] = float32(g*a[j]) + (float32((x-mean[j])*b[j]) + c[j])
		}
	}
}

func columnSums(sums []float64, src []float32, rows, width int) {
	sums = sums[:width]
	for r := range rows {
		for j, x := range src[r*width:][:width] {
			sums[j] += float64(x)
		}
	}
}

func moments(sums, squares []float64, src []float32, rows, width int) {
	sums, squares = sums[:width], squares[:width]
	for r := range rows {
		for j, x := range src[r*width:][:width] {
			sums[j] += float64(x)
			squares[j] += float64(x) * float64(x)
		}
	}
}

func gradientMoments(sums, products []float64, _, diffDst, _, src, mean []float32, rows, width int) {
	sums, products, mean = sums[:width], products[:width], mean[:width]
	for r := range rows {
		dy, s := diffDst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			sums[j] += float64(dy[j])
			products[j] += float64(dy[j]) * float64(x-mean[j])
		}
	}
}

func gradientMomentsMasked(sums, products []float64, _, diffDst, dst, src, mean []float32, rows, width int) {
	sums, products, mean = sums[:width], products[:width], mean[:width]
	for r := range rows {
		dy, y, s := diffDst[r*width:][:width], dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			if y[j] > 0 {
				sums[j] += float64(dy[j])
				products[j] += float64(dy[j]) * float64(x-mean[j])
			}
		}
	}
}

func gradientMomentsStored(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int) {
	sums, products, mean = sums[:width], products[:width], mean[:width]
	for r := range rows {
		m, dy, y, s := masked[r*width:][:width], diffDst[r*width:][:width], dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			g := float32(0)
			if y[j] > 0 {
				g = dy[j]
			}
			m[j] = g
			sums[j] += float64(g)
			products[j] += float64(g) * float64(x-mean[j])
		}
	}
}

// counts is g where 0 < y, and with six y < 6, else 0.
func counts(g, y float32, six bool) float32 {
	if y > 0 && (!six || y < 6) {
		return g
	}
	return 0
}

func normalizeBackwardSelf(six bool) func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int) {
	return func(diffSrc, diffDst, src, mean, a, b, c, offset []float32, rows, width int) {
		mean, a, b, c, offset = mean[:width], a[:width], b[:width], c[:width], offset[:width]
		for r := range rows {
			dx, dy, s := diffSrc[r*width:][:width], diffDst[r*width:][:width], src[r*width:][:width]
			for j, x := range s {
				d := x - mean[j]
				g := counts(dy[j], float32(d*a[j])+offset[j], six)
				dx[j] = float32(g*a[j]) + (float32(d*b[j]) + c[j])
			}
		}
	}
}

func gradientMomentsSelf(six bool) func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int) {
	return func(sums, products []float64, diffDst, src, mean, scale, offset []float32, rows, width int) {
		sums, products, mean, scale, offset = sums[:width], products[:width], mean[:width], scale[:width], offset[:width]
		for r := range rows {
			dy, s := diffDst[r*width:][:width], src[r*width:][:width]
			for j, x := range s {
				d := x - mean[j]
				g := counts(dy[j], float32(d*scale[j])+offset[j], six)
				sums[j] += float64(g)
				products[j] += float64(g) * float64(d)
			}
		}
	}
}

func maxPool(dst, src []float32, count, c, r, s, step, pitch int) {
	for q := range count {
		d := dst[q*c:][:c]
		copy(d, src[q*step:][:c])
		for y := range r {
			for x := range s {
				for j, v := range src[q*step+y*pitch+x*c:][:c] {
					if v > d[j] {
						d[j] = v
					}
				}
			}
		}
	}
}

func maxPoolBackward(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int) {
	for q := range count {
		for j := range c {
			largest, g := dst[q*c+j], diffDst[q*c+j]
			for y := range r {
				for x := range s {
					i := q*step + y*pitch + x*c + j
					if src[i] == largest {
						diffSrc[i], g = g, 0 // the elements behind the first get 0
					} else {
						diffSrc[i] = 0
					}
				}
			}
		}
	}
}

func maxPoolBackwardAdd(diffSrc, diffDst, src, dst []float32, count, c, r, s, step, pitch int) {
	for q := range count {
		for j := range c {
			firstMaximum(diffSrc[q*step+j:], src[q*step+j:], dst[q*c+j], diffDst[q*c+j], c, r, s, pitch)
		}
	}
}

// firstMaximum adds g to diffSrc where src first equals largest.
func firstMaximum(diffSrc, src []float32, largest, g float32, c, r, s, pitch int) {
	for y := range r {
		for x := range s {
			if i := y*pitch + x*c; src[i] == largest {
				diffSrc[i] += g
				return
			}
		}
	}
}
