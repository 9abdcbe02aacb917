package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
)

// Network is what people see of a network: its layers and how they are connected.
type Network struct {
	Name      string
	Layers    []Layer // each behind those that it reads
	Trainable int     // parameters
	Other     int     // parameters that training does not change
}

// Layer is one of a Network.
type Layer struct {
	Name       string
	Class      string // Keras's: Conv2D
	Output     []int  // shape of the output for a sample
	Parameters int
	Inputs     []int // indices of the layers that it reads
}

// What a drawing measures, in pixels.
const (
	boxWidth   = 272.0
	boxHeight  = 40.0
	rowGap     = 22.0
	laneGap    = 26.0
	trackWidth = 11.0 // between two edges that lead past layers
	edgeRadius = 4.0
	netMargin  = 12.0
)

// layout is where the layers of a network are drawn. Rows follow the longest way from the input, so that every edge leads downwards; lanes are
// columns: the longest way of all keeps to the first, each branch to one that is free over its whole length. Edges turn in the gaps between
// rows only, and run down between lanes or in a lane that is kept free for them, so that none leads through a layer.
type layout struct {
	net    *Network
	row    []int
	lane   []int
	rows   int
	lanes  int
	tracks [][]interval // right of each lane: which rows each track is taken in
	laneX  []float64    // left edges
	width  float64
}

// interval is rows, both ends included.
type interval struct{ from, to int }

func (i interval) overlaps(j interval) bool { return i.from <= j.to && j.from <= i.to }

// edge is one of a layout.
type edge struct {
	from, to int
	track    int // right of the lane of from; -1 for none
}

func newLayout(n *Network) *layout {
	l := &layout{net: n, row: make([]int, len(n.Layers)), lane: make([]int, len(n.Layers))}
	readers := make([][]int, len(n.Layers))
	height := make([]int, len(n.Layers)) // rows down to the end
	for i, layer := range n.Layers {
		l.lane[i] = -1
		for _, in := range layer.Inputs {
			l.row[i] = max(l.row[i], l.row[in]+1)
			readers[in] = append(readers[in], i)
		}
		l.rows = max(l.rows, l.row[i]+1)
	}
	for i := len(n.Layers) - 1; i >= 0; i-- {
		for _, r := range readers[i] {
			height[i] = max(height[i], height[r]+1)
		}
	}
	var taken [][]interval
	for i := range n.Layers {
		if l.lane[i] >= 0 {
			continue
		}
		chain := []int{i}
		for {
			next := -1
			for _, r := range readers[chain[len(chain)-1]] {
				if l.lane[r] < 0 && l.row[r] == l.row[chain[len(chain)-1]]+1 && (next < 0 || height[r] > height[next]) {
					next = r
				}
			}
			if next < 0 {
				break
			}
			chain = append(chain, next)
		}
		last := chain[len(chain)-1]
		rows := interval{l.row[i], l.row[last]}
		for _, r := range readers[last] { // room for the edge that leads back
			rows.to = max(rows.to, l.row[r]-1)
		}
		lane := 0
		for lane < len(taken) && slices.ContainsFunc(taken[lane], rows.overlaps) {
			lane++
		}
		if lane == len(taken) {
			taken = append(taken, nil)
		}
		taken[lane] = append(taken[lane], rows)
		for _, k := range chain {
			l.lane[k] = lane
		}
	}
	l.lanes = len(taken)
	l.tracks = make([][]interval, l.lanes)
	return l
}

// clear says whether no layer stands in the lane of an edge's beginning between its ends.
func (l *layout) clear(e edge) bool {
	for i := range l.net.Layers {
		if l.lane[i] == l.lane[e.from] && l.row[i] > l.row[e.from] && l.row[i] < l.row[e.to] {
			return false
		}
	}
	return true
}

