// Package models holds ready architectures by name. Each is a network only: weights get their first values when it is compiled,
// and how to train it stands in package bench and in the command's configuration.
package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/layers"
)

// architectures by name, which is the network's own name too, with the size of their images.
var architectures = map[string]struct {
	build func(input layers.Shape) (*layers.Graph, error)
	input layers.Shape
}{
	"mnist-cnn":    {mnistCNN, layers.Shape{28, 28, 1}},
	"mobilenet-v2": {mobilenetV2, layers.Shape{96, 96, 3}},
	"resnet20":     {resnet20, layers.Shape{32, 32, 3}},
	"resnet50":     {resnet50, layers.Shape{224, 224, 3}},
	"resnet9":      {resnet9, layers.Shape{32, 32, 3}},
	"vgg11-bn":     {vgg11BN, layers.Shape{32, 32, 3}},
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
func New(name string) (*layers.Graph, error) { return Sized(name, 0) }

// Sized makes the network of a name for images with so many rows and columns; 0 means the network's own. Where dense layers follow flattened
// images, as in mnist-cnn, resnet9 and vgg11-bn, another size has another number of weights.
func Sized(name string, side int) (*layers.Graph, error) {
	a, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("models: there is no %q, there are %s", name, strings.Join(Names(), ", "))
	}
	if side < 0 {
		return nil, fmt.Errorf("models: images of %s have a side of %d, want at least 1, or 0 for %d", name, side, a.input[0])
	}
	input := slices.Clone(a.input)
	if side > 0 {
		input[0], input[1] = side, side
	}
	return a.build(input)
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
