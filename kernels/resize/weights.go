package resize

import (
	"math"

	"github.com/meseta-go/meseta/ops"
)

// weights says of which pixels of a line a pixel of the new line is made, and how much of each: new pixel p of at[start[p]:start[p+1]].
type weights struct {
	in     int // pixels of the old line
	start  []int
	at     []int32
	weight []float32
}

// out is the number of pixels of the new line.
func (w *weights) out() int { return len(w.start) - 1 }

// of gives what pixel p is made of.
func (w *weights) of(p int) (at []int32, weight []float32) {
	from, to := w.start[p], w.start[p+1]
	return w.at[from:to], w.weight[from:to]
}

// newWeights gives the weights of a line of in pixels that becomes one of out. It calculates as TensorFlow does, in float32, so that
// a point next to the border of two pixels falls to the same one.
//
// Source: TensorFlow 2.21, core/util/image_resizer_state.h, core/kernels/image/resize_nearest_neighbor_op.cc, resize_bilinear_op.cc and
// resize_bicubic_op.cc, with half_pixel_centers.
func newWeights(method ops.Interpolation, in, out int) weights {
	w := weights{in: in, start: make([]int, 1, out+1)}
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
		w.start = append(w.start, len(w.at))
	}
	return w
}

func (w *weights) add(at int, weight float32) {
	if weight != 0 {
		w.at = append(w.at, int32(at))
		w.weight = append(w.weight, weight)
	}
}

// tableSize is in how many steps TensorFlow tabulates the cubic between two pixels.
const tableSize = 1 << 10

// cubic adds the pixels around first, the one before the point, for an offset of so many steps. Those beyond the edge have no weight,
// and the others are scaled to a sum of 1.
func (w *weights) cubic(first, offset int) {
	four := [4]float32{keysFar(offset), keysNear(offset), keysNear(tableSize - offset), keysFar(tableSize - offset)}
	sum := float32(0)
	for k := range four {
		if i := first - 1 + k; i < 0 || i >= w.in {
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
func (w weights) transposed() weights {
	t := weights{in: w.out(), start: make([]int, w.in+1), at: make([]int32, len(w.at)), weight: make([]float32, len(w.at))}
	for _, i := range w.at {
		t.start[i+1]++
	}
	for i := range w.in {
		t.start[i+1] += t.start[i]
	}
	next := append([]int(nil), t.start...)
	for p := range w.out() {
		at, weight := w.of(p)
		for k, i := range at {
			t.at[next[i]], t.weight[next[i]] = int32(p), weight[k]
			next[i]++
		}
	}
	return t
}
