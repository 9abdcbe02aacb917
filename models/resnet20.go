package models

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

// resnet20 is the network for CIFAR of arXiv:1512.03385, section 4.2, with n = 3 and a projection where the size changes
// (option B): 32×32×3 to 10 classes, 272,474 trainable parameters.
func resnet20(input layers.Shape, classes int) (*layers.Graph, error) {
	in := layers.Apply(&layers.InputLayer{Shape: input})
	x := relu(convNorm(in, 16, 3, 1, "stem"), "stem_relu")
	for stage, filters := range []int{16, 32, 64} {
		for block := range 3 {
			name := fmt.Sprintf("stage%d_block%d", stage+1, block+1)
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			y := relu(convNorm(x, filters, 3, stride, name+"_1"), name+"_1_relu")
			y = convNorm(y, filters, 3, 1, name+"_2")
			if stride == 2 {
				x = convNorm(x, filters, 1, stride, name+"_shortcut")
			}
			x = relu(layers.Apply(&layers.Add{Name: name + "_add"}, y, x), name+"_relu")
		}
	}
	x = layers.Apply(&layers.GlobalAveragePooling2D{Name: "pool"}, x)
	x = layers.Apply(&layers.Dense{Name: "head", Units: classes, Activation: layers.Softmax}, x)
	return layers.Functional("resnet20", in, x)
}

// convNorm is a convolution without bias and a batch norm, with the paper's initial weights and the usual 0.9 and 1e-5.
func convNorm(x *layers.Node, filters, size, stride int, name string) *layers.Node {
	x = layers.Apply(&layers.Conv2D{
		Name: name + "_conv", Filters: filters, KernelSize: layers.Square(size), Strides: layers.Square(stride),
		Padding: layers.Same, NoBias: true, KernelInitializer: layers.HeNormal{},
	}, x)
	return norm(x, name+"_norm")
}
