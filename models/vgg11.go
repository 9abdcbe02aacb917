package models

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

// vgg11BN is configuration A of arXiv:1409.1556 with batch norm and one dense layer, as is usual for CIFAR: 32×32×3 to 10 classes,
// 9,231,114 trainable parameters.
func vgg11BN(input layers.Shape, classes int) (*layers.Graph, error) {
	list := []layers.Layer{&layers.InputLayer{Shape: input}}
	for i, stage := range [][]int{{64}, {128}, {256, 256}, {512, 512}, {512, 512}} {
		for j, filters := range stage {
			name := fmt.Sprintf("block%d_conv%d", i+1, j+1) // as keras.applications names VGG's
			list = append(list,
				&layers.Conv2D{Name: name, Filters: filters, KernelSize: layers.Square(3), Padding: layers.Same, KernelInitializer: layers.HeNormal{}},
				&layers.BatchNormalization{Name: name + "_bn", Momentum: .9, Epsilon: 1e-5},
				&layers.ReLULayer{Name: name + "_relu"})
		}
		list = append(list, &layers.MaxPooling2D{Name: fmt.Sprintf("block%d_pool", i+1)})
	}
	return layers.Sequential("vgg11-bn", append(list,
		&layers.Flatten{Name: "flatten"},
		&layers.Dense{Name: "predictions", Units: classes, Activation: layers.Softmax})...)
}
