package vec

// What ends at 6, or reads what did.

func relu6(dst, src []float32) {
	for i, x := range src[:len(dst)] {
		if x < 0 {
			x = 0
		}
		if x > 6 {
			x = 6
		}
		dst[i] = x
	}
}

func relu6Backward(diffSrc, diffDst, dst []float32) {
	diffDst, dst = diffDst[:len(diffSrc)], dst[:len(diffSrc)]
	for i, g := range diffDst {
		diffSrc[i] = within6(g, dst[i])
	}
}

// within6 is g where 0 < y < 6, else 0.
func within6(g, y float32) float32 {
	if y > 0 && y < 6 {
		return g
	}
	return 0
}

func normalizeReLU6(dst, src, residual, mean, scale, offset []float32, rows, width int) {
	normalize(dst, src, residual, mean, scale, offset, rows, width)
	relu6(dst[:rows*width], dst)
}

func normalizeAddReLU6(dst, src, residual, mean, scale, offset []float32, rows, width int) {
	normalizeAdd(dst, src, residual, mean, scale, offset, rows, width)
	relu6(dst[:rows*width], dst)
}

func normalizeBackwardMasked6(diffSrc, diffDst, dst, src, mean, a, b, c []float32, rows, width int) {
	mean, a, b, c = mean[:width], a[:width], b[:width], c[:width]
	for r := range rows {
		dx, dy, y, s := diffSrc[r*width:][:width], diffDst[r*width:][:width], dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			dx[j] = float32(within6(dy[j], y[j])*a[j]) + (float32((x-mean[j])*b[j]) + c[j])
		}
	}
}

func gradientMomentsMasked6(sums, products []float64, _, diffDst, dst, src, mean []float32, rows, width int) {
	sums, products, mean = sums[:width], products[:width], mean[:width]
	for r := range rows {
		dy, y, s := diffDst[r*width:][:width], dst[r*width:][:width], src[r*width:][:width]
		for j, x := range s {
			g := within6(dy[j], y[j])
			sums[j] += float64(g)
			products[j] += float64(g) * float64(x-mean[j])
		}
	}
}

func gradientMomentsStored6(sums, products []float64, masked, diffDst, dst, src, mean []float32, rows, width int) {
	for i, g := range diffDst[:rows*width] {
		masked[i] = within6(g, dst[i])
	}
	gradientMoments(sums, products, nil, masked, nil, src, mean, rows, width)
}
