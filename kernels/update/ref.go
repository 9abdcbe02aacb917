package update

import (
	"math"

	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// Reference defines Step.Run. Of rules that are not ops's it does nothing.
func Reference[T Float](rule ops.UpdateRule, a Arrays[T], rate float32, step int64) {
	switch r := rule.(type) {
	case ops.SGD:
		decay(a, r.WeightDecay, rate)
		sgd(r, a, T(rate))
	case ops.Adam:
		decay(a, r.WeightDecay, rate)
		adam(r, a, T(adamRate(r, rate, step)))
	case ops.RMSprop:
		decay(a, r.WeightDecay, rate)
		rmsprop(r, a, T(rate))
	case ops.Adagrad:
		decay(a, r.WeightDecay, rate)
		sums := a.Slots[0]
		for i, g := range a.Grad {
			sums[i] += g * g
			a.Param[i] -= T(rate) * g / root(sums[i]+T(r.Epsilon))
		}
	case ops.Adadelta:
		decay(a, r.WeightDecay, rate)
		adadelta(r, a, T(rate))
	case ops.Adamax:
		decay(a, r.WeightDecay, rate)
		m, u, alpha := a.Slots[0], a.Slots[1], T(adamaxRate(r, rate, step))
		for i, g := range a.Grad {
			m[i] += (g - m[i]) * T(vec.Complement(r.Beta1))
			u[i] = max(T(r.Beta2)*u[i], g, -g)
			a.Param[i] -= alpha * m[i] / (u[i] + T(r.Epsilon))
		}
	case ops.Nadam:
		decay(a, r.WeightDecay, rate)
		nadam(r, a, T(rate), nadamConstants(r, r.Product(step), step))
	case ops.Lion:
		decay(a, r.WeightDecay, rate)
		lion(r, a, T(rate))
	}
}

// ReferenceLayered defines Layered, of one parameter of a shape.
func ReferenceLayered[T Float](rule ops.LayeredRule, shape ops.Shape, a Arrays[T], rate float32, step int64) {
	switch r := rule.(type) {
	case ops.Lamb:
		decay(a, r.WeightDecay, rate)
		m, v := a.Slots[0], a.Slots[1]
		u := make([]T, len(a.Param))
		for i, g := range a.Grad {
			m[i] += (g - m[i]) * T(vec.Complement(r.Beta1))
			v[i] += (g*g - v[i]) * T(vec.Complement(r.Beta2))
			u[i] = m[i] / T(1-power(r.Beta1, step)) / (root(v[i]/T(1-power(r.Beta2, step))) + T(r.Epsilon))
		}
		ratio := T(trustRatio(squares(a.Param), squares(u)))
		for i := range u {
			a.Param[i] -= ratio * T(rate) * u[i]
		}
	case ops.Muon:
		decay(a, r.WeightDecay, rate)
		m := a.Slots[0]
		x := make([]T, len(a.Param))
		for i, g := range a.Grad {
			m[i] = T(r.Momentum)*m[i] + g
			x[i] = m[i]
			if r.Nesterov {
				x[i] = g + T(r.Momentum)*m[i]
			}
		}
		norm := T(math.Sqrt(squares(x))) + muonEpsilon
		for i := range x {
			x[i] /= norm
		}
		for range r.Steps {
			x = newtonSchulz(r, x, shape[0], shape[1])
		}
		for i := range x {
			a.Param[i] -= T(rate) * T(muonScale(r, shape[0], shape[1])) * x[i]
		}
	}
}

func squares[T Float](x []T) (sum float64) {
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// newtonSchulz is a·X + (b·S + c·S·S)·X of X [rows,columns] with S = X·Xᵀ, or of the transpose where it is tall.
func newtonSchulz[T Float](r ops.Muon, x []T, rows, columns int) []T {
	if rows > columns {
		return transpose(newtonSchulz(r, transpose(x, rows, columns), columns, rows), columns, rows)
	}
	s := product(x, transpose(x, rows, columns), rows, columns, rows)
	b := product(s, s, rows, rows, rows)
	for i := range b {
		b[i] = T(r.B)*s[i] + T(r.C)*b[i]
	}
	y := product(b, x, rows, rows, columns)
	for i := range y {
		y[i] += T(r.A) * x[i]
	}
	return y
}

func transpose[T Float](x []T, rows, columns int) []T {
	y := make([]T, len(x))
	for i := range rows {
		for j := range columns {
			y[j*rows+i] = x[i*columns+j]
		}
	}
	return y
}

// product is [n,k]·[k,m].
func product[T Float](a, b []T, n, k, m int) []T {
	y := make([]T, n*m)
	for i := range n {
		for j := range m {
			for l := range k {
				y[i*m+j] += a[i*k+l] * b[l*m+j]
			}
		}
	}
	return y
}

func root[T Float](x T) T { return T(math.Sqrt(float64(x))) }

func decay[T Float](a Arrays[T], decay, rate float32) {
	for i := range a.Param {
		a.Param[i] -= a.Param[i] * T(decay) * T(rate)
	}
}

func sgd[T Float](r ops.SGD, a Arrays[T], rate T) {
	for i, g := range a.Grad {
		if r.Momentum == 0 {
			a.Param[i] -= g * rate
			continue
		}
		velocity := a.Slots[0]
		velocity[i] = velocity[i]*T(r.Momentum) - g*rate
		if r.Nesterov {
			a.Param[i] += velocity[i]*T(r.Momentum) - g*rate
		} else {
			a.Param[i] += velocity[i]
		}
	}
}

func adam[T Float](r ops.Adam, a Arrays[T], alpha T) {
	m, v := a.Slots[0], a.Slots[1]
	for i, g := range a.Grad {
		m[i] += (g - m[i]) * T(vec.Complement(r.Beta1))
		v[i] += (g*g - v[i]) * T(vec.Complement(r.Beta2))
		a.Param[i] -= m[i] * alpha / (root(v[i]) + T(r.Epsilon))
	}
}

func rmsprop[T Float](r ops.RMSprop, a Arrays[T], rate T) {
	rho, keep, v := T(r.Rho), T(vec.Complement(r.Rho)), a.Slots[0]
	m, average := rmspropSlots(r, a)
	for i, g := range a.Grad {
		v[i] = rho*v[i] + keep*g*g
		size := v[i]
		if r.Centered {
			average[i] = rho*average[i] + keep*g
			size = max(v[i]-average[i]*average[i], 0)
		}
		step := rate * g / root(size+T(r.Epsilon))
		if r.Momentum != 0 {
			m[i] = T(r.Momentum)*m[i] + step
			step = m[i]
		}
		a.Param[i] -= step
	}
}

func adadelta[T Float](r ops.Adadelta, a Arrays[T], rate T) {
	rho, keep, epsilon := T(r.Rho), T(vec.Complement(r.Rho)), T(r.Epsilon)
	sizes, steps := a.Slots[0], a.Slots[1]
	for i, g := range a.Grad {
		sizes[i] = rho*sizes[i] + keep*g*g
		step := root(steps[i]+epsilon) * g / root(sizes[i]+epsilon)
		steps[i] = rho*steps[i] + keep*step*step
		a.Param[i] -= rate * step
	}
}

func nadam[T Float](r ops.Nadam, a Arrays[T], rate T, c nadamFactors) {
	m, v := a.Slots[0], a.Slots[1]
	for i, g := range a.Grad {
		m[i] += (g - m[i]) * T(1-r.Beta1)
		v[i] += (g*g - v[i]) * T(1-r.Beta2)
		ahead := T(c.next)*m[i]/T(1-c.nextProduct) + T(1-c.momentum)*g/T(1-c.product)
		a.Param[i] -= rate * ahead / (root(v[i]/T(c.correction)) + T(r.Epsilon))
	}
}

func lion[T Float](r ops.Lion, a Arrays[T], rate T) {
	m := a.Slots[0]
	for i, g := range a.Grad {
		switch direction := T(r.Beta1)*m[i] + T(1-r.Beta1)*g; {
		case direction > 0:
			a.Param[i] -= rate
		case direction < 0:
			a.Param[i] += rate
		}
		m[i] = T(r.Beta2)*m[i] + T(1-r.Beta2)*g
	}
}

// ReferenceFinite defines Finite.
func ReferenceFinite[T Float](src []T) bool {
	for _, x := range src {
		if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) {
			return false
		}
	}
	return true
}

// ReferencePenalty defines what Penalties adds for a weight.
func ReferencePenalty[T Float](r ops.Penalty, w []T) (total T) {
	for _, x := range w {
		total += T(r.L1)*max(x, -x) + T(r.L2)*x*x
	}
	return total
}

// ReferenceRegularize defines Regularize.
func ReferenceRegularize[T Float](r ops.Penalty, dst, grad, w []T) {
	for i, x := range w {
		dst[i] = grad[i] + 2*T(r.L2)*x
		switch {
		case x > 0:
			dst[i] += T(r.L1)
		case x < 0:
			dst[i] -= T(r.L1)
		}
	}
}

// ReferenceNonNegative defines NonNegative.
func ReferenceNonNegative[T Float](w []T) {
	for i, x := range w {
		w[i] = max(x, 0)
	}
}

// ReferenceConstrainNorm defines ConstrainNorm: an element belongs to the vector that the indices of the other axes name.
func ReferenceConstrainNorm[T Float](r ops.ConstrainNorm, shape ops.Shape, w []T) {
	vectorOf := func(i int) (v int) {
		stride := 1
		for axis := len(shape) - 1; axis >= 0; axis-- {
			if !r.Along[axis] {
				v += i % shape[axis] * stride
				stride *= shape[axis]
			}
			i /= shape[axis]
		}
		return v
	}
	squares := make([]float64, len(w))
	for i, x := range w {
		squares[vectorOf(i)] += float64(x) * float64(x)
	}
	for i := range w {
		w[i] *= normScale[T](r, squares[vectorOf(i)])
	}
}

// ReferenceAccumulate defines Accumulator: Finish where last, else Add.
func ReferenceAccumulate[T Float](grad, sums []T, steps int, last bool) {
	for i, g := range grad {
		sums[i] += g
		if last {
			grad[i], sums[i] = sums[i]/T(steps), 0
		}
	}
}

// ReferenceClip defines Clip, of gradients one by one.
func ReferenceClip[T Float](r ops.ClipGradients, gradients [][]T) {
	all := 0.0
	for _, grad := range gradients {
		squares := 0.0
		for _, g := range grad {
			squares += float64(g) * float64(g)
		}
		all += squares
		for i, g := range grad {
			switch {
			case r.Norm != 0:
				grad[i] = g * clipScale[T](r.Norm, squares)
			case r.Value != 0:
				grad[i] = min(max(g, -T(r.Value)), T(r.Value))
			}
		}
	}
	for _, grad := range gradients {
		for i := range grad {
			if r.GlobalNorm != 0 {
				grad[i] *= clipScale[T](r.GlobalNorm, all)
			}
		}
	}
}

// ReferenceAverages defines Averages.
func ReferenceAverages[T Float](r ops.AverageWeights, param, a []T, iterations int64) {
	first, over := averagePhase(r, iterations)
	for i, w := range param {
		a[i] = T(r.Momentum)*a[i] + T(1-r.Momentum)*w
		if first {
			a[i] = w
		}
		if over {
			param[i] = a[i]
		}
	}
}
