package models

import "github.com/meseta-go/meseta/layers"

// mnistCNN is the network of Keras's example mnist_cnn: 28×28×1 to 10 classes, 1,199,882 parameters.
func mnistCNN(input layers.Shape, classes int) (*layers.Graph, error) {
	return layers.Sequential("mnist-cnn",
		&layers.InputLayer{Shape: input},
		&layers.Conv2D{Filters: 32, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.Conv2D{Filters: 64, KernelSize: layers.Square(3), Activation: layers.ReLU},
		&layers.MaxPooling2D{PoolSize: layers.Square(2)},
		&layers.Dropout{Rate: .25},
		&layers.Flatten{},
		&layers.Dense{Units: 128, Activation: layers.ReLU},
		&layers.Dropout{Rate: .5},
		&layers.Dense{Units: classes, Activation: layers.Softmax},
	)
}
