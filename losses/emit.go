package losses

import "github.com/meseta-go/meseta/ops"

// emitter adds operations to a graph and keeps the first error.
type emitter struct {
	g   *ops.Graph
	err error
}

func (e *emitter) add(o ops.Operator, in ...ops.Value) ops.Value {
	if e.err != nil {
		return ops.None
	}
	var v ops.Value
	v, e.err = e.g.Add1(o, in...)
	return v
}

// smooth moves targets towards a uniform distribution.
func (e *emitter) smooth(targets ops.Value, smoothing, uniform float64) ops.Value {
	if smoothing == 0 {
		return targets
	}
	return e.add(ops.Affine{Scale: float32(1 - smoothing), Offset: float32(smoothing * uniform)}, targets)
}
