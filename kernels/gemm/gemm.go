// Package gemm multiplies matrices:
//
//	dst = act(op(a)·op(b) + bias)      op(x) is x or its transpose
//
// dst is [M,N], op(a) [M,K], op(b) [K,N], bias [N]; all float32 and row-major, without gaps. Sizes are fixed when a value is made, so
// that Run neither checks, chooses nor allocates.
//
// Files: gemm.go what callers see; plan.go how a product is cut; run.go the loops around the micro-kernels of package tile; ref.go the
// definition. Nothing here knows layers; convolutions have loops of their own over the same micro-kernels.
package gemm

import (
	"fmt"
	"math"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Params are the sizes of a product and what is done to its result.
type Params struct {
	M, N, K        int
	TransA, TransB bool // a is stored [K,M], b is stored [N,K]
	Bias           bool // add bias[n] to column n
	Activation     ops.Activation
}

// check tells whether there is such a product.
func (p Params) check() error {
	for _, d := range []struct {
		name string
		n    int
	}{{"M", p.M}, {"N", p.N}, {"K", p.K}} {
		if d.n < 1 || d.n > math.MaxInt32 {
			return fmt.Errorf("gemm: %s is %d, it must lie between 1 and %d: %w", d.name, d.n, math.MaxInt32, ops.ErrShape)
		}
	}
	const most = 1 << 40
	for _, a := range []struct {
		name       string
		rows, cols int
	}{{"dst [M,N]", p.M, p.N}, {"a [M,K]", p.M, p.K}, {"b [K,N]", p.K, p.N}} {
		if a.rows > most/a.cols {
			return fmt.Errorf("gemm: %s with %d rows of %d is too large: %w", a.name, a.rows, a.cols, ops.ErrShape)
		}
	}
	if p.Activation != ops.Linear && p.Activation != ops.ReLU && p.Activation != ops.ReLU6 {
		return fmt.Errorf("gemm: activation %v is unknown, use %v, %v or %v", p.Activation, ops.Linear, ops.ReLU, ops.ReLU6)
	}
	return nil
}

// Flops is the number of operations, a multiplication and an addition counted apart.
func (p Params) Flops() float64 { return 2 * float64(p.M) * float64(p.N) * float64(p.K) }

// GEMM is a product of fixed size. One goroutine at a time may use it.
type GEMM struct {
	Params
	plan plan
	run  runner
}

// New cuts a product of these sizes for the device. Its error wraps ops.ErrShape where a size is out of range.
func New(dev *cpu.Device, p Params) (*GEMM, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	g := &GEMM{Params: p, plan: newPlan(dev.ISA(), p, choose(dev.ISA(), p))}
	g.run.init(dev, g)
	return g, nil
}

// Variant says how the product is cut: "avx512 14x32, a packed by task, b direct, 1×1 tasks, k in 18 runs and 18 sums".
func (g *GEMM) Variant() string { return g.plan.String() }

// WorkspaceBytes is the room that Run wants for packed matrices and partial sums. It grows with the number of workers.
func (g *GEMM) WorkspaceBytes() int { return 4 * g.run.workspace }

const (
	shortMatrix    = "gemm: a matrix is shorter than its sizes say"
	shortBias      = "gemm: bias is shorter than N"
	shortWorkspace = "gemm: workspace is shorter than WorkspaceBytes"
)

// Run computes dst = act(op(a)·op(b) + bias).
//
// dst must not overlap the others; bias is not read without Params.Bias. Buffers start at multiples of 64 bytes, and up to 64 bytes
// past the end of each may be read. Every element of dst is a sum over k in an order that depends on sizes and instruction set
// alone, not on the number of workers. It panics where a slice is too short.
func (g *GEMM) Run(dst, a, b, bias, workspace []float32) {
	if len(dst) < g.M*g.N || len(a) < g.M*g.K || len(b) < g.K*g.N {
		panic(shortMatrix)
	}
	if g.Bias && len(bias) < g.N {
		panic(shortBias)
	}
	if len(workspace) < g.run.workspace {
		panic(shortWorkspace)
	}
	g.run.product(dst, a, b, bias, workspace)
}
