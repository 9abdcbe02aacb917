//go:build amd64 || arm64

package vec

import (
	"iter"
	"unsafe"
)

// at is the address of a slice's first element; nil of nil.
func at[T any](s []T) *T { return unsafe.SliceData(s) }

// groupElements is about how many elements are summed before the next columns are: 16 KiB, which the first cache holds, for a
// pass over a few columns touches only a part of each row.
const groupElements = 1 << 12

// group is some rows of [rows,width], of which the first element is start.
type group struct{ start, rows int }

// groups cuts [rows,width] into rows whose columns are summed in one go.
func groups(rows, width int) iter.Seq[group] {
	each := max(groupElements/width, 8)
	return func(yield func(group) bool) {
		for r := 0; r < rows; r += each {
			if !yield(group{r * width, min(each, rows-r)}) {
				return
			}
		}
	}
}
