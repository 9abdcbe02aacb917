package augment

// Moves is what a list that only moves pixels by whole steps does to images, for who does that by itself, on a GPU say. A sample has four numbers: whether rows are
// flipped (0 or 1), what is added to a row to find where it comes from, and both for columns: row y of the result is row (H-1-y or y) + added of the image.
type Moves struct {
	list List
	// Fill is what lies outside; its mode is set.
	Fill Fill
}

// MoveNumbers is how many numbers of Moves a sample has.
const MoveNumbers = 4

// Moves gives what a list does, if that is no more than flips and at most one PadAndCrop.
func (l List) Moves() (m Moves, ok bool) {
	m.list, m.Fill = l, Fill{Mode: Constant}
	crops := 0
	for _, a := range l {
		switch a := a.(type) {
		case *RandomFlip:
		case *PadAndCrop:
			m.Fill = a.Fill.or(Constant)
			crops++
		default:
			return m, false
		}
	}
	return m, len(l) > 0 && crops <= 1
}

// Draw writes the numbers [N,4] of the samples of index, as they are in an epoch of a seed: the very moves of Worker.Apply.
func (m Moves) Draw(dst []int32, index []int32, seed uint64, epoch int) {
	for i, sample := range index {
		to := dst[MoveNumbers*i : MoveNumbers*(i+1)]
		rows, columns := to[:2], to[2:]
		clear(to)
		for place, a := range m.list {
			s := streamOf(place, sample, seed, epoch)
			switch a := a.(type) {
			case *RandomFlip:
				vertical, horizontal := a.draw(&s)
				flip(rows, vertical)
				flip(columns, horizontal)
			case *PadAndCrop:
				down, right := a.draw(&s)
				shift(rows, down)
				shift(columns, right)
			}
		}
	}
}

// flip has an image that was moved flipped.
func flip(move []int32, wanted bool) {
	if wanted {
		move[0] = 1 - move[0]
	}
}

// shift moves an image that was flipped, or not, by n pixels: pixel y comes from y-n.
func shift(move []int32, n int) {
	move[1] -= int32(n) * (1 - 2*move[0])
}
