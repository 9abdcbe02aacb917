package vec

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Chunks must cover every element once, in whole rows, and in wide rows whose length suits vectors where that is worth it.
func TestRows(t *testing.T) {
	for _, c := range []int{1, 2, 3, 7, 8, 10, 15, 16, 17, 24, 63, 64, 65, 100, 127, 128, 511, 1000, 1001, 2048, 5000} {
		for _, rows := range []int{1, 2, 5, 63, 64, 65, 1000, 4097} {
			for i, cut := range [][2]int{{1 << 14, 1}, {1 << 15, 64}, {1, 1}, {1 << 14, 1}, {1 << 15, 64}, {1, 1}} {
				r, least := NewRows(rows, c, cut[0], cut[1]), minWide/2
				if i >= 3 {
					r, least = NewSumRows(rows, c, cut[0], cut[1]), sumLanes
				}
				require.Zero(t, r.Width%c)
				require.LessOrEqual(t, r.Width, max(c, maxWide))
				require.LessOrEqual(t, r.Width, rows*c)
				if c <= maxWide/lanes && rows >= maxWide {
					require.Zero(t, r.Width%lanes, "%d×%d", rows, c)
					require.GreaterOrEqual(t, r.Width, least, "%d×%d", rows, c)
				}
				next := 0
				for i := range r.Chunks() {
					start, wide, end := r.Chunk(i)
					require.Equal(t, next, start)
					require.Less(t, start, end)
					require.Zero(t, start%r.Width)
					require.Zero(t, end%c)
					rest := end - start - wide*r.Width
					require.True(t, rest >= 0 && rest < r.Width)
					if i < r.Chunks()-1 {
						require.GreaterOrEqual(t, end-start, cut[1]*c)
						require.Zero(t, rest)
					}
					next = end
				}
				require.Equal(t, rows*c, next)
			}
		}
	}
}

// TestSumRows pins wide rows: no longer than columns that a loop takes at a time, where channels fit in those.
func TestSumRows(t *testing.T) {
	for c, width := range map[int]int{1: 32, 16: 32, 24: 96, 32: 32, 33: 528, 64: 64, 144: 288, 1001: 1001} {
		require.Equal(t, width, NewSumRows(5000, c, 1<<15, 64).Width, "%d channels", c)
	}
}

func TestRepeatAndFold(t *testing.T) {
	r := NewRows(100, 3, 1000, 1)
	require.Equal(t, 96, r.Width)
	wide, sums := make([]float32, r.Padded()), make([]float64, r.Padded())
	r.Repeat(wide, []float32{1, 2, 3})
	for i := range r.Width {
		require.Equal(t, float32(1+i%3), wide[i])
		sums[i] = float64(wide[i])
	}
	r.Fold(sums)
	require.Equal(t, []float64{32, 64, 96}, sums[:3])
}
