package tile

import (
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// In plain Go a vector is four columns, because their sums, a number of A and the four of B stay in registers.
const portableLanes, portableRows = 4, 4

var setPortable = Set{
	ISA: cpu.Portable, Lanes: portableLanes, Widths: []Width{
		portableWidth(1), portableWidth(2), portableWidth(3), portableWidth(4),
	},
	Transpose: transposePortable, Copy: copyPortable, peak: peakPortable, peakOperations: 16,
}

func portableWidth(vectors int) Width {
	w := Width{Columns: vectors * portableLanes, Rows: portableRows, RowA: []Kernel{nil}, ColumnA: []Kernel{nil}}
	for rows := 1; rows <= portableRows; rows++ {
		w.RowA = append(w.RowA, func(args *Args) { portable(args, rows, args.LdA, 4) })
		w.ColumnA = append(w.ColumnA, func(args *Args) { portable(args, rows, 4, args.KsA) })
	}
	return w
}

func at(p *float32, bytes int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), bytes)) }

// portable computes a tile, four columns of one row at a time; rowA and kA are the strides of A.
func portable(args *Args, rows, rowA, kA int) {
	taps := unsafe.Slice(args.Taps, args.NTaps)
	for j := 0; j < args.Cols; j += portableLanes {
		for i := range rows {
			var c [portableLanes]float32
			c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
			for _, t := range taps {
				a, b := at(args.A, t.A+i*rowA), at(args.B, t.B+4*j)
				for k := range args.K {
					x, y := *at(a, k*kA), (*[portableLanes]float32)(unsafe.Pointer(at(b, k*args.KsB)))
					c0 += x * y[0]
					c1 += x * y[1]
					c2 += x * y[2]
					c3 += x * y[3]
				}
			}
			c = [...]float32{c0, c1, c2, c3}
			dst := unsafe.Slice(at(args.C, i*args.LdC+4*j), min(portableLanes, args.Cols-j))
			for l := range dst {
				x := c[l]
				if args.Flags&Accumulate != 0 {
					x += dst[l]
				}
				if args.Flags&Bias != 0 {
					x += *at(args.Bias, 4*(j+l))
				}
				if args.Flags&ReLU != 0 && x < 0 {
					x = 0
				}
				if args.Flags&Six != 0 && x > 6 {
					x = 6
				}
				dst[l] = x
			}
		}
	}
}

func transposePortable(src *float32, ldSrc int, dst *float32, ldDst, rows, n int) {
	for k := range n {
		for i := range rows {
			*at(dst, k*ldDst+4*i) = *at(src, i*ldSrc+4*k)
		}
	}
}

func copyPortable(src *float32, ldSrc int, dst *float32, ldDst, vectors, n int) {
	for k := range n {
		copy(unsafe.Slice(at(dst, k*ldDst), vectors*portableLanes), unsafe.Slice(at(src, k*ldSrc), vectors*portableLanes))
	}
}

// peakPortable multiplies and adds in eight chains.
func peakPortable(n int) {
	var a, b, c, d, e, f, g, h float32
	x := float32(n) * 1e-30
	for range n {
		a, b, c, d = a*x+x, b*x+x, c*x+x, d*x+x
		e, f, g, h = e*x+x, f*x+x, g*x+x, h*x+x
	}
	sink.Store(uint32(a + b + c + d + e + f + g + h))
}
