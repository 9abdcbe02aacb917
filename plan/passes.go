package plan

import "github.com/meseta-go/meseta/ops"

// uses is who makes and who reads each value of a graph. It goes stale when the graph changes.
type uses struct {
	*ops.Graph
	maker   []int   // index of the operation, or -1
	readers [][]int // indices of operations in order, one twice where it reads a value twice
	kept    []bool  // read by the host
}

func usesOf(g *ops.Graph, kept []ops.Value) *uses {
	u := &uses{g, make([]int, len(g.Values)), make([][]int, len(g.Values)), make([]bool, len(g.Values))}
	for i := range u.maker {
		u.maker[i] = -1
	}
	for i, op := range g.Ops {
		for _, v := range op.In {
			u.readers[v] = append(u.readers[v], i)
		}
		for _, v := range op.Out {
			u.maker[v] = i
		}
	}
	for _, v := range kept {
		u.kept[v] = true
	}
	return u
}

// only gives the one operation that reads v, or -1 if there are more, none, or the host.
func (u *uses) only(v ops.Value) int {
	if u.kept[v] || len(u.readers[v]) != 1 {
		return -1
	}
	return u.readers[v][0]
}

// source is the value that v is a view of, v itself if it is none.
func (u *uses) source(v ops.Value) ops.Value {
	for u.maker[v] >= 0 && ops.IsView(u.Ops[u.maker[v]].Operator) {
		v = u.Ops[u.maker[v]].In[0]
	}
	return v
}

// removed marks an operation that removeMarked is to take out.
type removed struct{ ops.Operator }

func remove(g *ops.Graph, i int) { g.Ops[i] = ops.Op{Operator: removed{}} }

func removeMarked(g *ops.Graph) {
	list := g.Ops[:0]
	for _, op := range g.Ops {
		if _, gone := op.Operator.(removed); !gone {
			list = append(list, op)
		}
	}
	g.Ops = list
}

// removeUnread takes out operations that change no state and whose results nobody reads.
func removeUnread(g *ops.Graph, kept []ops.Value) {
	read := make([]bool, len(g.Values))
	for _, v := range kept {
		read[v] = true
	}
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		_, wanted := op.Operator.(ops.Updater)
		for _, v := range op.Out {
			wanted = wanted || read[v]
		}
		if !wanted {
			remove(g, i)
			continue
		}
		for _, v := range op.In {
			read[v] = true
		}
	}
	removeMarked(g)
}

// lossFromLogits lets losses and accuracies read the input of a softmax or sigmoid instead of its output: it is more exact, it has a
// simpler gradient, and often leaves the softmax without readers. It runs before gradients are taken.
func lossFromLogits(g *ops.Graph) {
	u := usesOf(g, nil)
	for i, op := range g.Ops {
		made := -1
		if len(op.In) > 0 {
			made = u.maker[op.In[0]]
		}
		if made < 0 {
			continue
		}
		if fromLogits := ofLogits(op.Operator, g.Ops[made].Operator); fromLogits != nil {
			g.Ops[i].Operator = fromLogits
			g.Ops[i].In = append([]ops.Value{g.Ops[made].In[0]}, op.In[1:]...)
		}
	}
}

// ofLogits is the operation that does on the input of an activation what o does on its output, or nil.
func ofLogits(o, activation ops.Operator) ops.Operator {
	switch a := activation.(type) {
	case ops.Softmax:
		switch o.(type) {
		case ops.LogLoss:
			return ops.CrossEntropy{}
		case ops.SoftLogLoss:
			return ops.SoftCrossEntropy{}
		case ops.Correct, ops.InTopK, ops.ArgMax: // the order of scores stays
			return o
		}
	case ops.Unary:
		if _, ok := o.(ops.BinaryLogLoss); ok && a.Func == ops.Sigmoid {
			return ops.BinaryCrossEntropy{}
		}
	}
	return nil
}

// padding is the operation that puts zeros around the first input of op, if one does.
func (u *uses) padding(op ops.Op) (o ops.Pad, in []ops.Value, ok bool) {
	if len(op.In) == 0 || u.maker[op.In[0]] < 0 {
		return o, nil, false
	}
	pad := u.Ops[u.maker[op.In[0]]]
	o, ok = pad.Operator.(ops.Pad)
	return o, pad.In, ok
}

// widened is a window that pads by itself as p does before it.
func widened(w ops.Window, p ops.Pad) ops.Window {
	for d := range 2 {
		w.PadBefore[d] += p.Before[d]
		w.PadAfter[d] += p.After[d]
	}
	return w
}

// padIntoConvolution lets a convolution pad its input by itself. It runs before gradients are taken, so that they need no
// cropping either.
func padIntoConvolution(g *ops.Graph) {
	u := usesOf(g, nil)
	for i, op := range g.Ops {
		if o, ok := op.Operator.(ops.Conv2D); ok {
			if p, in, ok := u.padding(op); ok {
				o.Window = widened(o.Window, p)
				g.Ops[i].Operator = o
				g.Ops[i].In = appended(in, op.In[1:]...)
			}
		}
	}
}

// padIntoPool lets a maximum over windows pad its input by itself, where that is the result of a ReLU: no zero around it is larger than a number that a window has,
// and the first that equals the maximum matters to the gradient only where the ReLU masks it. Every window keeps a pixel of the image. It runs before gradients are
// taken, so that they need no cropping either.
func padIntoPool(g *ops.Graph) {
	u := usesOf(g, nil)
	for i, op := range g.Ops {
		o, ok := op.Operator.(ops.MaxPool)
		if !ok {
			continue
		}
		p, in, ok := u.padding(op)
		if !ok || u.maker[in[0]] < 0 {
			continue
		}
		_, ok = g.Ops[u.maker[in[0]]].Operator.(ops.Relu)
		o.Window = widened(o.Window, p)
		for d := range 2 {
			ok = ok && max(o.PadBefore[d], o.PadAfter[d]) < o.Size[d]
		}
		if ok {
			g.Ops[i].Operator, g.Ops[i].In = o, in
		}
	}
}
