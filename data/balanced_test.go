package data_test

import (
	"fmt"

	"github.com/meseta-go/meseta/data"
	"gorgonia.org/tensor"
)

// Weights for meseta.FitOptions.ClassWeight: the rarer class counts more.
func ExampleBalanced() {
	x := tensor.New(tensor.WithShape(4, 1), tensor.WithBacking([]float32{1, 2, 3, 4}))
	y := tensor.New(tensor.WithShape(4), tensor.WithBacking([]int32{0, 0, 0, 1}))
	ds, err := data.FromTensors(x, y)
	if err != nil {
		panic(err)
	}
	weights, err := data.Balanced(ds)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.3f %.3f\n", weights[0], weights[1])
	// Output: 0.667 2.000
}
