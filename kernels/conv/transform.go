package conv

import (
	"math"
	"unsafe"
)

// Winograd's F(4×4,3×3) computes a tile of 4×4 outputs of a 3×3 filter from 6×6 inputs with 36 products instead of 144:
//
//	result = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// Here it is interpolation at the points 0, ±1/√2, ±√2 and infinity, whose matrices have smaller numbers, and so smaller
// rounding errors, than those at the usual 0, ±1, ±2.
// Source: arXiv:1509.09308; for the choice of points arXiv:1803.10986.
//
// transforms are its linear maps for one instruction set. All work on vectors of channels, lanes at a time; distances are
// in bytes. The 36 numbers of a tile lie in 36 planes, number 6y+x in plane 6y+x. scratch holds 36 vectors.
type transforms struct {
	lanes int

	// source maps tiles of 6×6 pixels to planes: Bᵀ d B.
	source func(src *float32, srcRow, srcPixel, srcTile int, dst *float32, dstPlane, dstTile, groups, tiles int, scratch *float32)
	// result maps planes to tiles of 4×4 pixels, max(Aᵀ m A + bias, floor).
	result func(src *float32, srcPlane, srcTile int, dst *float32, dstRow, dstPixel, dstTile, groups, tiles int, scratch, bias, floor *float32)
	// difference maps tiles of 4×4 pixels of an output's gradient to planes: A d Aᵀ.
	difference func(src *float32, srcRow, srcPixel, srcTile int, dst *float32, dstPlane, dstTile, groups, tiles int, scratch *float32)
	// filter maps n vectors of 3×3 filter elements to planes: G g Gᵀ.
	filter func(src *float32, srcTap, srcStep int, dst *float32, dstPlane, dstStep, n int, scratch *float32)
	// gradient maps planes, each the sum of parts arrays, to n neighbouring vectors of 3×3 filter elements: Gᵀ u G.
	gradient func(src *float32, srcPlane, srcPart, parts int, dst *float32, dstTap, n int, scratch *float32)

	// Some sets have the products between the transforms for as many channels as lanes, on both sides:
	//
	// products multiplies, in place, n ≥ 1 rows [lanes] of each plane with a matrix: tiles[i] = tiles[i] · weights [36,lanes,lanes].
	products func(tiles *float32, plane int, weights *float32, n int)
	// correlations adds n ≥ 1 rows of two arrays of planes: sums [36,lanes,lanes] = (add ≠ 0 ? sums : 0) + Σ srcᵀ · diff.
	correlations func(sums, src *float32, srcPlane int, diff *float32, diffPlane, n, add int)
}

// The size of a tile of outputs, of inputs, and the number of planes.
const (
	tileOut = 4
	tileIn  = 6
	planes  = tileIn * tileIn
)

var transformsPortable = transforms{
	lanes: portableLanes, source: sourcePortable, result: resultPortable, difference: differencePortable, filter: filterPortable, gradient: gradientPortable,
}

const (
	root     = float32(math.Sqrt2)
	rootHalf = float32(math.Sqrt2 / 2)
)

// sourceLine is Bᵀ.
func sourceLine(d [6]float32) [6]float32 {
	a, b := d[4]-2*d[2], rootHalf*(d[3]-2*d[1])
	c, e := d[4]-0.5*d[2], root*(d[3]-0.5*d[1])
	return [6]float32{d[0] + d[4] - 2.5*d[2], a + b, a - b, c + e, c - e, d[1] + d[5] - 2.5*d[3]}
}

// resultLine is Aᵀ.
func resultLine(d [6]float32) [4]float32 {
	s, e, u, v := d[1]+d[2], d[1]-d[2], d[3]+d[4], d[3]-d[4]
	return [4]float32{d[0] + s + u, rootHalf*e + root*v, 0.5*s + 2*u, d[5] + rootHalf/2*e + 2*root*v}
}

// differenceLine is A.
func differenceLine(d [4]float32) [6]float32 {
	a, b := d[0]+0.5*d[2], rootHalf*(d[1]+0.5*d[3])
	c, e := d[0]+2*d[2], root*(d[1]+2*d[3])
	return [6]float32{d[0], a + b, a - b, c + e, c - e, d[3]}
}

