package plan

import "github.com/meseta-go/meseta/ops"

// fuse joins operations whose results are read once, until nothing more can be joined. It runs after gradients were
// taken: what a gradient reads is never fused away, because then it has two readers.
func (l *listing) fuse(mode Mode) error {
	join := func(passes ...func(*uses) bool) {
		for _, pass := range passes {
			for pass(usesOf(l.Graph, l.kept)) {
				removeMarked(l.Graph)
			}
		}
	}
	join(biasIntoProduct)
	if mode != Training {
		if err := l.foldBatchNorms(); err != nil {
			return err
		}
	}
	join(addIntoBatchNorm, addIntoConvolution, reluIntoProducer, addIntoConvolutionData, biasGradientIntoConvolution, reluBeforePool, maskIntoBatchNorm, maskFromSource)
	return nil
}

// join replaces the operation at i by o, which gives what the operation at j gave; j goes away.
func (u *uses) join(i, j int, o ops.Operator, in []ops.Value) {
	out := append([]ops.Value{}, u.Ops[i].Out...)
	out[0] = u.Ops[j].Out[0]
	u.Ops[i] = ops.Op{Operator: o, In: in, Out: out, Label: u.Ops[i].Label}
	remove(u.Graph, j)
}

func appended(in []ops.Value, v ...ops.Value) []ops.Value {
	return append(append([]ops.Value{}, in...), v...)
}

// biasIntoProduct: conv2d or matmul, then bias → one operation.
func biasIntoProduct(u *uses) bool {
	for i, op := range u.Ops {
		var fused ops.Operator
		switch o := op.Operator.(type) {
		case ops.Conv2D:
			if o.Bias || o.Activation != ops.Linear {
				continue
			}
			o.Bias = true
			fused = o
		case ops.MatMul:
			if o.Bias || o.Activation != ops.Linear {
				continue
			}
			o.Bias = true
			fused = o
		default:
			continue
		}
		j := u.only(op.Out[0])
		if j < 0 {
			continue
		}
		if _, ok := u.Ops[j].Operator.(ops.BiasAdd); !ok || u.Ops[j].In[0] != op.Out[0] {
			continue
		}
		u.join(i, j, fused, appended(op.In, u.Ops[j].In[1]))
		return true
	}
	return false
}

// reluIntoProducer: conv2d, matmul or batch norm, then relu or relu6 → one operation.
func reluIntoProducer(u *uses) bool {
	for i, op := range u.Ops {
		if len(op.Out) == 0 {
			continue
		}
		j := u.only(op.Out[0])
		if j < 0 {
			continue
		}
		relu, ok := u.Ops[j].Operator.(ops.Relu)
		if !ok {
			continue
		}
		fused := op.Operator
		switch o := fused.(type) {
		case ops.BatchNorm:
			if o.Activation != ops.Linear {
				continue
			}
			o.Activation = relu.Activation()
			fused = o
		case ops.BatchNormInference:
			if o.Activation != ops.Linear {
				continue
			}
			o.Activation = relu.Activation()
			fused = o
		case ops.Conv2D:
			if o.Activation != ops.Linear {
				continue
			}
			o.Activation = relu.Activation()
			fused = o
		case ops.MatMul:
			if o.Activation != ops.Linear {
				continue
			}
			o.Activation = relu.Activation()
			fused = o
		default:
			continue
		}
		u.join(i, j, fused, op.In)
		return true
	}
	return false
}

// biasGradientIntoConvolution: the weights' and the bias's gradient read the same diffDst → one operation.
func biasGradientIntoConvolution(u *uses) bool {
	for i, op := range u.Ops {
		o, ok := op.Operator.(ops.Conv2DBackwardWeights)
		if !ok || o.Bias {
			continue
		}
		for _, j := range u.readers[op.In[1]] {
			if _, ok := u.Ops[j].Operator.(ops.ColumnSum); !ok {
				continue
			}
			o.Bias = true
			u.Ops[i] = ops.Op{Operator: o, In: op.In, Out: appended(op.Out, u.Ops[j].Out[0]), Label: op.Label}
			remove(u.Graph, j)
			return true
		}
	}
	return false
}

// addIntoBatchNorm: batch norm, then the sum with a shortcut → one operation, in the place of the sum.
func addIntoBatchNorm(u *uses) bool {
	return u.addIntoLater(func(o ops.Operator) ops.Operator {
		switch o := o.(type) {
		case ops.BatchNorm:
			if !o.Add && o.Activation == ops.Linear {
				o.Add = true
				return o
			}
		case ops.BatchNormInference:
			if !o.Add && o.Activation == ops.Linear {
				o.Add = true
				return o
			}
		}
		return nil
	})
}

