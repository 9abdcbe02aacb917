package vec

// lanes is the widest vector, in float32: the unit that widths are rounded to.
const lanes = 16

// A short row is repeated to at least minWide elements, so that loops take several vectors at a time, and to at most maxWide.
const (
	minWide = 128
	maxWide = 1024
)

// sumLanes is how many columns loops of sums take at a time, at most.
const sumLanes = 2 * lanes

// Rows says how a tensor [rows,C] is worked through: in chunks of whole rows, each chunk in wide rows of Width elements.
//
// Width is C where rows are long. Else it is a multiple of C and of vectors, so that a row of, say, 10 channels does not leave 6 lanes
// of 16 idle; what belongs to a channel is then repeated along the wide row.
type Rows struct {
	C     int // channels
	Width int // elements of a wide row, a multiple of C
	n     int // elements in all
	chunk int // elements of a chunk, a multiple of Width
}

// NewRows cuts [rows,c] into chunks of about `elements` elements and at least `least` rows. The cut depends on the arguments alone.
func NewRows(rows, c, elements, least int) Rows { return newRows(rows, c, elements, least, minWide) }

// NewSumRows is NewRows for loops that keep sums of sumLanes columns in registers: wide rows are no longer than these ask, so that such a loop
// goes through memory in order where that can be.
func NewSumRows(rows, c, elements, least int) Rows {
	if wide := c * (sumLanes / GCD(c, sumLanes)); wide <= maxWide {
		return newRows(rows, c, elements, least, wide)
	}
	return NewRows(rows, c, elements, least)
}

func newRows(rows, c, elements, least, atLeast int) Rows {
	width := c
	if unit := c * (lanes / GCD(c, lanes)); unit <= maxWide {
		width = unit * max(atLeast/unit, 1)
	}
	width = min(width, rows*c)
	wide := max(elements/width, (least*c+width-1)/width, 1)
	return Rows{C: c, Width: width, n: rows * c, chunk: wide * width}
}

// GCD is the greatest common divisor of a and b ≥ 0.
func GCD(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Chunks is the number of chunks.
func (r Rows) Chunks() int { return (r.n + r.chunk - 1) / r.chunk }

// Chunk gives chunk i: elements start to start+wide·Width are so many wide rows, then those up to end are less than one, yet
// a multiple of C.
func (r Rows) Chunk(i int) (start, wide, end int) {
	start = i * r.chunk
	end = min(start+r.chunk, r.n)
	return start, (end - start) / r.Width, end
}

// Padded is Width with room for a vector read at its last element.
func (r Rows) Padded() int { return r.Width + lanes }

// Repeat fills wide [Width] with copies of values [C].
func (r Rows) Repeat(wide, values []float32) {
	for i := 0; i < r.Width; i += r.C {
		copy(wide[i:i+r.C], values)
	}
}

// Fold adds up what belongs to the same channel: sums [Width] becomes [C], in its first C elements.
func (r Rows) Fold(sums []float64) {
	for i := r.C; i < r.Width; i += r.C {
		for j, x := range sums[i : i+r.C] {
			sums[j] += x
		}
	}
}
