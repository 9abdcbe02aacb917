package gemm

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// C is cut into panels of rows and slivers of columns; a panel and a sliver meet in a tile, one call of a micro-kernel. Panels and slivers are
// grouped into blocks, and a block of each is a task. K is cut into runs; consecutive runs form a group, and where there is more than
// one group each writes sums of its own, added up at the end.

// packing says from where tiles read a matrix.
type packing uint8

const (
	direct packing = iota // as the caller stores it
	inTask                // packed by each task for itself, a panel or sliver right before its first use
	shared                // packed once for all tasks of a run over k
)

func (p packing) String() string { return [...]string{"direct", "packed by task", "packed"}[p] }

// cut says how a product is cut.
type cut struct {
	vectors      int // of a tile's width
	a, b         packing
	rowBlocks    int
	columnBlocks int
	runs         int // over k
	groups       int // of runs
}

// What the choice rests on. Measured on processors with 1 and 2 MiB of L2: the rows of A that a task packs, a sliver of B and the tiles
// of C that they meet in stay there.
const (
	longestRun  = 768     // numbers of k between two passes over C
	splitRun    = 512     // where K is cut into groups
	blockPanels = 8       // panels in a block of rows: 112 rows with AVX-512
	wholeBlock  = 1 << 17 // numbers of A that may be one block however many panels they are
	fewPanels   = 12      // read a sliver of B so seldom that packing it costs more than it saves
	smallTask   = 1e6     // operations that are worth a task of their own
	enoughTasks = 32      // blocks of rows alone suffice from here on
	manyTasks   = 128
)

// choose decides by sizes and instruction set alone.
func choose(isa cpu.ISA, p Params) cut {
	set := tile.For(isa)
	c := cut{vectors: 2, rowBlocks: 1, columnBlocks: 1, runs: ceil(p.K, longestRun), groups: 1}
	if p.N <= set.Lanes {
		c.vectors = 1
	}
	for i, w := range set.Widths { // few rows: the widest tile that has so many
		if i >= c.vectors && p.M <= w.Rows && ceil(p.N, set.Lanes) > i {
			c.vectors = i + 1
		}
	}
	w := set.Widths[c.vectors-1]
	panels, slivers := ceil(p.M, min(w.Rows, set.Lanes)), ceil(p.N, w.Columns)

	// Few tiles with long sums: cut the sums.
	if p.K >= 2048 && p.K >= 4*max(p.M, p.N) && p.M*p.N <= 1<<18 {
		c.runs = ceil(p.K, splitRun)
		c.groups = min(c.runs, 32)
	}
	if p.M*ceil(p.K, c.runs) > wholeBlock || panels > 2*blockPanels && c.groups == 1 {
		c.rowBlocks = ceil(panels, blockPanels)
	}
	tasks := min(max(int(p.Flops()/smallTask)/c.groups, 1), manyTasks)
	if c.rowBlocks < min(tasks, enoughTasks) && c.groups == 1 {
		c.columnBlocks = min(slivers, ceil(tasks, c.rowBlocks))
	}

	// Rows that lie a multiple of 4 KiB apart, or far apart, evict each other from L1.
	near := func(floats int) bool { return floats <= 512 && floats%512 != 0 }
	switch {
	case !p.TransA && (near(p.K) || slivers <= 2):
		c.a = direct
	case p.TransA && (near(p.M) || panels == 1 || slivers <= 4 && p.K <= 256):
		c.a = direct
	case c.columnBlocks == 1:
		c.a = inTask
	default:
		c.a = shared
	}
	switch {
	case !p.TransB && (panels <= fewPanels || near(p.N)):
		c.b = direct
	case c.rowBlocks == 1 || c.groups > 1:
		c.b = inTask
	default:
		c.b = shared
	}
	return c
}

func ceil(a, b int) int { return (a + b - 1) / b }

// part is the i-th of parts nearly equal pieces of [0,n).
func part(n, parts, i int) (from, to int) {
	size, more := n/parts, n%parts
	from = i*size + min(i, more)
	to = from + size
	if i < more {
		to++
	}
	return from, to
}

// plan is a cut with the numbers that follow from it.
type plan struct {
	cut
	set             *tile.Set
	rows, columns   int // of a tile, at most
	panels, slivers int
	longest         int // longest run over k
	panelSize       int // float32 of a packed panel, room for a vector past its end included
	sliverSize      int
	ldPartial       int // float32 between rows of partial sums
}

func newPlan(isa cpu.ISA, p Params, c cut) plan {
	set := tile.For(isa)
	w := set.Widths[c.vectors-1]
	pl := plan{cut: c, set: set, rows: min(w.Rows, set.Lanes), columns: w.Columns}
	pl.panels, pl.slivers = ceil(p.M, pl.rows), ceil(p.N, pl.columns)
	pl.longest = ceil(p.K, c.runs)
	pl.panelSize = round(pl.rows*pl.longest + 16)
	pl.sliverSize = round(pl.columns * pl.longest)
	pl.ldPartial = round(p.N)
	return pl
}

// round goes up to a multiple of 64 bytes.
func round(floats int) int { return (floats + 15) &^ 15 }

func (p *plan) String() string {
	return fmt.Sprintf("%v %dx%d, a %v, b %v, %d×%d tasks, k in %d runs and %d sums", p.set.ISA, p.rows, p.columns, p.a, p.b, p.rowBlocks, p.columnBlocks, p.runs, p.groups)
}
