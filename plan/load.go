package plan

import (
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/ops"
)

// normalizeOnLoad: batch norm whose result only a convolution and the gradient of its weights read → its statistics, with which they normalise
// what they load. So the result is neither written nor kept for the gradient. It runs after other operations were joined, and asks
// the device, which knows where that is faster.
func normalizeOnLoad(g *ops.Graph, kept []ops.Value, device kernels.Device) error {
	u := usesOf(g, kept)
	for i, op := range g.Ops {
		norm, ok := op.Operator.(ops.BatchNorm)
		if !ok || norm.Add || u.kept[op.Out[0]] || !u.onlyConvolution(op.Out[0]) {
			continue
		}
		readers := u.readers[op.Out[0]]
		loading := make([]ops.Op, len(readers))
		var err error
		for k, j := range readers {
			loading[k] = loadingFrom(g.Ops[j], op)
			if _, err = device.Choose(loading[k].Operator, g.Types(loading[k].In), g.Types(loading[k].Out)); err != nil {
				break
			}
		}
		switch {
		case errors.Is(err, kernels.ErrUnsupported):
			continue
		case err != nil:
			return fmt.Errorf("plan: %s, layer %s: %w", op.Name(), op.Label, err)
		}
		for k, j := range readers {
			g.Ops[j] = loading[k]
		}
		g.Ops[i] = ops.Op{Operator: ops.BatchNormStatistics{Epsilon: norm.Epsilon}, In: op.In[:1], Out: op.Out[1:], Label: op.Label}
	}
	return nil
}

// onlyConvolution says whether v is src of one convolution or of the gradient of one's weights, or of both, and nothing else's: more of them would
// each do over what is done once before.
func (u *uses) onlyConvolution(v ops.Value) bool {
	forward, weights := 0, 0
	for _, j := range u.readers[v] {
		switch u.Ops[j].Operator.(type) {
		case ops.Conv2D:
			forward++
		case ops.Conv2DBackwardWeights:
			weights++
		default:
			return false
		}
		if u.Ops[j].In[0] != v {
			return false
		}
	}
	return max(forward, weights) == 1
}

// loadingFrom is the operation conv, whose src is the result of norm, with the source of norm instead, which it normalises.
func loadingFrom(conv, norm ops.Op) ops.Op {
	load := ops.Load{Normalize: true, Activation: norm.Operator.(ops.BatchNorm).Activation}
	switch o := conv.Operator.(type) {
	case ops.Conv2D:
		o.Load = load
		conv.Operator = o
	case ops.Conv2DBackwardWeights:
		o.Load = load
		conv.Operator = o
	}
	conv.In = appended(conv.In, norm.Out[1], norm.Out[3], norm.In[1], norm.In[2])
	conv.In[0] = norm.In[0]
	return conv
}
