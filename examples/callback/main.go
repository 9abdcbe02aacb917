// Command callback shows callbacks of one's own: one that decides (it stops at a goal) and one that watches (it prints a line).
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data/mnist"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/optimizers"
)

// goal stops a run when the validation accuracy is high enough. It only says so; the manager acts, after every callback has decided
// from the same numbers.
type goal struct{ accuracy float64 }

func (goal) Name() string { return "goal" }

// Begin finds mistakes before the first step.
func (goal) Begin(s *callbacks.Setup) error {
	if !s.Validation {
		return fmt.Errorf("goal: there is no validation data to reach it on")
	}
	return nil
}

// DecideEpoch makes goal a callbacks.EpochDecider.
func (g goal) DecideEpoch(m callbacks.Moment) (*callbacks.Decision, error) {
	reached := m.Logs["val_accuracy"]
	if reached < g.accuracy {
		return nil, nil
	}
	return &callbacks.Decision{
		Callback: "goal", Action: callbacks.Stop, Metric: "val_accuracy",
		Reason: fmt.Sprintf("val_accuracy %.4f reached %.4f", reached, g.accuracy),
	}, nil
}

// teller prints what happens.
type teller struct{}

func (teller) Name() string                 { return "teller" }
func (teller) Begin(*callbacks.Setup) error { return nil }
func (teller) Watch(e callbacks.Event) error { // makes teller a callbacks.Watcher
	if e.Kind == callbacks.EpochEnd {
		fmt.Printf("epoch %d: loss %.4f, val_accuracy %.4f\n", e.Epoch+1, e.Logs["loss"], e.Logs["val_accuracy"])
	}
	return nil
}

func main() {
	steps := flag.Int("steps", 0, "updates in all; 0 means twelve epochs")
	accuracy := flag.Float64("goal", 0.985, "validation accuracy to stop at")
	flag.Parse()
	if err := run(context.Background(), *steps, *accuracy); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, steps int, accuracy float64) error {
	network, err := models.New("mnist-cnn")
	if err != nil {
		return err
	}
	model := meseta.FromGraph(network)
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
	history, err := model.Fit(ctx, train, meseta.FitOptions{
		Epochs: 12, Steps: steps, BatchSize: 128, ValidationSplit: 0.1,
		Callbacks: []callbacks.Callback{goal{accuracy}, teller{}},
	})
	if err != nil {
		return err
	}
	fmt.Println("ended:", history.StopReason)
	return nil
}
