package models

import (
	"fmt"

	"github.com/meseta-go/meseta/layers"
)

// mobilenetV2 is the network of arXiv:1801.04381, table 2, at width 1: 96×96×3 to 1,000 classes, 3,504,872 trainable parameters.
//
// Layers are named as in keras.applications; batch norms have 0.9 and 1e-5, and strided convolutions a zero on each side, as in torchvision.
func mobilenetV2(input layers.Shape, classes int) (*layers.Graph, error) {
	in := layers.Apply(&layers.InputLayer{Shape: input})
	point := func(x *layers.Node, filters int, name string) *layers.Node {
		return layers.Apply(&layers.Conv2D{Name: name, Filters: filters, KernelSize: layers.Square(1), NoBias: true, KernelInitializer: layers.HeNormal{}}, x)
	}
	relu6 := func(x *layers.Node, name string) *layers.Node {
		return layers.Apply(&layers.ReLULayer{Name: name, MaxValue: 6}, x)
	}
	x := layers.Apply(&layers.Conv2D{
		Name: "Conv1", Filters: 32, KernelSize: layers.Square(3), Strides: layers.Square(2), NoBias: true, KernelInitializer: layers.HeNormal{},
	}, padded(in, 1, "Conv1_pad"))
	x = relu6(norm(x, "bn_Conv1"), "Conv1_relu")
	channels, block := 32, 0
	for _, s := range []struct{ expansion, filters, blocks, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range s.blocks {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			name := "expanded_conv_"
			y := x
			if block > 0 {
				name = fmt.Sprintf("block_%d_", block)
				y = point(y, s.expansion*channels, name+"expand")
				y = relu6(norm(y, name+"expand_BN"), name+"expand_relu")
			}
			y = layers.Apply(&layers.DepthwiseConv2D{
				Name: name + "depthwise", KernelSize: layers.Square(3), Strides: layers.Square(stride), NoBias: true, DepthwiseInitializer: layers.HeNormal{},
			}, padded(y, 1, name+"pad"))
			y = relu6(norm(y, name+"depthwise_BN"), name+"depthwise_relu")
			y = norm(point(y, s.filters, name+"project"), name+"project_BN")
			if stride == 1 && channels == s.filters {
				y = layers.Apply(&layers.Add{Name: name + "add"}, x, y)
			}
			x, channels, block = y, s.filters, block+1
		}
	}
	x = relu6(norm(point(x, 1280, "Conv_1"), "Conv_1_bn"), "out_relu")
	x = layers.Apply(&layers.GlobalAveragePooling2D{Name: "global_average_pooling2d"}, x)
	x = layers.Apply(&layers.Dropout{Name: "dropout", Rate: .2}, x)
	x = layers.Apply(&layers.Dense{Name: "predictions", Units: classes, Activation: layers.Softmax}, x)
	return layers.Functional("mobilenet-v2", in, x)
}
