//go:build unix

package main

import (
	"fmt"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/data/mnist"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/schedules"
)

// task is a network with its data and how it is trained.
type task struct {
	model       string
	train, test data.Dataset
	optimizer   optimizers.Optimizer
	augment     augment.List
	callbacks   []callbacks.Callback
}

// taskOf finds a task by name.
func taskOf(name string, o options) (t task, err error) {
	switch name {
	case "mnist":
		t = task{model: "mnist-cnn", optimizer: optimizers.NewAdam()}
		if t.train, err = mnist.Train(); err != nil {
			return t, err
		}
		t.test, err = mnist.Test()
		return t, err
	case "cifar10":
		t = cifar10(o.epochs)
		train, test, err := data.OpenCIFAR10(o.dir)
		t.train, t.test = train, test
		return t, err
	}
	return t, fmt.Errorf("there is no %q, want mnist, cifar10 or convert", name)
}

// cifar10 is examples/cifar10/recipe.yaml with a schedule for so many epochs.
func cifar10(epochs int) task {
	return task{
		model:     "resnet20",
		optimizer: &optimizers.SGD{LearningRate: .1, Momentum: .9, Nesterov: true, WeightDecay: 5e-4},
		augment:   augment.List{&augment.RandomFlip{Mode: augment.Horizontal}, &augment.PadAndCrop{Padding: 4}, &augment.Cutout{Size: 8}},
		callbacks: []callbacks.Callback{
			&callbacks.WarmUp{Steps: 400},
			&callbacks.LearningRateScheduler{Schedule: schedules.Cosine{DecayEpochs: float64(epochs)}},
		},
	}
}
