package models

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

// resnet50 is the network for ImageNet of arXiv:1512.03385, table 1, in the form known as v1.5: the 3×3 convolution of a stage's first
// block has the stride, and no convolution has a bias; 224×224×3 to 1,000 classes, 25,557,032 trainable parameters.
//
// Layers are named as in keras.applications, whose own ResNet50 is v1 with biases.
func resnet50(input layers.Shape, classes int) (*layers.Graph, error) {
	in := layers.Apply(&layers.InputLayer{Shape: input})
	conv := func(x *layers.Node, filters, size, stride int, name string) *layers.Node {
		if size > 1 {
			x = padded(x, size/2, name+"_pad")
		}
		x = layers.Apply(&layers.Conv2D{
			Name: name + "_conv", Filters: filters, KernelSize: layers.Square(size), Strides: layers.Square(stride),
			NoBias: true, KernelInitializer: layers.HeNormal{},
		}, x)
		return norm(x, name+"_bn")
	}
	x := relu(conv(in, 64, 7, 2, "conv1"), "conv1_relu")
	x = layers.Apply(&layers.MaxPooling2D{Name: "pool1_pool", PoolSize: layers.Square(3), Strides: layers.Square(2)}, padded(x, 1, "pool1_pad"))
	for stage, blocks := range []int{3, 4, 6, 3} {
		filters := 64 << stage
		for block := range blocks {
			name := fmt.Sprintf("conv%d_block%d", stage+2, block+1)
			stride, shortcut := 1, x
			if block == 0 {
				if stage > 0 {
					stride = 2
				}
				shortcut = conv(x, 4*filters, 1, stride, name+"_0")
			}
			y := relu(conv(x, filters, 1, 1, name+"_1"), name+"_1_relu")
			y = relu(conv(y, filters, 3, stride, name+"_2"), name+"_2_relu")
			y = conv(y, 4*filters, 1, 1, name+"_3")
			x = relu(layers.Apply(&layers.Add{Name: name + "_add"}, shortcut, y), name+"_out")
		}
	}
	x = layers.Apply(&layers.GlobalAveragePooling2D{Name: "avg_pool"}, x)
	x = layers.Apply(&layers.Dense{Name: "predictions", Units: classes, Activation: layers.Softmax}, x)
	return layers.Functional("resnet50", in, x)
}