// filterLine is G.
func filterLine(d [3]float32) [6]float32 {
	a, b := -2./3*d[0]-1./3*d[2], -root/3*d[1]
	c, e := 1./6*d[0]+1./3*d[2], root/6*d[1]
	return [6]float32{d[0], a + b, a - b, c + e, c - e, d[2]}
}

// gradientLine is Gᵀ.
func gradientLine(d [6]float32) [3]float32 {
	s, e, u, v := d[1]+d[2], d[1]-d[2], d[3]+d[4], d[3]-d[4]
	return [3]float32{d[0] - 2./3*s + 1./6*u, root/6*v - root/3*e, d[5] - 1./3*s + 1./3*u}
}

// portableLanes is that of package tile's kernels in plain Go.
const portableLanes = 4

// at is the number bytes behind p.
func at(p *float32, bytes int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), bytes)) }

func sourcePortable(src *float32, srcRow, srcPixel, srcTile int, dst *float32, dstPlane, dstTile, groups, tiles int, _ *float32) {
	for t := range tiles {
		for g := range groups * portableLanes {
			var m [6][6]float32
			for y := range m {
				var d [6]float32
				for x := range d {
					d[x] = *at(src, t*srcTile+y*srcRow+x*srcPixel+4*g)
				}
				m[y] = sourceLine(d)
			}
			for x := range 6 {
				for y, v := range sourceLine([6]float32{m[0][x], m[1][x], m[2][x], m[3][x], m[4][x], m[5][x]}) {
					*at(dst, t*dstTile+(6*y+x)*dstPlane+4*g) = v
				}
			}
		}
	}
}

func resultPortable(src *float32, srcPlane, srcTile int, dst *float32, dstRow, dstPixel, dstTile, groups, tiles int, _, bias, floor *float32) {
	for t := range tiles {
		for g := range groups * portableLanes {
			var m [6][4]float32
			for y := range m {
				var d [6]float32
				for x := range d {
					d[x] = *at(src, t*srcTile+(6*y+x)*srcPlane+4*g)
				}
				m[y] = resultLine(d)
			}
			for x := range 4 {
				for y, v := range resultLine([6]float32{m[0][x], m[1][x], m[2][x], m[3][x], m[4][x], m[5][x]}) {
					v += *at(bias, 4*g)
					if v < *floor {
						v = *floor
					}
					*at(dst, t*dstTile+y*dstRow+x*dstPixel+4*g) = v
				}
			}
		}
	}
}

func differencePortable(src *float32, srcRow, srcPixel, srcTile int, dst *float32, dstPlane, dstTile, groups, tiles int, _ *float32) {
	for t := range tiles {
		for g := range groups * portableLanes {
			var m [4][6]float32
			for y := range m {
				var d [4]float32
				for x := range d {
					d[x] = *at(src, t*srcTile+y*srcRow+x*srcPixel+4*g)
				}
				m[y] = differenceLine(d)
			}
			for x := range 6 {
				for y, v := range differenceLine([4]float32{m[0][x], m[1][x], m[2][x], m[3][x]}) {
					*at(dst, t*dstTile+(6*y+x)*dstPlane+4*g) = v
				}
			}
		}
	}
}

func filterPortable(src *float32, srcTap, srcStep int, dst *float32, dstPlane, dstStep, n int, _ *float32) {
	for i := range n {
		for l := range portableLanes {
			var m [3][6]float32
			for y := range m {
				var d [3]float32
				for x := range d {
					d[x] = *at(src, i*srcStep+(3*y+x)*srcTap+4*l)
				}
				m[y] = filterLine(d)
			}
			for x := range 6 {
				for y, v := range filterLine([3]float32{m[0][x], m[1][x], m[2][x]}) {
					*at(dst, i*dstStep+(6*y+x)*dstPlane+4*l) = v
				}
			}
		}
	}
}

func gradientPortable(src *float32, srcPlane, srcPart, parts int, dst *float32, dstTap, n int, _ *float32) {
	for i := range n * portableLanes {
		var m [6][3]float32
		for y := range m {
			var d [6]float32
			for x := range d {
				for part := range parts {
					d[x] += *at(src, part*srcPart+(6*y+x)*srcPlane+4*i)
				}
			}
			m[y] = gradientLine(d)
		}
		for x := range 3 {
			for y, v := range gradientLine([6]float32{m[0][x], m[1][x], m[2][x], m[3][x], m[4][x], m[5][x]}) {
				*at(dst, (3*y+x)*dstTap+4*i) = v
			}
		}
	}
}
