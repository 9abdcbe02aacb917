package conv

import (
	"math"

	"github.com/meseta-go/meseta/kernels/tile"
)

// way is one of the ways to compute a convolution of a single group.
type way int

const (
	wayDirect   way = iota // implicit GEMM
	wayPixels              // the same, an output pixel of many images at a time
	wayWinograd            // in tasks of a few rows of tiles
	wayPanels              // Winograd's in tasks of a panel of columns
)

// The choice counts multiplications for each pair of channels: one for each tap of an output directly, or 36 a tile of Winograd's and, fixed,
// the price of transforming weights or their gradient. Half-empty tiles and short batches speak against it. Prices were measured with
// AVX-512; TestChoiceIsFast holds what they choose to tables of what was measured, for AVX2 too.
const (
	transformingFew      = 512  // weights, at most manyPairs pairs of channels
	transformingMany     = 4096 // and more of them, whose transforms, 144 bytes a pair, leave the cache
	transformingPanel    = 128  // and where a task transforms its own
	transformingGradient = 1024 // their gradient
	transformingSums     = 700  // and where a task transforms its own
	readingFew           = 450  // reading at most manyPairs that were transformed for many runs
	manyPairs            = 128 * 128

	winogradPrice = 10. / 9 // of a multiplication between transforms
	pixelsPrice   = 1.05    // of one where pixels are gathered, which wants
	pixelsDepth   = 64      // so many input channels and
	fewPixels     = 200     // at most so many outputs

	manySums     = 1 << 17  // weights whose partial sums leave the cache, and
	sumsPrice    = 1.25     // what that makes of a multiplication
	packingPrice = 48       // of a number that is packed beforehand
	packedBytes  = 12 << 20 // of all these, beyond which they leave the L3 cache
)

// rowsPrice is that of a multiplication in micro-kernels over n rows: with fewer than 5 they wait for their sums and for loads.
func rowsPrice(set *tile.Set, n int) float64 {
	return max(1, 5/float64(evenly(n, set.Widths[min(1, len(set.Widths)-1)].Rows)))
}

// runPrice is that of a multiplication in sums of which n are added between two taps.
func runPrice(n int) float64 { return 1 + 1.5/float64(n) }

// winogradTiles is the number of Winograd's tiles.
func (p Params) winogradTiles() int { return p.N * ceilDiv(p.P, tileOut) * ceilDiv(p.Q, tileOut) }

// winogradCost is that of Winograd's algorithm with a fixed price beside the products, infinite where it is not allowed.
func (p Params) winogradCost(fixed int) float64 {
	if p.Exact || !p.suitsWinograd() {
		return math.Inf(1)
	}
	return winogradPrice * float64(planes*p.winogradTiles()+fixed)
}

// imageWay chooses for Forward and BackwardData, which read and write so many channels.
func (p Params) imageWay(set *tile.Set, from, to image, rows, cols axis) way {
	allRows, insideRows := rows.products(from.height)
	allCols, insideCols := cols.products(from.width)
	best, cost := wayDirect, rowsPrice(set, cols.count())*float64(p.N*allRows*allCols)
	if from.channels >= pixelsDepth && to.height*to.width <= fewPixels {
		if c := pixelsPrice * rowsPrice(set, p.N) * float64(p.N*insideRows*insideCols); c < cost {
			best, cost = wayPixels, c
		}
	}
	w, fixed := wayWinograd, transformingFew
	switch {
	case p.winogradTiles() <= to.channels: // there are more weights than tiles
		w, fixed = wayPanels, transformingPanel
	case p.C*p.K > manyPairs:
		fixed = transformingMany
	}
	if p.Fixed && p.C*p.K <= manyPairs {
		w, fixed = wayWinograd, readingFew
	}
	if p.winogradCost(fixed) < cost {
		best = w
	}
	return best
}

// weightsWay chooses for BackwardWeights.
func (p Params) weightsWay() way {
	rows, cols := p.forwardAxes()
	allRows, insideRows := rows.products(p.H)
	allCols, insideCols := cols.products(p.W)
	best, cost := wayDirect, runPrice(p.Q)*float64(p.N*allRows*allCols)
	if p.WeightsLen() >= manySums {
		cost *= sumsPrice
	}
	packed := p.N * (rows.reads(p.H)*cols.reads(p.W)*p.C + p.P*p.Q*p.K)
	if c := runPrice(p.N*max(1, p.Q-1))*float64(p.N*insideRows*insideCols) + packingPrice*float64(packed)/float64(p.C*p.K); c < cost && 4*packed <= packedBytes {
		best, cost = wayPixels, c
	}
	w, fixed := wayWinograd, transformingGradient
	if p.winogradTiles() <= min(p.C, p.K) {
		w, fixed = wayPanels, transformingSums
	}
	if p.winogradCost(fixed) < cost {
		best = w
	}
	return best
}
