package checkpoint_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/layers"
)

// A network and its weights, into a file that Keras opens and out of it again.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "model.h5")

	g, err := layers.Sequential("small", &layers.InputLayer{Shape: layers.Shape{2}}, &layers.Dense{Name: "head", Units: 1})
	if err != nil {
		log.Fatal(err)
	}
	model := &checkpoint.Model{Graph: g, Weights: map[string]*tensor.Dense{
		"head/kernel": tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{1, 2})),
		"head/bias":   tensor.New(tensor.WithShape(1), tensor.WithBacking([]float32{3})),
	}}
	if err := checkpoint.Save(file, model); err != nil {
		log.Fatal(err)
	}

	loaded, err := checkpoint.Load(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded.Graph.Name, loaded.Weights["head/kernel"].Data())
	report, err := checkpoint.Verify(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sums are right:", report.OK)
	// Output:
	// small [1 2]
	// sums are right: true
}