// reluBeforePool: the gradient of max pooling, masked by the relu before the pooling → masked by the pooled values first,
// which are fewer. It is the same, because a window's gradient goes to an element that equals the pooled value. Where the relu is a batch norm's the mask stays, and
// costs nothing: see maskFromSource.
func reluBeforePool(u *uses) bool {
	for i, op := range u.Ops {
		pool, ok := op.Operator.(ops.MaxPoolBackward)
		if !ok {
			continue
		}
		j := u.only(op.Out[0])
		if j < 0 {
			continue
		}
		relu := u.Ops[j]
		if _, ok := relu.Operator.(ops.ReluBackward); !ok || relu.In[0] != op.Out[0] || relu.In[1] != op.In[1] {
			continue
		}
		if norm, ok := u.Ops[u.maker[op.In[1]]].Operator.(ops.BatchNorm); ok && !norm.Add {
			continue
		}
		masked := u.NewValue("", u.Type(op.In[0]), ops.Temporary)
		u.Ops[i] = ops.Op{Operator: relu.Operator, In: []ops.Value{op.In[0], op.In[2]}, Out: []ops.Value{masked}, Label: relu.Label}
		u.Ops[j] = ops.Op{Operator: pool, In: []ops.Value{masked, op.In[1], op.In[2]}, Out: relu.Out, Label: op.Label}
		return true
	}
	return false
}

// maskIntoBatchNorm: the gradient of a relu read by that of a batch norm → one operation, which also gives the masked gradient
// to whoever else reads it: the shortcut.
func maskIntoBatchNorm(u *uses) bool {
	for i, op := range u.Ops {
		relu, ok := op.Operator.(ops.ReluBackward)
		if !ok || u.kept[op.Out[0]] || len(u.readers[op.Out[0]]) == 0 {
			continue
		}
		j := u.readers[op.Out[0]][0]
		norm := u.Ops[j]
		o, ok := norm.Operator.(ops.BatchNormBackward)
		if !ok || o.Mask != ops.Linear || norm.In[0] != op.Out[0] {
			continue
		}
		o.Mask = ops.Relu(relu).Activation()
		in := appended(norm.In, op.In[1])
		in[0] = op.In[0]
		out := norm.Out
		if len(u.readers[op.Out[0]]) > 1 {
			o.Residual = true
			out = appended(out, op.Out[0])
		}
		u.Ops[j] = ops.Op{Operator: o, In: in, Out: out, Label: norm.Label}
		remove(u.Graph, i)
		return true
	}
	return false
}

// maskFromSource: the gradient of a batch norm and the relu behind it asks dst for its sign alone → it computes dst again from src,
// which it reads anyway. Where a shortcut was added in between it cannot.
func maskFromSource(u *uses) bool {
	for i, op := range u.Ops {
		o, ok := op.Operator.(ops.BatchNormBackward)
		if !ok || o.Mask == ops.Linear || o.Residual || o.Recompute || u.maker[op.In[5]] < 0 {
			continue
		}
		norm := u.Ops[u.maker[op.In[5]]]
		f, ok := norm.Operator.(ops.BatchNorm)
		if !ok || f.Add || f.Activation != o.Mask || norm.In[0] != op.In[1] || norm.In[1] != op.In[2] || norm.Out[1] != op.In[3] || norm.Out[3] != op.In[4] {
			continue
		}
		o.Recompute = true
		in := append([]ops.Value{}, op.In...)
		in[5] = norm.In[2]
		u.Ops[i] = ops.Op{Operator: o, In: in, Out: op.Out, Label: op.Label}
		return true
	}
	return false
}

// addIntoConvolution: a convolution, then the sum with a shortcut → one operation, in the place of the sum.
func addIntoConvolution(u *uses) bool {
	return u.addIntoLater(func(o ops.Operator) ops.Operator {
		if o, ok := o.(ops.Conv2D); ok && !o.Add && o.Activation == ops.Linear && o.Groups.Count() == 1 {
			o.Add = true
			return o
		}
		return nil
	})
}

// addIntoConvolutionData: the gradient of a convolution's src, then the sum with another, such as a shortcut's → one operation, in the
// place of the sum.
func addIntoConvolutionData(u *uses) bool {
	return u.addIntoLater(func(o ops.Operator) ops.Operator {
		if o, ok := o.(ops.Conv2DBackwardData); ok && !o.Add && o.Groups.Count() == 1 {
			o.Add = true
			return o
		}
		return nil
	})
}

// addIntoLater joins a sum with one of the two operations that make its terms, the later one, whose input is the fresher, where both can take the
// other's result as a residual, their last input. adding gives the operator that does so, or nil.
func (u *uses) addIntoLater(adding func(o ops.Operator) ops.Operator) bool {
	for j, sum := range u.Ops {
		if _, ok := sum.Operator.(ops.Add); !ok || sum.In[0] == sum.In[1] {
			continue
		}
		best, other := -1, ops.None
		var fused ops.Operator
		for k, v := range sum.In {
			i := u.maker[v]
			if i <= best || u.only(v) != j || u.Ops[i].Out[0] != v {
				continue
			}
			if o := adding(u.Ops[i].Operator); o != nil {
				best, other, fused = i, sum.In[1-k], o
			}
		}
		if best < 0 {
			continue
		}
		op := u.Ops[best]
		u.Ops[j] = ops.Op{Operator: fused, In: appended(op.In, other), Out: appended(sum.Out, op.Out[1:]...), Label: op.Label}
		remove(u.Graph, best)
		return true
	}
	return false
}
