package meseta

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/meseta-go/meseta/layers"
)

// Summary describes a network as Keras's summary does: its layers with output shapes, parameters, and what they read.
func Summary(g *layers.Graph) string {
	var b, table strings.Builder
	fmt.Fprintf(&b, "Model: %q\n", g.Name)
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Layer\tType\tOutput shape\tParameters\tConnected to\n")
	for _, l := range g.Layers {
		n := 0
		for _, weight := range l.Weights {
			n += weight.Shape.Size()
		}
		var from []string
		for _, i := range l.Inputs {
			from = append(from, g.Layers[i].Name)
		}
		shape := "(None, " + strings.Trim(strings.ReplaceAll(l.Output.String(), ",", ", "), "[]") + ")"
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.ClassName(), shape, grouped(n), strings.Join(from, ", "))
	}
	w.Flush()
	for line := range strings.Lines(table.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n") // the first layer is connected to nothing
	}
	trainable, other := g.Parameters()
	fmt.Fprintf(&b, "Parameters: %s (%s trainable, %s not), %.2f MiB\n",
		grouped(trainable+other), grouped(trainable), grouped(other), float64(trainable+other)*4/(1<<20))
	return b.String()
}

// grouped writes a number with a comma at each thousand.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
