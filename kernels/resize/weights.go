package resize

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// Weights say of which pixels of a line a pixel of the new line is made, and how much of each: new pixel p of At[Start[p]:Start[p+1]].
type Weights struct {
	In     int // pixels of the old line
	Start  []int32
	At     []int32
	Weight []float32
}

// NewWeights gives the weights of rows and columns that make dst of src, or, backward, diffSrc of diffDst. Its error wraps ops.ErrShape if there are no
// elements.
func NewWeights(p Params, backward bool) (rows, cols Weights, err error) {
	if err = p.check(); err != nil {
		return rows, cols, err
	}
	rows, cols = newWeights(p.Method, p.H, p.P), newWeights(p.Method, p.W, p.Q)
	if backward {
		rows, cols = rows.transposed(), cols.transposed()
	}
	return rows, cols, nil
}

// Out is the number of pixels of the new line.
func (w *Weights) Out() int { return len(w.Start) - 1 }

// of gives what pixel p is made of.
func (w *Weights) of(p int) (at []int32, weight []float32) {
	from, to := w.Start[p], w.Start[p+1]
	return w.At[from:to], w.Weight[from:to]
}

// newWeights gives the weights of a line of in pixels that becomes one of out. It calculates as TensorFlow does, in float32, so that
// a point next to the border of two pixels falls to the same one.
//
// Source: TensorFlow 2.21, core/util/image_resizer_state.h, core/kernels/image/resize_nearest_neighbor_op.cc, resize_bilinear_op.cc and
// resize_bicubic_op.cc, with half_pixel_centers.
func newWeights(method ops.Interpolation, in, out int) Weights {
	w := Weights{In: in, Start: make([]int32, 1, out+1)}
	scale := float32(in) / float32(out)
	for p := range out {
		centre := float32((float32(p) + 0.5) * scale)
		switch method {
		case ops.Nearest:
			w.add(min(int(math.Floor(float64(centre))), in-1), 1)
		case ops.Bilinear:
			point := centre - 0.5
			floor := float32(math.Floor(float64(point)))
			below, above := max(int(floor), 0), min(int(math.Ceil(float64(point))), in-1)
			part := point - floor
			if below == above {
				w.add(below, 1)
			} else {
				w.add(below, 1-part)
				w.add(above, part)
			}
		case ops.Bicubic:
			point := centre - 0.5
			floor := float32(math.Floor(float64(point)))
			w.cubic(int(floor), int(math.RoundToEven(float64(float32((point-floor)*tableSize)))))
		}
		w.Start = append(w.Start, int32(len(w.At)))
	}
	return w
}

func (w *Weights) add(at int, weight float32) {
	if weight != 0 {
		w.At = append(w.At, int32(at))
		w.Weight = append(w.Weight, weight)
	}
}

// tableSize is in how many steps TensorFlow tabulates the cubic between two pixels.
const tableSize = 1 << 10

// cubic adds the pixels around first, the one before the point, for an offset of so many steps. Those beyond the edge have no weight,
// and the others are scaled to a sum of 1.
func (w *Weights) cubic(first, offset int) {
	four := [4]float32{keysFar(offset), keysNear(offset), keysNear(tableSize - offset), keysFar(tableSize - offset)}
	sum := float32(0)
	for k := range four {
		if i := first - 1 + k; i < 0 || i >= w.In {
			four[k] = 0
		}
		sum += four[k]
	}
	for k, weight := range four {
		w.add(first-1+k, weight*(1/sum))
	}
}

// keysNear and keysFar are Keys's cubic with a = -½ (1981) at a distance of step/tableSize, and of 1 more.
func keysNear(step int) float32 {
	const a = -0.5
	x := float64(step) / tableSize
	return float32(((a+2)*x-(a+3))*x*x + 1)
}

func keysFar(step int) float32 {
	const a = -0.5
	x := float64(step)/tableSize + 1
	return float32(((a*x-5*a)*x+8*a)*x - 4*a)
}

// transposed says for each old pixel which new ones are made of it, in their order.
func (w Weights) transposed() Weights {
	t := Weights{In: w.Out(), Start: make([]int32, w.In+1), At: make([]int32, len(w.At)), Weight: make([]float32, len(w.At))}
	for _, i := range w.At {
		t.Start[i+1]++
	}
	for i := range w.In {
		t.Start[i+1] += t.Start[i]
	}
	next := append([]int32(nil), t.Start...)
	for p := range w.Out() {
		at, weight := w.of(p)
		for k, i := range at {
			t.At[next[i]], t.Weight[next[i]] = int32(p), weight[k]
			next[i]++
		}
	}
	return t
}
