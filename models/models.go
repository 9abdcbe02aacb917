// Package models holds ready architectures by name. Each is a network only: weights get their first values when it is compiled,
// and how to train it stands in package bench and in the command's configuration.
package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/layers"
)

// architectures by name; the name is the network's own name too.
var architectures = map[string]func() (*layers.Graph, error){
	"mnist-cnn":    mnistCNN,
	"mobilenet-v2": mobilenetV2,
	"resnet20":     resnet20,
	"resnet50":     resnet50,
	"resnet9":      resnet9,
	"vgg11-bn":     vgg11BN,
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
func New(name string) (*layers.Graph, error) {
	build, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("models: there is no %q, there are %s", name, strings.Join(Names(), ", "))
	}
	return build()
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
