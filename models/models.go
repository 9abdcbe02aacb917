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
	"mnist-cnn": mnistCNN,
	"resnet20":  resnet20,
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
