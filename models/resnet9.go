package models

import "github.com/meseta-go/meseta/layers"

// resnet9 is David Page's network for CIFAR ("How to train your ResNet", 2018), the one that won DAWNBench: 64-128(res)-256-512(res), with
// the logits × 0.125; 32×32×3 to 10 classes, 6,573,120 trainable parameters.
func resnet9(input layers.Shape, classes int) (*layers.Graph, error) {
	in := layers.Apply(&layers.InputLayer{Shape: input})
	block := func(x *layers.Node, filters int, name string) *layers.Node {
		return relu(convNorm(x, filters, 3, 1, name), name+"_relu")
	}
	pooled := func(x *layers.Node, filters int, name string) *layers.Node {
		return layers.Apply(&layers.MaxPooling2D{Name: name + "_pool"}, block(x, filters, name))
	}
	residual := func(x *layers.Node, filters int, name string) *layers.Node {
		y := block(block(x, filters, name+"_res1"), filters, name+"_res2")
		return layers.Apply(&layers.Add{Name: name + "_add"}, x, y)
	}
	x := block(in, 64, "prep")
	x = residual(pooled(x, 128, "layer1"), 128, "layer1")
	x = pooled(x, 256, "layer2")
	x = residual(pooled(x, 512, "layer3"), 512, "layer3")
	x = layers.Apply(&layers.MaxPooling2D{Name: "pool", PoolSize: layers.Square(4)}, x)
	x = layers.Apply(&layers.Flatten{Name: "flatten"}, x)
	x = layers.Apply(&layers.Dense{Name: "head", Units: classes, NoBias: true}, x)
	x = layers.Apply(&layers.Rescaling{Name: "scale", Scale: .125}, x)
	x = layers.Apply(&layers.SoftmaxLayer{Name: "softmax"}, x)
	return layers.Functional("resnet9", in, x)
}
