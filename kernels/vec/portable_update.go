package vec

import "math"

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func rmsprop(param, grad, v, _, _ []float32, rho, keep, epsilon, rate, _ float32) {
	grad, v = grad[:len(param)], v[:len(param)]
	for i, g := range grad {
		v[i] = float32(rho*v[i]) + float32(keep*float32(g*g))
		param[i] -= float32(rate*g) / sqrt(v[i]+epsilon)
	}
}

func rmspropMomentum(param, grad, v, m, _ []float32, rho, keep, epsilon, rate, factor float32) {
	grad, v, m = grad[:len(param)], v[:len(param)], m[:len(param)]
	for i, g := range grad {
		v[i] = float32(rho*v[i]) + float32(keep*float32(g*g))
		m[i] = float32(factor*m[i]) + float32(rate*g)/sqrt(v[i]+epsilon)
		param[i] -= m[i]
	}
}

func rmspropCentered(param, grad, v, _, a []float32, rho, keep, epsilon, rate, _ float32) {
	grad, v, a = grad[:len(param)], v[:len(param)], a[:len(param)]
	for i, g := range grad {
		v[i] = float32(rho*v[i]) + float32(keep*float32(g*g))
		a[i] = float32(rho*a[i]) + float32(keep*g)
		param[i] -= float32(rate*g) / sqrt(spread(v[i], a[i])+epsilon)
	}
}

func rmspropCenteredMomentum(param, grad, v, m, a []float32, rho, keep, epsilon, rate, factor float32) {
	grad, v, m, a = grad[:len(param)], v[:len(param)], m[:len(param)], a[:len(param)]
	for i, g := range grad {
		v[i] = float32(rho*v[i]) + float32(keep*float32(g*g))
		a[i] = float32(rho*a[i]) + float32(keep*g)
		m[i] = float32(factor*m[i]) + float32(rate*g)/sqrt(spread(v[i], a[i])+epsilon)
		param[i] -= m[i]
	}
}

// spread is the variance, of the mean of squares and the mean.
func spread(v, a float32) float32 {
	s := v - float32(a*a)
	if 0 > s {
		s = 0
	}
	return s
}

func adagrad(param, grad, a []float32, epsilon, rate float32) {
	grad, a = grad[:len(param)], a[:len(param)]
	for i, g := range grad {
		a[i] += float32(g * g)
		param[i] -= float32(rate*g) / sqrt(a[i]+epsilon)
	}
}

func adadelta(param, grad, a, d []float32, rho, keep, epsilon, rate float32) {
	grad, a, d = grad[:len(param)], a[:len(param)], d[:len(param)]
	for i, g := range grad {
		a[i] = float32(rho*a[i]) + float32(keep*float32(g*g))
		step := float32(sqrt(d[i]+epsilon)*g) / sqrt(a[i]+epsilon)
		d[i] = float32(rho*d[i]) + float32(keep*float32(step*step))
		param[i] -= float32(rate * step)
	}
}

func adamax(param, grad, m, u []float32, keep1, beta2, alpha, epsilon float32) {
	grad, m, u = grad[:len(param)], m[:len(param)], u[:len(param)]
	for i, g := range grad {
		m[i] += float32((g - m[i]) * keep1)
		norm := g
		if 0-g > norm {
			norm = 0 - g
		}
		if before := beta2 * u[i]; before > norm {
			norm = before
		}
		u[i] = norm
		param[i] -= float32(alpha*m[i]) / (norm + epsilon)
	}
}

func nadam(param, grad, m, v []float32, keep1, keep2, ahead, now, scale, epsilon float32) {
	grad, m, v = grad[:len(param)], m[:len(param)], v[:len(param)]
	for i, g := range grad {
		mi := m[i] + float32((g-m[i])*keep1)
		vi := v[i] + float32((float32(g*g)-v[i])*keep2)
		m[i], v[i] = mi, vi
		param[i] -= (float32(ahead*mi) + float32(now*g)) / (sqrt(float32(scale*vi)) + epsilon)
	}
}

func lion(param, grad, m []float32, beta1, keep1, beta2, keep2, rate float32) {
	grad, m = grad[:len(param)], m[:len(param)]
	for i, g := range grad {
		direction := float32(beta1*m[i]) + float32(keep1*g)
		if direction > 0 {
			param[i] -= rate
		} else if direction < 0 {
			param[i] += rate
		}
		m[i] = float32(beta2*m[i]) + float32(keep2*g)
	}
}

func lamb(grad, m, v []float32, keep1, keep2, scale1, scale2, epsilon float32) {
	m, v = m[:len(grad)], v[:len(grad)]
	for i, g := range grad {
		mi := m[i] + float32((g-m[i])*keep1)
		vi := v[i] + float32((float32(g*g)-v[i])*keep2)
		m[i], v[i] = mi, vi
		grad[i] = float32(scale1*mi) / (sqrt(float32(scale2*vi)) + epsilon)
	}
}

func clamp(dst, src []float32, low, high float32) {
	src = src[:len(dst)]
	for i, x := range src {
		if x < low {
			x = low
		}
		if x > high {
			x = high
		}
		dst[i] = x
	}
}

func average(a, src []float32, rho, keep float32) {
	src = src[:len(a)]
	for i, x := range src {
		a[i] = float32(rho*a[i]) + float32(keep*x)
	}
}

func regularize(dst, grad, w []float32, l1, l2 float32) {
	grad, w = grad[:len(dst)], w[:len(dst)]
	for i, x := range w {
		sign := float32(0)
		if x > 0 {
			sign = l1
		} else if x < 0 {
			sign = -l1
		}
		dst[i] = grad[i] + (sign + float32(l2*x))
	}
}
