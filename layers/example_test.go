package layers_test

import (
	"fmt"
	"log"

	"github.com/meseta-go/meseta/layers"
)

// A network with a shortcut; a graph knows every shape and the weights, and computes nothing.
func ExampleApply() {
	in := layers.Apply(&layers.InputLayer{Shape: layers.Shape{8, 8, 16}})
	x := layers.Apply(&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Padding: layers.Same, Activation: layers.SiLU}, in)
	x = layers.Apply(&layers.Add{}, x, in)
	x = layers.Apply(&layers.MaxPooling2D{}, x)
	g, err := layers.Functional("small", in, x)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range g.Layers {
		fmt.Println(l.Name, l.Output)
	}
	trainable, _ := g.Parameters()
	fmt.Println(trainable, "parameters")
	// Output:
	// input_layer [8,8,16]
	// conv2d [8,8,16]
	// add [8,8,16]
	// max_pooling2d [4,4,16]
	// 2320 parameters
}

// A mistake is an error that names the layer.
func ExampleSequential() {
	_, err := layers.Sequential("small",
		&layers.InputLayer{Shape: layers.Shape{4, 4, 1}},
		&layers.Conv2D{Filters: 2, KernelSize: layers.Square(5)},
	)
	fmt.Println(err)
	// Output:
	// layer conv2d: conv2d: a filter of 5×5 does not fit into src [1,4,4,1] (stride 1×1): shapes disagree
}
