// Command folder trains on images of one's own: a folder, or an archive, with a folder of images for each class.
//
//	go run ./examples/folder -data photos.zip -size 64
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/losses"
	"github.com/meseta-go/meseta/metrics"
	"github.com/meseta-go/meseta/optimizers"
)

func main() {
	folder := flag.String("data", "", "folder, .zip, .tar or .tar.gz with a folder of images for each class")
	size := flag.Int("size", 64, "height and width that images are scaled to")
	epochs := flag.Int("epochs", 20, "passes over the images, at most")
	save := flag.String("save", "best.keras", "file for the best model")
	flag.Parse()
	if *folder == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background(), *folder, *size, *epochs, *save); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder string, size, epochs int, save string) error {
	images, err := data.OpenFolder(folder, data.FolderOptions{Size: [2]int{size, size}, Channels: 3, SkipBroken: true})
	if err != nil {
		return err
	}
	defer images.Close()
	for _, broken := range images.Broken() {
		fmt.Fprintln(os.Stderr, "left out:", broken.Err)
	}
	train, validation, err := data.HoldOut(images, images.Len()/5, 1)
	if err != nil {
		return err
	}
	model := meseta.Sequential(
		meseta.Input(size, size, 3),
		&layers.Conv2D{Filters: 16, KernelSize: layers.Square(3), Padding: layers.Same, Activation: layers.ReLU},
		&layers.MaxPooling2D{},
		&layers.Conv2D{Filters: 32, KernelSize: layers.Square(3), Padding: layers.Same, Activation: layers.ReLU},
		&layers.MaxPooling2D{},
		&layers.Conv2D{Filters: 64, KernelSize: layers.Square(3), Padding: layers.Same, Activation: layers.ReLU},
		&layers.GlobalAveragePooling2D{},
		&layers.Dropout{Rate: .3},
		&layers.Dense{Units: images.Classes(), Activation: layers.Softmax},
	)
	defer model.Close()
	if err := model.Compile(meseta.Training{
		Optimizer: optimizers.NewAdam(), Loss: losses.SparseCategoricalCrossentropy{}, Metrics: []metrics.Metric{metrics.Accuracy{}},
	}); err != nil {
		return err
	}
	best := callbacks.NewModelCheckpoint(save)
	best.Monitor, best.SaveBestOnly = "val_accuracy", true
	if _, err := model.Fit(ctx, train, meseta.FitOptions{
		Epochs: epochs, BatchSize: 32, Validation: validation,
		Callbacks: []callbacks.Callback{
			&callbacks.EarlyStopping{Monitor: "val_loss", Patience: 5, RestoreBestWeights: true},
			best,
			&callbacks.ProgressBar{Output: os.Stderr},
		},
	}); err != nil {
		return err
	}
	result, err := model.Evaluate(ctx, validation, 32)
	if err != nil {
		return err
	}
	fmt.Printf("%d classes %v: validation accuracy %.1f %%; the best model is in %s\n", images.Classes(), images.ClassNames(), 100*result["accuracy"], save)
	return nil
}
