package report

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inception is four branches of different lengths side by side, twice, joined by concatenations.
func inception() *Network {
	n := &Network{Name: "inception", Layers: []Layer{{"in", "InputLayer", []int{8, 8, 3}, 0, nil}}}
	add := func(name, class string, inputs ...int) int {
		n.Layers = append(n.Layers, Layer{name, class, []int{8, 8, 16}, 100, inputs})
		return len(n.Layers) - 1
	}
	from := 0
	for range 2 {
		var ends []int
		for branch := range 4 {
			end := from
			for range branch + 1 {
				end = add("conv", "Conv2D", end)
			}
			ends = append(ends, end)
		}
		from = add("concatenate", "Concatenate", append(ends, from)...)
	}
	return n
}

// dense reads, in each layer, all layers before it.
func dense() *Network {
	n := &Network{Name: "dense"}
	for i := range 7 {
		var inputs []int
		for k := range i {
			inputs = append(inputs, k)
		}
		n.Layers = append(n.Layers, Layer{"layer", "Concatenate", []int{i}, i, inputs})
	}
	return n
}

// No two boxes overlap, and no edge leads through a box but at its own ends.
func TestNetworkLayout(t *testing.T) {
	chain := &Network{Name: "chain", Layers: []Layer{{"in", "InputLayer", []int{1}, 0, nil}, {"a", "Dense", []int{2}, 4, []int{0}}, {"b", "Dense", []int{2}, 6, []int{1}}}}
	for _, n := range []*Network{chain, exampleNetwork(), inception(), dense()} {
		l := newLayout(n)
		edges := l.edges()
		places := map[[2]int]bool{}
		boxes := make([]box, len(n.Layers))
		for i := range n.Layers {
			place := [2]int{l.lane[i], l.row[i]}
			assert.False(t, places[place], "%s: two layers at %v", n.Name, place)
			places[place] = true
			x, y := l.laneX[l.lane[i]], l.top(l.row[i])
			boxes[i] = box{x, y, x + boxWidth, y + boxHeight}
			assert.LessOrEqual(t, boxes[i].right, l.width)
		}
		joined := 0
		for _, layer := range n.Layers {
			joined += len(layer.Inputs)
		}
		assert.Len(t, edges, joined, n.Name)
		for _, e := range edges {
			way := l.way(e)
			for k := 1; k < len(way); k++ {
				a, b := way[k-1], way[k]
				assert.True(t, a.x == b.x || a.y == b.y, "%s: edges run along the axes", n.Name)
				for _, p := range []point{a, b} {
					assert.True(t, p.x >= 0 && p.x <= l.width, "%s: %v is outside", n.Name, p)
				}
				for i, other := range boxes {
					const inside = 0.5
					crosses := math.Min(a.x, b.x) < other.right-inside && math.Max(a.x, b.x) > other.left+inside &&
						math.Min(a.y, b.y) < other.bottom-inside && math.Max(a.y, b.y) > other.top+inside
					assert.False(t, crosses, "%s: the edge from %d to %d leads through %d", n.Name, e.from, e.to, i)
				}
			}
			assert.Less(t, l.row[e.from], l.row[e.to])
		}
		assert.Zero(t, slices.Min(l.lane))
	}
	l := newLayout(chain)
	assert.Equal(t, []int{0, 1, 2}, l.row)
	assert.Equal(t, 1, l.lanes)
	assert.Equal(t, 4, newLayout(inception()).lanes)
}

func TestNetworkDrawing(t *testing.T) {
	for _, n := range []*Network{exampleNetwork(), inception(), dense(), {Name: "empty"}} {
		var out bytes.Buffer
		require.NoError(t, n.WriteSVG(&out))
		keep(t, n.Name+".svg", out.String())
		wellFormed(t, out.String())
		assert.Equal(t, len(n.Layers), strings.Count(out.String(), `class="p-box"`))
	}
	var out bytes.Buffer
	require.NoError(t, exampleNetwork().WriteSVG(&out))
	for _, want := range []string{">conv2d_1<", "Conv2D · 32 × 32 × 16", ">2,320<", "network example: 12 layers, 1,234,631 parameters", "prefers-color-scheme: dark", "a_name_that_is_longer"} {
		assert.True(t, strings.Contains(out.String(), want), want)
	}
}
