package plan

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/ops"
)

// constants says of each value whether it is the same in every step of a program that trains nothing: what lives across steps, and what is
// computed from that alone.
func (l *listing) constants() []bool {
	constant := make([]bool, len(l.Values))
	for v, info := range l.Values {
		constant[v] = info.Role == ops.Parameter || info.Role == ops.State
	}
	for _, op := range l.Ops {
		if constantOp(op, constant) {
			for _, v := range op.Out {
				constant[v] = true
			}
		}
	}
	return constant
}

func constantOp(op ops.Op, constant []bool) bool {
	if _, updates := op.Operator.(ops.Updater); updates {
		return false
	}
	for _, v := range op.In {
		if !constant[v] {
			return false
		}
	}
	return true
}

// foldBatchNorms turns a convolution or product and the batch norm behind it, with moving statistics, into one with other weights and bias. They
// are constant, see hoist.
func (l *listing) foldBatchNorms() error {
	for j := 0; j < len(l.Ops); j++ {
		norm := l.Ops[j]
		o, ok := norm.Operator.(ops.BatchNormInference)
		if !ok {
			continue
		}
		u, constant := usesOf(l.Graph, l.kept), l.constants()
		i := u.maker[norm.In[0]]
		if i < 0 || u.only(norm.In[0]) != j || !foldable(l.Ops[i].Operator) || slices.ContainsFunc(l.Ops[i].In[1:], func(v ops.Value) bool { return !constant[v] }) {
			continue
		}
		op, bias := l.Ops[i], ops.None
		if len(op.In) > 2 {
			bias = op.In[2]
		}
		rest := append([]ops.Op{}, l.Ops[j+1:]...)
		l.Ops, l.Label = l.Ops[:j], norm.Label
		weights, bias, err := o.Fold(l.Graph, norm.In, op.In[1], bias)
		if err != nil {
			return err
		}
		remove(l.Graph, i)
		j = len(l.Ops)
		l.Ops = append(l.Ops, ops.Op{Operator: withBias(op.Operator), In: []ops.Value{op.In[0], weights, bias}, Out: norm.Out, Label: op.Label})
		l.Ops = append(l.Ops, rest...)
	}
	removeMarked(l.Graph)
	return nil
}

// foldable says whether an operator may take over the batch norm behind it: its weights' last dimension is that of the channels that it gives.
func foldable(o ops.Operator) bool {
	switch o := o.(type) {
	case ops.Conv2D:
		return o.Activation == ops.Linear
	case ops.MatMul:
		return o.Activation == ops.Linear && !o.TransB
	}
	return false
}

func withBias(o ops.Operator) ops.Operator {
	switch o := o.(type) {
	case ops.Conv2D:
		o.Bias = true
		return o
	case ops.MatMul:
		o.Bias = true
		return o
	}
	return o
}

// choice is a kernel that was chosen for an operation, maybe before one of its inputs was exchanged for another form of it.
type choice struct {
	kernel kernels.Kernel
	in     []ops.Type // of the operation as it was
}

// prepare is the operation that brings a constant into the form that a kernel wants.
type prepare struct{ what string }

func (prepare) Name() string                            { return "prepare" }
func (o prepare) String() string                        { return o.what }
func (prepare) Infer(in []ops.Type) ([]ops.Type, error) { return in, nil }

// prepareInputs exchanges constants that kernels want in a form of their own, such as weights of convolutions, for that form, which so
// is computed once for each set of weights.
func (l *listing) prepareInputs(device kernels.Device) error {
	constant := l.constants()
	l.chosen = map[ops.Value]choice{}
	for i := 0; i < len(l.Ops); i++ {
		op := l.Ops[i]
		if ops.IsView(op.Operator) || constantOp(op, constant) || len(op.Out) == 0 {
			continue
		}
		if o, ok := op.Operator.(ops.Conv2D); ok && constant[op.In[1]] {
			o.Fixed = true
			op.Operator, l.Ops[i].Operator = o, o
		}
		k, err := l.choose(device, op)
		if err != nil {
			return err
		}
		l.chosen[op.Out[0]] = choice{k, l.Types(op.In)}
		x, ok := k.(kernels.Preparer)
		if !ok {
			continue
		}
		input, form, first, then := x.Prepare()
		if !constant[op.In[input]] {
			continue
		}
		v := l.NewValue("", form, ops.Temporary)
		constant = append(constant, true)
		from := op.In[input : input+1 : input+1]
		l.chosen[v], l.chosen[op.Out[0]] = choice{first, l.Types(from)}, choice{then, l.Types(op.In)}
		l.Ops[i].In = slices.Clone(op.In)
		l.Ops[i].In[input] = v
		l.Ops = slices.Insert(l.Ops, i, ops.Op{Operator: prepare{op.Name()}, In: from, Out: []ops.Value{v}, Label: op.Label})
		i++
	}
	return nil
}

// choose gives the kernel of an operation.
func (l *listing) choose(device kernels.Device, op ops.Op) (kernels.Kernel, error) {
	if len(op.Out) > 0 {
		if c, ok := l.chosen[op.Out[0]]; ok {
			return c.kernel, nil
		}
	}
	k, err := device.Choose(op.Operator, l.Types(op.In), l.Types(op.Out))
	if err != nil {
		return nil, fmt.Errorf("plan: %s, layer %s: %w", op.Name(), op.Label, err)
	}
	return k, nil
}

// inputs are the types of an operation's inputs, as the operator knows them.
func (l *listing) inputs(op ops.Op) []ops.Type {
	if len(op.Out) > 0 {
		if c, ok := l.chosen[op.Out[0]]; ok {
			return c.in
		}
	}
	return l.Types(op.In)
}

// mostFixed is the bytes of the largest value that a training step keeps its place for.
const mostFixed = 1 << 16

// filled says of each value whether it is made of nothing, and so the same in every training step: what the gradient of the mean loss begins with, the parts that batch
// norms lack. Large ones are not worth their place, and gradients are written over.
func (l *listing) filled() []bool {
	filled := make([]bool, len(l.Values))
	for _, op := range l.Ops {
		if _, updates := op.Operator.(ops.Updater); !updates && len(op.In) == 0 && l.Type(op.Out[0]).Bytes() <= mostFixed {
			filled[op.Out[0]] = true
		}
	}
	u := usesOf(l.Graph, nil)
	for _, g := range l.gradients {
		filled[u.source(g)] = false
	}
	return filled
}

// hoist moves what is constant to the front, each operation before the first that wants it, and counts it in l.fixed: it runs once for each set of
// weights, in training once.
func (l *listing) hoist(constant []bool) {
	u := usesOf(l.Graph, l.kept)
	var front, steps []ops.Op
	done := make([]bool, len(l.Ops))
	var emit func(i int)
	emit = func(i int) {
		if i < 0 || done[i] {
			return
		}
		done[i] = true
		for _, v := range l.Ops[i].In {
			emit(u.maker[v])
		}
		front = append(front, l.Ops[i])
	}
	for i, op := range l.Ops {
		if len(op.Out) > 0 && constant[op.Out[0]] {
			if u.kept[op.Out[0]] {
				emit(i)
			}
			continue
		}
		steps = append(steps, op)
		for _, v := range op.In {
			if constant[v] {
				emit(u.maker[v])
			}
		}
	}
	l.Ops, l.fixed = append(front, steps...), len(front)
}
