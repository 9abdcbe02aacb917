// Command mnist trains a small network on MNIST: the whole of a training program.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data/mnist"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
)

func main() {
	steps := flag.Int("steps", 0, "updates in all; 0 means three epochs")
	flag.Parse()
	if err := run(context.Background(), *steps); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, steps int) error {
	model := meseta.Sequential(
		meseta.Input(28, 28, 1),
		&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.MaxPooling2D{},
		&layers.Conv2D{Filters: 32, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.MaxPooling2D{},
		&layers.Flatten{},
		&layers.Dense{Units: 10, Activation: layers.Softmax},
	)
	defer model.Close()
	if err := model.Compile(meseta.Training{
		Optimizer: optimizers.NewAdam(),
		Loss:      losses.SparseCategoricalCrossentropy{},
		Metrics:   []metrics.Metric{metrics.Accuracy{}},
	}); err != nil {
		return err
	}
	train, err := mnist.Train()
	if err != nil {
		return err
	}
	test, err := mnist.Test()
	if err != nil {
		return err
	}
	if _, err := model.Fit(ctx, train, meseta.FitOptions{
		Epochs: 3, Steps: steps, BatchSize: 128, ValidationSplit: 0.1,
		Callbacks: []callbacks.Callback{
			&callbacks.EarlyStopping{Monitor: "val_loss", Patience: 1, RestoreBestWeights: true},
			&callbacks.ProgressBar{Output: os.Stderr},
		},
	}); err != nil {
		return err
	}
	result, err := model.Evaluate(ctx, test, 128)
	if err != nil {
		return err
	}
	fmt.Printf("test loss %.4f, accuracy %.2f %%\n", result["loss"], 100*result["accuracy"])
	return nil
}
