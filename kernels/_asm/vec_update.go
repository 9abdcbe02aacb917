package main

// Sqrt is dst = √x.
func (a *Asm) Sqrt(x, dst Reg) { a.I("VSQRTPS", x, dst) }

// average is x = rho·x + keep·y; y is overwritten.
func (a *Asm) average(rho, keep, y, x Reg) {
	a.Mul(keep, y, y)
	a.Mul(rho, x, x)
	a.Add(y, x, x)
}

// approach is x += (y-x)·keep; y is overwritten.
func (a *Asm) approach(keep, y, x Reg) {
	a.Sub(y, x, y)
	a.Mul(keep, y, y)
	a.Add(y, x, x)
}

// rmsprop is one of the four forms.
func rmsprop(centered, momentum bool) elementwise {
	l := elementwise{
		name: "rmsprop", doc: "rmsprop… is Table.RMSprop[0][0].",
		in: []string{"param", "grad", "v"}, constants: []string{"rho", "keep", "epsilon", "rate"},
		out: []output{{"v", 2}}, registers: 4, unroll: 2,
	}
	switch {
	case centered && momentum:
		l.name, l.doc = "rmspropCenteredMomentum", "rmspropCenteredMomentum… is Table.RMSprop[1][1]."
	case centered:
		l.name, l.doc = "rmspropCentered", "rmspropCentered… is Table.RMSprop[1][0]."
	case momentum:
		l.name, l.doc = "rmspropMomentum", "rmspropMomentum… is Table.RMSprop[0][1]."
	}
	more := func(array string) (register int) {
		register = len(l.in)
		l.in, l.out = append(l.in, array), append(l.out, output{array, register})
		l.registers++
		return register
	}
	m, average := 0, 0
	if momentum {
		m = more("m")
		l.constants = append(l.constants, "factor")
	}
	if centered {
		average = more("a")
		l.registers++
		l.unroll = 1
	}
	l.out = append(l.out, output{"param", 0})
	l.body = func(a *Asm, r, c []Reg, _ []Mem) {
		param, grad, v, rho, keep, epsilon, rate := r[0], r[1], r[2], c[0], c[1], c[2], c[3]
		root := r[len(l.in)]
		a.Mul(grad, grad, root)
		a.Note("v = rho·v + keep·grad²").average(rho, keep, root, v)
		if centered {
			zero := r[len(l.in)+1]
			a.Copy(grad, root)
			a.Note("a = rho·a + keep·grad").average(rho, keep, root, r[average])
			a.Mul(r[average], r[average], root)
			a.Sub(v, root, root)
			a.Zero(zero)
			a.Note("max(v-a², 0)").Max(zero, root, root)
			a.Add(epsilon, root, root)
		} else {
			a.Add(epsilon, v, root)
		}
		a.Sqrt(root, root)
		a.Mul(rate, grad, grad)
		a.Note("rate·grad/√…").Div(grad, root, grad)
		if momentum {
			a.Mul(c[4], r[m], r[m])
			a.Note("m = factor·m + step").Add(grad, r[m], r[m])
			a.Sub(param, r[m], param)
		} else {
			a.Sub(param, grad, param)
		}
	}
	return l
}

// Copy is dst = src, between registers.
func (a *Asm) Copy(src, dst Reg) { a.I("VMOVAPS", src, dst) }

// Min is dst = x < y ? x : y, which is y where one is NaN.
func (a *Asm) Min(x, y, dst Reg) { a.I("VMINPS", y, x, dst) }