// edges finds ways for all edges, and so how wide the gaps between lanes are.
func (l *layout) edges() []edge {
	var list []edge
	taken := make([][][]interval, l.lanes)
	for i, layer := range l.net.Layers {
		for _, in := range layer.Inputs {
			e := edge{in, i, -1}
			if l.row[i] > l.row[in]+1 && !l.clear(e) {
				lane, rows := l.lane[in], interval{l.row[in], l.row[i]}
				e.track = 0
				for e.track < len(taken[lane]) && slices.ContainsFunc(taken[lane][e.track], func(t interval) bool {
					return rows.from < t.to && t.from < rows.to
				}) {
					e.track++
				}
				if e.track == len(taken[lane]) {
					taken[lane] = append(taken[lane], nil)
				}
				taken[lane][e.track] = append(taken[lane][e.track], rows)
			}
			list = append(list, e)
		}
	}
	x := netMargin
	for lane := range l.lanes {
		l.laneX = append(l.laneX, x)
		x += boxWidth + laneGap
		if len(taken[lane]) > 0 {
			x += float64(len(taken[lane])-1)*trackWidth + 4
		}
	}
	l.width = x - laneGap + netMargin
	if l.lanes > 0 && len(taken[l.lanes-1]) > 0 {
		l.width += laneGap / 2
	}
	return list
}

func (l *layout) top(row int) float64 { return netMargin + float64(row)*(boxHeight+rowGap) }

// way is the corners of an edge. Edges past layers of their own lane leave and arrive at the side.
func (l *layout) way(e edge) []point {
	fromX, toX := l.laneX[l.lane[e.from]]+boxWidth/2, l.laneX[l.lane[e.to]]+boxWidth/2
	bottom, top := l.top(l.row[e.from])+boxHeight, l.top(l.row[e.to])
	turn := top - rowGap/2
	if e.track < 0 {
		if fromX == toX {
			return []point{{fromX, bottom}, {toX, top}}
		}
		return []point{{fromX, bottom}, {fromX, turn}, {toX, turn}, {toX, top}}
	}
	right := l.laneX[l.lane[e.from]] + boxWidth
	x := right + laneGap/2 + float64(e.track)*trackWidth
	if fromX == toX {
		out, in := bottom-boxHeight/3, top+boxHeight/3 // apart, where one edge ends and another begins
		return []point{{right, out}, {x, out}, {x, in}, {right, in}}
	}
	return []point{{fromX, bottom}, {fromX, bottom + rowGap/2}, {x, bottom + rowGap/2}, {x, turn}, {toX, turn}, {toX, top}}
}

// WriteSVG draws the network as a file of its own, which follows its reader's choice of light or dark.
func (n *Network) WriteSVG(w io.Writer) error {
	var s svg
	n.draw(&s, drawingStyle)
	_, err := io.WriteString(w, s.String())
	return err
}

// WriteFile draws the network into an SVG file, which has its old content or the whole new one.
func (n *Network) WriteFile(path string) error {
	return writeWhole(path, ".network-*.svg", n.WriteSVG)
}

// drawingStyle are the colours of a drawing that stands alone.
const drawingStyle = `<style>
svg { background: #ffffff; font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif }
.p-ink { color: #1f2328 } .p-muted { color: #59636e } .p-box { color: #c3cad1; fill: #f6f8fa } .p-edge { color: #6e7781 }
.p-train { color: #0072b2 } .p-val { color: #d55e00 } .p-rate { color: #009e73 } .p-reduce { color: #b3588b } .p-grid { color: #c3cad1 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 }
.p-ink { color: #e6edf3 } .p-muted { color: #9aa4ae } .p-box { color: #3d444d; fill: #161b22 } .p-edge { color: #8b949e }
.p-train { color: #58a6e0 } .p-val { color: #f0883e } .p-rate { color: #3fbf95 } .p-reduce { color: #d98cb8 } .p-grid { color: #3d444d }
}
</style>
`

// draw writes the drawing, with style sheets of its own if any.
func (n *Network) draw(s *svg, style string) {
	l := newLayout(n)
	edges := l.edges()
	width, height := max(l.width, 2*netMargin), 2*netMargin+float64(l.rows)*(boxHeight+rowGap)-rowGap
	label := fmt.Sprintf("network %s: %d layers, %s parameters", n.Name, len(n.Layers), grouped(float64(n.Trainable+n.Other)))
	fmt.Fprintf(s, `<svg class="network" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`+"\n",
		decimal(width), decimal(height), decimal(width), decimal(height), escaped(label))
	s.WriteString(style)
	for _, e := range edges {
		s.arrow(l.way(e))
	}
	for i, layer := range n.Layers {
		s.layer(layer, point{l.laneX[l.lane[i]], l.top(l.row[i])})
	}
	s.close()
}

