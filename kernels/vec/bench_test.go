package vec_test

import (
	"strings"
	"testing"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/dropout"
	"github.com/meseta-go/meseta/kernels/elementwise"
	"github.com/meseta-go/meseta/kernels/norm"
	"github.com/meseta-go/meseta/kernels/pool"
	"github.com/meseta-go/meseta/kernels/softmax"
	"github.com/meseta-go/meseta/kernels/update"
	"github.com/meseta-go/meseta/kernels/vec/parity"
	"github.com/meseta-go/meseta/ops"
)

// Benchmark gives each family's bandwidth, in bytes read and written by the definition, on tensors larger than the last cache and
// on such as stay in the second, for each instruction set with one and two workers. Add is what to hold the others against.
func Benchmark(b *testing.B) {
	for _, size := range []struct {
		name    string
		n, h, c int
	}{{"memory", 64, 64, 64}, {"cache", 4, 16, 64}} {
		n, pixels, c := size.n, size.h*size.h, size.c
		rows := n * pixels
		elements := rows * c
		var m [6][]float32
		for i := range m {
			memory, err := cpu.Alloc(4*elements + 64)
			if err != nil {
				b.Fatal(err)
			}
			defer memory.Free()
			m[i] = memory.Float32s()[:elements]
			for j := range m[i] {
				m[i][j] = float32(j%7) - 3
			}
		}
		v := make([]float32, 4096)
		for i := range v {
			v[i] = 1
		}
		labels := make([]int32, rows)
		for _, isa := range cpu.Available() {
			for _, threads := range []int{1, 2} {
				dev := parity.Device(b, isa, threads)
				run := func(name string, passes float64, f func()) {
					b.Run(size.name+"/"+name+"/"+isa.String()+"/"+string(rune('0'+threads)), func(b *testing.B) {
						b.SetBytes(int64(passes * 4 * float64(elements)))
						for b.Loop() {
							f()
						}
					})
				}
				add := must(elementwise.NewAdd(dev, elements))
				run("add", 3, func() { add.Run(m[0], m[1], m[2]) })
				relu := must(elementwise.NewReLUBackward(dev, elements, ops.ReLU))
				run("relu_backward", 3, func() { relu.Run(m[0], m[1], m[2]) })
				bias := must(elementwise.NewBiasAdd(dev, rows, c))
				run("bias", 2, func() { bias.Run(m[0], m[1], v) })
				sum := must(elementwise.NewColumnSum(dev, rows, c))
				sumWorkspace := make([]float32, sum.WorkspaceBytes()/4)
				run("column_sum", 1, func() { sum.Run(v[1024:], m[0], sumWorkspace) })
				p := norm.Params{Rows: rows, C: c, Epsilon: 1e-3}
				forward := must(norm.NewForward(dev, p, norm.Fused{Add: true, Activation: ops.ReLU}))
				backward := must(norm.NewBackward(dev, p, norm.BackwardFused{Mask: ops.ReLU, DiffResidual: true}))
				workspace := make([]float32, max(forward.WorkspaceBytes(), backward.WorkspaceBytes())/4)
				run("norm", 4, func() { forward.Run(m[0], v[1024:], v[2048:], v[3072:], m[1], v, v, m[2], workspace) })
				run("norm_backward", 7, func() { backward.Run(m[0], v[1024:], v[2048:], m[3], m[1], m[2], m[4], v, nil, v, v, workspace) })
				window := pool.Params{N: n, H: size.h, W: size.h, C: c, R: 2, S: 2, P: size.h / 2, Q: size.h / 2, StrideH: 2, StrideW: 2}
				maximum := must(pool.NewMaxForward(dev, window))
				run("max", 1.25, func() { maximum.Run(m[0], m[1]) })
				maximumBackward := must(pool.NewMaxBackward(dev, window))
				run("max_backward", 2.5, func() { maximumBackward.Run(m[2], m[3], m[1], m[0]) })
				drop := must(dropout.NewDropout(dev, elements, 0.5, 0))
				run("dropout", 2, func() { drop.Run(m[0], m[1], 1, 2) })
				clear(m[4])
				clear(m[5])
				for _, rule := range []ops.UpdateRule{
					ops.Adam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}, ops.RMSprop{Rho: 0.9, Epsilon: 1e-7}, ops.Adagrad{Epsilon: 1e-7},
					ops.Adadelta{Rho: 0.95, Epsilon: 1e-7}, ops.Adamax{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7},
					ops.Nadam{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}, ops.Lion{Beta1: 0.9, Beta2: 0.99},
				} {
					step := must(update.New(dev, elements, rule))
					a := update.Arrays[float32]{Param: m[2], Grad: m[3], Slots: [update.MaxSlots][]float32{m[5], m[4]}}
					name, _, _ := strings.Cut(rule.String(), " ")
					run(name, float64(3+2*rule.Slots()), func() { step.Run(a, 0, 3) })
				}
				whole := []update.Array{{Shape: ops.Shape{elements}}}
				lamb := must(update.NewLayered(dev, whole, ops.Lamb{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-7}))
				lambArrays := update.Arrays[float32]{Param: m[2], Grad: m[3], Slots: [update.MaxSlots][]float32{m[5], m[4]}}
				run("lamb", 11, func() { lamb.Run(lambArrays, 0, 3, nil) })
				clip := must(update.NewClip(dev, whole, ops.ClipGradients{GlobalNorm: 1e-3}))
				run("clip", 3, func() { clip.Run(m[3]) })
				averages := must(update.NewAverages(dev, elements, ops.AverageWeights{Momentum: 0.99}))
				run("averages", 3, func() { averages.Run(m[2], m[4], 5) })
				finite := must(update.NewFinite(dev, elements))
				run("finite", 1, func() { finite.Run(m[1]) })
				loss := must(softmax.NewCrossEntropy(dev, rows/8, c))
				run("cross_entropy", 0.125, func() { loss.Run(m[5], m[1], labels) })
			}
		}
	}
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}