// updates are the loops of the optimizers beside SGD and Adam, and of what else an update does.
func updates() []elementwise {
	return []elementwise{
		rmsprop(false, false), rmsprop(false, true), rmsprop(true, false), rmsprop(true, true),
		{
			name: "adagrad", doc: "adagrad… is Table.Adagrad.",
			in: []string{"param", "grad", "a"}, constants: []string{"epsilon", "rate"},
			out: []output{{"a", 2}, {"param", 0}}, registers: 4, unroll: 3,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Mul(r[1], r[1], r[3])
				a.Note("a += grad²").Add(r[3], r[2], r[2])
				a.Add(c[0], r[2], r[3])
				a.Sqrt(r[3], r[3])
				a.Mul(c[1], r[1], r[1])
				a.Div(r[1], r[3], r[1])
				a.Note("param -= rate·grad/√(a+epsilon)").Sub(r[0], r[1], r[0])
			},
		},
		{
			name: "adadelta", doc: "adadelta… is Table.Adadelta.",
			in: []string{"param", "grad", "a", "d"}, constants: []string{"rho", "keep", "epsilon", "rate"},
			out: []output{{"a", 2}, {"d", 3}, {"param", 0}}, registers: 5, unroll: 2,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				rho, keep, epsilon, rate, step, spare := c[0], c[1], c[2], c[3], r[1], r[4]
				a.Mul(step, step, spare)
				a.Note("a = rho·a + keep·grad²").average(rho, keep, spare, r[2])
				a.Add(epsilon, r[3], spare)
				a.Sqrt(spare, spare)
				a.Mul(spare, step, step)
				a.Add(epsilon, r[2], spare)
				a.Sqrt(spare, spare)
				a.Note("step = √(d+epsilon)·grad/√(a+epsilon)").Div(step, spare, step)
				a.Mul(step, step, spare)
				a.Note("d = rho·d + keep·step²").average(rho, keep, spare, r[3])
				a.Mul(rate, step, step)
				a.Sub(r[0], step, r[0])
			},
		},
		{
			name: "adamax", doc: "adamax… is Table.Adamax.",
			in: []string{"param", "grad", "m", "u"}, constants: []string{"keep1", "beta2", "alpha", "epsilon"},
			out: []output{{"m", 2}, {"u", 3}, {"param", 0}}, registers: 5, unroll: 2,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				grad, spare := r[1], r[4]
				a.Zero(spare)
				a.Sub(spare, grad, spare)
				a.Note("|grad|").Max(spare, grad, spare)
				a.Note("m += (grad-m)·keep1").approach(c[0], grad, r[2])
				a.Mul(c[1], r[3], r[3])
				a.Note("u = max(beta2·u, |grad|)").Max(r[3], spare, r[3])
				a.Add(c[3], r[3], spare)
				a.Mul(c[2], r[2], grad)
				a.Div(grad, spare, grad)
				a.Note("param -= alpha·m/(u+epsilon)").Sub(r[0], grad, r[0])
			},
		},
		{
			name: "nadam", doc: "nadam… is Table.Nadam.",
			in: []string{"param", "grad", "m", "v"}, constants: []string{"keep1", "keep2", "ahead", "now", "scale", "epsilon"},
			out: []output{{"m", 2}, {"v", 3}, {"param", 0}}, registers: 6, unroll: 1,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				grad, root, sum := r[1], r[4], r[5]
				a.Mul(grad, grad, root)
				a.Note("v += (grad²-v)·keep2").approach(c[1], root, r[3])
				a.Mul(c[4], r[3], root)
				a.Sqrt(root, root)
				a.Add(c[5], root, root)
				a.Mul(c[3], grad, sum)
				a.Note("m += (grad-m)·keep1").approach(c[0], grad, r[2])
				a.Mul(c[2], r[2], grad)
				a.Add(sum, grad, grad)
				a.Div(grad, root, grad)
				a.Note("param -= (ahead·m+now·grad)/(√(scale·v)+epsilon)").Sub(r[0], grad, r[0])
			},
		},
		{
			name: "lion", doc: "lion… is Table.Lion.",
			in: []string{"param", "grad", "m"}, constants: []string{"beta1", "keep1", "beta2", "keep2", "rate"},
			out: []output{{"m", 2}, {"param", 0}}, registers: 6, unroll: 1,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				grad, m, up, down, zero := r[1], r[2], r[3], r[4], r[5]
				a.Mul(c[0], m, up)
				a.Mul(c[1], grad, down)
				a.Note("direction = beta1·m + keep1·grad").Add(down, up, up)
				a.Zero(zero)
				a.Sub(zero, up, down)
				a.Note("where direction > 0").WherePositive(up, c[4], zero, up)
				a.Note("where direction < 0").WherePositive(down, c[4], zero, down)
				a.Sub(up, down, up)
				a.Sub(r[0], up, r[0])
				a.Note("m = beta2·m + keep2·grad").average(c[2], c[3], grad, m)
			},
		},
		{
			name: "lamb", doc: "lamb… is Table.Lamb.",
			in: []string{"grad", "m", "v"}, constants: []string{"keep1", "keep2", "scale1", "scale2", "epsilon"},
			out: []output{{"m", 1}, {"v", 2}, {"grad", 0}}, registers: 4, unroll: 2,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				grad, m, v, root := r[0], r[1], r[2], r[3]
				a.Mul(grad, grad, root)
				a.Note("v += (grad²-v)·keep2").approach(c[1], root, v)
				a.Note("m += (grad-m)·keep1").approach(c[0], grad, m)
				a.Mul(c[3], v, root)
				a.Sqrt(root, root)
				a.Add(c[4], root, root)
				a.Mul(c[2], m, grad)
				a.Note("scale1·m/(√(scale2·v)+epsilon)").Div(grad, root, grad)
			},
		},
		{
			name: "clamp", doc: "clamp… is Table.Clamp.",
			in: []string{"src"}, constants: []string{"low", "high"}, out: []output{{"dst", 0}}, registers: 1, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				a.Max(c[0], r[0], r[0])
				a.Min(c[1], r[0], r[0])
			},
		},
		{
			name: "average", doc: "average… is Table.Average.",
			in: []string{"a", "src"}, constants: []string{"rho", "keep"}, out: []output{{"a", 0}}, registers: 2, unroll: 4,
			body: func(a *Asm, r, c []Reg, _ []Mem) { a.average(c[0], c[1], r[1], r[0]) },
		},
		{
			name: "regularize", doc: "regularize… is Table.Regularize.",
			in: []string{"grad", "w"}, constants: []string{"l1", "l2"}, out: []output{{"dst", 0}}, registers: 5, unroll: 2,
			body: func(a *Asm, r, c []Reg, _ []Mem) {
				grad, w, up, down, zero := r[0], r[1], r[2], r[3], r[4]
				a.Zero(zero)
				a.Sub(zero, w, down)
				a.Copy(w, up)
				a.Note("where w > 0").WherePositive(up, c[0], zero, up)
				a.Note("where w < 0").WherePositive(down, c[0], zero, down)
				a.Sub(up, down, up)
				a.Mul(c[1], w, w)
				a.Add(w, up, up)
				a.Note("grad + (l1·sign(w) + l2·w)").Add(up, grad, grad)
			},
		},
	}
}
