package meseta_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gorgonia.org/tensor"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
)

func Example() {
	model := meseta.Sequential(
		meseta.Input(8, 8, 1),
		&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.GlobalAveragePooling2D{},
		&layers.Dense{Units: 3, Activation: layers.Softmax},
	)
	defer model.Close()
	if err := model.Compile(meseta.Training{Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}}); err != nil {
		log.Fatal(err)
	}
	train, err := data.Synthetic(100, []int{8, 8, 1}, 3, 1)
	if err != nil {
		log.Fatal(err)
	}
	history, err := model.Fit(context.Background(), train, meseta.FitOptions{Epochs: 2, BatchSize: 32})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(history.Metrics["loss"]), "epochs:", history.StopReason)
	// Output: 2 epochs: all epochs done
}

// A network with a shortcut.
func ExampleFunctional() {
	in := layers.Apply(meseta.Input(8, 8, 4))
	x := layers.Apply(&layers.Conv2D{Filters: 4, KernelSize: layers.Square(3), Padding: layers.Same}, in)
	x = layers.Apply(&layers.Add{}, x, in)
	x = layers.Apply(&layers.GlobalAveragePooling2D{}, x)
	graph, err := meseta.Functional(in, x).Graph()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(meseta.Summary(graph, 80))
	// Output:
	// Model: "functional"
	// ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
	// ┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
	// ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
	// │ input_layer         │ (None, 8, 8, 4)   │          0 │ -                 │
	// │ (InputLayer)        │                   │            │                   │
	// ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
	// │ conv2d (Conv2D)     │ (None, 8, 8, 4)   │        148 │ input_layer[0][0] │
	// ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
	// │ add (Add)           │ (None, 8, 8, 4)   │          0 │ conv2d[0][0],     │
	// │                     │                   │            │ input_layer[0][0] │
	// ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
	// │ global_average_poo… │ (None, 4)         │          0 │ add[0][0]         │
	// │ (GlobalAveragePool… │                   │            │                   │
	// └─────────────────────┴───────────────────┴────────────┴───────────────────┘
	//  Total params: 148 (592.00 B)
	//  Trainable params: 148 (592.00 B)
	//  Non-trainable params: 0 (0.00 B)
}

// A network that brings its inputs to mean 0 and deviation 1, as measured on the training data.
func ExampleAdapt() {
	train, err := data.Synthetic(100, []int{8, 8, 3}, 3, 1)
	if err != nil {
		log.Fatal(err)
	}
	normalize := &layers.Normalization{}
	if err := meseta.Adapt(context.Background(), normalize, train); err != nil {
		log.Fatal(err)
	}
	model := meseta.Sequential(meseta.Input(8, 8, 3), normalize, &layers.GlobalMaxPooling2D{}, &layers.Dense{Units: 3, Activation: layers.Softmax})
	defer model.Close()
	fmt.Println(len(normalize.Mean), "means,", len(normalize.Variance), "variances")
	// Output: 3 means, 3 variances
}

// Training with validation after each epoch; the run ends when that no longer gets better, with the best epoch's weights.
func ExampleModel_Fit() {
	model := meseta.Sequential(
		meseta.Input(8, 8, 1),
		&layers.Flatten{},
		&layers.Dense{Units: 3, Activation: layers.Softmax},
	)
	defer model.Close()
	if err := model.Compile(meseta.Training{
		Optimizer: optimizers.NewAdam(),
		Loss:      losses.SparseCategoricalCrossentropy{},
		Metrics:   []metrics.Metric{metrics.Accuracy{}},
	}); err != nil {
		log.Fatal(err)
	}
	samples, err := data.Synthetic(100, []int{8, 8, 1}, 3, 1)
	if err != nil {
		log.Fatal(err)
	}
	history, err := model.Fit(context.Background(), samples, meseta.FitOptions{
		Epochs: 50, BatchSize: 16, ValidationSplit: 0.2,
		Callbacks: []callbacks.Callback{&callbacks.EarlyStopping{Monitor: "val_loss", Patience: 3, RestoreBestWeights: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(slices.Sorted(maps.Keys(history.Metrics)))
	// Output: [accuracy learning_rate loss val_accuracy val_loss]
}

// A file that Keras opens, too.
func ExampleModel_Save() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "model.keras")

	model := meseta.Sequential(meseta.Input(4), &layers.Dense{Units: 2, Activation: layers.Softmax})
	defer model.Close()
	if err := model.Compile(meseta.Training{Optimizer: optimizers.NewSGD(), Loss: losses.CategoricalCrossentropy{}}); err != nil {
		log.Fatal(err)
	}
	if err := model.Save(file); err != nil {
		log.Fatal(err)
	}

	loaded, err := meseta.Load(file)
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close()
	training, compiled := loaded.Training()
	fmt.Println(compiled, training.Optimizer.ClassName(), training.Loss.ClassName())
	// Output: true SGD CategoricalCrossentropy
}

// The output of a network for two samples.
func ExampleModel_Predict() {
	model := meseta.Sequential(meseta.Input(3), &layers.Dense{Units: 1, KernelInitializer: layers.Ones{}})
	defer model.Close()
	x := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	y, err := model.Predict(context.Background(), x, 32)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Shape(), y.Data())
	// Output: (2, 1) [6 15]
}
