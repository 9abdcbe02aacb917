package meseta

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/report"
)

// Summary describes a network as Keras's model.summary() does on a terminal of so many columns, at least 40; 0 means 80. There is a
// table of layers with output shapes and parameters and, unless each layer reads the one before, what they read.
//
// Source: keras/src/utils/summary_utils.py, and rich's table.py and _wrap.py for how a table becomes narrower and a cell is wrapped.
func Summary(g *layers.Graph, columns int) string {
	if columns == 0 {
		columns = 80
	}
	columns = max(columns, 40) - 4
	t := summaryTable{head: []string{"Layer (type)", "Output Shape", "Param #"}}
	chain := isChain(g)
	if chain {
		t.setWidths(min(columns, 88), 0.45, 0.80, 1.0)
	} else {
		t.head = append(t.head, "Connected to")
		t.setWidths(min(columns, 108), 0.3, 0.56, 0.74, 1.0)
	}
	for _, l := range g.Layers {
		if _, input := l.Layer.(*layers.InputLayer); input && g.Sequential {
			continue
		}
		n := 0
		for _, w := range l.Weights {
			n += w.Shape.Size()
		}
		shape := "(None"
		for _, d := range l.Output {
			shape += ", " + strconv.Itoa(d)
		}
		row := []string{l.Name + " (" + l.ClassName() + ")", shape + ")", grouped(n)}
		if !chain {
			row = append(row, connections(g, l))
		}
		t.rows = append(t.rows, row)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Model: \"%s\"\n", g.Name)
	t.write(&b)
	trainable, other := g.Parameters()
	for _, total := range []struct {
		name string
		n    int
	}{{"Total", trainable + other}, {"Trainable", trainable}, {"Non-trainable", other}} {
		fmt.Fprintf(&b, " %s params: %s (%s)\n", total.name, grouped(total.n), report.Memory(4*total.n))
	}
	return b.String()
}

// isChain says whether each layer reads the one before it, and that alone.
func isChain(g *layers.Graph) bool {
	for i, l := range g.Layers[1:] {
		if len(l.Inputs) != 1 || l.Inputs[0] != i {
			return false
		}
	}
	return true
}

// connections are the layers that one reads, as Keras writes them: with the number of the call and of the output, which are 0 here.
func connections(g *layers.Graph, l layers.Placed) string {
	if len(l.Inputs) == 0 {
		return "-"
	}
	var names []string
	for _, i := range l.Inputs {
		names = append(names, g.Layers[i].Name+"[0][0]")
	}
	return strings.Join(names, ", ")
}

// summaryTable is a table with lines between all cells.
type summaryTable struct {
	head   []string
	rows   [][]string
	widths []int // of the columns, with a space on both sides of their text
}

const numberColumn = 2 // the one that is flush right

// setWidths divides a line at fractions of its length; what borders and spaces take is taken from all columns alike.
func (t *summaryTable) setWidths(length int, positions ...float64) {
	total, current := 0, 0
	for _, p := range positions {
		width := int(p*float64(length)) - current
		current += width
		t.widths = append(t.widths, width+2)
		total += width + 2
	}
	excess := total - (length - len(positions) - 1)
	for i := range t.widths {
		part := int(math.RoundToEven(float64(excess) / float64(len(t.widths)-i)))
		t.widths[i] -= part
		excess -= part
	}
}

func (t *summaryTable) write(b *strings.Builder) {
	t.line(b, "┏", "━", "┳", "┓")
	t.cells(b, t.head, "┃", true)
	t.line(b, "┡", "━", "╇", "┩")
	for i, row := range t.rows {
		if i > 0 {
			t.line(b, "├", "─", "┼", "┤")
		}
		t.cells(b, row, "│", false)
	}
	t.line(b, "└", "─", "┴", "┘")
}

func (t *summaryTable) line(b *strings.Builder, left, middle, cross, right string) {
	b.WriteString(left)
	for i, w := range t.widths {
		if i > 0 {
			b.WriteString(cross)
		}
		b.WriteString(strings.Repeat(middle, w))
	}
	b.WriteString(right + "\n")
}

// cells writes a row, as many lines high as its highest cell, at whose top or bottom the others stand.
func (t *summaryTable) cells(b *strings.Builder, row []string, border string, bottom bool) {
	high := 0
	texts := make([][]string, len(row))
	for i, cell := range row {
		texts[i] = wrapped(cell, t.widths[i]-2)
		high = max(high, len(texts[i]))
	}
	for k := range high {
		for i, lines := range texts {
			text, at := "", k
			if bottom {
				at -= high - len(lines)
			}
			if at >= 0 && at < len(lines) {
				text = lines[at]
			}
			gap := strings.Repeat(" ", t.widths[i]-2-utf8.RuneCountInString(text))
			if i == numberColumn {
				text, gap = gap, text
			}
			b.WriteString(border + " " + text + gap + " ")
		}
		b.WriteString(border + "\n")
	}
}

// wrapped breaks text between words; a word that is wider than the lines is cut off.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			line = word
		case utf8.RuneCountInString(line+" "+word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	lines = append(lines, line)
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width {
			lines[i] = string([]rune(line)[:width-1]) + "…"
		}
	}
	return lines
}

// grouped writes a number with a comma at each thousand.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
