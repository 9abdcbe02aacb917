// Package feed describes what GPUs do to images that come as bytes, on their way to a step. The host draws all that is random (package data/augment), and feed.cu
// does it; there is no arithmetic here, since a CPU takes images that are augmented already.
package feed

import "unsafe"

// Move is what one augmentation does to one image, everything random decided. It is Move of feed.cu, word for word.
type Move struct {
	Kind                     Kind
	Edge                     Edge       // of Nearest and Bilinear
	Other, Before            int32      // of Paste and Mix: an image of the batch, as it is after so many of its moves
	Top, Left, Bottom, Right int32      // the part of the image; Bottom and Right lie just outside
	Value                    float32    // by Kind
	Numbers                  [6]float32 // likewise
}

// Kind says what a Move does. Pixel (x, y) is in column x of row y.
type Kind int32

// The kinds. Of an image that is moved by a matrix, Numbers xx, xy, x0, yx, yy, y0, pixel (x, y) is what lies at (xx·x + xy·y + x0, yx·x + yy·y + y0); only the part is
// looked at, and beside it there is what Edge says. Low and high stand for black and white.
const (
	Keep     Kind = iota // the image stays as it is
	Nearest              // moved by a matrix, the nearest pixel
	Bilinear             // moved by a matrix, between four pixels
	Erase                // Value in the part
	Paste                // the other image in the part
	Mix                  // Value times the image and 1 - Value times the other
	Brighten             // Value is added to numbers, which are cut off at Numbers low, high
	Saturate             // colours are Value times as far from grey, up to 1; Numbers low
	Turn                 // hues are Value further around the wheel; Numbers low, high - low, 1/(high - low)
)

// Edge is what lies outside an image.
type Edge int32

// The edges, drawn for a row a b c d.
const (
	Constant Edge = iota // v v v v | a b c d | v v v v, v being Value
	Reflect              // d c b a | a b c d | d c b a
	Repeat               // a a a a | a b c d | d d d d
)

const (
	// Most is how many moves an image has at most.
	Most = 8
	// Deepest is how many of them may be Bilinear, or Mix or what follows it: they compute, so that going back from a number to where it comes from does not do.
	Deepest = 3
	// MoveBytes is how long a Move is.
	MoveBytes = int(unsafe.Sizeof(Move{}))
)

// Bytes views moves as the bytes that a GPU gets.
func Bytes(moves []Move) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(moves))), len(moves)*MoveBytes)
}
