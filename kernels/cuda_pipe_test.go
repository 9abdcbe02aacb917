//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCUDAPipe starts runs behind each other without waiting: each has its own inputs and, for as long as it may be asked for, its own outputs. A second
// pipe takes turns with the first, and one that is larger makes the room larger while runs are under way.
func TestCUDAPipe(t *testing.T) {
	c := openCUDA(t)
	one := ops.F32(3)
	add, err := c.Choose(ops.Add{}, []ops.Type{one, one}, []ops.Type{one})
	require.NoError(t, err)
	m, err := c.Alloc(16 * Alignment)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Free()) }()
	at := func(i int) Buffer { return Buffer{Memory: m, Offset: i * Alignment, Bytes: 12} }
	// sum becomes other + x, and other becomes sum.
	x, sum, other := at(0), at(1), at(2)
	pipe := func(from, to Buffer, room int) Pipe {
		in := []Buffer{x, {Memory: m, Offset: 3 * Alignment, Bytes: room}}
		p, err := c.Pipe(in, []Buffer{to}, []func(){add.Bind(Buffers{In: []Buffer{from, x}, Out: []Buffer{to}})})
		require.NoError(t, err)
		return p
	}
	pipes := []Pipe{pipe(other, sum, 4), pipe(sum, other, 8)}
	want, run := [3]float32{}, 0
	start := func(p Pipe, x [3]float32) {
		_, err := binary.Encode(p.In(0), binary.NativeEndian, x)
		require.NoError(t, err)
		for i := range want {
			want[i] += x[i]
		}
		run, err = p.Start()
		require.NoError(t, err)
	}
	got := func(p Pipe, run int) (x [3]float32) {
		require.NoError(t, p.Wait(run))
		_, err := binary.Decode(p.Out(run, 0), binary.NativeEndian, &x)
		require.NoError(t, err)
		return x
	}
	assert.Equal(t, 2, c.Depth())
	for i := range 12 {
		start(pipes[i%2], [3]float32{float32(i), 1, float32(-i * i)})
	}
	before := want
	start(pipes[0], [3]float32{100, 200, 300})
	assert.Equal(t, before, got(pipes[1], run-1))
	assert.Equal(t, want, got(pipes[0], run))

	start(pipes[1], [3]float32{7, 7, 7})
	before, first := want, run
	large := pipe(other, sum, 13*Alignment)
	start(large, [3]float32{1, 2, 3})
	assert.Equal(t, before, got(pipes[1], first))
	start(pipes[1], [3]float32{4, 5, 6}) // whose graphs have other addresses now
	start(large, [3]float32{-4, -5, -7})
	assert.Equal(t, want, got(large, run))
	x32 := make([]byte, 12)
	m.Read(sum.Offset, x32)
	assert.Equal(t, large.Out(run, 0), x32)
	require.NoError(t, c.Err())
}
