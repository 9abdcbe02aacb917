package layers

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/meseta-go/meseta/ops"
)

// Node is a layer applied to other nodes' outputs.
type Node struct {
	Layer  Layer
	Inputs []*Node
}

// Apply connects a layer to the outputs of nodes.
// Mistakes in shapes or configuration are reported by NewGraph.
func Apply(l Layer, inputs ...*Node) *Node { return &Node{l, inputs} }

// Graph is a network: layers in an order in which each comes after its inputs.
type Graph struct {
	Name       string
	Sequential bool // made by Sequential, and stored as such by Keras's formats
	Layers     []Placed
	Output     int // index of the layer whose output is the network's
}

// Placed is a layer at its place in a network.
type Placed struct {
	Layer
	Name    string // unique in the network: the given name, or the class in snake case with a number
	Inputs  []int  // indices of the layers that it reads
	Output  Shape  // of one sample
	Weights []Weight
}

// Path is a weight's name in the network: LAYER/WEIGHT.
func (p Placed) Path(w Weight) string { return p.Name + "/" + w.Name }

// KerasPath is a weight's path in Keras: in a Sequential it begins with the network's name.
func (g *Graph) KerasPath(p Placed, w Weight) string {
	if g.Sequential {
		return g.Name + "/" + p.Path(w)
	}
	return p.Path(w)
}

// Sequential is the network in which each layer reads the one before. The first must be an InputLayer.
// The error wraps ErrConfig or ops.ErrShape and names the layer.
func Sequential(name string, list ...Layer) (*Graph, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("layers: a network without layers: %w", ErrConfig)
	}
	nodes := make([]*Node, len(list))
	for i, l := range list {
		nodes[i] = Apply(l)
		if i > 0 {
			nodes[i].Inputs = nodes[i-1 : i]
		}
	}
	if _, ok := list[0].(*InputLayer); !ok {
		return nil, fmt.Errorf("layers: the first layer is %s, want an InputLayer with the shape of a sample: %w", list[0].ClassName(), ErrConfig)
	}
	if name == "" {
		name = "sequential"
	}
	g, err := newGraph(name, nodes)
	if err != nil {
		return nil, err
	}
	g.Sequential = true
	return g, nil
}

// Functional is the network between an input and an output node; layers that the output does not depend on are not part of it.
// Layers come in the order in which Keras lists them: by distance from the output, those farthest first.
// The error wraps ErrConfig or ops.ErrShape and names the layer.
func Functional(name string, input, output *Node) (*Graph, error) {
	nodes, err := sortNodes(output)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if len(n.Inputs) == 0 && n != input {
			return nil, fmt.Errorf("layers: the output depends on %s, which has no inputs and is not the input of the network: %w", n.Layer.ClassName(), ErrConfig)
		}
	}
	if _, ok := input.Layer.(*InputLayer); !ok {
		return nil, fmt.Errorf("layers: the input of the network is %s, want an InputLayer: %w", input.Layer.ClassName(), ErrConfig)
	}
	if len(nodes) == 0 || nodes[0] != input {
		return nil, fmt.Errorf("layers: the output does not depend on the input: %w", ErrConfig)
	}
	if name == "" {
		name = "functional"
	}
	return newGraph(name, nodes)
}

// sortNodes lists the nodes that output depends on as Keras's Functional does: by depth, deepest first, and among equals in
// the order in which a depth-first walk from the output over the inputs meets them (keras/src/ops/function.py, map_graph).
func sortNodes(output *Node) ([]*Node, error) {
	var met, finished []*Node
	state := map[*Node]int{} // 1: being visited, 2: finished
	var visit func(n *Node) error
	visit = func(n *Node) error {
		switch state[n] {
		case 1:
			return fmt.Errorf("layers: %s depends on itself: %w", n.Layer.ClassName(), ErrConfig)
		case 2:
			return nil
		}
		state[n] = 1
		met = append(met, n)
		for _, in := range n.Inputs {
			if err := visit(in); err != nil {
				return err
			}
		}
		state[n] = 2
		finished = append(finished, n)
		return nil
	}
	if err := visit(output); err != nil {
		return nil, err
	}
	depth := map[*Node]int{}
	deepest := 0
	for i := len(finished) - 1; i >= 0; i-- {
		n := finished[i]
		deepest = max(deepest, depth[n])
		for _, in := range n.Inputs {
			depth[in] = max(depth[in], depth[n]+1)
		}
	}
	sorted := make([]*Node, 0, len(finished))
	for d := deepest; d >= 0; d-- {
		for _, n := range met {
			if depth[n] == d {
				sorted = append(sorted, n)
			}
		}
	}
	return sorted, nil
}

