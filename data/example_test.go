package data_test

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta/data"
)

// Arrays in memory, held back in part, and read in batches.
func Example() {
	x := tensor.New(tensor.WithShape(5, 2), tensor.WithBacking([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
	y := tensor.New(tensor.WithShape(5), tensor.WithBacking([]int32{0, 1, 2, 0, 1}))
	all, err := data.FromTensors(x, y)
	if err != nil {
		log.Fatal(err)
	}
	train, validation, err := data.Split(all, 0.2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Len(), "and", validation.Len(), "samples of", train.Shape(), "in", train.Classes(), "classes")

	loader, err := data.NewLoader(train, data.LoaderOptions{BatchSize: 3})
	if err != nil {
		log.Fatal(err)
	}
	batches, err := loader.Epoch(context.Background(), 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer batches.Close()
	for range loader.Batches() {
		b, err := batches.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(b.N, b.X, b.Labels)
	}
	// Output:
	// 4 and 1 samples of [2] in 3 classes
	// 3 [0 1 2 3 4 5] [0 1 2]
	// 1 [6 7] [0]
}
