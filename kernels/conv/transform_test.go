package conv

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// The matrices of Winograd's F(4×4,3×3) in float64, by interpolation at 0, ±1/√2, ±√2 and infinity.
func winogradMatrices() (bT [6][6]float64, g [6][3]float64, aT [4][6]float64) {
	h, q := math.Sqrt2/2, math.Sqrt2
	points := []float64{0, h, -h, q, -q}
	for i, p := range points {
		for j := range aT {
			aT[j][i] = math.Pow(p, float64(j))
		}
	}
	aT[3][5] = 1
	g = [6][3]float64{{1, 0, 0}, {-2. / 3, -q / 3, -1. / 3}, {-2. / 3, q / 3, -1. / 3}, {1. / 6, q / 6, 1. / 3}, {1. / 6, -q / 6, 1. / 3}, {0, 0, 1}}
	bT = [6][6]float64{
		{1, 0, -2.5, 0, 1, 0},
		{0, -2 * h, -2, h, 1, 0}, {0, 2 * h, -2, -h, 1, 0},
		{0, -q / 2, -.5, q, 1, 0}, {0, q / 2, -.5, -q, 1, 0},
		{0, 1, 0, -2.5, 0, 1},
	}
	return bT, g, aT
}

// TestWinogradMatrices makes sure that the matrices compute a correlation: Aᵀ[(G g) ⊙ (Bᵀ d)] for one line.
func TestWinogradMatrices(t *testing.T) {
	bT, g, aT := winogradMatrices()
	for l := range 6 {
		for k := range 3 {
			for j := range 4 {
				sum, want := 0.0, 0.0
				for i := range 6 {
					sum += aT[j][i] * g[i][k] * bT[i][l]
				}
				if l == j+k {
					want = 1
				}
				assert.InDelta(t, want, sum, 1e-14, "output %d, filter %d, input %d", j, k, l)
			}
		}
	}
}

// sandwich is m x mᵀ.
func sandwich(m func(i, j int) float64, rows, cols int, x func(i, j int) float64) func(i, j int) float64 {
	return func(i, j int) (sum float64) {
		for a := range cols {
			for b := range cols {
				sum += m(i, a) * x(a, b) * m(j, b)
			}
		}
		return sum
	}
}

// TestTransforms holds each transform of each instruction set against its matrix, with distances that all differ.
func TestTransforms(t *testing.T) {
	bT, g, aT := winogradMatrices()
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			x := transformsFor(isa)
			const groups, tiles = 2, 3
			lanes := x.lanes
			channels := groups * lanes
			rng := rand.New(rand.NewPCG(7, 8))
			random := func(n int) []float32 {
				b := newGuarded(t, n).data
				for i := range b {
					b[i] = rng.Float32() - .5
				}
				return b
			}
			scratch, bias, floor := random(planes*lanes), random(channels), []float32{-.25}
			pixel, row := channels+3, 40*channels // elements
			plane := tiles*channels + 5
			compare := func(want float64, got float32) {
				t.Helper()
				require.InDelta(t, want, float64(got), 1e-6*(10+math.Abs(want)))
			}

			image, flat := random(6*row), random(planes*plane)
			for _, m := range []struct {
				size   int
				run    func(src *float32, srcRow, srcPixel, srcTile int, dst *float32, dstPlane, dstTile, groups, tiles int, scratch *float32)
				matrix func(i, j int) float64
			}{
				{6, x.source, func(i, j int) float64 { return bT[i][j] }},
				{4, x.difference, func(i, j int) float64 { return aT[j][i] }},
			} {
				m.run(&image[0], 4*row, 4*pixel, 4*4*pixel, &flat[0], 4*plane, 4*channels, groups, tiles, &scratch[0])
				for tile := range tiles {
					for c := range channels {
						want := sandwich(m.matrix, 6, m.size, func(i, j int) float64 { return float64(image[i*row+(4*tile+j)*pixel+c]) })
						for i := range 6 {
							for j := range 6 {
								compare(want(i, j), flat[(6*i+j)*plane+tile*channels+c])
							}
						}
					}
				}
			}

			x.result(&flat[0], 4*plane, 4*channels, &image[0], 4*row, 4*pixel, 4*4*pixel, groups, tiles, &scratch[0], &bias[0], &floor[0])
			for tile := range tiles {
				for c := range channels {
					want := sandwich(func(i, j int) float64 { return aT[i][j] }, 4, 6, func(i, j int) float64 { return float64(flat[(6*i+j)*plane+tile*channels+c]) })
					for i := range 4 {
						for j := range 4 {
							compare(max(want(i, j)+float64(bias[c]), -.25), image[i*row+(4*tile+j)*pixel+c])
						}
					}
				}
			}

			const n = 3
			tap, step := n*lanes+1, lanes
			filters, sums := random(9*tap), random(2*planes*plane)
			x.filter(&filters[0], 4*tap, 4*step, &flat[0], 4*plane, 4*(lanes+1), n, &scratch[0])
			for v := range n {
				for c := range lanes {
					want := sandwich(func(i, j int) float64 { return g[i][j] }, 6, 3, func(i, j int) float64 { return float64(filters[(3*i+j)*tap+v*step+c]) })
					for i := range 6 {
						for j := range 6 {
							compare(want(i, j), flat[(6*i+j)*plane+v*(lanes+1)+c])
						}
					}
				}
			}
			x.gradient(&sums[0], 4*plane, 4*planes*plane, 2, &filters[0], 4*tap, n, &scratch[0])
			for c := range n * lanes {
				want := sandwich(func(i, j int) float64 { return g[j][i] }, 3, 6, func(i, j int) float64 {
					return float64(sums[(6*i+j)*plane+c]) + float64(sums[planes*plane+(6*i+j)*plane+c])
				})
				for i := range 3 {
					for j := range 3 {
						compare(want(i, j), filters[(3*i+j)*tap+c])
					}
				}
			}
		})
	}
}

