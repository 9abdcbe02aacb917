//go:build unix

// Command race trains on real data, for bench/race.sh, and prints a line of JSON for each epoch. What it does, its peers do in
// ../peers/race_torch.py and ../peers/race_keras.py: the same network, first weights of the same distribution, optimizer, rates, batches and augmentation.
//
//	race mnist -epochs 12 -goal 0.99        # mnist-cnn on the embedded MNIST, Adam
//	race cifar10 -data DIR -epochs 60       # resnet20 as in examples/cifar10
//	race convert IMAGES DIR                 # CIFAR-10's images in class folders, as its binary version, which all contenders read
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/models"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "race:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want mnist, cifar10 or convert")
	}
	if args[0] == "convert" {
		if len(args) != 3 {
			return errors.New("convert wants the folder of images and the one to make")
		}
		return convert(args[1], args[2])
	}
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	o := options{}
	f.StringVar(&o.dir, "data", "", "CIFAR-10's binary version")
	f.IntVar(&o.epochs, "epochs", 12, "passes over the data")
	f.IntVar(&o.images, "images", 0, "train on so many images only; 0 means all")
	f.IntVar(&o.threads, "threads", 0, "0 means all")
	f.Uint64Var(&o.seed, "seed", 1, "of weights, order and augmentation")
	f.Float64Var(&o.goal, "goal", 0, "end with the epoch that reaches this test accuracy; 0 means none")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	t, err := taskOf(args[0], o)
	if err != nil {
		return err
	}
	return t.race(context.Background(), o, out)
}

// options are the command line.
type options struct {
	dir             string
	epochs          int
	images, threads int
	seed            uint64
	goal            float64
}

// race trains and prints to out.
func (t task) race(ctx context.Context, o options, out io.Writer) error {
	if o.images > 0 {
		var err error
		if t.train, err = data.Slice(t.train, 0, o.images); err != nil {
			return err
		}
	}
	network, err := models.New(t.model)
	if err != nil {
		return err
	}
	model := meseta.FromGraph(network)
	defer model.Close()
	if err := model.Compile(meseta.Training{
		Optimizer: t.optimizer, Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}},
		Seed: o.seed, Threads: o.threads,
	}); err != nil {
		return err
	}
	_, err = model.Fit(ctx, t.train, meseta.FitOptions{
		Epochs: o.epochs, BatchSize: 128, Validation: t.test, Augment: t.augment,
		Callbacks: append(t.callbacks, &clock{goal: o.goal, out: json.NewEncoder(out)}),
	})
	return err
}

// line is what an epoch prints. Times are of the whole process since its start, evaluations included, which are also given by themselves.
type line struct {
	Epoch             int     `json:"epoch"` // 1-based
	Steps             int     `json:"steps"` // updates so far
	Loss              float64 `json:"loss"`  // mean over the epoch, while weights change
	Accuracy          float64 `json:"accuracy"`
	TestLoss          float64 `json:"test_loss"`
	TestAccuracy      float64 `json:"test_accuracy"`
	CPUSeconds        float64 `json:"cpu_s"`
	EvaluationCPU     float64 `json:"evaluation_cpu_s"`
	EvaluationSeconds float64 `json:"evaluation_s"`
}

// clock is the callback that prints a line after each epoch, and stops at the goal.
type clock struct {
	goal float64
	out  *json.Encoder

	began           time.Time // of the evaluation that runs
	beganCPU        float64
	evaluation      time.Duration // of all so far
	evaluationInCPU float64
}

func (*clock) Name() string                 { return "clock" }
func (*clock) Begin(*callbacks.Setup) error { return nil }

// DecideEpoch stops at the goal.
func (c *clock) DecideEpoch(m callbacks.Moment) (*callbacks.Decision, error) {
	if c.goal == 0 || m.Logs["val_accuracy"] < c.goal {
		return nil, nil
	}
	return &callbacks.Decision{Callback: "clock", Action: callbacks.Stop, Metric: "val_accuracy", Reason: "the goal is reached"}, nil
}

// Watch takes the times.
func (c *clock) Watch(e callbacks.Event) error {
	switch e.Kind {
	case callbacks.TestBegin:
		c.began, c.beganCPU = time.Now(), cpuSeconds()
	case callbacks.TestEnd:
		c.evaluation += time.Since(c.began)
		c.evaluationInCPU += cpuSeconds() - c.beganCPU
	case callbacks.EpochEnd:
		return c.out.Encode(line{
			Epoch: e.Epoch + 1, Steps: e.Updates,
			Loss: e.Logs["loss"], Accuracy: e.Logs["accuracy"], TestLoss: e.Logs["val_loss"], TestAccuracy: e.Logs["val_accuracy"],
			CPUSeconds: cpuSeconds(), EvaluationCPU: c.evaluationInCPU, EvaluationSeconds: c.evaluation.Seconds(),
		})
	}
	return nil
}

// cpuSeconds is the time that this process has had on processors, all threads together.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no other errors than wrong arguments
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
