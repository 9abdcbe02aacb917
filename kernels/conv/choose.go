package conv

// way is one of the ways to compute a convolution of a single group.
type way int

const (
	wayDirect   way = iota // implicit GEMM
	wayWinograd            // in tasks of a few rows of tiles
	wayPanels              // Winograd's in tasks of a panel of columns
)

// The choice counts multiplications for each pair of channels: 9 an output directly, or 36 a tile of Winograd's and, fixed, the price of
// transforming weights or their gradient. Half-empty tiles and short batches speak against it. Prices were measured with AVX-512, and
// hold with AVX2.
const (
	transformingFew      = 512  // weights, at most manyPairs pairs of channels
	transformingMany     = 4096 // and more of them, whose transforms, 144 bytes a pair, leave the cache
	transformingPanel    = 128  // and where a task transforms its own
	transformingGradient = 1024
	manyPairs            = 128 * 128
)

// winogradTiles is the number of Winograd's tiles.
func (p Params) winogradTiles() int { return p.N * ceilDiv(p.P, tileOut) * ceilDiv(p.Q, tileOut) }

// prefersWinograd tells whether Winograd's algorithm is allowed and, at a fixed price beside the products, faster.
func (p Params) prefersWinograd(fixed int) bool {
	return !p.Exact && p.suitsWinograd() && 10*(planes*p.winogradTiles()+fixed) < 9*(9*p.N*p.P*p.Q)
}

// imageWay chooses for Forward and BackwardData.
func (p Params) imageWay() way {
	w, fixed := wayWinograd, transformingFew
	switch {
	case p.winogradTiles() <= max(p.C, p.K): // there are more weights than tiles
		w, fixed = wayPanels, transformingPanel
	case p.C*p.K > manyPairs:
		fixed = transformingMany
	}
	if p.prefersWinograd(fixed) {
		return w
	}
	return wayDirect
}

// weightsWay chooses for BackwardWeights.
func (p Params) weightsWay() way {
	if p.prefersWinograd(transformingGradient) {
		return wayWinograd
	}
	return wayDirect
}
