// Package bench holds the workloads and the single operations that meseta is measured on. The scripts beside it run it by turns with its peers and
// print ratios; the command's `bench` runs ours alone.
package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meseta-go/meseta/optimizers"
)

// Workload is a model of package models with the way it is trained in measurements.
type Workload struct {
	Model     string
	Batch     int
	Optimizer optimizers.Optimizer
}

// Workloads are the measured ones; the scripts train their peers the same way, as far as they know the model.
func Workloads() []Workload {
	return []Workload{
		{"mnist-cnn", 128, optimizers.NewAdam()},
		{"resnet20", 128, &optimizers.SGD{LearningRate: .1, Momentum: .9, WeightDecay: 1e-4}},
		{"resnet9", 128, &optimizers.SGD{LearningRate: .1, Momentum: .9, Nesterov: true, WeightDecay: 5e-4}},
		{"vgg11-bn", 64, &optimizers.SGD{LearningRate: .05, Momentum: .9, WeightDecay: 5e-4}},
		{"resnet50", 8, &optimizers.SGD{LearningRate: .1, Momentum: .9, WeightDecay: 1e-4}},
		{"mobilenet-v2", 32, &optimizers.SGD{LearningRate: .05, Momentum: .9, WeightDecay: 4e-5}},
	}
}

// Find gives the workload of a model's name.
func Find(model string) (Workload, error) {
	var names []string
	for _, w := range Workloads() {
		if w.Model == model {
			return w, nil
		}
		names = append(names, w.Model)
	}
	slices.Sort(names)
	return Workload{}, fmt.Errorf("bench: there is no workload %q, there are %s", model, strings.Join(names, ", "))
}
