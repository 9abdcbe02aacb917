//go:build nvidia && cgo

package kernels

import (
	"encoding/binary"
	"testing"

	"github.com/meseta-go/meseta/gpu"
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
	_, err = c.Pipe([]Buffer{x, {Bytes: 1 << 50}}, nil, nil)
	require.ErrorIs(t, err, gpu.ErrOutOfMemory)
	start(pipes[1], [3]float32{1, 1, 1}) // which has what it had
	start(large, [3]float32{-1, 1, -1})
	assert.Equal(t, want, got(large, run))
	x32 := make([]byte, 12)
	m.Read(sum.Offset, x32)
	assert.Equal(t, large.Out(run, 0), x32)
	require.NoError(t, c.Err())
}

// TestCUDAClosesWhileItWorks: runs that nobody has waited for are over before what they use is gone.
func TestCUDAClosesWhileItWorks(t *testing.T) {
	openCUDA(t) // else the test is skipped
	c, err := NewCUDA(0)
	require.NoError(t, err)
	one := ops.F32(3)
	add, err := c.Choose(ops.Add{}, []ops.Type{one, one}, []ops.Type{one})
	require.NoError(t, err)
	m, err := c.Alloc(2 * Alignment)
	require.NoError(t, err)
	x, sum := Buffer{Memory: m, Bytes: 12}, Buffer{Memory: m, Offset: Alignment, Bytes: 12}
	p, err := c.Pipe([]Buffer{x}, []Buffer{sum}, []func(){add.Bind(Buffers{In: []Buffer{sum, x}, Out: []Buffer{sum}})})
	require.NoError(t, err)
	for range 3 {
		p.In(0)
		_, err = p.Start()
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
}

// TestCUDAPipeWidensBytes: bytes become the very float32 that the host makes of them, between runs whose inputs are float32, of sizes that are no multiples of four.
func TestCUDAPipeWidensBytes(t *testing.T) {
	c := openCUDA(t)
	var _ Widener = c
	const n = 4*256 + 3
	one := ops.F32(n)
	k, err := c.Choose(ops.Affine{Scale: 1}, []ops.Type{one}, []ops.Type{one})
	require.NoError(t, err)
	size := aligned(4*n) + Alignment
	m, err := c.Alloc(2 * size)
	require.NoError(t, err)
	defer func() { require.NoError(t, m.Free()) }()
	x, y := Buffer{Memory: m, Bytes: 4 * n}, Buffer{Memory: m, Offset: size, Bytes: 4 * n}
	labels := Buffer{Memory: m, Offset: aligned(4 * n), Bytes: 8}
	p, err := c.Pipe([]Buffer{x, labels}, []Buffer{y, labels}, []func(){k.Bind(Buffers{In: []Buffer{x}, Out: []Buffer{y}})})
	require.NoError(t, err)
	for i, divisor := range []float32{255, 1, 0, 255, 0} {
		want := make([]float32, n)
		for j := range want {
			want[j] = -1.5
			if divisor != 0 {
				want[j] = float32(byte(j+i)) / divisor
			}
		}
		if divisor == 0 {
			_, err := binary.Encode(p.In(0), binary.NativeEndian, want)
			require.NoError(t, err)
		} else {
			bytes := p.(WidePipe).InBytes(Wide{Divisor: divisor})
			require.Len(t, bytes, n)
			for j := range bytes {
				bytes[j] = byte(j + i)
			}
		}
		copy(p.In(1), []byte{1, 2, 3, 4, 5, 6, 7, byte(i)})
		run, err := p.Start()
		require.NoError(t, err)
		require.NoError(t, p.Wait(run))
		got := make([]float32, n)
		_, err = binary.Decode(p.Out(run, 0), binary.NativeEndian, got)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, []byte{1, 2, 3, 4, 5, 6, 7, byte(i)}, p.Out(run, 1))
	}
}
