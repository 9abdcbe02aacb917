// Command customloss trains on MNIST with losses and a layer of one's own, written as expressions of Gorgonia: focal loss, dice loss, or center
// loss, which also learns a center of the features of each class.
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
	"github.com/meseta-go/meseta/expr"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
)

func main() {
	loss := flag.String("loss", "focal", "focal, dice or center")
	steps := flag.Int("steps", 0, "updates in all; 0 means two epochs")
	flag.Parse()
	if err := run(context.Background(), *loss, *steps); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, name string, steps int) error {
	in := layers.Apply(meseta.Input(28, 28, 1))
	x := layers.Apply(&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Activation: layers.ReLU}, in)
	x = layers.Apply(&layers.MaxPooling2D{}, x)
	x = layers.Apply(&layers.Conv2D{Filters: 32, KernelSize: layers.Square(3), Activation: layers.ReLU}, x)
	x = layers.Apply(&layers.GlobalAveragePooling2D{}, x)
	out := layers.Apply(&layers.Dense{Units: 10, Activation: layers.Softmax}, x)
	var f expr.Func
	switch name {
	case "focal":
		f = focal(2)
	case "dice":
		f = dice
	case "center":
		f = center(10, .01)
		out = layers.Apply(&layers.Concatenate{}, out, layers.Apply(centerDistances(10), x))
	default:
		return fmt.Errorf("there is no loss %q, there are focal, dice and center", name)
	}
	model := meseta.Functional(in, out)
	defer model.Close()
	optimizer := optimizers.NewAdam()
	optimizer.LearningRate = .005
	if err := model.Compile(meseta.Training{Optimizer: optimizer, Loss: expr.NewLoss(name, f), Metrics: []metrics.Metric{expr.NewMetric("hit", hit)}}); err != nil {
		return err
	}
	train, err := mnist.Train()
	if err != nil {
		return err
	}
	history, err := model.Fit(ctx, train, meseta.FitOptions{
		Epochs: 2, Steps: steps, BatchSize: 128, ValidationSplit: 0.1,
		Callbacks: []callbacks.Callback{&callbacks.ProgressBar{Output: os.Stderr}},
	})
	if err != nil {
		return err
	}
	last := len(history.Epoch) - 1
	fmt.Printf("%s loss %.4f, accuracy of the last validation %.2f %%\n", name, history.Metrics["val_loss"][last], 100*history.Metrics["val_hit"][last])
	return nil
}
