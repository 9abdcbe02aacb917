// Package interpret runs a graph of operators one after the other, each value in memory of its own: no fusion, no arena, no gradients
// beside those that the graph has. Tests use it to look at any value of a graph; nothing but tests imports it. Package plan is what runs models.
package interpret

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/ops"
)

// Values are a graph's values after a run.
type Values struct {
	t       testing.TB
	graph   *ops.Graph
	buffers []kernels.Buffer
}

// Run runs g on device. in has the elements of every value that no operation makes: []float32, []float64, []int32 or []int64.
func Run(t testing.TB, device kernels.Device, g *ops.Graph, in map[ops.Value]any) *Values {
	t.Helper()
	v := &Values{t, g, make([]kernels.Buffer, len(g.Values))}
	bytes := 0
	room := func(n int) int {
		at := bytes
		bytes += (n + kernels.Slack + kernels.Alignment - 1) / kernels.Alignment * kernels.Alignment
		return at
	}
	for i, info := range g.Values {
		v.buffers[i] = kernels.Buffer{Offset: room(info.Type.Bytes()), Bytes: info.Type.Bytes()}
	}
	chosen := make([]kernels.Kernel, len(g.Ops))
	workspaces := make([]kernels.Buffer, len(g.Ops))
	for i, op := range g.Ops {
		if ops.IsView(op.Operator) {
			v.buffers[op.Out[0]] = v.buffers[op.In[0]]
			continue
		}
		k, err := device.Choose(op.Operator, g.Types(op.In), g.Types(op.Out))
		require.NoError(t, err, "%s of %s", op.Name(), op.Label)
		chosen[i] = k
		workspaces[i] = kernels.Buffer{Offset: room(k.WorkspaceBytes()), Bytes: k.WorkspaceBytes()}
	}
	memory, err := device.Alloc(bytes + kernels.Slack)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, memory.Free()) })
	for i := range v.buffers {
		v.buffers[i].Memory = memory
	}
	for value, elements := range in {
		b := v.buffers[value]
		octets, err := binary.Append(nil, binary.NativeEndian, elements)
		require.NoError(t, err)
		require.Len(t, octets, b.Bytes, "value %d is %v, given is %T", value, g.Type(value), elements)
		memory.Write(b.Offset, octets)
	}
	var steps []func()
	for i, op := range g.Ops {
		if chosen[i] == nil {
			continue
		}
		workspaces[i].Memory = memory
		steps = append(steps, chosen[i].Bind(kernels.Buffers{In: v.of(op.In), Out: v.of(op.Out), Workspace: workspaces[i]}))
	}
	require.NoError(t, device.Sequence(steps)())
	return v
}

func (v *Values) of(values []ops.Value) []kernels.Buffer {
	list := make([]kernels.Buffer, len(values))
	for i, x := range values {
		list[i] = v.buffers[x]
	}
	return list
}

// Float32 copies the elements of a float32 value.
func (v *Values) Float32(x ops.Value) []float32 { return read[float32](v, x, ops.Float32) }

// Float64 copies the elements of a float64 value.
func (v *Values) Float64(x ops.Value) []float64 { return read[float64](v, x, ops.Float64) }

func read[T float32 | float64](v *Values, x ops.Value, want ops.DType) []T {
	v.t.Helper()
	require.Equal(v.t, want, v.graph.Type(x).DType)
	b := v.buffers[x]
	octets := make([]byte, b.Bytes)
	b.Memory.Read(b.Offset, octets)
	dst := make([]T, v.graph.Type(x).Shape.Size())
	_, err := binary.Decode(octets, binary.NativeEndian, dst)
	require.NoError(v.t, err)
	return dst
}
