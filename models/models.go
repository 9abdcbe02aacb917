// Package models holds ready architectures by name. Each is a network only: weights get their first values when it is compiled,
// and how to train it stands in package bench and in the command's configuration.
package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/layers"
)

// architectures by name, which is the network's own name too, with the size of their images and their number of classes.
var architectures = map[string]struct {
	build   func(input layers.Shape, classes int) (*layers.Graph, error)
	input   layers.Shape
	classes int
}{
	"mnist-cnn":    {mnistCNN, layers.Shape{28, 28, 1}, 10},
	"mobilenet-v2": {mobilenetV2, layers.Shape{96, 96, 3}, 1000},
	"resnet20":     {resnet20, layers.Shape{32, 32, 3}, 10},
	"resnet50":     {resnet50, layers.Shape{224, 224, 3}, 1000},
	"resnet9":      {resnet9, layers.Shape{32, 32, 3}, 10},
	"vgg11-bn":     {vgg11BN, layers.Shape{32, 32, 3}, 10},
}

// Names lists the architectures in alphabetical order.
func Names() []string {
	var names []string
	for n := range architectures {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// New makes the network of a name.
func New(name string) (*layers.Graph, error) { return With(name, Options{}) }

// Sized makes the network of a name for images with so many rows and columns; 0 means the network's own.
func Sized(name string, side int) (*layers.Graph, error) { return With(name, Options{Side: side}) }

// Options are what an architecture may have of another size; 0 means its own.
type Options struct {
	// Side is how many rows and columns an image has. Where dense layers follow flattened images, as in mnist-cnn, resnet9 and
	// vgg11-bn, another size has another number of weights.
	Side int
	// Classes is how many numbers the network gives, at least 2.
	Classes int
}

// With makes the network of a name with other sizes.
func With(name string, o Options) (*layers.Graph, error) {
	a, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("models: there is no %q, there are %s", name, strings.Join(Names(), ", "))
	}
	if o.Side < 0 {
		return nil, fmt.Errorf("models: images of %s have a side of %d, want at least 1, or 0 for %d", name, o.Side, a.input[0])
	}
	if o.Classes < 0 || o.Classes == 1 { // a softmax of one number is always 1
		return nil, fmt.Errorf("models: %s of %d classes, want at least 2, or 0 for %d", name, o.Classes, a.classes)
	}
	input, classes := slices.Clone(a.input), a.classes
	if o.Side > 0 {
		input[0], input[1] = o.Side, o.Side
	}
	if o.Classes > 0 {
		classes = o.Classes
	}
	return a.build(input, classes)
}

// norm is a batch norm with the usual 0.9 and 1e-5.
func norm(x *layers.Node, name string) *layers.Node {
	return layers.Apply(&layers.BatchNormalization{Name: name, Momentum: .9, Epsilon: 1e-5}, x)
}

func relu(x *layers.Node, name string) *layers.Node {
	return layers.Apply(&layers.ReLULayer{Name: name}, x)
}

// padded puts zeros around an image, the same number on all sides. Before a convolution the planner lets that do it.
func padded(x *layers.Node, n int, name string) *layers.Node {
	return layers.Apply(&layers.ZeroPadding2D{Name: name, Padding: layers.Around(n)}, x)
}
