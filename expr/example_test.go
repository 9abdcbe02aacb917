package expr_test

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/optimizers"
)

// The squared error, as an expression. Of [N,1] the loss of each sample is the mean of its row.
func ExampleNewLoss() {
	squares := expr.NewLoss("squares", func(yTrue, yPred *gorgonia.Node) (*gorgonia.Node, error) {
		return gorgonia.Square(gorgonia.Must(gorgonia.Sub(yTrue, yPred)))
	})
	model := meseta.Sequential(meseta.Input(1), &layers.Dense{Units: 1, KernelInitializer: layers.Ones{}})
	defer model.Close()
	if err := model.Compile(meseta.Training{Optimizer: optimizers.NewSGD(), Loss: squares}); err != nil {
		log.Fatal(err)
	}
	x := tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{1, 2}))
	y := tensor.New(tensor.WithShape(2, 1), tensor.WithBacking([]float32{3, 6}))
	samples, err := data.FromTensors(x, nil)
	if err != nil {
		log.Fatal(err)
	}
	if samples, err = data.WithTargets(samples, y); err != nil {
		log.Fatal(err)
	}
	logs, err := model.Evaluate(context.Background(), samples, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(logs["loss"]) // (4 + 16)/2
	// Output: 10
}
