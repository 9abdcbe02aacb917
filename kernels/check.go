package kernels

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Check has a device compute a product, in the way that it runs the steps of programs, and says what is wrong. The numbers are small and whole, so that the
// product is exact on every device.
func Check(d Device) error {
	const m, k, n = 33, 20, 12
	in, out := []ops.Type{ops.F32(m, k), ops.F32(k, n)}, []ops.Type{ops.F32(m, n)}
	product, err := d.Choose(ops.MatMul{}, in, out)
	if err != nil {
		return err
	}
	size := 0
	place := func(bytes int) Buffer {
		b := Buffer{Offset: size, Bytes: bytes}
		size += aligned(bytes)
		return b
	}
	a, b, dst, workspace := place(in[0].Bytes()), place(in[1].Bytes()), place(out[0].Bytes()), place(product.WorkspaceBytes())
	memory, err := d.Alloc(size + Slack)
	if err != nil {
		return err
	}
	for _, b := range []*Buffer{&a, &b, &dst, &workspace} {
		b.Memory = memory
	}
	left, right := func(i, j int) float32 { return float32((i+j)%7 - 3) }, func(i, j int) float32 { return float32((2*i+j)%5 - 2) }
	got, err := once(d, []Buffer{a, b}, dst, product.Bind(Buffers{In: []Buffer{a, b}, Out: []Buffer{dst}, Workspace: workspace}),
		filled(m, k, left), filled(k, n, right))
	if err = errors.Join(err, memory.Free()); err != nil {
		return err
	}
	want := filled(m, n, func(i, j int) (sum float32) {
		for l := range k {
			sum += left(i, l) * right(l, j)
		}
		return sum
	})
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("kernels: %v computes what is wrong: element %d of a product is %v, not %v; another driver may help, and --device cpu goes on without it", d, i, got[i], want[i])
		}
	}
	return nil
}

// once runs a step with these inputs and gives what it writes to dst.
func once(d Device, in []Buffer, dst Buffer, step func(), values ...[]float32) ([]float32, error) {
	p, err := d.Pipe(in, []Buffer{dst}, []func(){step})
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if _, err := binary.Encode(p.In(i), binary.NativeEndian, v); err != nil {
			return nil, err
		}
	}
	run, err := p.Start()
	if err == nil {
		err = p.Wait(run)
	}
	if err != nil {
		return nil, err
	}
	result := make([]float32, dst.Bytes/4)
	_, err = binary.Decode(p.Out(run, 0), binary.NativeEndian, result)
	return result, err
}

// filled makes a matrix of a function of row and column.
func filled(rows, columns int, f func(i, j int) float32) (x []float32) {
	for i := range rows {
		for j := range columns {
			x = append(x, f(i, j))
		}
	}
	return x
}