// TestProducts holds the products of each instruction set that has them against plain loops, for remainders of all loops.
func TestProducts(t *testing.T) {
	tested := 0
	for _, isa := range cpu.Available() {
		x := transformsFor(isa)
		require.Equal(t, x.products == nil, x.correlations == nil, "%v", isa)
		if x.products == nil {
			continue
		}
		tested++
		for _, n := range []int{1, 2, 3, 4, 5, 7, 15, 16, 17, 23, 37} {
			lanes := x.lanes
			rng := rand.New(rand.NewPCG(9, uint64(n)))
			random := func(n int) *guarded {
				g := newGuarded(t, n)
				for i := range g.data {
					g.data[i] = rng.Float32() - .5
				}
				return g.mark()
			}
			plane, other := n*lanes+3, n*lanes+7
			tiles, weights := random(planes*plane), random(planes*lanes*lanes)
			before := widen(tiles.data)
			x.products(&tiles.data[0], 4*plane, &weights.data[0], n)
			want := append([]float64{}, before...)
			for k := range planes {
				for i := range n {
					for j := range lanes {
						sum := 0.
						for l := range lanes {
							sum += before[k*plane+i*lanes+l] * float64(weights.data[(k*lanes+l)*lanes+j])
						}
						want[k*plane+i*lanes+j] = sum
					}
				}
			}
			for i, w := range want {
				require.InDelta(t, w, float64(tiles.data[i]), 1e-5, "%v, %d rows, element %d", isa, n, i)
			}
			tiles.intact(t, "tiles")

			src, diff, sums := random(planes*plane), random(planes*other), random(planes*lanes*lanes)
			for add := range 2 {
				want := widen(sums.data)
				for k := range planes {
					for i := range lanes {
						for j := range lanes {
							sum := float64(add) * want[(k*lanes+i)*lanes+j]
							for r := range n {
								sum += float64(src.data[k*plane+r*lanes+i]) * float64(diff.data[k*other+r*lanes+j])
							}
							want[(k*lanes+i)*lanes+j] = sum
						}
					}
				}
				x.correlations(&sums.data[0], &src.data[0], 4*plane, &diff.data[0], 4*other, n, add)
				for i, w := range want {
					require.InDelta(t, w, float64(sums.data[i]), 1e-5, "%v, %d rows, add %d, element %d", isa, n, add, i)
				}
				sums.intact(t, "sums")
			}
		}
	}
	if transformsFor(cpu.Detect()).products == nil {
		t.Skip("no instruction set of this machine has products of its own")
	}
	assert.Positive(t, tested)
}