func newGraph(name string, nodes []*Node) (*Graph, error) {
	g := &Graph{Name: name, Output: len(nodes) - 1}
	index := make(map[*Node]int, len(nodes))
	seen := make(map[Layer]bool, len(nodes))
	names := newNamer(nodes)
	for i, n := range nodes {
		if seen[n.Layer] {
			return nil, fmt.Errorf("layers: one %s stands at two places; weights cannot be shared between layers: %w", n.Layer.ClassName(), ErrConfig)
		}
		seen[n.Layer] = true
		index[n] = i
		p := Placed{Layer: n.Layer}
		var err error
		if p.Name, err = names.name(n.Layer); err != nil {
			return nil, err
		}
		shapes := make([]Shape, len(n.Inputs))
		for j, in := range n.Inputs {
			p.Inputs = append(p.Inputs, index[in])
			shapes[j] = g.Layers[index[in]].Output
		}
		if p.Output, err = n.Layer.OutputShape(shapes); err == nil {
			err = p.Output.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", p.Name, err)
		}
		p.Weights = n.Layer.Weights(shapes)
		for _, w := range p.Weights {
			if err := w.check(); err != nil {
				return nil, fmt.Errorf("layer %s: %s: %w", p.Name, w.Name, err)
			}
		}
		g.Layers = append(g.Layers, p)
	}
	return g, nil
}

// Input is the shape of a sample.
func (g *Graph) Input() Shape { return g.Layers[0].Output }

// OutputShape is the shape of the network's output for a sample.
func (g *Graph) OutputShape() Shape { return g.Layers[g.Output].Output }

// Parameters counts the elements of the trainable weights and of the others.
func (g *Graph) Parameters() (trainable, other int) {
	for _, l := range g.Layers {
		for _, w := range l.Weights {
			if w.Trainable {
				trainable += w.Shape.Size()
			} else {
				other += w.Shape.Size()
			}
		}
	}
	return trainable, other
}

// Lower adds the operations of the whole network to b for the batch in src, and returns the output.
// weight gives the value of a layer's weight.
func (g *Graph) Lower(b *Builder, src ops.Value, weight func(l Placed, w Weight) ops.Value) (ops.Value, error) {
	outputs := make([]ops.Value, len(g.Layers))
	for i, l := range g.Layers {
		if len(l.Inputs) == 0 {
			outputs[i] = src
			continue
		}
		in := make([]ops.Value, len(l.Inputs))
		for j, k := range l.Inputs {
			in[j] = outputs[k]
		}
		w := make([]ops.Value, len(l.Weights))
		for j := range l.Weights {
			w[j] = weight(l, l.Weights[j])
		}
		b.Label, b.Layer = l.Name, i
		var err error
		if outputs[i], err = l.Lower(b, in, w); err != nil {
			return ops.None, fmt.Errorf("layer %s: %w", l.Name, err)
		}
	}
	b.Label = ""
	return outputs[g.Output], nil
}

// namer names layers as a fresh Keras session does: conv2d, conv2d_1, …
type namer struct {
	taken map[string]bool
	count map[string]int
}

func newNamer(nodes []*Node) *namer {
	n := &namer{map[string]bool{}, map[string]int{}}
	for _, node := range nodes {
		if g := node.Layer.GivenName(); g != "" {
			n.taken[g] = false // reserved, not yet placed
		}
	}
	return n
}

func (n *namer) name(l Layer) (string, error) {
	if g := l.GivenName(); g != "" {
		if strings.ContainsAny(g, "/\x00") || g == "." {
			return "", fmt.Errorf("layers: name %q of a %s has a character that HDF5 gives a meaning: %w", g, l.ClassName(), ErrConfig)
		}
		if n.taken[g] {
			return "", fmt.Errorf("layers: two layers are named %q: %w", g, ErrConfig)
		}
		n.taken[g] = true
		return g, nil
	}
	base := SnakeCase(l.ClassName())
	for {
		name := base
		if k := n.count[base]; k > 0 {
			name = fmt.Sprintf("%s_%d", base, k)
		}
		n.count[base]++
		if _, ok := n.taken[name]; !ok {
			n.taken[name] = true
			return name, nil
		}
	}
}

// SnakeCase writes a class name as Keras does in names: Conv2D is conv2d, ReLU is re_lu, MaxPooling2D is max_pooling2d.
func SnakeCase(class string) string {
	// keras/src/utils/naming.py, to_snake_case: drop what is no word character, then put _ before a capital that starts a word
	r := []rune(class)
	var b strings.Builder
	for i, c := range r {
		if unicode.IsUpper(c) && i > 0 {
			lowerNext := i+1 < len(r) && unicode.IsLower(r[i+1])
			if lowerNext || unicode.IsLower(r[i-1]) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