// arrow draws an edge with round corners and a head.
func (s *svg) arrow(way []point) {
	s.WriteString(`<path class="p-edge" fill="none" stroke="currentColor" stroke-width="1.3" d="M` + decimal(way[0].x) + "," + decimal(way[0].y))
	for i := 1; i < len(way)-1; i++ {
		before, at, after := way[i-1], way[i], way[i+1]
		in, out := towards(at, before), towards(at, after)
		s.WriteString("L" + decimal(in.x) + "," + decimal(in.y) + "Q" + decimal(at.x) + "," + decimal(at.y) + " " + decimal(out.x) + "," + decimal(out.y))
	}
	end, before := way[len(way)-1], way[len(way)-2]
	s.WriteString("L" + decimal(end.x) + "," + decimal(end.y) + "\"/>\n")
	length := math.Hypot(end.x-before.x, end.y-before.y)
	dx, dy := (end.x-before.x)/length, (end.y-before.y)/length
	const long, half = 6, 3.2
	base := point{end.x - long*dx, end.y - long*dy}
	s.WriteString(`<path class="p-edge" fill="currentColor" d="M` + decimal(end.x) + "," + decimal(end.y) + "L" + decimal(base.x-half*dy) + "," + decimal(base.y+half*dx) +
		" " + decimal(base.x+half*dy) + "," + decimal(base.y-half*dx) + "Z\"/>\n")
}

// towards is where a rounded corner begins on the way to a neighbour.
func towards(corner, neighbour point) point {
	length := math.Hypot(neighbour.x-corner.x, neighbour.y-corner.y)
	if length == 0 {
		return corner
	}
	part := min(edgeRadius, length/2) / length
	return point{corner.x + (neighbour.x-corner.x)*part, corner.y + (neighbour.y-corner.y)*part}
}

// layer draws a box: the name, then class, shape and parameters; a stripe says what kind of layer it is.
func (s *svg) layer(l Layer, at point) {
	const nameSize, restSize = 12.5, 10.5
	parameters := ""
	if l.Parameters > 0 {
		parameters = grouped(float64(l.Parameters))
	}
	const inner = (boxWidth - 20) * 0.9 // the reader's letters may be wider than ours
	room := inner - textWidth(parameters, restSize) - 8
	rest := l.Class + " · " + dimensions(l.Output)
	fmt.Fprintf(s, "<g><title>%s</title>\n", escaped(fmt.Sprintf("%s (%s)\noutput %s\n%s parameters", l.Name, l.Class, dimensions(l.Output), grouped(float64(l.Parameters)))))
	fmt.Fprintf(s, `<rect class="p-box" x="%s" y="%s" width="%s" height="%s" rx="4" stroke="currentColor"/>`+"\n", decimal(at.x), decimal(at.y), decimal(boxWidth), decimal(boxHeight))
	fmt.Fprintf(s, `<rect class="%s" x="%s" y="%s" width="4" height="%s" rx="1.5" fill="currentColor"/>`+"\n", paintClasses[kindOf(l.Class)], decimal(at.x+1), decimal(at.y+1), decimal(boxHeight-2))
	s.text(point{at.x + 12, at.y + 17}, clipped(l.Name, nameSize, inner), nameSize, toTheRight, inkPaint)
	s.text(point{at.x + 12, at.y + 32}, clipped(rest, restSize, room), restSize, toTheRight, mutedPaint)
	if parameters != "" {
		s.text(point{at.x + boxWidth - 8, at.y + 32}, parameters, restSize, toTheLeft, mutedPaint)
	}
	s.WriteString("</g>\n")
}

// kindOf gives layers that do alike one colour.
func kindOf(class string) paint {
	for _, k := range []struct {
		part  string
		paint paint
	}{
		{"Conv", trainPaint}, {"Dense", ratePaint}, {"Pool", valPaint}, {"Norm", mutedPaint},
		{"Add", reducePaint}, {"Concatenate", reducePaint}, {"Multiply", reducePaint}, {"Subtract", reducePaint}, {"Average", reducePaint},
		{"Maximum", reducePaint}, {"Minimum", reducePaint}, {"Dot", reducePaint},
	} {
		if strings.Contains(class, k.part) {
			return k.paint
		}
	}
	return gridPaint
}

// dimensions writes a shape for people: 26 × 26 × 32.
func dimensions(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", " × ")
}

// escaped is text for SVG and HTML. What no XML document may hold is replaced.
func escaped(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}
