package ops

import "fmt"

// SpatialDropout drops whole channels of samples: dst = src/(1-Rate) where the random number of sample and channel is at least Rate, else
// 0 (arXiv:1411.4280). As with Dropout, its gradient is the same operation on diffDst.
//
// In: src [N,…,C], counter int64 [2]: the seed and the step. Out: dst like src.
type SpatialDropout struct {
	Rate   float32
	Stream uint64 // differs for each random layer of a model
}

// Name is "spatial_dropout".
func (SpatialDropout) Name() string { return "spatial_dropout" }

func (o SpatialDropout) String() string { return fmt.Sprintf("rate %g stream %d", o.Rate, o.Stream) }

// InPlace allows dst to be src.
func (SpatialDropout) InPlace() []int { return []int{0} }

// Infer gives the type of dst.
func (SpatialDropout) Infer(in []Type) ([]Type, error) {
	if _, err := channels("spatial_dropout", in, 0); err != nil {
		return nil, err
	}
	return in[:1], same("spatial_dropout", "counter", in[1], "the type wanted", CounterType)
}

// Gradient drops the same channels of diffDst.
func (o SpatialDropout) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(o, diffOut[0], op.In[1])
	return []Value{dx, None}, err
}

// GaussianNoise computes dst = src + Deviation·z, z being normally distributed with mean 0 and deviation 1. z depends on the seed, the step,
// Stream and the element's index alone.
//
// In: src of any shape, counter int64 [2]: the seed and the step. Out: dst like src.
type GaussianNoise struct {
	Deviation float32
	Stream    uint64 // differs for each random layer of a model
}

// Name is "gaussian_noise".
func (GaussianNoise) Name() string { return "gaussian_noise" }

func (o GaussianNoise) String() string {
	return fmt.Sprintf("deviation %g stream %d", o.Deviation, o.Stream)
}

// InPlace allows dst to be src.
func (GaussianNoise) InPlace() []int { return []int{0} }

// FLOPs counts a logarithm, a root and an angle for each pair.
func (GaussianNoise) FLOPs(in, _ []Type) int64 { return 20 * int64(in[0].Shape.Size()) }

// Infer gives the type of dst.
func (GaussianNoise) Infer(in []Type) ([]Type, error) {
	return in[:1], same("gaussian_noise", "counter", in[1], "the type wanted", CounterType)
}

// Gradient is diffDst.
func (GaussianNoise) Gradient(_ *Graph, _ Op, diffOut []Value) ([]Value, error) {
	return []Value{diffOut[0], None}, nil
}

// GaussianDropout computes dst = src·(1 + Deviation·z), with the z of GaussianNoise (Srivastava et al. 2014, section 10). Its gradient is the
// same operation on diffDst.
//
// In: src of any shape, counter int64 [2]: the seed and the step. Out: dst like src.
type GaussianDropout GaussianNoise

// Name is "gaussian_dropout".
func (GaussianDropout) Name() string { return "gaussian_dropout" }

func (o GaussianDropout) String() string { return GaussianNoise(o).String() }

// InPlace allows dst to be src.
func (GaussianDropout) InPlace() []int { return []int{0} }

// FLOPs are those of GaussianNoise.
func (GaussianDropout) FLOPs(in, out []Type) int64 { return GaussianNoise{}.FLOPs(in, out) }

// Infer gives the type of dst.
func (GaussianDropout) Infer(in []Type) ([]Type, error) {
	return in[:1], same("gaussian_dropout", "counter", in[1], "the type wanted", CounterType)
}

// Gradient multiplies diffDst by the same numbers.
func (o GaussianDropout) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(o, diffOut[0], op.In[1])
	return []Value{dx, None}, err
}
